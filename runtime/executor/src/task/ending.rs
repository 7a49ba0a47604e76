//! The end of a task: asked first, then forced, in growing steps, until nothing is left (`runtime.md` 5.5).

use partita_occ::{Event, State};
use partita_proto::executor::ControlMode;

use super::{Command, Effect, Outcome, Signal, Stage, Step, Task};

/// STOP, RESET, EXIT, and as many again for a task that changed its state by itself in between.
const MOST_LEAVES: u8 = 6;

impl Task {
    /// Ends the task: as the core wishes, or because of `trouble` that the core does not know of.
    pub(super) fn kill(&mut self, trouble: Option<String>, out: &mut Vec<Effect>) {
        let starting = matches!(self.stage, Stage::New | Stage::Starting);
        match std::mem::replace(&mut self.stage, Stage::Steady) {
            stage @ Stage::Ending(_) => {
                self.stage = stage;
                return;
            }
            Stage::Ended => {
                self.stage = Stage::Ended;
                self.update(out);
                return;
            }
            Stage::Busy(command)
            | Stage::Resuming(command)
            | Stage::Doubt(Some((command, _)))
            | Stage::Stopping(command) => {
                self.give_up(&command, out);
                self.state = State::Unknown;
            }
            Stage::Doubt(None) => self.state = State::Unknown,
            Stage::New | Stage::Starting | Stage::Steady => {}
        }
        self.told.requested = trouble.is_none();
        self.told.reason = trouble.unwrap_or_default();
        if !self.child && !self.left {
            self.end(out);
        } else if !self.is_controlled() || starting {
            self.force("", out);
        } else if self.state == State::Unknown {
            out.push(Effect::Cancel);
            out.push(Effect::Ask);
            out.push(Effect::Timer(self.spec.kill.transition));
            self.stage = Stage::Ending(Step::Ask);
        } else {
            self.leave(out);
        }
    }

    fn give_up(&self, command: &Command, out: &mut Vec<Effect>) {
        let error = format!("it is being ended, so {} was given up", command.event);
        self.answer(command, false, error, out);
    }

    /// Ends the task at once, whatever it is doing.
    pub(super) fn kill_now(&mut self, out: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.stage, Stage::Steady) {
            Stage::Ended => {
                self.stage = Stage::Ended;
                return self.update(out);
            }
            Stage::Busy(command)
            | Stage::Resuming(command)
            | Stage::Doubt(Some((command, _)))
            | Stage::Stopping(command) => self.give_up(&command, out),
            _ => {}
        }
        self.told.requested = true;
        "was killed at once, as it was asked for".clone_into(&mut self.told.reason);
        if !self.child && !self.left {
            return self.end(out);
        }
        out.push(Effect::Cancel);
        self.signal(Signal::Kill, out);
    }

    /// The next step out for a task that is in `self.state`.
    pub(super) fn leave(&mut self, out: &mut Vec<Effect>) {
        let (event, destination) = match self.state {
            State::Running | State::Paused => (Event::Stop, State::Configured),
            State::Configured => (Event::Reset, State::Standby),
            State::Standby => (Event::Exit, State::Done),
            // A FairMQ device cannot leave ERROR, not even to end (runtime.md 2.3).
            State::Error if self.spec.mode == ControlMode::Direct => (Event::Exit, State::Done),
            State::Done => return self.await_exit(out),
            state => return self.force(&format!("in {state} it cannot be asked to end"), out),
        };
        if self.leaves == MOST_LEAVES {
            return self.force("it went in circles when asked to end", out);
        }
        self.leaves += 1;
        out.push(Effect::Call {
            event,
            source: self.state,
            destination,
            arguments: Vec::new(),
            patience: self.spec.kill.transition,
        });
        out.push(Effect::Timer(self.spec.kill.transition));
        self.stage = Stage::Ending(Step::Leave(event));
    }

    /// The answer to a step out.
    pub(super) fn left_state(&mut self, step: Step, outcome: Outcome, out: &mut Vec<Effect>) {
        let Step::Leave(event) = step else { return };
        let moved = outcome.state != State::Unknown && outcome.state != self.state;
        match outcome.error {
            None => {
                self.state = outcome.state;
                self.leave(out);
            }
            Some(_) if moved => {
                self.state = outcome.state;
                self.leave(out);
            }
            // Many a task ends before its answer to EXIT is out.
            Some(_) if event == Event::Exit && outcome.state == State::Unknown => self.await_exit(out),
            Some(error) => self.force(&format!("{event} failed: {error}"), out),
        }
    }

    fn await_exit(&mut self, out: &mut Vec<Effect>) {
        self.state = State::Done;
        out.push(Effect::Timer(self.spec.kill.exit));
        self.stage = Stage::Ending(Step::Exit);
    }

    /// The patience with a step is at its end.
    pub(super) fn next_step(&mut self, step: Step, out: &mut Vec<Effect>) {
        let kill = self.spec.kill;
        match step {
            Step::Ask => self.force(
                &format!("it did not say its state within {:?}", kill.transition),
                out,
            ),
            Step::Leave(event) => {
                self.force(&format!("no answer to {event} within {:?}", kill.transition), out);
            }
            Step::Exit => self.force(&format!("it did not end within {:?} of EXIT", kill.exit), out),
            Step::Signal(Signal::Term) => self.signal(Signal::Interrupt, out),
            Step::Signal(Signal::Interrupt) => {
                let because = if self.told.reason.is_empty() { "" } else { "; " };
                self.told.reason += because;
                self.told.reason += "SIGKILL was needed, as it did not heed SIGTERM and SIGINT";
                self.signal(Signal::Kill, out);
            }
            Step::Signal(Signal::Kill) => self.signal(Signal::Kill, out),
        }
    }

    /// No more asking. `because` is told where there is no better reason.
    pub(super) fn force(&mut self, because: &str, out: &mut Vec<Effect>) {
        if self.told.reason.is_empty() {
            because.clone_into(&mut self.told.reason);
        }
        out.push(Effect::Cancel);
        self.signal(Signal::Term, out);
    }

    fn signal(&mut self, signal: Signal, out: &mut Vec<Effect>) {
        out.push(Effect::Signal(signal));
        out.push(Effect::Timer(match signal {
            Signal::Term => self.spec.kill.term,
            Signal::Interrupt => self.spec.kill.interrupt,
            Signal::Kill => self.spec.kill.again,
        }));
        self.stage = Stage::Ending(Step::Signal(signal));
    }

    /// Nothing is left of it.
    pub(super) fn end(&mut self, out: &mut Vec<Effect>) {
        self.stage = Stage::Ended;
        if self.told.requested {
            self.state = State::Done;
        }
        self.told.ended_unix_ms = self.unix_ms;
        out.push(Effect::Cancel);
        out.push(Effect::NoTimer);
        out.push(Effect::Release);
        self.update(out);
    }
}
