//! Tasks: what is known of them, and what their news mean.

use serde::{Deserialize, Serialize};

use super::Environment;
use super::message::{CommandId, HookReport, Life, Obstacle, TaskReport};
use super::plan::{Mode, TaskIndex};
use super::transition::{State, Transition};
use crate::aggregate::{State as TaskState, Status};
use crate::cause::{Cause, Exit};
use crate::compact::is_default;

/// What is known of a task.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Task {
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) report: TaskReport,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) life: Life,
    /// It has done its part of this run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) finished: bool,
    /// The loss of it has been reported.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) lost: bool,
    /// The command that it owes an answer, also after nobody waits for it any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) owes: Option<CommandId>,
    /// The runs as a hook whose end is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) hooks: Vec<CommandId>,
}

impl Task {
    pub(super) fn describe(&self) -> &'static str {
        match self.life {
            Life::Planned => "not there yet",
            Life::Starting => "still starting",
            Life::Active => "there",
            Life::Ended => "gone",
        }
    }
}

/// How far the tasks that have a part in a run are: those that are there and are no hooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// They have not done it yet.
    unfinished: usize,
    /// They have.
    finished: usize,
}

impl Tally {
    fn of(mode: Mode, task: &Task) -> Self {
        let counts = mode != Mode::Hook && task.life == Life::Active;
        Self {
            unfinished: usize::from(counts && !task.finished),
            finished: usize::from(counts && task.finished),
        }
    }

    /// Somebody is there to have a part in the run, and everybody who is has done it.
    pub(super) fn is_over(self) -> bool {
        self.finished > 0 && self.unfinished == 0
    }
}

impl Environment {
    /// Changes what is known of a task, and with it the tally.
    pub(super) fn change(&mut self, index: TaskIndex, change: impl FnOnce(&mut Task)) {
        let Some((planned, task)) = self.plan.tasks.get(index).zip(self.tasks.get_mut(index)) else {
            return;
        };
        let before = Tally::of(planned.mode, task);
        change(task);
        let after = Tally::of(planned.mode, task);
        let moved = |all: usize, before: usize, after: usize| (all + after).saturating_sub(before);
        self.tally.unfinished = moved(self.tally.unfinished, before.unfinished, after.unfinished);
        self.tally.finished = moved(self.tally.finished, before.finished, after.finished);
    }

    pub(super) fn task_report(&mut self, index: TaskIndex, report: TaskReport) {
        let task = self.task(index);
        if task.life == Life::Ended || report.version <= task.report.version {
            return;
        }
        let (before, was_active) = (task.report.state, task.life == Life::Active);
        let state = report.state.or(before);
        self.change(index, |task| {
            task.life = report.life;
            task.report = TaskReport { state, ..report };
        });
        if self.task(index).life == Life::Ended {
            self.task_ended(index, was_active);
        } else {
            self.show_task(index);
            self.task_lives(index, before);
        }
        self.check_deployed();
        self.check_killed();
    }

    /// News of a task that is not gone. `before`: the state that it was in.
    fn task_lives(&mut self, index: TaskIndex, before: Option<TaskState>) {
        if self.task(index).life == Life::Active {
            self.trigger_deferred(index);
        }
        if self.task(index).owes.is_some() {
            return;
        }
        let report = &self.task(index).report;
        match report.state {
            Some(TaskState::Error) => {
                let what = match report.reason.as_str() {
                    "" => "is in ERROR".to_owned(),
                    reason => reason.to_owned(),
                };
                let cause = self.report_cause(index, what);
                self.lost(index, cause);
            }
            // A device may return from its loop: it has done its part (`runtime.md` 11.5).
            Some(TaskState::Configured)
                if before == Some(TaskState::Running) && self.state == State::Running =>
            {
                self.harmless(self.task_cause(index, "left RUNNING by itself"));
                self.change(index, |task| task.finished = true);
                self.check_finished();
            }
            _ => self.stop_if_astray(index),
        }
    }

