//! State and status of roles, from the leaves up (`runtime.md` 2.5, 2.6, errata 13).
//!
//! Both products are joins of a semilattice, so the order in which leaves report cannot matter. The tree is
//! level-triggered: it holds what is true now, and every question is answered from that; there is no
//! notification that could be lost.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::compact::is_default;

/// State of a task, or of the tasks below a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// Nothing to say: call roles, and roles without anything critical below. Neutral.
    Invariant,
    /// Nobody knows.
    Unknown,
    /// Process is there, nothing configured.
    Standby,
    /// Configured.
    Configured,
    /// Running.
    Running,
    /// Ended in order.
    Done,
    /// Children differ.
    Mixed,
    /// Something critical is broken. Absorbing.
    Error,
}

/// Every state, in the order of its discriminant.
const STATES: [State; 8] = [
    State::Invariant,
    State::Unknown,
    State::Standby,
    State::Configured,
    State::Running,
    State::Done,
    State::Mixed,
    State::Error,
];

impl State {
    /// State of two together.
    #[must_use]
    pub fn product(self, other: Self) -> Self {
        match (self, other) {
            (Self::Error, _) | (_, Self::Error) => Self::Error,
            (Self::Invariant, state) | (state, Self::Invariant) => state,
            (a, b) if a == b => a,
            _ => Self::Mixed,
        }
    }

