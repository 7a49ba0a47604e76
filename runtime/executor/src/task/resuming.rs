//! A task whose executor has died, in the hands of its successor: nothing is done to it that was not asked for, and what
//! was asked of the predecessor is answered by what the task itself shows.

use partita_occ::{Event, State};
use partita_proto::executor::ControlMode;

use super::messages::Pending;
use super::{Effect, Output, Run, Stage, Task};

impl Task {
    pub(super) fn resume(&mut self, pending: Option<Pending>, out: &mut Vec<Effect>) {
        match (&self.stage, self.is_controlled()) {
            (Stage::Starting, true) => {
                out.push(Effect::Connect);
                out.push(Effect::Timer(self.spec.start_timeout));
            }
            (Stage::Steady, true) => out.push(Effect::Reconnect),
            (Stage::Steady, false) if self.child => {
                self.run = Some(Run {
                    command_id: None,
                    patience: self.spec.run_timeout,
                    overdue: false,
                });
                out.extend(self.spec.run_timeout.map(Effect::Timer));
            }
            _ => {}
        }
        match pending {
            None => {}
            Some(Pending::Trigger(id)) => {
                if let Some(run) = &mut self.run {
                    run.command_id = Some(id);
                } else {
                    // It may have run and ended; hooks are not run twice.
                    let error = "its executor died when it was to be started; it is not known whether it ran";
                    self.report(id, None, error.to_owned(), Output::default(), out);
                }
            }
            Some(Pending::Transition(command)) if self.is_controlled() => {
                if matches!(self.stage, Stage::Steady) {
                    out.push(Effect::Timer(command.patience));
                    self.stage = Stage::Resuming(command);
                } else {
                    let error = format!("its executor died before {} could be done", command.event);
                    self.answer(&command, false, error, out);
                }
            }
            Some(Pending::Transition(command)) => {
                let done =
                    self.spec.mode == ControlMode::Basic && command.event == Event::Start && self.child;
                if done {
                    self.state = command.destination;
                    self.answer(&command, true, String::new(), out);
                } else {
                    self.transition(command, out);
                }
            }
        }
        // It was being ended: that goes on.
        if self.told.requested && !self.is_ended() {
            self.kill(None, out);
        }
    }

    /// The task shows its state while the end of a transition is awaited that a predecessor has begun.
    pub(super) fn resumed(&mut self, state: State, out: &mut Vec<Effect>) {
        let Stage::Resuming(command) = std::mem::replace(&mut self.stage, Stage::Steady) else {
            return;
        };
        if state == command.source || state == State::Unknown {
            self.stage = Stage::Resuming(command); // Not yet, or it never heard of it: the deadline decides.
            return;
        }
        self.state = state;
        out.push(Effect::NoTimer);
        let error = if state == command.destination {
            String::new()
        } else {
            format!("went to {state} instead, while no executor was there to hear why")
        };
        self.answer(&command, error.is_empty(), error, out);
    }
}
