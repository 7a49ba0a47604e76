//! One task as a state machine. Pure: [`Task::step`] takes what happened and says what to do; processes, sockets,
//! timers and clocks are the business of `host`.
//!
//! At any time at most one timer runs for a task and at most one call or question is under way with it. The host
//! drops what comes from a timer or call that has been replaced or cancelled.

mod command;
mod ending;
mod messages;
mod resuming;
#[cfg(test)]
mod tests;

use std::time::Duration;

use partita_occ::{Event, State};
use partita_proto::executor::{
    ControlMode, DeviceEvent, DeviceEventKind, Exit, Phase, TaskUpdate, exit::How,
};

pub(crate) use messages::{Command, Effect, Input, KillPatience, Outcome, Output, Pending, Signal, Spec};
use messages::{exit_text, unseen};

#[derive(Debug)]
enum Stage {
    /// Not accepted, or being launched.
    New,
    /// The process is there, but has not answered yet.
    Starting,
    /// Ready for a command.
    Steady,
    /// In a transition.
    Busy(Command),
    /// In a transition that a predecessor of this executor has begun; only the state tells how it goes.
    Resuming(Command),
    /// The state is being asked for, since a call went wrong; with the command that is still to be answered.
    Doubt(Option<(Command, String)>),
    /// A basic task is being stopped.
    Stopping(Command),
    Ending(Step),
    Ended,
}

/// How far the ending of a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Ask,
    Leave(Event),
    Exit,
    Signal(Signal),
}

/// One run of the process of a basic or hook task.
#[derive(Debug)]
struct Run {
    /// Of the trigger, for a hook task.
    command_id: Option<String>,
    patience: Option<Duration>,
    overdue: bool,
}

/// A task, from the launch until nothing is left of it.
#[derive(Debug)]
pub(crate) struct Task {
    spec: Spec,
    stage: Stage,
    state: State,
    /// The direct child is there.
    child: bool,
    /// Other processes of it are, or may be, there.
    left: bool,
    run: Option<Run>,
    /// The last hint at its state during a transition.
    hint: Option<State>,
    /// EXIT has been done for the core, so the end of the process is no surprise.
    leaving: bool,
    /// Calls made so far in the ending, so that a task that goes in circles is not followed for ever.
    leaves: u8,
    /// What the core is told; the last truth.
    told: TaskUpdate,
    unix_ms: i64,
}

impl Task {
    pub(crate) fn new(spec: Spec, control_port: u32, bind_ports: Vec<u32>) -> Self {
        let told = TaskUpdate {
            task_id: spec.task_id.clone(),
            name: spec.name.clone(),
            environment_id: spec.environment_id.clone(),
            control_port,
            bind_ports,
            ..TaskUpdate::default()
        };
        Self {
            spec,
            stage: Stage::New,
            state: State::Unknown,
            child: false,
            left: false,
            run: None,
            hint: None,
            leaving: false,
            leaves: 0,
            told,
            unix_ms: 0,
        }
    }

    /// A task of a predecessor of this executor, of which this was told last. `child`: it had a process.
    pub(crate) fn adopted(spec: Spec, told: TaskUpdate, child: bool) -> Self {
        let stage = match told.phase() {
            Phase::Starting => Stage::Starting,
            Phase::Active => Stage::Steady,
            Phase::Ended => Stage::Ended,
        };
        Self {
            stage,
            state: told.state.parse().unwrap_or_default(),
            child,
            ..Self::new(spec, told.control_port, told.bind_ports.clone())
        }
        .knowing(told)
    }

