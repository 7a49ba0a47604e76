//! Tasks: launching, commanding and ending them, and what their news mean.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::message::{Answer, CommandId, Effect, HookReport, Life, Obstacle, TaskReport, Timer};
use super::plan::{Deadline, TaskIndex};
use super::transition::{State, Transition};
use super::{Environment, Wait};
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
    lost: bool,
    /// The command that it owes an answer, also after nobody waits for it any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) owes: Option<CommandId>,
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
        let deploy = self.plan.deadlines.deploy;
        let margin = self.plan.deadlines.margin.time;
        self.set_timer(Timer::Deploy, deploy.time + margin, "deployment".to_owned());
        let mut launch = Vec::new();
        for index in 0..self.plan.tasks.len() {
            match self.plan.tasks.get(index).map(|task| task.host.clone()) {
                Some(Ok(_)) => {
                    if let Some(task) = self.tasks.get_mut(index) {
                        task.life = Life::Starting;
                    }
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
                if let Some(task) = self.tasks.get_mut(index) {
                    task.life = Life::Planned;
                }
            }
        }
    }

    /// Level-triggered: asks what is true now, whatever the last news was.
    fn check_deployed(&mut self) {
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
                let patience = self.plan.deadlines.patience;
                self.set_timer(Timer::Patience, patience.time, "non-critical tasks".to_owned());
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
            self.late_tasks(deadline, false, "was not there");
            self.check_deployed();
        }
    }

    pub(super) fn deploy_late(&mut self) {
        if matches!(self.wait, Some(Wait::Deploy { .. })) {
            let deadline = self.plan.deadlines.deploy;
            let causes = self.late_tasks(deadline, true, "was not there");
            self.fail(causes);
        }
    }

    /// Causes for the tasks that are still starting.
    fn late_tasks(&mut self, deadline: Deadline, critical: bool, what: &str) -> Vec<Cause> {
        let late: Vec<TaskIndex> = (0..self.tasks.len())
            .filter(|index| self.task(*index).life < Life::Active)
            .filter(|index| {
                self.plan
                    .tasks
                    .get(*index)
                    .is_some_and(|task| task.critical == critical)
            })
            .collect();
        let cause = |index| self.task_cause(index, what).after(deadline.name, deadline.time);
        let causes: Vec<Cause> = late.into_iter().map(cause).collect();
        for cause in causes.iter().filter(|cause| cause.harmless) {
            self.harmless(cause.clone());
        }
        causes
    }

    /// Commands the tasks that are there.
    pub(super) fn command(&mut self, transition: Transition) {
        let is_target = |task: &Task| {
            task.life == Life::Active
                && match transition {
                    // Those that owe an answer are told when it comes.
                    Transition::GoError => {
                        task.owes.is_none() && task.report.state == Some(TaskState::Running)
                    }
                    _ => task.report.state != Some(TaskState::Error),
                }
        };
        let tasks: Vec<TaskIndex> = (0..self.tasks.len())
            .filter(|i| is_target(self.task(*i)))
            .collect();
        if transition == Transition::Start {
            self.tasks.iter_mut().for_each(|task| task.finished = false);
        }
        if let Some(command) = self.send(transition, tasks.clone()) {
            self.wait = Some(Wait::Answers {
                command,
                transition,
                pending: tasks.into_iter().collect(),
                failures: Vec::new(),
            });
        }
    }

    fn send(&mut self, transition: Transition, tasks: Vec<TaskIndex>) -> Option<CommandId> {
        if tasks.is_empty() {
            return None;
        }
        let command = self.next_command();
        for index in &tasks {
            if let Some(task) = self.tasks.get_mut(*index) {
                task.owes = Some(command);
            }
        }
        let timers = &self.timers;
        self.owed
            .retain(|command, _| timers.contains_key(&Timer::Command(*command)));
        self.owed.insert(command, transition);
        let timeout = self.command_deadline(transition).time;
        let label = format!("{transition} of the tasks");
        self.set_timer(
            Timer::Command(command),
            timeout + self.plan.deadlines.margin.time,
            label,
        );
        self.effects.push(Effect::Command {
            command,
            transition,
            tasks,
            arguments: self.arguments(transition),
            timeout,
        });
        Some(command)
    }

    pub(super) fn command_deadline(&self, transition: Transition) -> Deadline {
        match transition {
            Transition::Configure => self.plan.deadlines.configure,
            _ => self.plan.deadlines.transition,
        }
    }

    pub(super) fn answers(&mut self, command: CommandId, answers: Vec<Answer>) {
        let deadline = match &self.wait {
            Some(Wait::Answers { transition, .. }) => Some(self.command_deadline(*transition)),
            _ => None,
        };
        for Answer {
            task,
            state,
            error,
            late,
            last_lines,
        } in answers
        {
            let Some(entry) = self.tasks.get_mut(task) else {
                continue;
            };
            if entry.owes == Some(command) {
                entry.owes = None;
            }
            if entry.life == Life::Active {
                entry.report.state = Some(state);
                self.show_task(task);
            }
            let cause = error.map(|error| {
                let cause = self.task_cause(task, error);
                let cause = Cause { last_lines, ..cause };
                match deadline {
                    Some(deadline) if late => cause.after(deadline.name, deadline.time),
                    _ => cause,
                }
            });
            self.answered(command, task, cause);
            // In ERROR nothing runs: who was still on its way to RUNNING is stopped when it arrives.
            let idle = self.state == State::Error && self.task(task).owes.is_none();
            if idle && state == TaskState::Running && self.task(task).life == Life::Active {
                self.send(Transition::GoError, vec![task]);
            }
        }
        if !self.tasks.iter().any(|task| task.owes == Some(command)) {
            self.cancel_timer(Timer::Command(command));
        }
    }

    /// A task has answered, or cannot any more. The first critical failure ends the wait; so does the last answer.
    fn answered(&mut self, command: CommandId, task: TaskIndex, cause: Option<Cause>) {
        let Some(Wait::Answers {
            command: current,
            pending,
            failures,
            transition,
        }) = &mut self.wait
        else {
            self.also_failed(cause);
            return;
        };
        if *current != command || !pending.remove(&task) {
            self.also_failed(cause);
            return;
        }
        let transition = *transition;
        match cause {
            Some(cause) if cause.harmless => self.harmless(cause),
            Some(cause) => failures.push(cause),
            None => {}
        }
        let Some(Wait::Answers {
            pending, failures, ..
        }) = &mut self.wait
        else {
            return;
        };
        let failed = !failures.is_empty() && transition != Transition::GoError;
        if pending.is_empty() || failed {
            let failures = std::mem::take(failures);
            self.wait = None;
            if failed {
                self.fail(failures);
            } else if !failures.is_empty() {
                self.job_failed(failures);
            }
        }
    }

    /// Another one that failed in the command whose failure is being dealt with.
    fn also_failed(&mut self, cause: Option<Cause>) {
        match cause {
            Some(cause) if !cause.harmless && self.has_failed() => self.job_failed(vec![cause]),
            _ => {}
        }
    }

    pub(super) fn command_late(&mut self, command: CommandId) {
        let late: BTreeSet<TaskIndex> = (0..self.tasks.len())
            .filter(|index| self.task(*index).owes == Some(command))
            .collect();
        let transition = match &self.wait {
            Some(Wait::Answers { transition, .. }) => *transition,
            _ => Transition::GoError,
        };
        let deadline = self.command_deadline(transition);
        for index in late {
            if let Some(task) = self.tasks.get_mut(index) {
                task.owes = None;
            }
            let what = format!("did not answer {}", transition.task_event().0);
            let cause = self.task_cause(index, what).after(deadline.name, deadline.time);
            self.answered(command, index, Some(cause));
        }
    }

    /// The command could not be given: nobody was asked, nobody will answer.
    pub(super) fn impossible(&mut self, command: CommandId, causes: Vec<Cause>) {
        for task in &mut self.tasks {
            if task.owes == Some(command) {
                task.owes = None;
            }
        }
        self.cancel_timer(Timer::Command(command));
        if matches!(&self.wait, Some(Wait::Answers { command: current, .. }) if *current == command) {
            self.wait = None;
            self.fail(causes);
        }
    }

    pub(super) fn task_report(&mut self, index: TaskIndex, report: TaskReport) {
        let Some(task) = self.tasks.get_mut(index) else {
            return;
        };
        if task.life == Life::Ended || report.version <= task.report.version {
            return;
        }
        let state = report.state.or(task.report.state);
        let was_active = task.life == Life::Active;
        task.life = report.life;
        task.report = TaskReport { state, ..report };
        if task.life == Life::Ended {
            self.task_ended(index, was_active);
        } else {
            self.show_task(index);
            if self.task(index).life == Life::Active {
                self.trigger_deferred(index);
            }
            if self.task(index).report.state == Some(TaskState::Error) && self.task(index).owes.is_none() {
                let reason = self.task(index).report.reason.clone();
                let what = if reason.is_empty() {
                    "is in ERROR".to_owned()
                } else {
                    reason
                };
                let cause = self.report_cause(index, what);
                self.lost(index, cause);
            }
        }
        self.check_deployed();
        self.check_killed();
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
        if let Some(task) = self.tasks.get_mut(index) {
            task.report.state = Some(state);
            task.finished = true;
            task.owes = None;
        }
        self.show_task(index);
        if let Some(command) = owes
            && !self.tasks.iter().any(|task| task.owes == Some(command))
        {
            self.cancel_timer(Timer::Command(command));
        }
        for command in self.pending_hooks(index) {
            let error = Some(cause.what.clone());
            let (exit, last_lines) = (cause.exit, cause.last_lines.clone());
            self.hook_ended(
                command,
                HookReport {
                    exit,
                    error,
                    last_lines,
                },
            );
        }
        if requested {
            if let Some(command) = owes {
                self.answered(command, index, None);
            }
            return;
        }
        self.lost(index, cause.clone());
        if let Some(command) = owes {
            self.answered(command, index, Some(cause));
        }
        self.check_finished();
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

    pub(super) fn end_tasks(&mut self, keep: bool) {
        let live: Vec<TaskIndex> = (0..self.tasks.len())
            .filter(|index| matches!(self.task(*index).life, Life::Starting | Life::Active))
            .collect();
        if live.is_empty() {
            return;
        }
        if keep {
            self.effects.push(Effect::Leave(live));
            return;
        }
        self.wait = Some(Wait::Kill { gone: 0 });
        self.set_timer(
            Timer::Kill,
            self.plan.deadlines.kill.time,
            "end of the tasks".to_owned(),
        );
        self.effects.push(Effect::Kill(live));
    }

    fn check_killed(&mut self) {
        let Some(Wait::Kill { gone }) = &mut self.wait else {
            return;
        };
        let is_live = |task: &Task| matches!(task.life, Life::Starting | Life::Active);
        while self.tasks.get(*gone).is_some_and(|task| !is_live(task)) {
            *gone += 1;
        }
        if *gone == self.tasks.len() {
            self.cancel_timer(Timer::Kill);
            self.wait = None;
        }
    }

    pub(super) fn kill_late(&mut self) {
        if !matches!(self.wait, Some(Wait::Kill { .. })) {
            return;
        }
        let deadline = self.plan.deadlines.kill;
        for index in 0..self.tasks.len() {
            if matches!(self.task(index).life, Life::Starting | Life::Active) {
                let cause = self
                    .task_cause(index, "is still there")
                    .after(deadline.name, deadline.time);
                self.job_failed(vec![cause]);
            }
        }
        self.wait = None;
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
