//! What changed between two artefacts, and what that costs a running environment.
//!
//! ```text
//! let diff = diff::instances((&before, &tree_before, &world), (&after, &tree_after, &world));
//! diff.changes    one for each role that differs, worst first; each with its fields, their costs and the reasons
//! diff.summary()  "2 tasks restart, 1 role added; 1,710 of 1,728 roles unchanged"
//! ```
//!
//! [`artefacts`] does all of it. [`instances`] compares two role trees, [`templates`] what two open artefacts hold, and [`nodes`] any two trees of
//! [`crate::behaviour`] (one workflow in two editions, for example). [`render`] makes text, JSON and Markdown of it.
//! Nothing here does input or output, and nothing decides what a field costs but the one table [`COSTS`].
//!
//! A [`Diff`] is a plan: to take away the roles of its changes that have no `after`, to put in those that have no
//! `before`, and to change the fields of the others makes the second tree of the first.

mod compare;
mod cost;
mod fold;
mod matching;
mod parameters;
pub mod render;
mod summary;
mod words;

#[cfg(test)]
mod tests;

pub use cost::{COSTS, Cost, Rule, When};
pub use fold::{Folded, fold};
pub use matching::Match;
pub use parameters::{ParameterChange, ParameterPart};
pub use summary::Counts;
pub use words::{Edit, words};

use crate::behaviour::{Field, Kind, Node, Value, of_instance, of_templates};
use crate::evaluate::{Snapshot, World};
use crate::instance::Instance;
use crate::instantiate::instantiate;
use crate::ir::{Artefact, Layers, Span};
use crate::show::DRY_UID;
use crate::surroundings::assumed;

/// The difference of two trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// What was compared.
    pub of: Of,
    /// A change for each role that differs, worst first. A role that only moved along with its parent has none.
    pub changes: Vec<Change>,
    /// Parameters that differ, by name.
    pub parameters: Vec<ParameterChange>,
    /// How many roles there are, and how many stay as they are.
    pub counts: Counts,
    /// What a person should know about how it was made: why templates were compared, and not role trees.
    pub notes: Vec<String>,
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Role trees: every value is known.
    Instances,
    /// Templates as they are written: what a change costs may depend on variables.
    Templates,
}

/// What changed of one role.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The worst of its fields; or the role comes or goes.
    pub cost: Cost,
    /// What it is.
    pub kind: Kind,
    /// What it loads, calls or includes.
    pub what: String,
    /// Its failure is that of the environment (after the change, if it is still there).
    pub critical: bool,
    /// Where it was; `None`: it is new.
    pub before: Option<Place>,
    /// Where it is; `None`: it is gone.
    pub after: Option<Place>,
    /// Why the two are taken for one role.
    pub matched: Match,
    /// The fields that differ, worst first. Of a role that comes or goes: none.
    pub fields: Vec<FieldChange>,
}

/// A role in one of the trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its path.
    pub path: String,
    /// Where it is written, in the sources of its artefact.
    pub span: Span,
    /// The host that it demands.
    pub host: Option<String>,
    /// How many roles there are below it.
    pub below: usize,
    /// The role above it comes or goes too, and takes it along.
    pub along: bool,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Which.
    pub field: Field,
    /// What it costs.
    pub cost: Cost,
    /// Why.
    pub reason: &'static str,
    /// `None`: there was none.
    pub before: Option<Value>,
    /// `None`: there is none any more. Equal to `before` where only what is behind the value changes: the address of a
    /// role that it connects to.
    pub after: Option<Value>,
}

impl Diff {
    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.parameters.is_empty()
    }

    /// The worst that it costs; `None` if no role changes.
    pub fn cost(&self) -> Option<Cost> {
        self.changes.iter().map(|change| change.cost).max()
    }
}

/// An artefact, a role tree of it, and the world in which that was made.
pub type Made<'a> = (&'a Artefact, &'a Instance, &'a dyn World);

/// The difference of two role trees.
pub fn instances(before: Made<'_>, after: Made<'_>) -> Diff {
    let [a, b] = [before, after].map(|(artefact, instance, world)| of_instance(artefact, instance, world));
    let mut diff = nodes(&a, &b, Of::Instances);
    diff.parameters = parameters::changes(before.0, after.0);
    diff
}

/// The difference of two artefacts with the variables around their trees: that of their trees if both can be made, and
/// otherwise of their templates.
pub fn artefacts(before: (&Artefact, &Layers), after: (&Artefact, &Layers)) -> Diff {
    let [a, b] = [before, after].map(|(artefact, given)| tree(artefact, given));
    between((before.0, &a), (after.0, &b))
}

/// What the roles of an artefact do, with these variables around its tree; or why there is no tree. What the core puts
/// around every tree need not be given.
pub fn tree(artefact: &Artefact, given: &Layers) -> Result<Node, String> {
    let world = Snapshot::new(artefact, || DRY_UID.to_owned());
    match instantiate(artefact, &assumed(given), &world) {
        Ok(instance) => Ok(of_instance(artefact, &instance, &world)),
        Err(errors) => Err(errors.first().map(ToString::to_string).unwrap_or_default()),
    }
}

/// An artefact, and its [`tree`].
pub type Side<'a> = (&'a Artefact, &'a Result<Node, String>);

/// As [`artefacts`], of trees that are made already.
pub fn between(before: Side<'_>, after: Side<'_>) -> Diff {
    if let (Ok(a), Ok(b)) = (before.1, after.1) {
        let mut diff = nodes(a, b, Of::Instances);
        diff.parameters = parameters::changes(before.0, after.0);
        return diff;
    }
    let mut diff = templates(before.0, after.0);
    for (side, tree) in [("the first", before.1), ("the second", after.1)] {
        if let Err(error) = tree {
            diff.notes.push(format!(
                "templates are compared, as {side} has no role tree: {error}"
            ));
        }
    }
    diff
}

/// The difference of the templates of two artefacts.
pub fn templates(before: &Artefact, after: &Artefact) -> Diff {
    let mut diff = nodes(&of_templates(before), &of_templates(after), Of::Templates);
    diff.parameters = parameters::changes(before, after);
    diff
}

/// The difference of two trees.
pub fn nodes(before: &Node, after: &Node, of: Of) -> Diff {
    let matched = matching::matched(before, after);
    let mut changes = compare::changes(&matched, of);
    let counts = Counts::new(before, after, &matched, &changes);
    changes.sort_by(|a, b| a.order().cmp(&b.order()));
    Diff {
        of,
        changes,
        parameters: Vec::new(),
        counts,
        notes: Vec::new(),
    }
}

impl Change {
    /// Worst first, then what matters more, then by path.
    fn order(&self) -> impl Ord {
        let path = self
            .after
            .as_ref()
            .or(self.before.as_ref())
            .map(|place| place.path.clone());
        (std::cmp::Reverse(self.cost), !self.critical, self.kind, path)
    }
}
