//! Hooks: which run when, and who waits for them (`runtime.md` 3.9, errata 13).
//!
//! A pass goes through the weights of one trigger in ascending order. At each weight calls are started, then the
//! calls awaited exactly there are collected, then hook tasks run; a critical failure stops later weights of the
//! pass. The next weight is looked for only when the last is done, so a call that was started in this pass and
//! is awaited later in it is always collected, whether or not anything else uses that weight.

use serde::{Deserialize, Serialize};

use super::message::{CallReport, CommandId, Effect, HookReport, Life, Timer};
use super::observation::Progress;
use super::plan::{CallIndex, Mode, TaskIndex};
use super::{Environment, Wait};
use crate::cause::Cause;
use partita_artefact::instance::Moment;

/// Which weights of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Half {
    /// Below zero.
    Early,
    /// From zero on.
    Late,
    /// All.
    Both,
}

impl Half {
    fn holds(self, weight: i32) -> bool {
        match self {
            Self::Early => weight < 0,
            Self::Late => weight >= 0,
            Self::Both => true,
        }
    }
}

/// Place in the row of a pass: the weight, and which of its triggers.
type Turn = (i32, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Collect,
    Tasks,
    Done,
}

/// One pass over the hooks of a trigger, or of two that share a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pass {
    triggers: Vec<String>,
    half: Half,
    stops: bool,
    turn: Option<Turn>,
    stage: Stage,
    failures: Vec<Cause>,
}

impl Pass {
    pub(super) fn new(triggers: &[String], half: Half) -> Self {
        Self {
            triggers: triggers.to_vec(),
            half,
            stops: true,
            turn: None,
            stage: Stage::Done,
            failures: Vec::new(),
        }
    }

    /// Over all weights, whatever fails.
    pub(super) fn unstoppable(triggers: &[String]) -> Self {
        Self {
            stops: false,
            ..Self::new(triggers, Half::Both)
        }
    }

    /// The turn of a moment in this pass.
    fn turn_of(&self, moment: Option<&Moment>) -> Option<Turn> {
        let moment = moment?;
        let trigger = self.triggers.iter().position(|name| *name == moment.name)?;
        self.half.holds(moment.weight).then_some((moment.weight, trigger))
    }

    fn is_now(&self, moment: Option<&Moment>) -> bool {
        self.turn.is_some() && self.turn == self.turn_of(moment)
    }

    /// The moment whose turn it is.
    fn moment(&self) -> String {
        let name = |trigger: usize| self.triggers.get(trigger).cloned().unwrap_or_default();
        self.turn.map_or_else(String::new, |(weight, trigger)| {
            let name = name(trigger);
            Moment { name, weight }.to_string()
        })
    }
}

/// A call that was started and not yet collected.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StartedCall {
    pub(super) call: CallIndex,
    pub(super) moment: String,
    /// The result, if it has ended and has one.
    #[serde(default)]
    pub(super) output: String,
    pub(super) outcome: Option<Result<(), Cause>>,
}

impl Environment {
    /// Goes on with the pass at hand until it has to wait or is done. `Some`: done, with its critical failures.
    pub(super) fn advance_pass(&mut self, pass: &mut Pass) -> Option<Vec<Cause>> {
        loop {
            match pass.stage {
                Stage::Done => {
                    if pass.stops && !pass.failures.is_empty() {
                        return Some(std::mem::take(&mut pass.failures));
                    }
                    let Some(turn) = self.next_turn(pass) else {
                        return Some(std::mem::take(&mut pass.failures));
                    };
                    pass.turn = Some(turn);
                    self.start_calls(pass);
                    pass.stage = Stage::Collect;
                }
                Stage::Collect => {
                    if !self.collect_calls(pass) {
                        self.wait = Some(Wait::Calls);
                        return None;
                    }
                    pass.stage = Stage::Tasks;
                    let pending = self.trigger_tasks(pass);
                    if !pending.is_empty() {
                        let failures = Vec::new();
                        self.wait = Some(Wait::Hooks { pending, failures });
                        return None;
                    }
                }
                Stage::Tasks => {
                    if let Some(Wait::Hooks { failures, .. }) = self.wait.take() {
                        pass.failures.extend(failures);
                    }
                    pass.stage = Stage::Done;
                }
            }
        }
    }