    fn knowing(mut self, told: TaskUpdate) -> Self {
        self.told = told;
        self
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// What is known of it, for the inventory.
    pub(crate) fn told(&self) -> TaskUpdate {
        TaskUpdate {
            phase: self.phase().into(),
            state: self.state.to_string(),
            ..self.told.clone()
        }
    }

    /// Takes what happened at `unix_ms`.
    pub(crate) fn step(&mut self, input: Input, unix_ms: i64) -> Vec<Effect> {
        self.unix_ms = unix_ms;
        let mut out = Vec::new();
        match input {
            Input::Accept => self.accept(&mut out),
            Input::Adopted(pending) => self.resume(pending, &mut out),
            Input::Launched(result) => self.launched(result, &mut out),
            Input::Up { state, pid } => self.up(state, pid, &mut out),
            Input::Seen(state) => self.seen(state, &mut out),
            Input::Hint(state) => self.hinted(state, &mut out),
            Input::Unreachable(reason) => self.unreachable(&reason, &mut out),
            Input::Raised(kind) => self.raised(kind, &mut out),
            Input::Transition(command) => self.transition(command, &mut out),
            Input::Called(outcome) => self.called(outcome, &mut out),
            Input::Trigger { command_id, patience } => self.trigger(command_id, patience, &mut out),
            Input::Kill(trouble) => self.kill(trouble, &mut out),
            Input::KillNow => self.kill_now(&mut out),
            Input::Exited { exit, output, left } => self.exited(exit, output, left, &mut out),
            Input::Gone => self.gone(&mut out),
            Input::Timer => self.timer(&mut out),
        }
        out
    }

    fn is_controlled(&self) -> bool {
        matches!(self.spec.mode, ControlMode::Direct | ControlMode::Fairmq)
    }

    fn phase(&self) -> Phase {
        match self.stage {
            Stage::New | Stage::Starting => Phase::Starting,
            Stage::Ended => Phase::Ended,
            _ => Phase::Active,
        }
    }

    fn update(&mut self, out: &mut Vec<Effect>) {
        self.told.version += 1;
        out.push(Effect::Update(Box::new(self.told())));
    }

    fn accept(&mut self, out: &mut Vec<Effect>) {
        if self.is_controlled() {
            out.push(Effect::Launch);
        } else {
            self.stage = Stage::Steady;
            self.state = State::Standby;
            self.update(out);
        }
    }

    fn launched(&mut self, result: Result<u32, String>, out: &mut Vec<Effect>) {
        match (result, &self.stage) {
            (Ok(pid), Stage::New) => {
                self.child = true;
                self.told.pid = pid;
                self.stage = Stage::Starting;
                self.update(out);
                out.push(Effect::Connect);
                out.push(Effect::Timer(self.spec.start_timeout));
            }
            (Ok(pid), _) => self.running(pid, out),
            (Err(reason), Stage::New) => {
                self.state = State::Error;
                self.told.reason = reason;
                self.end(out);
            }
            (Err(reason), _) => self.not_running(&reason, out),
        }
    }

    fn up(&mut self, state: State, pid: u32, out: &mut Vec<Effect>) {
        if !matches!(self.stage, Stage::Starting) {
            return;
        }
        if pid != 0 {
            self.told.pid = pid;
        }
        if state == State::Standby {
            self.state = state;
            self.stage = Stage::Steady;
            out.push(Effect::NoTimer);
            self.update(out);
        } else {
            self.fail_start(format!("came up in {state} instead of STANDBY"), out);
        }
    }

    /// A hint may be older than what is known, so the task is asked before it is believed.
    fn hinted(&mut self, state: State, out: &mut Vec<Effect>) {
        match self.stage {
            Stage::Steady if self.is_controlled() && state != self.state => out.push(Effect::Ask),
            Stage::Busy(_) => self.hint = Some(state),
            Stage::Resuming(_) => self.resumed(state, out),
            _ => {}
        }
    }

    fn seen(&mut self, state: State, out: &mut Vec<Effect>) {
        match &self.stage {
            Stage::Steady if state != self.state && state != State::Unknown => {
                self.told.reason = format!("went from {} to {state} by itself", self.state);
                self.state = state;
                self.update(out);
            }
            Stage::Doubt(_) => self.cleared(state, out),
            Stage::Ending(Step::Ask) => {
                self.state = state;
                self.leave(out);
            }
            _ => {}
        }
    }

    fn unreachable(&mut self, reason: &str, out: &mut Vec<Effect>) {
        match &self.stage {
            Stage::Steady if self.state != State::Error => {
                self.told.reason = format!("its process is there, but does not answer: {reason}");
                self.state = State::Error;
                self.update(out);
            }
            Stage::Doubt(_) => self.cleared(State::Unknown, out),
            Stage::Ending(Step::Ask) => {
                self.force(&format!("its state could not be asked for ({reason})"), out);
            }
            _ => {}
        }
    }

    fn raised(&mut self, kind: DeviceEventKind, out: &mut Vec<Effect>) {
        let exiting = matches!(&self.stage, Stage::Busy(command) if command.event == Event::Exit);
        if self.leaving || exiting || matches!(self.stage, Stage::Ending(_) | Stage::Ended) {
            return; // The OCC library says END_OF_STREAM whenever it ends (wire.md 5.4).
        }
        out.push(Effect::Raise(DeviceEvent {
            task_id: self.spec.task_id.clone(),
            kind: kind.into(),
            ..DeviceEvent::default()
        }));
    }

    fn exited(&mut self, exit: Exit, output: Output, left: bool, out: &mut Vec<Effect>) {
        self.child = false;
        self.left = left;
        // What we did to a task that had failed is no news of it.
        if self.told.requested || !matches!(self.stage, Stage::Ending(Step::Signal(_))) {
            self.told.exit = Some(exit);
        }
        if self.is_controlled() {
            self.ended_by_itself(exit, output.last_lines, out);
        } else {
            self.ran(exit, output, out);
        }
    }

    fn ended_by_itself(&mut self, exit: Exit, last_lines: Vec<String>, out: &mut Vec<Effect>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Steady);
        if let Stage::Ending(step) = stage {
            self.stage = stage;
            if !self.told.requested {
                self.told.last_lines = last_lines;
            }
            match step {
                _ if !self.left => self.end(out),
                Step::Signal(_) => {}
                _ => self.force("processes that it had started were left", out),
            }
            return;
        }
        let was_up = !matches!(stage, Stage::Starting);
        let (when, command) = match stage {
            Stage::Starting => (" before it reached STANDBY".to_owned(), None),
            Stage::Busy(command) | Stage::Resuming(command) | Stage::Doubt(Some((command, _))) => {
                (format!(" during {}", command.event), Some(command))
            }
            _ => (format!(" while {}", self.state), None),
        };
        let asked = self.leaving
            || command
                .as_ref()
                .is_some_and(|command| command.event == Event::Exit);
        self.told.requested = asked;
        if asked {
            self.state = State::Done;
        } else {
            // An end with code 0 is DONE, as it always was (runtime.md 2.6), but not before it was ever up.
            let done = was_up && exit.how == Some(How::Code(0));
            self.state = if done { State::Done } else { State::Error };
            self.told.reason = format!("ended{when}{}", unseen(exit));
            self.told.last_lines = last_lines;
        }
        // First what happened, then that the command failed by it.
        if self.left {
            self.update(out);
            self.force("processes that it had started were left", out);
        } else {
            self.end(out);
        }
        if let Some(command) = command {
            let error = if asked {
                String::new()
            } else {
                format!("{}{when}{}", exit_text(exit), unseen(exit))
            };
            self.answer(&command, asked, error, out);
        }
    }

