//! What roles do, as plain fields: the canonical content behind digests and differences.
//!
//! A [`Node`] is a role of a tree with everything of it that can matter to a running environment, and nothing else: no
//! places in the sources, no comments, no order of keys, no revision or name of a file, no variable that reaches nothing.
//! So two nodes have equal digests exactly if their fields are equal, and a difference is a difference of fields.
//!
//! Trees come from an instance ([`of_instance`]: everything is evaluated as a dry deployment would, and what only the
//! deployment chooses, such as ports and identifiers of tasks, is left out) or from the templates of an open artefact
//! ([`of_templates`]).

mod field;
mod instance;
mod meaning;
mod template;

use crate::digest::Digest;
use crate::ir::Span;

pub use field::{Aspect, Field, Fields, Text, Value};
pub use instance::of_instance;
pub use template::{class, module, of_templates, role};

/// A role, or the template of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name; of a template, as written.
    pub name: String,
    /// Names from the root on, joined by dots. Not unique.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// What it loads, calls or includes, in short: for people, and to recognise it under another name.
    pub what: String,
    /// Where it is written.
    pub span: Span,
    /// Its failure is that of the environment.
    pub critical: bool,
    /// Everything that matters of it alone.
    pub fields: Fields,
    /// Paths of the roles that it connects to, and by which of its channels; sorted.
    pub peers: Vec<(String, String)>,
    /// The children, in order.
    pub children: Vec<Node>,
    /// What names it for good.
    pub digests: Digests,
}

/// The kinds of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Runs a process.
    Task,
    /// Calls a service.
    Call,
    /// Holds other roles.
    Aggregator,
    /// Takes the root of another workflow; only in templates.
    Include,
}

/// Digests of a node. Its own name is in none of them: a renamed role keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// What the process of a task is started with. Equal: a running process may be kept, wherever its role went.
    pub launch: Digest,
    /// All of the node but its place (constraints) and its children. Equal: a running task need not even be configured
    /// again.
    pub content: Digest,
    /// All of the node and everything below it, without places: the same thing on other hosts.
    pub shape: Digest,
    /// All of the node and everything below it.
    pub tree: Digest,
}

impl Digests {
    /// The digests of a node of these fields and children.
    pub(crate) fn new(kind: Kind, fields: &Fields, children: &[Node]) -> Self {
        let own = |keep: &dyn Fn(&Field) -> bool| {
            let mut hash = field::Hash::new(kind);
            for (field, value) in fields.iter().filter(|(field, _)| keep(field)) {
                hash.field(field, value);
            }
            hash
        };
        let below = |mut hash: field::Hash, digest: fn(&Self) -> Digest| {
            // Order among siblings is no behaviour, but of two with one path the later wins.
            let mut sorted: Vec<&Node> = children.iter().collect();
            sorted.sort_by(|a, b| a.name.cmp(&b.name));
            for child in sorted {
                hash.child(&child.name, &digest(&child.digests));
            }
            hash.finish()
        };
        let unplaced = |field: &Field| field.aspect != Aspect::Constraint;
        Self {
            launch: own(&|field| field.aspect.is_launched_with()).finish(),
            content: own(&unplaced).finish(),
            shape: below(own(&unplaced), |digests| digests.shape),
            tree: below(own(&|_| true), |digests| digests.tree),
        }
    }
}

impl Node {
    /// Calls `visit` for this node and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }

    /// How many nodes there are, this one included.
    pub fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    /// The host that it demands.
    pub fn host(&self) -> Option<&str> {
        let machine = Field::new(Aspect::Constraint, field::MACHINE_ID);
        match self.fields.get(&machine)? {
            Value::One(text) => Some(&text.shown),
            Value::List(_) => None,
        }
    }
}
