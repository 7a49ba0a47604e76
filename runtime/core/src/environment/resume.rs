//! What is outstanding, said again: to a shell that has died and come back, and to an executor that has.
//!
//! Executors take tasks and commands by their identities, so what is said twice is done once. Only a call to a service
//! may have an effect that nobody knows of: it is made again if it is marked as repeatable, and fails otherwise.

use std::time::Duration;

use super::message::{CallReport, Effect, Life, Timer};
use super::plan::TaskIndex;
use super::{Environment, Wait};

/// Why a call fails whose answer is lost.
const LOST_CALL: &str = "the core died while it was made, so nobody knows what came of it; it is not made again, as it is \
                         not marked with call_repeatable";

impl Environment {
    /// When the next timer runs down (milliseconds since 1970), and which.
    pub fn next_timer(&self) -> Option<(u64, Timer)> {
        self.timers
            .iter()
            .map(|(timer, running)| (running.due, *timer))
            .min()
    }

    /// Launches and commands that tasks may not know of; `among`: those it is about.
    pub fn outstanding(&self, among: impl Fn(TaskIndex) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        let those = |wanted: &dyn Fn(TaskIndex) -> bool| -> Vec<TaskIndex> {
            (0..self.tasks.len())
                .filter(|task| among(*task) && wanted(*task))
                .collect()
        };
        if matches!(self.wait, Some(Wait::Kill { .. })) {
            let live = those(&|task| matches!(self.task(task).life, Life::Starting | Life::Active));
            return Vec::from([Effect::Kill(live)]);
        }
        let starting = those(&|task| self.task(task).life == Life::Starting);
        if !starting.is_empty() {
            effects.push(Effect::Launch(starting));
        }
        for (command, owed) in &self.owed {
            let transition = owed.transition;
            let tasks = those(&|task| self.task(task).owes == Some(*command));
            if !tasks.is_empty() {
                effects.push(Effect::Command {
                    command: *command,
                    transition,
                    tasks,
                    arguments: self.arguments(transition),
                    timeout: self.command_deadline(transition).time,
                });
            }
        }
        effects
    }

    /// Goes on where the shell has forgotten everything. Deadlines have as much left as when it went away; what is to
    /// happen at a time of day happens then.
    pub(super) fn restarted(&mut self, away: Duration) {
        let away = u64::try_from(away.as_millis()).unwrap_or(u64::MAX);
        for (timer, running) in &mut self.timers {
            if !matches!(timer, Timer::AutoStop | Timer::Linger) {
                running.due = running.due.saturating_add(away);
            }
        }
        let outstanding = self.outstanding(|_| true);
        self.effects.extend(outstanding);
        if matches!(self.wait, Some(Wait::RunNumber)) {
            self.effects.push(Effect::AllocateRunNumber);
        }
        for (command, hook) in self.hooks.iter().filter(|(_, hook)| !hook.deferred) {
            self.effects.push(Effect::Trigger {
                command: *command,
                task: hook.task,
                timeout: self.hook_timeout(hook.task),
            });
        }
        self.repeat_calls();
    }

    fn repeat_calls(&mut self) {
        let unanswered = self.calls.iter().filter(|(_, started)| started.outcome.is_none());
        let calls: Vec<_> = unanswered
            .map(|(command, started)| (*command, started.call))
            .collect();
        for (command, call) in calls {
            match self.plan.calls.get(call) {
                Some(planned) if planned.repeatable => {
                    let timeout = planned.timeout;
                    self.effects.push(Effect::Call {
                        command,
                        call,
                        timeout,
                    });
                }
                _ => {
                    let error = Some(LOST_CALL.to_owned());
                    self.call_ended(
                        command,
                        CallReport {
                            error,
                            ..CallReport::default()
                        },
                    );
                }
            }
        }
    }
}