    fn next_turn(&self, pass: &Pass) -> Option<Turn> {
        let calls = self.plan.calls.iter().map(|call| call.trigger.as_ref());
        let tasks = self
            .plan
            .tasks
            .iter()
            .filter(|task| task.mode == Mode::Hook)
            .map(|task| task.trigger.as_ref());
        let awaited = self.calls.values().map(|started| self.await_of(started));
        calls
            .chain(tasks)
            .chain(awaited)
            .filter_map(|moment| pass.turn_of(moment))
            .filter(|turn| pass.turn.is_none_or(|last| *turn > last))
            .min()
    }

    fn await_of(&self, started: &StartedCall) -> Option<&Moment> {
        self.plan.calls.get(started.call)?.await_at.as_ref()
    }

    fn start_calls(&mut self, pass: &Pass) {
        let due: Vec<_> = (self.plan.calls.iter().enumerate())
            .filter(|(_, call)| pass.is_now(call.trigger.as_ref()))
            .map(|(index, call)| (index, call.timeout))
            .collect();
        for (call, timeout) in due {
            let command = self.next_command();
            let started = StartedCall {
                call,
                moment: pass.moment(),
                output: String::new(),
                outcome: None,
            };
            self.observe_call(&started, Progress::Started);
            self.calls.insert(command, started);
            self.effects.push(Effect::Call {
                command,
                call,
                timeout,
            });
            let label = format!("call {}", self.call_path(call));
            self.set_timer(
                Timer::Call(command),
                timeout + self.plan.deadlines.margin.time,
                label,
            );
        }
    }

    /// Takes the calls that are awaited now, each exactly once. `false`: some have not ended.
    fn collect_calls(&mut self, pass: &mut Pass) -> bool {
        let due: Vec<CommandId> = (self.calls.iter())
            .filter(|(_, started)| pass.is_now(self.await_of(started)))
            .map(|(command, _)| *command)
            .collect();
        let ended = |command| {
            self.calls
                .get(command)
                .is_none_or(|started| started.outcome.is_some())
        };
        if !due.iter().all(ended) {
            return false;
        }
        for command in due {
            let started = self.calls.remove(&command);
            if let Some((call, Err(cause))) = started.and_then(|s| Some((s.call, s.outcome?)))
                && self.plan.calls.get(call).is_some_and(|call| call.critical)
            {
                pass.failures.push(cause);
            }
        }
        true
    }

    fn trigger_tasks(&mut self, pass: &Pass) -> std::collections::BTreeMap<CommandId, TaskIndex> {
        let due: Vec<_> = (self.plan.tasks.iter().enumerate())
            .filter(|(_, task)| task.mode == Mode::Hook && pass.is_now(task.trigger.as_ref()))
            .map(|(index, task)| (index, task.timeout))
            .collect();
        let mut pending = std::collections::BTreeMap::new();
        for (task, timeout) in due {
            let life = self.task(task).life;
            if !matches!(life, Life::Starting | Life::Active) {
                let reason = format!("its task is {}", self.task(task).describe());
                self.observe_hook(task, Progress::Skipped(reason));
                continue;
            }
            let command = self.next_command();
            pending.insert(command, task);
            self.deferred.insert(task, (command, timeout));
            if life == Life::Active {
                self.trigger_deferred(task);
            }
            let label = format!("hook {}", self.task_path(task));
            self.set_timer(
                Timer::Hook(command),
                timeout + self.plan.deadlines.margin.time,
                label,
            );
        }
        pending
    }

    /// Runs a hook whose turn it is, now that its task is there.
    pub(super) fn trigger_deferred(&mut self, task: TaskIndex) {
        if let Some((command, timeout)) = self.deferred.remove(&task) {
            self.observe_hook(task, Progress::Started);
            self.effects.push(Effect::Trigger {
                command,
                task,
                timeout,
            });
        }
    }

    /// A call has ended, or its time has.
    pub(super) fn call_ended(&mut self, command: CommandId, report: CallReport) {
        let Some(mut started) = self.calls.remove(&command) else {
            return;
        };
        if started.outcome.is_some() {
            self.calls.insert(command, started);
            return;
        }
        self.cancel_timer(Timer::Call(command));
        let role = self.plan.calls.get(started.call).map_or(0, |call| call.role);
        if let Some(planned) = self.plan.calls.get(started.call) {
            started.output = report.own.get(&planned.returns).cloned().unwrap_or_default();
        }
        for (name, value) in report.own {
            self.set_variable(role, &name, Some(value));
        }
        for (name, value) in report.global {
            self.set_variable(0, &name, value);
        }
        let outcome = match report.error {
            None => Ok(()),
            Some(error) => {
                let mut cause = Cause::of(&self.call_path(started.call), format!("the call failed: {error}"));
                cause.harmless = !self
                    .plan
                    .calls
                    .get(started.call)
                    .is_some_and(|call| call.critical);
                Err(cause)
            }
        };
        self.end_call(command, &mut started, outcome, report.stand_in);
    }

