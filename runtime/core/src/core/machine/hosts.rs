//! What is on which host: tasks that executors tell of, tasks that nobody owns, hosts that are gone.

use super::{EnvironmentId, Machine, Output};
use crate::cause::Cause;
use crate::environment::plan::TaskIndex;
use crate::environment::{Event, Life, TaskReport};
use std::collections::{BTreeMap, BTreeSet};

impl Machine {
    /// The executor of a host says what is there. What should be and is not is lost; what should not be and is, is
    /// ended; and who has come back is told again what it may have missed.
    pub(super) fn attached(&mut self, host: &str, inventory: Vec<(String, TaskReport)>) {
        self.lost.remove(host);
        // Whatever was said since the core is there still waits for the first one.
        let is_back = !self.attached.insert(host.to_owned());
        let here: BTreeSet<String> = inventory.iter().map(|(task, _)| task.clone()).collect();
        let mut nobodys = Vec::new();
        for (task, report) in inventory {
            if report.life != Life::Ended && !self.is_known(host, &task) {
                nobodys.push(task);
            } else {
                self.task(host, &task, report);
            }
        }
        if !nobodys.is_empty() {
            let host = host.to_owned();
            self.outputs.push(Output::Kill { host, tasks: nobodys });
        }
        if let Some(kept) = self.kept.get_mut(host) {
            kept.retain(|task| here.contains(task));
        }
        for (id, mut tasks) in self.tasks_on(host) {
            tasks.retain(|task| !self.is_in(&id, *task, &here));
            for task in tasks {
                if self.life(&id, task) == Some(Life::Active) {
                    self.end(
                        &id,
                        task,
                        "lost: its executor knows nothing of it".to_owned(),
                        None,
                    );
                }
            }
        }
        if is_back {
            self.say_again(host);
        }
    }

    /// News of a task.
    pub(super) fn task(&mut self, host: &str, task: &str, report: TaskReport) {
        if let Some((id, index)) = self.tasks.get(task).cloned() {
            return self.step(&id, Event::Task(index, report));
        }
        if report.life == Life::Ended
            && let Some(kept) = self.kept.get_mut(host)
        {
            kept.remove(task);
        }
    }

    /// It belongs to an environment, or was left on purpose.
    fn is_known(&self, host: &str, task: &str) -> bool {
        self.tasks.contains_key(task) || self.kept.get(host).is_some_and(|kept| kept.contains(task))
    }

    /// The executor of a host is gone: so are its tasks, as far as anybody can steer them.
    pub(super) fn host_lost(&mut self, host: &str, cause: &Cause) {
        self.kept.remove(host);
        self.attached.remove(host);
        let how = cause.exit.map(|exit| format!(" ({exit})")).unwrap_or_default();
        let reason = format!("lost with its host: {}{how}", cause.what);
        self.lost.insert(host.to_owned(), cause.clone());
        for (id, tasks) in self.tasks_on(host) {
            for task in tasks {
                self.end(&id, task, reason.clone(), Some(cause));
            }
        }
    }

    /// These tasks outlive their environment.
    pub(super) fn keep(&mut self, id: &str, tasks: &[TaskIndex]) {
        let Some(entry) = self.environments.get(id) else {
            return;
        };
        for task in tasks {
            if let Some(planned) = entry.environment.plan().tasks.get(*task)
                && let Ok(host) = &planned.host
            {
                let kept = self.kept.entry(host.clone()).or_default();
                kept.insert(planned.id.clone());
            }
        }
    }

    pub(super) fn kill_kept(&mut self) {
        for (host, tasks) in std::mem::take(&mut self.kept) {
            let tasks: Vec<String> = tasks.into_iter().collect();
            if !tasks.is_empty() {
                self.outputs.push(Output::Kill { host, tasks });
            }
        }
    }

    fn say_again(&mut self, host: &str) {
        for (id, entry) in &self.environments {
            let environment = &entry.environment;
            let tasks = &environment.plan().tasks;
            let is_there = |task: TaskIndex| {
                tasks
                    .get(task)
                    .is_some_and(|task| task.host.as_deref() == Ok(host))
            };
            for effect in environment.outstanding(is_there) {
                self.outputs.push(Output::Effect(id.clone(), effect));
            }
        }
    }

    fn tasks_on(&self, host: &str) -> BTreeMap<EnvironmentId, Vec<TaskIndex>> {
        let on_host = |id: &EnvironmentId, entry: &super::Entry| {
            let tasks = entry.environment.plan().tasks.iter().enumerate();
            let there = tasks.filter(|(_, task)| task.host.as_deref() == Ok(host));
            (id.clone(), there.map(|(index, _)| index).collect())
        };
        self.environments
            .iter()
            .map(|(id, entry)| on_host(id, entry))
            .collect()
    }

    fn is_in(&self, id: &str, task: TaskIndex, there: &BTreeSet<String>) -> bool {
        let entry = self.environments.get(id);
        let planned = entry.and_then(|entry| entry.environment.plan().tasks.get(task));
        planned.is_some_and(|planned| there.contains(&planned.id))
    }

    fn life(&self, id: &str, task: TaskIndex) -> Option<Life> {
        let environment = &self.environments.get(id)?.environment;
        environment.report(task).map(|report| report.life)
    }

    fn end(&mut self, id: &str, task: TaskIndex, reason: String, cause: Option<&Cause>) {
        let entry = self.environments.get(id);
        let known = entry.and_then(|entry| entry.environment.report(task));
        let report = TaskReport {
            version: known.map_or(0, |report| report.version).saturating_add(1),
            life: Life::Ended,
            reason,
            last_lines: cause.map(|cause| cause.last_lines.clone()).unwrap_or_default(),
            ..TaskReport::default()
        };
        self.step(id, Event::Task(task, report));
    }
}
