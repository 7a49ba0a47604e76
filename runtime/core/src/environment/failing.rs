//! What goes wrong, and what is given up for it.

use super::message::Timer;
use super::observation::Observation;
use super::transition::{State, Step, Transition};
use super::{Environment, Wait};
use crate::cause::Cause;

impl Environment {
    /// A critical failure in the program under way: it is cancelled here if it can be, else it goes on to its end.
    pub(super) fn fail(&mut self, causes: Vec<Cause>) {
        self.job_failed(causes);
        if self
            .program
            .as_ref()
            .is_some_and(super::Program::can_be_cancelled)
        {
            self.give_up();
        }
    }

    /// Something critical is gone. What is under way is cancelled if it can be; `GO_ERROR` follows in any case.
    pub(super) fn critical_loss(&mut self, cause: Cause) {
        if self.program.is_some() {
            return self.fail(vec![cause]);
        }
        self.tell(cause.clone());
        if !matches!(self.state, State::Error | State::Done) {
            self.observe_imminent_error(cause.clone());
            self.react(Transition::GoError, Some(&cause));
        }
    }

    /// Nothing of the program at hand is done any more.
    pub(super) fn give_up(&mut self) {
        let Some(program) = &mut self.program else { return };
        let steps = std::mem::take(&mut program.steps);
        let at_hand = self.pass.take();
        self.forget_calls(|moment| {
            let passes = steps.iter().filter_map(|step| match step {
                Step::Hooks(pass) => Some(pass),
                _ => None,
            });
            passes.chain(&at_hand).any(|pass| pass.is_to_come(moment))
        });
        match self.wait.take() {
            Some(Wait::Deploy { .. }) => {
                self.cancel_timer(Timer::Deploy);
                self.cancel_timer(Timer::Patience);
            }
            Some(Wait::Hooks { pending, .. }) => self.leave_hooks(pending),
            Some(Wait::RunNumber) => self.cancel_timer(Timer::RunNumber),
            Some(Wait::Kill { .. }) => self.cancel_timer(Timer::Kill),
            // What tasks and services still owe has timers of its own.
            Some(Wait::Answers { .. } | Wait::Calls) | None => {}
        }
        self.observe_step_end();
    }

    /// The job at hand has failed, and what is left of it is to end well.
    pub(super) fn has_failed(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.failed)
    }

    /// Notes what went wrong in the job, and tells it at once. News of the same task that know more replace what was
    /// known.
    pub(super) fn job_failed(&mut self, causes: Vec<Cause>) {
        let Some(job) = &mut self.job else {
            return causes.into_iter().for_each(|cause| self.tell(cause));
        };
        if let Some(program) = &mut self.program {
            job.failed |= program.transition.is_some();
            if let Some(cause) = causes.first() {
                program.note_error(cause);
            }
        }
        let news: Vec<Cause> = causes.into_iter().filter(|cause| job.note(cause)).collect();
        for cause in news {
            self.tell(cause);
        }
    }

    /// A failure that nobody waited for: it joins that which is being dealt with, and is told in any case.
    pub(super) fn also_failed(&mut self, cause: Option<Cause>) {
        match cause {
            None => {}
            Some(cause) if cause.harmless => self.harmless(cause),
            Some(cause) if self.has_failed() => self.job_failed(vec![cause]),
            Some(cause) => self.tell(cause),
        }
    }

    /// The same for one that has been told as the end of its hook or call.
    pub(super) fn join_failure(&mut self, cause: Option<Cause>) {
        if self.has_failed() {
            self.job_failed(cause.into_iter().filter(|cause| !cause.harmless).collect());
        }
    }

    pub(super) fn tell(&mut self, cause: Cause) {
        self.observe(Observation::Cause(cause));
    }
}
