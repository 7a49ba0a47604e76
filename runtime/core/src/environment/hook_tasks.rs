//! Hooks that are processes: run on their hosts, and none of their results is lost (`runtime.md` 3.9, errata 13).

use std::collections::BTreeSet;

use partita_artefact::instance::Moment;
use serde::{Deserialize, Serialize};

use super::message::{CommandId, Effect, HookReport, Life, Timer};
use super::observation::Progress;
use super::plan::TaskIndex;
use super::{Environment, Wait};
use crate::cause::{Cause, Patience};

/// A hook task whose turn has come and whose end is not known, also after nobody waits for it any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StartedHook {
    pub(super) task: TaskIndex,
    /// Its task is still starting: it runs when that is there.
    pub(super) deferred: bool,
}

impl Environment {
    /// Runs these, and says which have to be waited for.
    pub(super) fn trigger_tasks(&mut self, due: &[TaskIndex]) -> BTreeSet<CommandId> {
        let mut pending = BTreeSet::new();
        for task in due.iter().copied() {
            if !matches!(self.task(task).life, Life::Starting | Life::Active) {
                let reason = format!("its task is {}", self.task(task).describe());
                self.observe_hook(task, Progress::Skipped(reason));
                continue;
            }
            let command = self.next_command();
            pending.insert(command);
            let deferred = true;
            self.hooks.insert(command, StartedHook { task, deferred });
            if let Some(task) = self.tasks.get_mut(task) {
                task.hooks.push(command);
            }
            let what = format!("hook {}", self.task_path(task));
            let deadline = Patience::of_timeout(self.hook_timeout(task));
            self.set_timer(Timer::Hook(command), deadline, what);
            if self.task(task).life == Life::Active {
                self.trigger_deferred(task);
            }
        }
        pending
    }

    /// Runs the hooks whose turn it is, now that their task is there.
    pub(super) fn trigger_deferred(&mut self, task: TaskIndex) {
        let timeout = self.hook_timeout(task);
        for command in self.task(task).hooks.clone() {
            let hook = self.hooks.get_mut(&command);
            if hook.is_some_and(|hook| std::mem::take(&mut hook.deferred)) {
                self.observe_hook(task, Progress::Started);
                self.effects.push(Effect::Trigger {
                    command,
                    task,
                    timeout,
                });
            }
        }
    }

    /// A hook task has run, or cannot any more.
    pub(super) fn hook_ended(&mut self, command: CommandId, report: HookReport) {
        let Some(task) = self.take_hook(command) else {
            return;
        };
        let cause = report.error.map(|error| Cause {
            exit: report.exit,
            last_lines: report.last_lines,
            ..self.task_cause(task, format!("hook at {} {error}", self.hook_moment(task)))
        });
        self.end_hook(command, task, cause);
    }

    pub(super) fn hook_late(&mut self, command: CommandId) {
        let Some(task) = self.take_hook(command) else {
            return;
        };
        let what = format!("hook at {} did not end", self.hook_moment(task));
        let cause = self
            .task_cause(task, what)
            .after("timeout", self.hook_timeout(task));
        self.end_hook(command, task, Some(cause));
    }

    fn end_hook(&mut self, command: CommandId, task: TaskIndex, failure: Option<Cause>) {
        let progress = match &failure {
            None => Progress::Ended { stand_in: false },
            Some(cause) => Progress::Failed(cause.clone()),
        };
        self.observe_hook(task, progress);
        let failure = failure.filter(|cause| !cause.harmless);
        match &mut self.wait {
            Some(Wait::Hooks { pending, failures }) if pending.contains(&command) => {
                pending.remove(&command);
                failures.extend(failure);
            }
            _ => self.join_failure(failure),
        }
    }

    /// Nobody waits for these any more. What runs is told when it ends; what has not begun will not.
    pub(super) fn leave_hooks(&mut self, commands: BTreeSet<CommandId>) {
        for command in commands {
            if self.hooks.get(&command).is_some_and(|hook| hook.deferred)
                && let Some(task) = self.take_hook(command)
            {
                let reason = "it was given up before its task was there".to_owned();
                self.observe_hook(task, Progress::Skipped(reason));
            }
        }
    }

    /// Nothing more will come of this one. Returns its task.
    fn take_hook(&mut self, command: CommandId) -> Option<TaskIndex> {
        let hook = self.hooks.remove(&command)?;
        if let Some(task) = self.tasks.get_mut(hook.task) {
            task.hooks.retain(|other| *other != command);
        }
        self.cancel_timer(Timer::Hook(command));
        Some(hook.task)
    }

    pub(super) fn hook_timeout(&self, task: TaskIndex) -> std::time::Duration {
        self.plan
            .tasks
            .get(task)
            .map(|task| task.timeout)
            .unwrap_or_default()
    }

    pub(super) fn hook_moment(&self, task: TaskIndex) -> String {
        let trigger = self.plan.tasks.get(task).and_then(|task| task.trigger.as_ref());
        trigger.map(Moment::to_string).unwrap_or_default()
    }
}
