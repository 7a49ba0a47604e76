//! The end of the tasks (`runtime.md` 3.7, 4.8).

use super::message::{Effect, Life, Timer};
use super::plan::TaskIndex;
use super::tasks::Task;
use super::{Environment, Wait};

fn is_live(task: &Task) -> bool {
    matches!(task.life, Life::Starting | Life::Active)
}

impl Environment {
    pub(super) fn live_tasks(&self) -> Vec<TaskIndex> {
        let live = self.tasks.iter().enumerate().filter(|(_, task)| is_live(task));
        live.map(|(index, _)| index).collect()
    }

    pub(super) fn end_tasks(&mut self, keep: bool) {
        let live = self.live_tasks();
        if live.is_empty() {
            return;
        }
        if keep {
            self.effects.push(Effect::Leave(live));
            return;
        }
        self.wait = Some(Wait::Kill { gone: 0 });
        let deadline = self.plan.deadlines.kill;
        self.set_timer(Timer::Kill, deadline.into(), "end of the tasks".to_owned());
        self.effects.push(Effect::Kill(live));
    }

    pub(super) fn check_killed(&mut self) {
        let Some(Wait::Kill { gone }) = &mut self.wait else {
            return;
        };
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
        let causes = (self.live_tasks().into_iter())
            .map(|index| {
                self.task_cause(index, "is still there")
                    .after(deadline.name, deadline.time)
            })
            .collect();
        self.job_failed(causes);
        self.wait = None;
    }
}
