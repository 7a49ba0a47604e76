//! What tasks say by themselves, and what follows (`runtime.md` 3.10).

use super::Environment;
use super::message::DeviceEvent;
use super::plan::TaskIndex;
use super::transition::{State, Transition};
use crate::aggregate::State as TaskState;
use crate::cause::{Cause, Exit};

impl Environment {
    pub(super) fn device_event(&mut self, index: TaskIndex, event: DeviceEvent) {
        let in_run = self.state == State::Running || self.is_starting();
        match event {
            // What is said of a run that is over means nothing.
            DeviceEvent::EndOfStream | DeviceEvent::Terminated { .. } if !in_run => {}
            DeviceEvent::EndOfStream => {
                self.change(index, |task| task.finished = true);
            }
            DeviceEvent::Terminated { exit, last_lines } => {
                self.change(index, |task| task.finished = true);
                // One that was told to stop is not to blame for how it ended.
                let asked = self.owes_a_stop(index);
                if !asked && exit.is_some_and(|exit| exit != Exit::Code(0)) {
                    let cause = Cause {
                        exit,
                        last_lines,
                        ..self.task_cause(index, "failed")
                    };
                    self.broken(index, cause);
                }
            }
            DeviceEvent::InternalError { last_lines } => {
                let cause = Cause {
                    last_lines,
                    ..self.task_cause(index, "reports an internal error")
                };
                self.broken(index, cause);
            }
        }
        self.check_finished();
    }

    fn owes_a_stop(&self, index: TaskIndex) -> bool {
        let owed = self.task(index).owes.and_then(|command| self.owed.get(&command));
        owed.is_some_and(|owed| matches!(owed.transition, Transition::Stop | Transition::GoError))
    }

    fn broken(&mut self, index: TaskIndex, cause: Cause) {
        if let Some(task) = self.tasks.get_mut(index) {
            task.report.state = Some(TaskState::Error);
        }
        self.show_task(index);
        self.lost(index, cause);
    }

    /// The run is over when every task that is still there has done its part.
    pub(super) fn check_finished(&mut self) {
        if self.state == State::Running && self.tally.is_over() {
            self.react(Transition::Stop, None);
        }
    }
}