    fn task_ended(&mut self, index: TaskIndex, was_active: bool) {
        let task = self.task(index);
        let report = &task.report;
        let clean = report.requested || (was_active && report.exit == Some(Exit::Code(0)));
        let state = match report.obstacle {
            // It has never been anywhere else.
            Some(Obstacle::NoCommand) => TaskState::Standby,
            _ if clean => TaskState::Done,
            _ => TaskState::Error,
        };
        let (requested, owes) = (report.requested, task.owes);
        let what = match (report.obstacle, report.reason.as_str()) {
            (Some(Obstacle::NoHost), reason) => format!("cannot be deployed: {reason}"),
            (Some(Obstacle::NoCommand), reason) => format!("cannot be started: {reason}"),
            (None, "") if was_active => "ended unasked".to_owned(),
            (None, "") => "ended before it was ready".to_owned(),
            (None, reason) => reason.to_owned(),
        };
        let cause = self.report_cause(index, what);
        self.change(index, |task| {
            task.report.state = Some(state);
            task.finished = true;
        });
        self.settle(index);
        self.show_task(index);
        for command in self.task(index).hooks.clone() {
            let report = HookReport {
                exit: cause.exit,
                error: Some(cause.what.clone()),
                last_lines: cause.last_lines.clone(),
            };
            self.hook_ended(command, report);
        }
        if !requested {
            self.lost(index, cause);
        }
        if let Some(command) = owes {
            self.answered(command, index, None);
        }
        if !requested {
            self.check_finished();
        }
    }

    /// A task is broken or gone, and nobody asked for it.
    pub(super) fn lost(&mut self, index: TaskIndex, cause: Cause) {
        let Some(task) = self.tasks.get_mut(index) else {
            return;
        };
        let known = std::mem::replace(&mut task.lost, true);
        if cause.harmless {
            if !known {
                self.harmless(cause);
            }
        } else {
            self.critical_loss(cause);
        }
    }

    /// Why ERROR cannot be left: critical tasks that are gone, or in a state from which this does not lead. `None`: it
    /// can.
    pub(super) fn kept_in_error(&self, by: Transition) -> Option<String> {
        let obstacle = |index: &TaskIndex| {
            let task = self.task(*index);
            let planned = self.plan.tasks.get(*index)?;
            let never_there = planned.mode == Mode::Hook && task.report.obstacle.is_some();
            let what = match task.report.state {
                _ if !planned.critical || never_there => return None,
                _ if task.life != Life::Active => format!("is {}", task.describe()),
                _ if task.owes.is_some() => "has not answered yet".to_owned(),
                Some(TaskState::Error) if by != Transition::Recover => {
                    "is in ERROR, which only RECOVER can lead out of".to_owned()
                }
                None
                | Some(TaskState::Error | TaskState::Standby | TaskState::Configured | TaskState::Running) => {
                    return None;
                }
                Some(state) => format!("is in {state}"),
            };
            Some(format!("{} {what}", self.task_path(*index)))
        };
        let (first, more) = {
            let mut all = (0..self.tasks.len()).filter_map(|index| obstacle(&index));
            (all.next()?, all.count())
        };
        Some(match more {
            0 => first,
            more => format!("{first}, and {more} more are no better"),
        })
    }

    /// What a person needs to know of a task when it is the cause of something.
    pub(super) fn task_cause(&self, index: TaskIndex, what: impl Into<String>) -> Cause {
        let planned = self.plan.tasks.get(index);
        Cause {
            task: planned.map(|task| task.id.clone()),
            host: planned.and_then(|task| task.host.clone().ok()),
            harmless: !planned.is_some_and(|task| task.critical),
            ..Cause::of(&self.task_path(index), what)
        }
    }

    /// The same, with all that the task has reported.
    fn report_cause(&self, index: TaskIndex, what: String) -> Cause {
        let report = &self.task(index).report;
        let cause = Cause {
            exit: report.exit,
            last_lines: report.last_lines.clone(),
            ..self.task_cause(index, what)
        };
        if report.late {
            let deadline = self.plan.deadlines.deploy;
            return cause.after(deadline.name, deadline.time);
        }
        cause
    }

    pub(super) fn show_task(&mut self, index: TaskIndex) {
        let task = self.task(index);
        let state = task.report.state.unwrap_or(TaskState::Standby);
        let status = match task.life {
            Life::Active => Status::Active,
            Life::Ended if task.report.obstacle == Some(Obstacle::NoHost) => Status::Undeployable,
            _ => Status::Inactive,
        };
        let role = self.plan.tasks.get(index).map_or(0, |task| task.role);
        if (self.tree.state(role), self.tree.status(role)) != (state, status) {
            let before = (self.tree.state(role), self.tree.status(role));
            if before.0 != state && before.1 != status {
                self.observe_task(index, Some(before.0), status);
            }
            self.observe_task(index, Some(state), status);
            self.set_role(role, state, status);
        }
    }
}