    pub(super) fn call_late(&mut self, command: CommandId) {
        let Some(mut started) = self.calls.remove(&command) else {
            return;
        };
        self.effects.push(Effect::CancelCall(command));
        let planned = self.plan.calls.get(started.call);
        let time = planned.map(|call| call.timeout).unwrap_or_default();
        let harmless = !planned.is_some_and(|call| call.critical);
        let mut cause =
            Cause::of(&self.call_path(started.call), "the call did not end").after("timeout", time);
        cause.harmless = harmless;
        self.end_call(command, &mut started, Err(cause), false);
    }

    fn end_call(
        &mut self,
        command: CommandId,
        started: &mut StartedCall,
        outcome: Result<(), Cause>,
        stand_in: bool,
    ) {
        let progress = match &outcome {
            Ok(()) => Progress::Ended { stand_in },
            Err(cause) => Progress::Failed(cause.clone()),
        };
        self.observe_call(started, progress);
        started.outcome = Some(outcome);
        self.calls.insert(command, started.clone());
        if matches!(self.wait, Some(Wait::Calls)) {
            self.wait = None;
        }
    }

    /// A hook task has run, or cannot any more.
    pub(super) fn hook_ended(&mut self, command: CommandId, report: HookReport) {
        let Some(Wait::Hooks { pending, .. }) = &mut self.wait else {
            return;
        };
        let Some(task) = pending.remove(&command) else {
            return;
        };
        self.deferred.remove(&task);
        self.cancel_timer(Timer::Hook(command));
        match report.error {
            None => self.observe_hook(task, Progress::Ended { stand_in: false }),
            Some(error) => {
                let what = format!("hook at {} {error}", self.hook_moment(task));
                let cause = Cause {
                    exit: report.exit,
                    last_lines: report.last_lines,
                    ..self.task_cause(task, what)
                };
                self.hook_failed(task, cause);
            }
        }
    }

    pub(super) fn hook_late(&mut self, command: CommandId) {
        let Some(Wait::Hooks { pending, .. }) = &mut self.wait else {
            return;
        };
        let Some(task) = pending.remove(&command) else {
            return;
        };
        self.deferred.remove(&task);
        let time = self
            .plan
            .tasks
            .get(task)
            .map(|task| task.timeout)
            .unwrap_or_default();
        let cause = self
            .task_cause(task, format!("hook at {} did not end", self.hook_moment(task)))
            .after("timeout", time);
        self.hook_failed(task, cause);
    }

    fn hook_failed(&mut self, task: TaskIndex, cause: Cause) {
        self.observe_hook(task, Progress::Failed(cause.clone()));
        if let Some(Wait::Hooks { failures, .. }) = &mut self.wait
            && !cause.harmless
        {
            failures.push(cause);
        }
    }

    /// The hook commands that this task still owes an answer.
    pub(super) fn pending_hooks(&self, task: TaskIndex) -> Vec<CommandId> {
        match &self.wait {
            Some(Wait::Hooks { pending, .. }) => pending
                .iter()
                .filter(|(_, t)| **t == task)
                .map(|(command, _)| *command)
                .collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn cancel_calls(&mut self) {
        for (command, started) in std::mem::take(&mut self.calls) {
            if started.outcome.is_none() {
                self.cancel_timer(Timer::Call(command));
                self.effects.push(Effect::CancelCall(command));
                self.observe_call(
                    &started,
                    Progress::Skipped("nobody waits for it any more".to_owned()),
                );
            }
        }
    }

    fn call_path(&self, call: CallIndex) -> String {
        let role = self.plan.calls.get(call).map_or(0, |call| call.role);
        self.role_path(role)
    }

    pub(super) fn hook_moment(&self, task: TaskIndex) -> String {
        let trigger = self.plan.tasks.get(task).and_then(|task| task.trigger.as_ref());
        trigger.map(Moment::to_string).unwrap_or_default()
    }
}
