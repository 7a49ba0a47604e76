//! What tasks say by themselves, and what follows (`runtime.md` 3.10).

use super::Environment;
use super::message::{DeviceEvent, Life};
use super::plan::{Mode, PlannedTask, TaskIndex};
use super::tasks::Task;
use super::transition::{State, Transition};
use crate::aggregate::State as TaskState;
use crate::cause::{Cause, Exit};

impl Environment {
    pub(super) fn device_event(&mut self, index: TaskIndex, event: DeviceEvent) {
        if self.state != State::Running && !self.is_starting() {
            return;
        }
        match event {
            DeviceEvent::EndOfStream => {
                if let Some(task) = self.tasks.get_mut(index) {
                    task.finished = true;
                }
            }
            DeviceEvent::Terminated { exit, last_lines } => {
                if let Some(task) = self.tasks.get_mut(index) {
                    task.finished = true;
                }
                if exit.is_some_and(|exit| exit != Exit::Code(0)) {
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

    fn broken(&mut self, index: TaskIndex, cause: Cause) {
        if let Some(task) = self.tasks.get_mut(index) {
            task.report.state = Some(TaskState::Error);
        }
        self.show_task(index);
        self.lost(index, cause);
    }

    /// The run is over when every task that is still there has done its part.
    pub(super) fn check_finished(&mut self) {
        let finished = |(planned, task): (&PlannedTask, &Task)| {
            planned.mode == Mode::Hook || task.finished || task.life != Life::Active
        };
        let anybody = self.plan.tasks.iter().zip(&self.tasks);
        let any = anybody
            .clone()
            .any(|(p, task)| p.mode != Mode::Hook && task.finished && task.life == Life::Active);
        if self.state == State::Running && any && anybody.clone().all(finished) {
            self.react(Transition::Stop, Vec::new());
        }
    }
}
