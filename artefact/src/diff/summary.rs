//! A difference in one line.

use std::collections::BTreeSet;

use super::matching::{Match, Matched};
use super::{Change, Cost, Diff, Of};
use crate::behaviour::{Kind, Node};

/// Counts of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Roles of the first tree.
    pub before: usize,
    /// Roles of the second tree.
    pub after: usize,
    /// Roles of the second tree that are as they were; only their path may have changed, with that of a role above.
    pub unchanged: usize,
}

impl Counts {
    pub(super) fn new(before: &Node, after: &Node, matched: &Matched<'_>, changes: &[Change]) -> Self {
        let kept = changes
            .iter()
            .filter(|change| change.cost != Cost::Add && change.cost != Cost::Remove);
        Self {
            before: before.count(),
            after: after.count(),
            unchanged: matched.pairs.len() - kept.count(),
        }
    }
}

impl Diff {
    /// "2 tasks restart, 14 reconfigure, 1 role added; 1,710 of 1,728 roles unchanged"
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        let tasks = |cost: Cost| {
            let changes = self.changes.iter();
            changes
                .filter(|change| change.cost == cost && change.kind == Kind::Task)
                .count()
        };
        let come = self.of_any(|change| change.cost == Cost::Add);
        let go = self.of_any(|change| change.cost == Cost::Remove);
        let what = if self.of == Of::Instances {
            "role"
        } else {
            "template"
        };
        for (count, verb) in [(go, "removed"), (come, "added")] {
            if count > 0 {
                parts.push(format!("{} {verb}", many(count, what)));
            }
        }
        let mut noun = true;
        for (cost, one, several) in [
            (Cost::Move, "moves", "move"),
            (Cost::Restart, "restarts", "restart"),
            (Cost::Reconfigure, "reconfigures", "reconfigure"),
        ] {
            let count = tasks(cost);
            if count > 0 {
                let verb = if count == 1 { one } else { several };
                let who = if noun { many(count, "task") } else { number(count) };
                parts.push(format!("{who} {verb}"));
                noun = false;
            }
        }
        let depends = self.of_any(|change| change.cost == Cost::Depends);
        if depends > 0 {
            parts.push(format!(
                "{} changed, at a cost that depends on variables",
                many(depends, what)
            ));
        }
        let none = self.of_any(|change| change.cost == Cost::None);
        if none > 0 {
            parts.push(format!("{} changed at no cost", many(none, what)));
        }
        let parameters: BTreeSet<&str> = self
            .parameters
            .iter()
            .map(|change| change.name.as_str())
            .collect();
        if !parameters.is_empty() {
            parts.push(format!("{} changed", many(parameters.len(), "parameter")));
        }
        if parts.is_empty() {
            return format!("no difference in {}", many(self.counts.after, what));
        }
        format!(
            "{}; {} of {} unchanged",
            parts.join(", "),
            number(self.counts.unchanged),
            many(self.counts.after, what)
        )
    }

    fn of_any(&self, which: impl Fn(&Change) -> bool) -> usize {
        self.changes.iter().filter(|change| which(change)).count()
    }

    /// Changes of roles that only have another name or place.
    pub fn renamed(&self) -> usize {
        self.of_any(|change| change.fields.is_empty() && matches!(change.matched, Match::Renamed))
    }
}

/// `1 role`, `1,710 roles`
pub(super) fn many(count: usize, what: &str) -> String {
    format!("{} {what}{}", number(count), if count == 1 { "" } else { "s" })
}

/// With a comma between thousands.
pub(super) fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
