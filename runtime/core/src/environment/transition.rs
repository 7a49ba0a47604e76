//! The transitions of an environment, and what each does in which order (`runtime.md` 2.1, 3.5-3.7).

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cause::Cause;

use super::hooks::{Half, Pass};

/// Steps at the end of an environment: tasks are let go of, and then the last hooks run.
pub(super) const RELEASING: &str = "DESTROY";
pub(super) const RELEASED: &str = "after_DESTROY";

/// State of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// Created, no task yet.
    Standby,
    /// Tasks are there.
    Deployed,
    /// Tasks are configured.
    Configured,
    /// A run is under way.
    Running,
    /// Something critical failed.
    Error,
    /// Gone.
    Done,
}

/// A transition of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transition {
    /// Start the tasks.
    Deploy,
    /// Configure them.
    Configure,
    /// Begin a run.
    Start,
    /// End it.
    Stop,
    /// Back to deployed.
    Reset,
    /// Something critical failed. Never asked for by people.
    GoError,
    /// Out of ERROR, back to deployed: tasks in ERROR recover, where they can.
    Recover,
}

impl State {
    /// Name as in triggers and in the interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standby => "STANDBY",
            Self::Deployed => "DEPLOYED",
            Self::Configured => "CONFIGURED",
            Self::Running => "RUNNING",
            Self::Error => "ERROR",
            Self::Done => "DONE",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Transition {
    /// Name as in triggers and in the interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deploy => "DEPLOY",
            Self::Configure => "CONFIGURE",
            Self::Start => "START_ACTIVITY",
            Self::Stop => "STOP_ACTIVITY",
            Self::Reset => "RESET",
            Self::GoError => "GO_ERROR",
            Self::Recover => "RECOVER",
        }
    }

    /// Name of the event that tasks get, and the states it leads from and to (`executor.proto`). DEPLOY sends
    /// none; `GO_ERROR` sends STOP.
    pub fn task_event(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Deploy | Self::Configure => ("CONFIGURE", "STANDBY", "CONFIGURED"),
            Self::Start => ("START", "CONFIGURED", "RUNNING"),
            Self::Stop | Self::GoError => ("STOP", "RUNNING", "CONFIGURED"),
            Self::Reset => ("RESET", "CONFIGURED", "STANDBY"),
            Self::Recover => ("RECOVER", "ERROR", "STANDBY"),
        }
    }

    /// Where this leads from a state; `None`: it is not allowed there.
    pub fn destination(self, from: State) -> Option<State> {
        match (self, from) {
            (Self::Deploy, State::Standby)
            | (Self::Reset, State::Configured | State::Error)
            | (Self::Recover, State::Error) => Some(State::Deployed),
            (Self::Configure, State::Deployed) | (Self::Stop, State::Running) => Some(State::Configured),
            (Self::Start, State::Configured) => Some(State::Running),
            (Self::GoError, State::Standby | State::Deployed | State::Configured | State::Running) => {
                Some(State::Error)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that a transition does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    /// What follows is a step that people know by this name.
    Begin(String),
    /// That step is over.
    End,
    /// Run hooks.
    Hooks(Pass),
    /// Get a run number and open the run.
    OpenRun,
    /// The run is running.
    RunStarted,
    /// The run is about to end.
    CloseRun,
    /// The run has ended.
    RunEnded,
    /// There is no run any more.
    ForgetRun,
    /// Command the tasks.
    Tasks(Transition),
    /// Command those tasks that are in the state that this leads from.
    TasksThere(Transition),
    /// Change the state.
    Enter(State),
    /// Note when the state was entered.
    EnterTime,
    /// Forget the calls that nobody will wait for.
    CancelCalls,
    /// End all tasks, or leave them.
    EndTasks {
        /// Leave them.
        keep: bool,
    },
}

/// What an environment is going through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Program {
    /// `None`: the end of the environment.
    pub(super) transition: Option<Transition>,
    /// What is still to be done.
    pub(super) steps: VecDeque<Step>,
    /// The step that is under way, as people know it, and what went wrong in it.
    step: Option<String>,
    step_error: Option<String>,
    /// What went wrong.
    error: Option<String>,
}

impl Program {
    /// What a transition does, in order.
    pub(super) fn of(transition: Transition, from: State, to: State) -> Self {
        let mut steps = VecDeque::new();
        let hooks = |kind: &str, what: &str, half| Step::Hooks(Pass::new(&[format!("{kind}_{what}")], half));
        let begin = |kind: &str, what: &str| Step::Begin(format!("{kind}_{what}"));
        let event = transition.name();
        steps.extend([begin("before", event), hooks("before", event, Half::Early)]);
        steps.extend(match transition {
            Transition::Start => Some(Step::OpenRun),
            Transition::Stop | Transition::GoError => Some(Step::CloseRun),
            _ => None,
        });
        steps.extend([hooks("before", event, Half::Late), Step::End]);
        steps.push_back(begin("leave", from.name()));
        steps.push_back(hooks("leave", from.name(), Half::Early));
        steps.extend([hooks("leave", from.name(), Half::Late), Step::End]);
        steps.push_back(begin("tasks", event));
        steps.extend(Self::tasks(transition, from));
        steps.extend([Step::Enter(to), Step::End]);
        steps.push_back(begin("enter", to.name()));
        steps.extend([hooks("enter", to.name(), Half::Early), Step::EnterTime]);
        steps.extend([hooks("enter", to.name(), Half::Late), Step::End]);
        steps.extend([begin("after", event), hooks("after", event, Half::Early)]);
        steps.extend(match transition {
            Transition::Start => Some(Step::RunStarted),
            Transition::Stop | Transition::GoError => Some(Step::RunEnded),
            _ => None,
        });
        steps.extend([hooks("after", event, Half::Late), Step::End]);
        if matches!(transition, Transition::Stop | Transition::GoError) {
            steps.push_back(Step::ForgetRun);
        }
        Self::new(Some(transition), steps)
    }

    /// What the tasks do. In ERROR each may be somewhere else.
    fn tasks(transition: Transition, from: State) -> Vec<Step> {
        let there = |events: &[Transition]| events.iter().copied().map(Step::TasksThere).collect();
        match (transition, from) {
            (Transition::GoError, _) => there(&[Transition::GoError]),
            (Transition::Recover, _) => there(&[Transition::Stop, Transition::Reset, Transition::Recover]),
            (Transition::Reset, State::Error) => there(&[Transition::Stop, Transition::Reset]),
            _ => vec![Step::Tasks(transition)],
        }
    }

    fn new(transition: Option<Transition>, steps: VecDeque<Step>) -> Self {
        Self {
            transition,
            steps,
            step: None,
            step_error: None,
            error: None,
        }
    }

    /// How an environment ends. DESTROY and `after_DESTROY` hooks share one row of weights.
    pub(super) fn teardown(from: State, keep: bool) -> Self {
        let leave = format!("leave_{from}");
        let last = [RELEASING.to_owned(), RELEASED.to_owned()];
        let steps = [
            Step::Begin("before_DESTROY".to_owned()),
            Step::Begin(leave.clone()),
            Step::Hooks(Pass::new(std::slice::from_ref(&leave), Half::Early)),
            Step::Hooks(Pass::new(&[leave], Half::Late)),
            Step::CloseRun,
            Step::Begin(RELEASING.to_owned()),
            Step::Begin(RELEASED.to_owned()),
            Step::Hooks(Pass::unstoppable(&last)),
            Step::RunEnded,
            Step::ForgetRun,
            Step::CancelCalls,
            Step::EndTasks { keep },
            Step::Enter(State::Done),
        ];
        Self::new(None, steps.into())
    }

    /// Notes what went wrong; the first is what people are told of it.
    pub(super) fn note_error(&mut self, cause: &Cause) {
        if self.error.is_some() && (self.step.is_none() || self.step_error.is_some()) {
            return;
        }
        let text = cause.to_string();
        let error = text.lines().next().unwrap_or_default();
        self.error.get_or_insert_with(|| error.to_owned());
        if self.step.is_some() {
            self.step_error.get_or_insert_with(|| error.to_owned());
        }
    }

    pub(super) fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }

    pub(super) fn begin_step(&mut self, step: String) {
        self.step = Some(step);
        self.step_error = None;
    }

    /// The step that is under way, with what went wrong in it: it is over now.
    pub(super) fn end_step(&mut self) -> Option<(String, Option<String>)> {
        Some((self.step.take()?, self.step_error.take()))
    }

    /// The environment has let go of its tasks.
    pub(super) fn has_released(&self) -> bool {
        let released = |step: &str| step == RELEASING || step == RELEASED;
        self.transition.is_none() && self.step.as_deref().is_some_and(released)
    }

    /// A failure stops it here: nothing has changed yet that would have to be finished. `GO_ERROR` and the end of
    /// the environment always go on.
    pub(super) fn can_be_cancelled(&self) -> bool {
        self.transition
            .is_some_and(|transition| transition != Transition::GoError)
            && self.steps.iter().any(|step| matches!(step, Step::Enter(_)))
    }
}
