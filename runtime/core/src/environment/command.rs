//! Commands to tasks, and what their answers mean.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::message::{Answer, CommandId, Effect, Life, Timer};
use super::plan::{Deadline, TaskIndex};
use super::tasks::Task;
use super::transition::{State, Transition};
use super::{Environment, Wait};
use crate::aggregate::State as TaskState;
use crate::cause::Cause;

/// A command that tasks owe an answer to, also after nobody waits for it any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Owed {
    pub(super) transition: Transition,
    /// How many do.
    owing: usize,
}

impl Environment {
    /// Commands the tasks that are there.
    pub(super) fn command(&mut self, transition: Transition) {
        if transition == Transition::Start {
            for index in 0..self.tasks.len() {
                self.change(index, |task| task.finished = false);
            }
        }
        self.command_those(transition, |task| task.report.state != Some(TaskState::Error));
    }

    /// Commands the tasks that are where the transition leads from. Those that owe an answer are told when it comes.
    pub(super) fn command_there(&mut self, transition: Transition) {
        let (_, source, _) = transition.task_event();
        let source = Some(TaskState::from_name(source));
        self.command_those(transition, |task| {
            task.owes.is_none() && task.report.state == source
        });
    }

    fn command_those(&mut self, transition: Transition, is_target: impl Fn(&Task) -> bool) {
        let there = |(_, task): &(TaskIndex, &Task)| task.life == Life::Active && is_target(task);
        let tasks: Vec<TaskIndex> = (self.tasks.iter().enumerate())
            .filter(there)
            .map(|(index, _)| index)
            .collect();
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
            self.settle(*index);
            if let Some(task) = self.tasks.get_mut(*index) {
                task.owes = Some(command);
            }
        }
        let owing = tasks.len();
        self.owed.insert(command, Owed { transition, owing });
        let deadline = self.command_deadline(transition);
        let what = format!("{transition} of the tasks");
        self.set_timer(Timer::Command(command), deadline.into(), what);
        self.effects.push(Effect::Command {
            command,
            transition,
            tasks,
            arguments: self.arguments(transition),
            timeout: deadline.time,
        });
        Some(command)
    }

    pub(super) fn command_deadline(&self, transition: Transition) -> Deadline {
        match transition {
            Transition::Configure => self.plan.deadlines.configure,
            _ => self.plan.deadlines.transition,
        }
    }

    /// A task owes no answer any more. When nobody does, nobody is waited for.
    pub(super) fn settle(&mut self, index: TaskIndex) {
        let Some(command) = self.tasks.get_mut(index).and_then(|task| task.owes.take()) else {
            return;
        };
        if let Some(owed) = self.owed.get_mut(&command) {
            owed.owing = owed.owing.saturating_sub(1);
            if owed.owing == 0 {
                self.owed.remove(&command);
                self.cancel_timer(Timer::Command(command));
            }
        }
    }

    pub(super) fn answers(&mut self, command: CommandId, answers: Vec<Answer>) {
        let asked = self.owed.get(&command).map(|o| o.transition);
        let mut astray = Vec::new();
        for answer in answers {
            let Answer { task, state, .. } = answer;
            let Some(entry) = self.tasks.get_mut(task) else {
                continue;
            };
            let owed = entry.owes == Some(command);
            if entry.life == Life::Active {
                entry.report.state = Some(state);
                if state != TaskState::Error {
                    entry.lost = false;
                }
                self.show_task(task);
            }
            if owed {
                self.settle(task);
            }
            let cause = self.cause_of(answer, asked);
            self.answered(command, task, cause);
            if self.is_astray(task) {
                astray.push(task);
            }
        }
        self.send(Transition::GoError, astray);
    }

    fn cause_of(&self, answer: Answer, asked: Option<Transition>) -> Option<Cause> {
        let cause = self.task_cause(answer.task, answer.error?);
        let cause = Cause {
            last_lines: answer.last_lines,
            ..cause
        };
        Some(match asked.map(|transition| self.command_deadline(transition)) {
            Some(deadline) if answer.late => cause.after(deadline.name, deadline.time),
            _ => cause,
        })
    }

    /// In ERROR nothing runs: who was still on its way to RUNNING is stopped when it arrives.
    fn is_astray(&self, index: TaskIndex) -> bool {
        let task = self.task(index);
        let runs = task.life == Life::Active && task.report.state == Some(TaskState::Running);
        self.state == State::Error && runs && task.owes.is_none()
    }

    pub(super) fn stop_all_astray(&mut self) {
        if self.state == State::Error {
            let astray = (0..self.tasks.len())
                .filter(|index| self.is_astray(*index))
                .collect();
            self.send(Transition::GoError, astray);
        }
    }

    pub(super) fn stop_if_astray(&mut self, index: TaskIndex) {
        if self.is_astray(index) {
            self.send(Transition::GoError, vec![index]);
        }
    }

    /// A task has answered, or cannot any more. The first critical failure ends the wait; so does the last answer.
    pub(super) fn answered(&mut self, command: CommandId, task: TaskIndex, cause: Option<Cause>) {
        // What is being ended need not do as it was told before.
        if matches!(self.wait, Some(Wait::Kill { .. })) {
            return;
        }
        let Some(Wait::Answers {
            command: current,
            pending,
            failures,
            transition,
        }) = &mut self.wait
        else {
            return self.also_failed(cause);
        };
        if *current != command || !pending.remove(&task) {
            return self.also_failed(cause);
        }
        let (harmless, critical): (Option<_>, Option<_>) = match cause {
            Some(cause) if cause.harmless => (Some(cause), None),
            cause => (None, cause),
        };
        failures.extend(critical);
        let failed = !failures.is_empty() && *transition != Transition::GoError;
        if pending.is_empty() || failed {
            let failures = std::mem::take(failures);
            self.wait = None;
            if failed {
                self.fail(failures);
            } else if !failures.is_empty() {
                self.job_failed(failures);
            }
        }
        if let Some(cause) = harmless {
            self.harmless(cause);
        }
    }

    pub(super) fn command_late(&mut self, command: CommandId) {
        let Some(owed) = self.owed.remove(&command) else {
            return;
        };
        let is_late = |(_, task): &(TaskIndex, &Task)| task.owes == Some(command);
        let late: BTreeSet<TaskIndex> = (self.tasks.iter().enumerate())
            .filter(is_late)
            .map(|(index, _)| index)
            .collect();
        let deadline = self.command_deadline(owed.transition);
        for index in late {
            if let Some(task) = self.tasks.get_mut(index) {
                task.owes = None;
            }
            let what = format!("did not answer {}", owed.transition.task_event().0);
            let cause = self.task_cause(index, what).after(deadline.name, deadline.time);
            self.answered(command, index, Some(cause));
        }
    }

    /// The command could not be given: nobody was asked, nobody will answer.
    pub(super) fn impossible(&mut self, command: CommandId, causes: Vec<Cause>) {
        if self.owed.remove(&command).is_none() {
            return;
        }
        for task in &mut self.tasks {
            if task.owes == Some(command) {
                task.owes = None;
            }
        }
        self.cancel_timer(Timer::Command(command));
        if matches!(&self.wait, Some(Wait::Answers { command: current, .. }) if *current == command) {
            self.wait = None;
            self.fail(causes);
        } else {
            for cause in causes {
                self.also_failed(Some(cause));
            }
        }
    }
}
