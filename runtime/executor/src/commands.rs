//! Commands of the core, each carried out once however often it is sent, and their results gathered into few
//! messages. Pure.

use std::collections::{BTreeMap, VecDeque};

use partita_proto::executor::{HookReport, TransitionReport, TransitionResult};

/// What has become of the commands of late.
#[derive(Debug)]
pub(crate) struct Commands {
    known: BTreeMap<String, Known>,
    /// Oldest first.
    order: VecDeque<String>,
    unsent: BTreeMap<String, Vec<TransitionResult>>,
    memory: usize,
}

#[derive(Debug, Default)]
struct Known {
    waiting: usize,
    results: Vec<TransitionResult>,
    reports: Vec<HookReport>,
}

/// What is already known of a command that was sent again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Again {
    pub(crate) transition: Option<TransitionReport>,
    pub(crate) hooks: Vec<HookReport>,
}

impl Commands {
    /// Remembers the last `memory` commands, and older ones that are not finished.
    pub(crate) fn new(memory: usize) -> Self {
        Self {
            known: BTreeMap::new(),
            order: VecDeque::new(),
            unsent: BTreeMap::new(),
            memory,
        }
    }

    /// A command for so many tasks has come. If it has come before, what is known of it by now; the rest follows.
    pub(crate) fn begin(&mut self, id: &str, tasks: usize) -> Option<Again> {
        if let Some(known) = self.known.get(id) {
            let results = known.results.clone();
            let transition = (!results.is_empty()).then(|| TransitionReport {
                command_id: id.to_owned(),
                results,
            });
            return Some(Again {
                transition,
                hooks: known.reports.clone(),
            });
        }
        self.forget_old();
        self.known.insert(
            id.to_owned(),
            Known {
                waiting: tasks,
                ..Known::default()
            },
        );
        self.order.push_back(id.to_owned());
        None
    }

    /// The result of one task. The last one of a command brings the message with those that wait to be sent.
    pub(crate) fn answer(&mut self, id: &str, result: TransitionResult) -> Option<TransitionReport> {
        self.unsent.entry(id.to_owned()).or_default().push(result.clone());
        let known = self.known.entry(id.to_owned()).or_default();
        known.waiting = known.waiting.saturating_sub(1);
        known.results.push(result);
        if known.waiting > 0 {
            return None;
        }
        let results = self.unsent.remove(id)?;
        Some(TransitionReport {
            command_id: id.to_owned(),
            results,
        })
    }

    /// The result of one hook. Its output is not remembered.
    pub(crate) fn report(&mut self, report: &HookReport) {
        if let Some(known) = self.known.get_mut(&report.command_id) {
            known.waiting = known.waiting.saturating_sub(1);
            known.reports.push(HookReport {
                stdout: String::new(),
                stderr: String::new(),
                ..report.clone()
            });
        }
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// What waits to be sent, whether or not others of the same command are still to come.
    pub(crate) fn flush(&mut self) -> Vec<TransitionReport> {
        let unsent = std::mem::take(&mut self.unsent);
        unsent
            .into_iter()
            .map(|(command_id, results)| TransitionReport { command_id, results })
            .collect()
    }

    fn forget_old(&mut self) {
        while self.order.len() >= self.memory {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if self.known.get(&oldest).is_some_and(|known| known.waiting > 0) {
                self.order.push_front(oldest);
                return;
            }
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(task: &str) -> TransitionResult {
        TransitionResult {
            task_id: task.to_owned(),
            ok: true,
            ..TransitionResult::default()
        }
    }

    fn names(report: &TransitionReport) -> Vec<&str> {
        report
            .results
            .iter()
            .map(|result| result.task_id.as_str())
            .collect()
    }

    #[test]
    fn the_last_result_brings_all_that_wait() {
        let mut commands = Commands::new(8);
        assert_eq!(commands.begin("c", 3), None);
        assert_eq!(commands.answer("c", result("a")), None);
        assert_eq!(commands.flush().iter().map(names).collect::<Vec<_>>(), [["a"]]);
        assert_eq!(commands.answer("c", result("b")), None);
        let last = commands.answer("c", result("d")).expect("complete");
        assert_eq!(names(&last), ["b", "d"]);
        assert!(!commands.has_unsent());
    }

    #[test]
    fn a_command_sent_again_is_answered_from_memory() {
        let mut commands = Commands::new(8);
        commands.begin("c", 2);
        commands.answer("c", result("a"));
        let again = commands.begin("c", 2).expect("known");
        assert_eq!(again.transition.as_ref().map(names), Some(vec!["a"]));
        commands.answer("c", result("b"));
        let again = commands.begin("c", 2).expect("known");
        assert_eq!(again.transition.as_ref().map(names), Some(vec!["a", "b"]));
    }

    #[test]
    fn only_finished_commands_are_forgotten() {
        let mut commands = Commands::new(2);
        commands.begin("open", 1);
        for id in ["1", "2", "3"] {
            commands.begin(id, 1);
            commands.answer(id, result("a"));
        }
        assert!(commands.begin("open", 1).is_some());
        commands.answer("open", result("a"));
        commands.begin("4", 1);
        assert!(commands.begin("open", 1).is_none());
    }
}
