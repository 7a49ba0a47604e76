//! Calls of services: started at their trigger, collected at their await, each exactly once (`runtime.md` 3.9).

use serde::{Deserialize, Serialize};

use super::hooks::Pass;
use super::message::{CallReport, CommandId, Effect, Timer};
use super::observation::Progress;
use super::plan::CallIndex;
use super::{Environment, Wait};
use crate::cause::{Cause, Patience};
use partita_artefact::instance::Moment;

/// A call that was started and not yet collected.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StartedCall {
    pub(super) call: CallIndex,
    pub(super) moment: String,
    /// The result, if it has ended and has one.
    #[serde(default)]
    pub(super) output: String,
    /// The moment at which it was to be collected does not come: what becomes of it is told, and that is all.
    #[serde(default)]
    pub(super) forgotten: bool,
    pub(super) outcome: Option<Result<(), Cause>>,
}

impl Environment {
    pub(super) fn await_of(&self, started: &StartedCall) -> Option<&Moment> {
        self.plan.calls.get(started.call)?.await_at.as_ref()
    }

    pub(super) fn start_calls(&mut self, due: &[CallIndex], moment: &str) {
        for call in due.iter().copied() {
            let Some(timeout) = self.plan.calls.get(call).map(|call| call.timeout) else {
                continue;
            };
            let command = self.next_command();
            let started = StartedCall {
                call,
                moment: moment.to_owned(),
                output: String::new(),
                forgotten: false,
                outcome: None,
            };
            self.observe_call(&started, Progress::Started);
            self.calls.insert(command, started);
            self.effects.push(Effect::Call {
                command,
                call,
                timeout,
            });
            let what = format!("call {}", self.call_path(call));
            self.set_timer(Timer::Call(command), Patience::of_timeout(timeout), what);
        }
    }

    /// Takes the calls that are awaited now, each exactly once. `false`: some have not ended.
    pub(super) fn collect_calls(&mut self, pass: &mut Pass) -> bool {
        let due = |started: &StartedCall| !started.forgotten && pass.is_now(self.await_of(started));
        let (commands, ended): (Vec<CommandId>, Vec<bool>) = (self.calls.iter())
            .filter(|(_, started)| due(started))
            .map(|(command, started)| (*command, started.outcome.is_some()))
            .unzip();
        if !ended.into_iter().all(|ended| ended) {
            return false;
        }
        for command in commands {
            let outcome = self.calls.remove(&command).and_then(|started| started.outcome);
            match outcome {
                Some(Err(cause)) if !cause.harmless => pass.failures.push(cause),
                _ => {}
            }
        }
        true
    }

    /// A call has ended, or its time has.
    pub(super) fn call_ended(&mut self, command: CommandId, report: CallReport) {
        let Some(mut started) = self.unfinished_call(command) else {
            return;
        };
        self.cancel_timer(Timer::Call(command));
        let planned = self.plan.calls.get(started.call);
        let role = planned.map_or(0, |call| call.role);
        let critical = planned.is_some_and(|call| call.critical);
        if let Some(planned) = planned {
            started.output = report.own.get(&planned.returns).cloned().unwrap_or_default();
        }
        for (name, value) in report.own {
            self.set_variable(role, &name, Some(value));
        }
        for (name, value) in report.global {
            self.set_variable(0, &name, value);
        }
        for (name, value) in report.appended {
            let list = match self.variable(&name) {
                None | Some("") => value,
                Some(list) => format!("{list},{value}"),
            };
            self.set_variable(0, &name, Some(list));
        }
        for (key, value) in report.stored {
            self.effects.push(Effect::Store { key, value });
        }
        let failure = report.error.map(|error| Cause {
            harmless: !critical,
            ..Cause::of(&self.call_path(started.call), format!("the call failed: {error}"))
        });
        let outcome = failure.map_or(Ok(()), Err);
        self.end_call(command, started, outcome, report.stand_in);
    }

    pub(super) fn call_late(&mut self, command: CommandId) {
        let Some(started) = self.unfinished_call(command) else {
            return;
        };
        self.effects.push(Effect::CancelCall(command));
        let planned = self.plan.calls.get(started.call);
        let time = planned.map(|call| call.timeout).unwrap_or_default();
        let cause = Cause::of(&self.call_path(started.call), "the call did not end").after("timeout", time);
        let harmless = !planned.is_some_and(|call| call.critical);
        self.end_call(command, started, Err(Cause { harmless, ..cause }), false);
    }

    fn unfinished_call(&mut self, command: CommandId) -> Option<StartedCall> {
        self.calls.get(&command).filter(|call| call.outcome.is_none())?;
        self.calls.remove(&command)
    }

    fn end_call(
        &mut self,
        command: CommandId,
        mut started: StartedCall,
        outcome: Result<(), Cause>,
        stand_in: bool,
    ) {
        let progress = match &outcome {
            Ok(()) => Progress::Ended { stand_in },
            Err(cause) => Progress::Failed(cause.clone()),
        };
        self.observe_call(&started, progress);
        if started.forgotten {
            self.join_failure(outcome.err());
            return;
        }
        started.outcome = Some(outcome);
        self.calls.insert(command, started);
        if matches!(self.wait, Some(Wait::Calls)) {
            self.wait = None;
        }
    }

    /// These moments do not come any more: what was to be awaited there goes on to its end, and fails nothing later.
    pub(super) fn forget_calls(&mut self, never_comes: impl Fn(Option<&Moment>) -> bool) {
        let commands: Vec<CommandId> = (self.calls.iter())
            .filter(|(_, started)| never_comes(self.await_of(started)))
            .map(|(command, _)| *command)
            .collect();
        for command in commands {
            let Some(mut started) = self.calls.remove(&command) else {
                continue;
            };
            if let Some(outcome) = started.outcome.take() {
                self.join_failure(outcome.err());
            } else {
                started.forgotten = true;
                self.calls.insert(command, started);
            }
        }
    }

    pub(super) fn cancel_calls(&mut self) {
        for (command, started) in std::mem::take(&mut self.calls) {
            if started.outcome.is_none() {
                self.cancel_timer(Timer::Call(command));
                self.effects.push(Effect::CancelCall(command));
                let reason = "nobody waits for it any more".to_owned();
                self.observe_call(&started, Progress::Skipped(reason));
            }
        }
    }

    pub(super) fn call_path(&self, call: CallIndex) -> String {
        let role = self.plan.calls.get(call).map_or(0, |call| call.role);
        self.role_path(role)
    }
}
