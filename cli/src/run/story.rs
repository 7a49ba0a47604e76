//! What a person sees of a run: a line for each thing that happens, and on a terminal one more that is alive.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use partita_core::cause::Cause;
use partita_core::core::{Core, CoreError, Snapshot};
use partita_core::environment::{Observation, Progress, State};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::tree;
use crate::failure::Failure;
use crate::terminal;

/// How often the living line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// How many roles that are waited for the living line names.
const LATE: usize = 3;

/// How many roles a summary of causes names.
const NAMES: usize = 5;

/// One environment, as the story sees it.
pub(super) struct View<'a> {
    pub(super) core: &'a Core,
    pub(super) id: &'a str,
    pub(super) observations: Receiver<Observation>,
}

/// The story of one run, told on standard error.
pub(super) struct Story {
    began: Instant,
    living: ProgressBar,
    state: Option<State>,
    run: Option<u32>,
    /// Causes that were told already: each is told once.
    told: BTreeSet<String>,
    /// A signal has asked for the end.
    interrupted: bool,
    /// Calls that the test service answered, by role, with their number.
    answered: BTreeMap<String, usize>,
}

impl Story {
    #[allow(
        clippy::disallowed_methods,
        reason = "times are shown to people; nothing is decided by them"
    )]
    pub(super) fn begin(root: &str, digest: &str) -> Self {
        let living = if terminal::live() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        // Elapsed time is the spinner's own: it starts with the command.
        living.set_style(
            ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        living.enable_steady_tick(TICK);
        let story = Self {
            began: Instant::now(),
            living,
            state: None,
            run: None,
            told: BTreeSet::new(),
            interrupted: false,
            answered: BTreeMap::new(),
        };
        story.say(&format!("{root} loaded as {digest}"));
        story
    }

    /// A line above the living one; plain where there is no terminal.
    fn say(&self, text: &str) {
        self.living.suspend(|| eprintln!("{text}"));
    }

    fn say_timed(&self, text: &str) {
        self.say(&format!("{:9.3} s  {text}", self.began.elapsed().as_secs_f64()));
    }

    pub(super) fn environment(&self, id: &str, warnings: &[String]) {
        self.say_timed(&format!("environment {id}"));
        for warning in warnings {
            self.say(&format!("{} {warning}", terminal::warning_label()));
        }
    }

    /// Whether a signal has asked for the end already.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    pub(super) fn interrupted(&mut self, signal: &str) {
        self.interrupted = true;
        self.say_timed(&format!(
            "{signal}: stopping in order; once more to stop by force"
        ));
    }

    pub(super) fn ended_by_itself(&self) {
        self.say_timed("the run has ended by itself");
    }

    pub(super) fn forced(&self, signal: &str) {
        self.say_timed(&format!("{signal}: stopping by force"));
    }

    /// Tells what happens until the work is done, and all that had happened by then.
    pub(super) async fn watching<T>(
        &mut self,
        view: &mut View<'_>,
        work: impl Future<Output = Result<T, CoreError>>,
    ) -> Result<T, CoreError> {
        tokio::pin!(work);
        let mut pulse = tokio::time::interval(TICK);
        let result = loop {
            tokio::select! {
                biased;
                observation = view.observations.recv() => match observation {
                    Ok(observation) => self.tell(&observation),
                    Err(RecvError::Lagged(missed)) => self.say(&format!("… {missed} more …")),
                    Err(RecvError::Closed) => break work.await,
                },
                result = &mut work => break result,
                _ = pulse.tick(), if !self.living.is_hidden() => self.draw_waiting(view).await,
            }
        };
        while let Ok(observation) = view.observations.try_recv() {
            self.tell(&observation);
        }
        result
    }

    /// The living line while a request is under way: what is left of each deadline, and who is late.
    async fn draw_waiting(&self, view: &View<'_>) {
        let Ok(snapshot) = view.core.snapshot(view.id).await else {
            return;
        };
        let doing = snapshot
            .transition
            .map_or_else(|| snapshot.state.to_string(), |one| one.name().to_owned());
        let deadlines = snapshot.deadlines.iter().map(|deadline| {
            let mut late: Vec<&str> = deadline.late.iter().take(LATE).map(String::as_str).collect();
            if deadline.late.len() > LATE {
                late.push("…");
            }
            let whom = if late.is_empty() {
                String::new()
            } else {
                format!(", waiting for {}", late.join(", "))
            };
            format!("{}: {} s left{whom}", deadline.what, deadline.left.as_secs())
        });
        let text: Vec<String> = std::iter::once(doing).chain(deadlines).collect();
        self.living.set_message(text.join("  "));
    }

    /// Tells what happens until the environment is no longer in a run, and gives the state it is in then.
    pub(super) async fn until_it_stops(&mut self, view: &mut View<'_>) -> State {
        loop {
            match view.observations.recv().await {
                Ok(observation) => {
                    self.tell(&observation);
                    if let Observation::Environment {
                        state,
                        transition: None,
                        ..
                    } = observation
                        && state != State::Running
                    {
                        return state;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return State::Done,
            }
        }
    }

    fn tell(&mut self, observation: &Observation) {
        match observation {
            Observation::Environment {
                state,
                transition,
                run,
            } => {
                if self.state != Some(*state) {
                    let number = run.map(|run| format!(", run {run}")).unwrap_or_default();
                    self.say_timed(&format!("{state}{number}"));
                }
                self.state = Some(*state);
                self.run = run.or(self.run);
                let doing =
                    transition.map_or_else(|| state.to_string(), |transition| transition.name().to_owned());
                self.living.set_message(doing);
            }
            Observation::Hook {
                path,
                moment,
                progress,
                ..
            } => self.tell_hook(path, moment, progress),
            Observation::Cause(cause) => self.tell_cause(cause),
            Observation::Created { .. }
            | Observation::Advance { .. }
            | Observation::ErrorImminent { .. }
            | Observation::Run { .. }
            | Observation::Task { .. }
            | Observation::Role { .. } => {}
            Observation::Gone => {
                if self.state != Some(State::Done) {
                    self.say_timed("DONE");
                    self.state = Some(State::Done);
                }
            }
        }
    }

    fn tell_hook(&mut self, path: &str, moment: &str, progress: &Progress) {
        match progress {
            Progress::Started | Progress::Ended { stand_in: false } => {}
            Progress::Ended { stand_in: true } => *self.answered.entry(path.to_owned()).or_default() += 1,
            Progress::Failed(cause) => self.tell_cause(cause),
            Progress::Skipped(reason) => self.say_timed(&format!("{path} at {moment}: not run: {reason}")),
        }
    }

    /// Tells a cause with all that led to it; what was told before is only named.
    fn tell_cause(&mut self, cause: &Cause) {
        let (known, news): (Vec<&Cause>, Vec<&Cause>) = cause
            .because
            .iter()
            .partition(|one| self.told.contains(&one.to_string()));
        let mut names: Vec<&str> = known.iter().filter_map(|one| one.role.as_deref()).collect();
        let more = names.len().saturating_sub(NAMES);
        names.truncate(NAMES);
        let mut shown = cause.clone();
        shown.because = news.into_iter().cloned().collect();
        if !names.is_empty() {
            shown.what = format!("{}, because of {}", shown.what, names.join(", "));
        }
        if more > 0 {
            shown.what = format!("{} and {more} more", shown.what);
        }
        let new = self.told.insert(cause.to_string());
        self.told.extend(cause.because.iter().map(ToString::to_string));
        if new {
            let label = if cause.harmless {
                terminal::warning_label()
            } else {
                terminal::error_label()
            };
            self.say(&format!("{label} {shown}"));
        }
    }

    /// The tree at the beginning of the run, and how long it will last.
    pub(super) fn running(&self, snapshot: &Snapshot, time: Option<Duration>) {
        let tree = tree::draw(&snapshot.roles);
        if !tree.is_empty() {
            self.say(tree.trim_end());
        }
        let run = self.run.map(|run| format!("run {run}")).unwrap_or_default();
        let rest = time.map_or("until stopped (Ctrl-C)".to_owned(), |time| {
            format!("for {time:?}")
        });
        self.say_timed(&format!("{run}: taking data {rest}"));
        self.living
            .set_message(format!("RUNNING, {run}: taking data {rest}"));
    }

    /// What a failed request comes down to. The chain of causes is told once.
    pub(super) fn failure(&mut self, error: &CoreError) -> Failure {
        if let CoreError::Failed { cause, .. } = error {
            self.tell_cause(cause);
            return Failure::No(String::new());
        }
        Failure::No(error.to_string())
    }

    pub(super) fn end(self, well: bool) {
        self.living.finish_and_clear();
        if !self.answered.is_empty() {
            eprintln!("answered by the test service, for services that are not here:");
            for (path, count) in &self.answered {
                eprintln!("  {path} ×{count}");
            }
        }
        if let (Some(run), true) = (self.run, well) {
            println!("run {run}");
        }
    }
}
