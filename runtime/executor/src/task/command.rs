//! What the core asks of a task: transitions, and the runs of basic and hook tasks (`runtime.md` 2.4, 5.4, 5.6).

use std::time::Duration;

use partita_occ::{Event, State};
use partita_proto::executor::{
    ControlMode, DeviceEvent, DeviceEventKind, Exit, HookReport, TransitionResult, exit::How,
};

use super::messages::unseen;
use super::{Command, Effect, Outcome, Output, Run, Signal, Stage, Task};

impl Task {
    pub(super) fn transition(&mut self, command: Command, out: &mut Vec<Effect>) {
        if let Some(refusal) = self.refusal() {
            self.answer(&command, false, refusal, out);
        } else if self.is_controlled() {
            out.push(Effect::Call {
                event: command.event,
                source: command.source,
                destination: command.destination,
                arguments: command.arguments.clone(),
                patience: command.patience,
            });
            out.push(Effect::Timer(command.patience));
            self.hint = None;
            self.stage = Stage::Busy(command);
        } else if self.spec.mode == ControlMode::Basic && command.event == Event::Start {
            if self.child {
                self.answer(&command, false, "its process still runs".to_owned(), out);
            } else {
                self.stage = Stage::Busy(command);
                out.push(Effect::Launch);
            }
        } else if self.spec.mode == ControlMode::Basic
            && command.event == Event::Stop
            && (self.child || self.left)
        {
            out.push(Effect::Timer(command.patience));
            out.push(Effect::Signal(Signal::Kill));
            self.stage = Stage::Stopping(command);
        } else {
            self.state = command.destination;
            self.answer(&command, true, String::new(), out);
        }
    }

    /// Why no command can be taken now.
    fn refusal(&self) -> Option<String> {
        match &self.stage {
            Stage::Steady => None,
            Stage::New | Stage::Starting => Some("it has not reached STANDBY yet".to_owned()),
            Stage::Busy(busy) | Stage::Resuming(busy) | Stage::Stopping(busy) => {
                Some(format!("it is still busy with {}", busy.event))
            }
            Stage::Doubt(_) => {
                Some("its state is being asked for, since it did not answer before".to_owned())
            }
            Stage::Ending(_) => Some("it is being ended".to_owned()),
            Stage::Ended if self.told.reason.is_empty() => Some("it has ended".to_owned()),
            Stage::Ended => Some(format!("it {}", self.told.reason)),
        }
    }

    pub(super) fn answer(&self, command: &Command, ok: bool, error: String, out: &mut Vec<Effect>) {
        out.push(Effect::Answer {
            command_id: command.id.clone(),
            result: self.result(ok, error),
        });
    }

    fn result(&self, ok: bool, error: String) -> TransitionResult {
        TransitionResult {
            task_id: self.spec.task_id.clone(),
            ok,
            state: self.state.to_string(),
            error,
            ..TransitionResult::default()
        }
    }