    /// Name as in `executor.proto` and the reference; the neutral state prints as `UNKNOWN` there.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invariant | Self::Unknown => "UNKNOWN",
            Self::Standby => "STANDBY",
            Self::Configured => "CONFIGURED",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Mixed => "MIXED",
            Self::Error => "ERROR",
        }
    }

    /// The state that an executor names.
    pub fn from_name(name: &str) -> Self {
        match name {
            "STANDBY" => Self::Standby,
            "CONFIGURED" => Self::Configured,
            "RUNNING" => Self::Running,
            "DONE" => Self::Done,
            "ERROR" => Self::Error,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Is a task there, or are the tasks below a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// Nothing critical below. Neutral.
    Invariant,
    /// Not there yet, or gone.
    Inactive,
    /// There and steerable.
    Active,
    /// Some are, some are not.
    Partial,
    /// No host can take it.
    Undeployable,
}

/// Every status, in the order of its discriminant.
const STATUSES: [Status; 5] = [
    Status::Invariant,
    Status::Inactive,
    Status::Active,
    Status::Partial,
    Status::Undeployable,
];

impl Status {
    /// Status of two together.
    #[must_use]
    pub fn product(self, other: Self) -> Self {
        match (self, other) {
            (Self::Undeployable, _) | (_, Self::Undeployable) => Self::Undeployable,
            (Self::Invariant, status) | (status, Self::Invariant) => status,
            (a, b) if a == b => a,
            _ => Self::Partial,
        }
    }

    /// Name as the reference prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invariant => "INVARIANT",
            Self::Inactive => "INACTIVE",
            Self::Active => "ACTIVE",
            Self::Partial => "PARTIAL",
            Self::Undeployable => "UNDEPLOYABLE",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Place of a role in a [`Tree`].
pub type RoleIndex = usize;

/// How many children of a role are in each state and status. The product over the children depends on which
/// values occur, not on where, so an update costs one step a level however many children there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Census {
    states: [u32; STATES.len()],
    statuses: [u32; STATUSES.len()],
}

impl Census {
    fn count(&mut self, state: State, status: Status, by: i64) {
        let add = |n: &mut u32| *n = u32::try_from(i64::from(*n) + by).unwrap_or(0);
        self.states.get_mut(state as usize).map(add);
        self.statuses.get_mut(status as usize).map(add);
    }

    fn state(&self) -> State {
        let present = STATES.into_iter().zip(self.states).filter(|(_, n)| *n > 0);
        present
            .map(|(state, _)| state)
            .fold(State::Invariant, State::product)
    }

    fn status(&self) -> Status {
        let present = STATUSES.into_iter().zip(self.statuses).filter(|(_, n)| *n > 0);
        present
            .map(|(status, _)| status)
            .fold(Status::Invariant, Status::product)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Node {
    parent: Option<RoleIndex>,
    counts: bool,
    state: State,
    status: Status,
    #[serde(default, skip_serializing_if = "is_default")]
    children: Census,
}

/// The states and statuses of a role tree.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Adds a role below one that was added before. `counts`: its parent takes it into account, as it does all
    /// aggregators and all critical leaves.
    pub fn add(
        &mut self,
        parent: Option<RoleIndex>,
        counts: bool,
        state: State,
        status: Status,
    ) -> RoleIndex {
        let index = self.nodes.len();
        self.nodes.push(Node {
            parent,
            counts,
            state: State::Invariant,
            status: Status::Invariant,
            children: Census::default(),
        });
        if let Some(above) = parent
            .filter(|_| counts)
            .and_then(|parent| self.nodes.get_mut(parent))
        {
            above.children.count(State::Invariant, Status::Invariant, 1);
        }
        self.set(index, state, status);
        index
    }

    /// State of a role.
    pub fn state(&self, role: RoleIndex) -> State {
        self.nodes.get(role).map_or(State::Unknown, |node| node.state)
    }

    /// Status of a role.
    pub fn status(&self, role: RoleIndex) -> Status {
        self.nodes.get(role).map_or(Status::Invariant, |node| node.status)
    }

    /// Sets a leaf, and with it everything above. Returns the roles that changed, the leaf first.
    pub fn set(&mut self, leaf: RoleIndex, state: State, status: Status) -> Vec<RoleIndex> {
        let mut changed = Vec::new();
        let mut next = Some((leaf, state, status));
        while let Some((index, state, status)) = next.take() {
            let Some(node) = self.nodes.get_mut(index) else {
                break;
            };
            if (node.state, node.status) == (state, status) {
                break;
            }
            let before = (node.state, node.status);
            (node.state, node.status) = (state, status);
            changed.push(index);
            let parent = node.parent.filter(|_| node.counts);
            if let Some((parent, above)) = parent.and_then(|p| Some((p, self.nodes.get_mut(p)?))) {
                above.children.count(before.0, before.1, -1);
                above.children.count(state, status, 1);
                next = Some((parent, above.children.state(), above.children.status()));
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> impl Strategy<Value = State> {
        prop::sample::select(STATES.to_vec())
    }

    fn status() -> impl Strategy<Value = Status> {
        prop::sample::select(STATUSES.to_vec())
    }

    #[test]
    fn census_is_indexed_by_discriminant() {
        assert!(STATES.iter().enumerate().all(|(i, state)| *state as usize == i));
        assert!(
            STATUSES
                .iter()
                .enumerate()
                .all(|(i, status)| *status as usize == i)
        );
    }

    /// The status table of `runtime.md` 2.6, without UNDEFINED, which a tree cannot come by.
    #[test]
    fn status_table_is_that_of_the_reference() {
        use Status::{Active, Inactive, Invariant, Partial, Undeployable};
        let columns = [Invariant, Undeployable, Active, Inactive, Partial];
        let table = [
            (Invariant, [Invariant, Undeployable, Active, Inactive, Partial]),
            (Undeployable, [Undeployable; 5]),
            (Active, [Active, Undeployable, Active, Partial, Partial]),
            (Inactive, [Inactive, Undeployable, Partial, Inactive, Partial]),
            (Partial, [Partial, Undeployable, Partial, Partial, Partial]),
        ];
        for (a, row) in table {
            for (b, want) in columns.into_iter().zip(row) {
                assert_eq!(a.product(b), want, "{a} x {b}");
            }
        }
    }

    #[test]
    fn only_non_critical_tasks_are_neutral() {
        let mut tree = Tree::default();
        let root = tree.add(None, true, State::Invariant, Status::Invariant);
        let calm = tree.add(Some(root), true, State::Invariant, Status::Invariant);
        let idle = tree.add(Some(calm), false, State::Standby, Status::Inactive);
        let busy = tree.add(Some(root), true, State::Standby, Status::Inactive);
        tree.set(busy, State::Running, Status::Active);
        tree.set(idle, State::Error, Status::Inactive);
        assert_eq!(
            (tree.state(calm), tree.status(calm)),
            (State::Invariant, Status::Invariant)
        );
        assert_eq!(
            (tree.state(root), tree.status(root)),
            (State::Running, Status::Active)
        );
    }

    proptest! {
        #[test]
        fn state_product_is_a_join(a in state(), b in state(), c in state()) {
            prop_assert_eq!(a.product(b), b.product(a));
            prop_assert_eq!(a.product(b).product(c), a.product(b.product(c)));
            prop_assert_eq!(a.product(a), a);
            prop_assert_eq!(State::Invariant.product(a), a);
            prop_assert_eq!(State::Error.product(a), State::Error);
        }

        #[test]
        fn status_product_is_a_join(a in status(), b in status(), c in status()) {
            prop_assert_eq!(a.product(b), b.product(a));
            prop_assert_eq!(a.product(b).product(c), a.product(b.product(c)));
            prop_assert_eq!(a.product(a), a);
            prop_assert_eq!(Status::Invariant.product(a), a);
            prop_assert_eq!(Status::Undeployable.product(a), Status::Undeployable);
        }

        /// Any tree, any updates: what the tree says is what the product over the critical leaves says, and the
        /// roles reported as changed are those that did.
        #[test]
        fn incremental_equals_recomputed(
            parents in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..30),
            updates in prop::collection::vec((any::<prop::sample::Index>(), state(), status()), 0..60),
        ) {
            let mut tree = Tree::default();
            tree.add(None, true, State::Invariant, Status::Invariant);
            let inner: Vec<RoleIndex> = (0..parents.len() / 2)
                .map(|i| tree.add(Some(parents[i].0.index(i + 1)), true, State::Invariant, Status::Invariant))
                .collect();
            let leaves: Vec<(RoleIndex, RoleIndex, bool)> = parents
                .iter()
                .map(|(parent, critical)| {
                    let parent = parent.index(inner.len() + 1);
                    (tree.add(Some(parent), *critical, State::Standby, Status::Inactive), parent, *critical)
                })
                .collect();
            for (leaf, state, status) in updates {
                let before: Vec<_> = tree.nodes.iter().map(|n| (n.state, n.status)).collect();
                let mut changed = tree.set(leaves[leaf.index(leaves.len())].0, state, status);
                changed.sort_unstable();
                let differ: Vec<_> = (0..before.len())
                    .filter(|i| before[*i] != (tree.state(*i), tree.status(*i)))
                    .collect();
                prop_assert_eq!(changed, differ);
            }
            for role in std::iter::once(0).chain(inner) {
                let below = |mut at: RoleIndex| loop {
                    if at == role { return true }
                    match tree.nodes[at].parent { Some(parent) => at = parent, None => return false }
                };
                let critical: Vec<_> = leaves.iter().filter(|(_, p, c)| *c && below(*p)).map(|l| l.0).collect();
                let state = critical.iter().map(|l| tree.state(*l)).fold(State::Invariant, State::product);
                let status = critical.iter().map(|l| tree.status(*l)).fold(Status::Invariant, Status::product);
                prop_assert_eq!((tree.state(role), tree.status(role)), (state, status));
            }
        }
    }
}
