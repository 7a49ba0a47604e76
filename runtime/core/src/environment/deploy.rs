//! From a plan to tasks that are there (`runtime.md` 3.3).

use super::message::{Effect, Life, Obstacle, TaskReport, Timer};
use super::plan::{Deadline, TaskIndex};
use super::{Environment, Wait};
use crate::aggregate::{State as TaskState, Status};
use crate::cause::Cause;

impl Environment {
    pub(super) fn deploy(&mut self) {
        for call in 0..self.plan.calls.len() {
            let role = self.plan.calls.get(call).map_or(0, |call| call.role);
            self.set_role(role, TaskState::Invariant, Status::Active);
        }
        self.wait = Some(Wait::Deploy {
            patient: true,
            there: [0; 2],
        });
        let deadline = self.plan.deadlines.deploy;
        self.set_timer(Timer::Deploy, deadline.into(), "deployment".to_owned());
        let mut launch = Vec::new();
        for index in 0..self.plan.tasks.len() {
            match self.plan.tasks.get(index).map(|task| task.host.clone()) {
                Some(Ok(_)) => {
                    self.change(index, |task| task.life = Life::Starting);
                    launch.push(index);
                }
                Some(Err(reason)) => {
                    let report = TaskReport {
                        version: 1,
                        life: Life::Ended,
                        obstacle: Some(Obstacle::NoHost),
                        reason,
                        ..TaskReport::default()
                    };
                    self.task_report(index, report);
                }
                None => {}
            }
        }
        // A critical task without a host has failed the deployment already: then nothing is started.
        if matches!(self.wait, Some(Wait::Deploy { .. })) {
            if !launch.is_empty() {
                self.effects.push(Effect::Launch(launch.clone()));
                for index in launch {
                    self.observe_task(index, None, Status::Inactive);
                }
            }
            self.check_deployed();
        } else {
            for index in launch {
                self.change(index, |task| task.life = Life::Planned);
            }
        }
    }

    /// Level-triggered: asks what is true now, whatever the last news was.
    pub(super) fn check_deployed(&mut self) {
        let Some(Wait::Deploy { patient, there }) = &mut self.wait else {
            return;
        };
        let patient = *patient;
        let (planned, tasks) = (&self.plan.tasks, &self.tasks);
        let is_starting = |index: TaskIndex, critical| {
            let task = planned.get(index).zip(tasks.get(index));
            task.is_some_and(|(planned, task)| planned.critical == critical && task.life < Life::Active)
        };
        let [critical_there, others_there] = there;
        let starting = |critical, there: &mut TaskIndex| {
            while *there < tasks.len() && !is_starting(*there, critical) {
                *there += 1;
            }
            *there < tasks.len()
        };
        if starting(true, critical_there) {
            return;
        }
        if patient && starting(false, others_there) {
            if !self.timers.contains_key(&Timer::Patience) {
                let deadline = self.plan.deadlines.patience;
                self.set_timer(Timer::Patience, deadline.into(), "non-critical tasks".to_owned());
            }
            return;
        }
        self.cancel_timer(Timer::Deploy);
        self.cancel_timer(Timer::Patience);
        self.wait = None;
    }

    pub(super) fn patience_over(&mut self) {
        if let Some(Wait::Deploy { patient, .. }) = &mut self.wait {
            *patient = false;
            let deadline = self.plan.deadlines.patience;
            for cause in self.late_tasks(deadline, false) {
                self.harmless(cause);
            }
            self.check_deployed();
        }
    }

    pub(super) fn deploy_late(&mut self) {
        if matches!(self.wait, Some(Wait::Deploy { .. })) {
            let deadline = self.plan.deadlines.deploy;
            let causes = self.late_tasks(deadline, true);
            self.fail(causes);
        }
    }

    /// Causes for the tasks that are still starting.
    fn late_tasks(&self, deadline: Deadline, critical: bool) -> Vec<Cause> {
        let is_late = |(index, task): &(TaskIndex, &super::tasks::Task)| {
            let planned = self.plan.tasks.get(*index);
            task.life < Life::Active && planned.is_some_and(|planned| planned.critical == critical)
        };
        let late = self.tasks.iter().enumerate().filter(is_late);
        late.map(|(index, _)| {
            self.task_cause(index, "was not there")
                .after(deadline.name, deadline.time)
        })
        .collect()
    }
}
