//! What a change costs: one table.

use std::fmt;

use crate::behaviour::Aspect;

/// What a change costs a running environment, from nothing to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// No task notices.
    None,
    /// Not known before there are roles: only templates were compared.
    Depends,
    /// The task is configured again.
    Reconfigure,
    /// The process is ended and started again.
    Restart,
    /// The same, on another host.
    Move,
    /// A role comes.
    Add,
    /// A role goes.
    Remove,
}

impl Cost {
    /// Its name in texts and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Depends => "depends",
            Self::Reconfigure => "reconfigure",
            Self::Restart => "restart",
            Self::Move => "move",
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Anything.
    Always,
    /// It was not there.
    Appears,
    /// It is there no more.
    Disappears,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What the field is about.
    pub aspect: Aspect,
    /// What happens to it.
    pub when: When,
    /// What that costs.
    pub cost: Cost,
    /// Why.
    pub reason: &'static str,
}

const fn rule(aspect: Aspect, when: When, cost: Cost, reason: &'static str) -> Rule {
    Rule {
        aspect,
        when,
        cost,
        reason,
    }
}

/// What a change of each field costs. The first row that fits decides.
pub const COSTS: &[Rule] = &[
    rule(
        Aspect::Mode,
        When::Always,
        Cost::Restart,
        "decided when the process is launched",
    ),
    rule(
        Aspect::Command,
        When::Always,
        Cost::Restart,
        "the process is launched with it",
    ),
    rule(
        Aspect::Wants,
        When::Always,
        Cost::Restart,
        "resources are granted at launch",
    ),
    rule(
        Aspect::Limits,
        When::Always,
        Cost::Restart,
        "limits are set at launch",
    ),
    rule(
        Aspect::Bind,
        When::Disappears,
        Cost::Reconfigure,
        "its port stays unused; the task is told at CONFIGURE",
    ),
    rule(
        Aspect::Bind,
        When::Always,
        Cost::Restart,
        "ports and sockets are assigned at launch",
    ),
    rule(
        Aspect::BindDetail,
        When::Always,
        Cost::Reconfigure,
        "pushed at CONFIGURE",
    ),
    rule(
        Aspect::Global,
        When::Always,
        Cost::None,
        "an alias: whoever connects by it is told by its own target",
    ),
    rule(
        Aspect::Constraint,
        When::Disappears,
        Cost::None,
        "the host it is on still satisfies the others",
    ),
    rule(
        Aspect::Constraint,
        When::Always,
        Cost::Move,
        "another host is demanded",
    ),
    rule(
        Aspect::Connect,
        When::Always,
        Cost::Reconfigure,
        "addresses are pushed at CONFIGURE",
    ),
    rule(
        Aspect::ConnectDetail,
        When::Always,
        Cost::Reconfigure,
        "pushed at CONFIGURE",
    ),
    rule(
        Aspect::Property,
        When::Always,
        Cost::Reconfigure,
        "pushed at CONFIGURE",
    ),
    rule(
        Aspect::Critical,
        When::Always,
        Cost::None,
        "looked at when something fails",
    ),
    rule(
        Aspect::Trigger,
        When::Always,
        Cost::None,
        "looked at when its moment comes",
    ),
    rule(
        Aspect::Await,
        When::Always,
        Cost::None,
        "looked at when its moment comes",
    ),
    rule(
        Aspect::Timeout,
        When::Always,
        Cost::None,
        "looked at when its moment comes",
    ),
    rule(
        Aspect::Function,
        When::Always,
        Cost::None,
        "evaluated when it is called",
    ),
    rule(
        Aspect::Returns,
        When::Always,
        Cost::None,
        "used when it is called",
    ),
    rule(Aspect::Read, When::Always, Cost::None, "read when it is called"),
    rule(
        Aspect::Pushed,
        When::Always,
        Cost::None,
        "goes to the tasks with the next START_ACTIVITY",
    ),
    rule(
        Aspect::Steering,
        When::Always,
        Cost::None,
        "read by the core at its next transition",
    ),
    rule(
        Aspect::Edition,
        When::Always,
        Cost::Depends,
        "the language means something else",
    ),
    rule(
        Aspect::Enabled,
        When::Always,
        Cost::Depends,
        "decides whether there is a role",
    ),
    rule(
        Aspect::Default,
        When::Always,
        Cost::Depends,
        "depends on what reads it",
    ),
    rule(
        Aspect::Var,
        When::Always,
        Cost::Depends,
        "depends on what reads it",
    ),
    rule(
        Aspect::Iterator,
        When::Always,
        Cost::Depends,
        "decides which roles there are",
    ),
    rule(
        Aspect::Include,
        When::Always,
        Cost::Depends,
        "decides which roles there are",
    ),
    rule(Aspect::Load, When::Always, Cost::Depends, "another task template"),
];

/// What a change costs, and why. No aspect is missing in the table.
pub(super) fn cost(aspect: Aspect, before: bool, after: bool) -> (Cost, &'static str) {
    let fits = |rule: &&Rule| {
        rule.aspect == aspect
            && match rule.when {
                When::Always => true,
                When::Appears => !before && after,
                When::Disappears => before && !after,
            }
    };
    COSTS
        .iter()
        .find(fits)
        .map_or((Cost::Restart, "unknown"), |rule| (rule.cost, rule.reason))
}