    fn gone(&mut self, out: &mut Vec<Effect>) {
        self.left = false;
        if self.child {
            return;
        }
        match std::mem::replace(&mut self.stage, Stage::Steady) {
            Stage::Stopping(command) => self.stopped(&command, out),
            Stage::Ending(_) => self.end(out),
            stage => self.stage = stage,
        }
    }

    fn timer(&mut self, out: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.stage, Stage::Steady) {
            Stage::Starting => {
                self.stage = Stage::Starting;
                self.told.late = true;
                self.fail_start("did not reach STANDBY".to_owned(), out);
            }
            Stage::Steady => self.overdue(out),
            Stage::Busy(command) | Stage::Resuming(command) => self.timed_out(&command, out),
            Stage::Doubt(pending) => {
                self.stage = Stage::Doubt(pending);
                out.push(Effect::Cancel);
                self.cleared(State::Unknown, out);
            }
            Stage::Stopping(command) => {
                let error = format!("its processes could not be killed within {:?}", command.patience);
                self.answer(&command, false, error, out);
            }
            Stage::Ending(step) => {
                self.stage = Stage::Ending(step);
                self.next_step(step, out);
            }
            stage @ (Stage::New | Stage::Ended) => self.stage = stage,
        }
    }

    fn fail_start(&mut self, reason: String, out: &mut Vec<Effect>) {
        self.told.reason = reason;
        self.state = State::Error;
        self.update(out);
        self.force("", out);
    }
}