    pub(super) fn called(&mut self, outcome: Outcome, out: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.stage, Stage::Steady) {
            Stage::Busy(command) => match outcome.error {
                Some(error) if outcome.state == State::Unknown => {
                    out.push(Effect::Ask);
                    out.push(Effect::Timer(self.spec.doubt));
                    self.stage = Stage::Doubt(Some((command, error)));
                }
                error => {
                    self.state = outcome.state;
                    self.leaving = error.is_none() && command.event == Event::Exit;
                    out.push(Effect::NoTimer);
                    if self.hint.is_some_and(|hint| hint != self.state) {
                        out.push(Effect::Ask); // It may have moved on before its answer was here.
                    }
                    self.answer(&command, error.is_none(), error.unwrap_or_default(), out);
                }
            },
            Stage::Doubt(None) => {
                self.stage = Stage::Doubt(None);
                self.cleared(outcome.state, out);
            }
            Stage::Ending(step) => {
                self.stage = Stage::Ending(step);
                self.left_state(step, outcome, out);
            }
            stage => self.stage = stage,
        }
    }

    /// The core is answered at its deadline; the task is asked where it is now.
    pub(super) fn timed_out(&mut self, command: &Command, out: &mut Vec<Effect>) {
        self.state = State::Unknown;
        let error = format!("gave no answer to {}", command.event);
        self.told.reason.clone_from(&error);
        out.push(Effect::Answer {
            command_id: command.id.clone(),
            result: TransitionResult {
                late: true,
                ..self.result(false, error)
            },
        });
        // The call has the same deadline: it now asks for the state by itself, and leads a device back.
        out.push(Effect::Timer(self.spec.doubt * 2));
        self.stage = Stage::Doubt(None);
    }

    /// The doubt is over, for better or worse.
    pub(super) fn cleared(&mut self, state: State, out: &mut Vec<Effect>) {
        let Stage::Doubt(pending) = std::mem::replace(&mut self.stage, Stage::Steady) else {
            return;
        };
        self.state = state;
        out.push(Effect::NoTimer);
        match pending {
            Some((command, error)) => self.answer(&command, false, error, out),
            None => self.update(out),
        }
    }

    pub(super) fn trigger(&mut self, command_id: String, patience: Option<Duration>, out: &mut Vec<Effect>) {
        let refusal = match self.refusal() {
            None if self.spec.mode != ControlMode::Hook => Some("it is not a hook task".to_owned()),
            None if self.child => Some("its process still runs".to_owned()),
            refusal => refusal,
        };
        if let Some(error) = refusal {
            self.report(command_id, None, error, Output::default(), out);
            return;
        }
        let patience = [patience, self.spec.run_timeout].into_iter().flatten().min();
        self.run = Some(Run {
            command_id: Some(command_id),
            patience,
            overdue: false,
        });
        out.push(Effect::Launch);
    }

    pub(super) fn report(
        &self,
        command_id: String,
        exit: Option<Exit>,
        error: String,
        output: Output,
        out: &mut Vec<Effect>,
    ) {
        out.push(Effect::Report(Box::new(HookReport {
            command_id,
            task_id: self.spec.task_id.clone(),
            ok: error.is_empty(),
            exit,
            error,
            stdout: output.stdout,
            stderr: output.stderr,
        })));
    }

    /// The process of a basic or hook task has been started.
    pub(super) fn running(&mut self, pid: u32, out: &mut Vec<Effect>) {
        self.child = true;
        self.told.pid = pid;
        self.told.exit = None;
        self.told.reason.clear();
        if let Stage::Busy(command) = std::mem::replace(&mut self.stage, Stage::Steady) {
            self.run = Some(Run {
                command_id: None,
                patience: self.spec.run_timeout,
                overdue: false,
            });
            self.state = command.destination;
            self.update(out);
            self.answer(&command, true, String::new(), out);
        }
        if let Some(patience) = self.run.as_ref().and_then(|run| run.patience) {
            out.push(Effect::Timer(patience));
        }
    }

    /// The process of a basic or hook task could not be started.
    pub(super) fn not_running(&mut self, reason: &str, out: &mut Vec<Effect>) {
        if let Stage::Busy(command) = std::mem::replace(&mut self.stage, Stage::Steady) {
            self.answer(&command, false, reason.to_owned(), out);
        }
        if let Some(command_id) = self.run.take().and_then(|run| run.command_id) {
            self.report(command_id, None, reason.to_owned(), Output::default(), out);
        }
    }

    /// The process of a basic or hook task has run for too long.
    pub(super) fn overdue(&mut self, out: &mut Vec<Effect>) {
        let Some(run) = &mut self.run else { return };
        let patience = run.patience.unwrap_or_default();
        if run.overdue {
            // Not even SIGKILL ends it (a dead file system, say). The core is not left waiting.
            if let Some(command_id) = run.command_id.take() {
                let error = format!("did not end within {patience:?}, and could not be killed");
                self.report(command_id, None, error, Output::default(), out);
            }
        } else {
            run.overdue = true;
            out.push(Effect::Signal(Signal::Kill));
        }
        out.push(Effect::Timer(self.spec.kill.again));
    }

    /// The process of a basic or hook task has ended.
    pub(super) fn ran(&mut self, exit: Exit, output: Output, out: &mut Vec<Effect>) {
        let run = self.run.take();
        let ending = matches!(self.stage, Stage::Ending(_));
        let stopping = matches!(self.stage, Stage::Stopping(_));
        if !ending && !stopping {
            out.push(Effect::NoTimer);
        }
        let overdue = run
            .as_ref()
            .filter(|run| run.overdue)
            .and_then(|run| run.patience);
        let text = match overdue {
            Some(patience) => {
                format!(
                    "did not end within its timeout of {patience:?}, and was killed with all that it had started"
                )
            }
            None if exit.how.is_none() => format!("ended{}", unseen(exit)),
            None => "failed".to_owned(),
        };
        if let Some(command_id) = run.and_then(|run| run.command_id) {
            let error = if ending {
                "was ended while it ran".to_owned()
            } else {
                text
            };
            let ok = !ending && overdue.is_none() && exit.how == Some(How::Code(0));
            self.report(
                command_id,
                Some(exit),
                if ok { String::new() } else { error },
                output,
                out,
            );
        } else if self.spec.mode == ControlMode::Basic && !ending && !stopping {
            self.told.reason = text;
            self.told.last_lines.clone_from(&output.last_lines);
            self.update(out);
            out.push(Effect::Raise(DeviceEvent {
                task_id: self.spec.task_id.clone(),
                kind: DeviceEventKind::BasicTaskTerminated.into(),
                exit: Some(exit),
                last_lines: output.last_lines,
            }));
        }
        if !self.left {
            self.gone(out);
        }
    }

    /// A basic task has been stopped, and nothing is left of its process.
    pub(super) fn stopped(&mut self, command: &Command, out: &mut Vec<Effect>) {
        self.state = command.destination;
        out.push(Effect::NoTimer);
        self.answer(command, true, String::new(), out);
    }
}
