//! The variables of a run (`runtime.md` 3.5, 3.6).

use std::time::Duration;

use partita_artefact::duration;
use partita_artefact::surroundings::{ARGUMENTS, STOP_ARGUMENTS};

use super::message::{Effect, Timer};
use super::observation::Advance;
use super::transition::Transition;
use super::{Environment, Wait};
use crate::cause::{Cause, Patience};

/// Counts the runs of the environment; from the second on, devices must purge old data.
const CLEANUP_COUNT: &str = "__fmq_cleanup_count";

impl Environment {
    pub(super) fn open_run(&mut self) {
        self.effects.push(Effect::AllocateRunNumber);
        let deadline = self.plan.deadlines.run_number;
        self.set_timer(Timer::RunNumber, deadline.into(), "run number".to_owned());
        self.wait = Some(Wait::RunNumber);
    }

    pub(super) fn run_number(&mut self, number: Result<u32, String>) {
        if !matches!(self.wait, Some(Wait::RunNumber)) {
            return;
        }
        self.cancel_timer(Timer::RunNumber);
        self.wait = None;
        match number {
            Ok(number) => {
                self.run = Some(number);
                let now = self.now.to_string();
                for (name, value) in [
                    ("run_number", number.to_string()),
                    ("runNumber", number.to_string()),
                    ("run_start_time_ms", now),
                    ("run_start_completion_time_ms", String::new()),
                    ("run_end_time_ms", String::new()),
                    ("run_end_completion_time_ms", String::new()),
                ] {
                    self.set_variable(0, name, Some(value));
                }
                self.observe_run(Advance::Begun);
                self.observe_state();
            }
            Err(reason) => self.fail(vec![Cause::new(format!("no run number: {reason}"))]),
        }
    }

    pub(super) fn run_number_late(&mut self) {
        if matches!(self.wait, Some(Wait::RunNumber)) {
            self.wait = None;
            let deadline = self.plan.deadlines.run_number;
            let cause = Cause::new("there is no run number").after(deadline.name, deadline.time);
            self.fail(vec![cause]);
        }
    }

    pub(super) fn run_started(&mut self) {
        let count: u64 = self
            .variable(CLEANUP_COUNT)
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        self.set_variable(0, CLEANUP_COUNT, Some(count.saturating_add(1).to_string()));
        if self.stamp("run_start_completion_time_ms") {
            self.observe_run(Advance::Ended { error: None });
        }
        if let Some(time) = self.auto_stop() {
            let deadline = Patience {
                name: "auto_stop_timeout".to_owned(),
                time,
            };
            self.set_timer(Timer::AutoStop, deadline, "automatic end of the run".to_owned());
        }
    }

    fn auto_stop(&mut self) -> Option<Duration> {
        if self.variable("auto_stop_enabled") != Some("true") {
            return None;
        }
        match duration::parse(self.variable("auto_stop_timeout").unwrap_or_default()) {
            Ok(time) => Some(time),
            Err(error) => {
                self.harmless(Cause::new(format!(
                    "the run will not stop by itself: auto_stop_timeout: {error}"
                )));
                None
            }
        }
    }

    pub(super) fn close_run(&mut self) {
        if self.run.is_some() && self.stamp("run_end_time_ms") {
            self.observe_run(Advance::Begun);
        }
    }

    pub(super) fn run_ended(&mut self) {
        if self.run.is_some() && self.stamp("run_end_completion_time_ms") {
            self.observe_run(Advance::Ended { error: None });
        }
        self.cancel_timer(Timer::AutoStop);
    }

    pub(super) fn forget_run(&mut self) {
        if let Some(number) = self.run.take() {
            self.set_variable(0, "last_run_number", Some(number.to_string()));
            self.set_variable(0, "run_number", None);
            self.set_variable(0, "runNumber", None);
            self.observe_state();
        }
    }

    /// Sets a time stamp, unless it is set.
    fn stamp(&mut self, name: &str) -> bool {
        let unset = self.variable(name).is_none_or(str::is_empty);
        if unset {
            self.set_variable(0, name, Some(self.now.to_string()));
        }
        unset
    }

    /// What goes to all tasks with a transition.
    pub(super) fn arguments(&self, transition: Transition) -> Vec<(String, String)> {
        let names = match transition {
            Transition::Start => ARGUMENTS.as_slice(),
            Transition::Stop | Transition::GoError => ARGUMENTS.get(..STOP_ARGUMENTS).unwrap_or_default(),
            _ => &[],
        };
        let mut arguments = Vec::new();
        if transition == Transition::Start {
            let number = self.run.map(|number| number.to_string()).unwrap_or_default();
            arguments.push(("runNumber".to_owned(), number));
            let cleanup = self.variable(CLEANUP_COUNT).unwrap_or("0").to_owned();
            arguments.push(("cleanup".to_owned(), cleanup));
        }
        for name in names {
            let Some(value) = self.variable(name) else {
                continue;
            };
            arguments.push(((*name).to_owned(), value.to_owned()));
            let camel = lower_camel(name);
            if transition != Transition::GoError && !arguments.iter().any(|(key, _)| *key == camel) {
                arguments.push((camel, value.to_owned()));
            }
        }
        arguments
    }
}

/// `run_end_time_ms` as `runEndTimeMs`.
fn lower_camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
