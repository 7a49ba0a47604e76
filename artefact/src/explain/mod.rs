//! Why a value is what it is: every definition of a variable or field with its place, which one wins and why, and the
//! steps of its expressions.
//!
//! Values come from the tree that [`crate::instantiate`] made and steps from the evaluator that made them
//! ([`crate::evaluate::trace`]): nothing here evaluates by rules of its own.

mod absence;
mod class;
mod definitions;
mod field;
mod inherited;
mod json;
mod lineage;
mod steps;
mod text;

pub use absence::{Absence, Cause};
pub use text::Paint;

use crate::evaluate::World;
use crate::instance::Role;
use crate::instantiate::{Whole, instantiate_whole};
use crate::ir::{Artefact, Layers, Span};
use crate::similar::closest;
use lineage::Lineage;

/// How deep the origins of names are followed, when nothing else is said.
pub const DEFAULT_DEPTH: usize = 4;

/// Explains the values of one tree.
pub struct Explainer<'a> {
    artefact: &'a Artefact,
    world: &'a dyn World,
    whole: Whole,
    /// How many times the origin of a name is itself explained.
    pub depth: usize,
    /// Also follow the definitions that lose.
    pub all: bool,
}

/// What sets a value. For variables in the order of their strength, but for [`Layer::Special`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// `vars` of the task template.
    ClassVars,
    /// `defaults` of the task template.
    ClassDefaults,
    /// `defaults` of a role or of the environment.
    Defaults,
    /// `vars` of a role or of the environment.
    Vars,
    /// User variables.
    User,
    /// The variable of an iterator, while the iterated role itself is evaluated.
    Local,
    /// Set by the deployment of a task; only its template sees it, over all else.
    Special,
    /// A field: it has no layers.
    Field,
}

impl Layer {
    /// As it is called in templates and on this page.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClassVars => "task template vars",
            Self::ClassDefaults => "task template defaults",
            Self::Defaults => "defaults",
            Self::Vars => "vars",
            Self::User => "user variables",
            Self::Local => "iterator",
            Self::Special => "deployment",
            Self::Field => "field",
        }
    }
}

/// Who wrote a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was given from outside, `compiled`: to the compiler, otherwise now.
    Given {
        /// When the artefact was compiled.
        compiled: bool,
    },
    /// A role, by its path.
    Role(String),
    /// The include role of that path, not the root that it includes.
    Include(String),
    /// The iterator that makes the role of that path.
    Iterator(String),
    /// A task template, by its identity.
    Class(String),
    /// The core will give it; until then this stands in.
    Core,
    /// The deployment.
    Deployment,
}

/// One place that says what a variable or field should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// In which layer.
    pub layer: Layer,
    /// By whom.
    pub origin: Origin,
    /// Where it is written, if it is written.
    pub span: Option<Span>,
    /// As it is written, if that is not the value itself.
    pub written: Option<String>,
    /// As it was evaluated, or why it could not be.
    pub value: Result<String, String>,
    /// This is the one that counts.
    pub wins: bool,
    /// Why it does or does not.
    pub why: &'static str,
    /// How its expressions came to their values.
    pub steps: Vec<Step>,
}

/// A part of an expression, its value, and what it was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The part.
    pub source: String,
    /// Its value as it would stand in an expression, or why it has none.
    pub outcome: Result<String, String>,
    /// If it is a variable: the definition that it has its value from.
    pub origin: Option<Box<Definition>>,
    /// Its origin is explained above already.
    pub again: bool,
    /// Parts.
    pub parts: Vec<Step>,
}

/// Why a variable or field of a role is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Path of the role.
    pub role: String,
    /// Name of the variable, or of the field with a dot in front.
    pub subject: String,
    /// What it is; `None` for a field that nothing sets.
    pub value: Option<Result<String, String>>,
    /// All that have a say, the winner first.
    pub definitions: Vec<Definition>,
    /// What a reader should know besides.
    pub notes: Vec<String>,
}

/// A role and everything it sees, in short.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Its path.
    pub role: String,
    /// Where it is written.
    pub span: Span,
    /// Every variable that it sees.
    pub variables: Vec<Explanation>,
    /// Its fields.
    pub fields: Vec<Explanation>,
}

/// Why there is nothing to explain.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExplainError {
    /// The role is not in the tree, and here is why.
    #[error("role {} is not in the tree", .0.role)]
    Absent(Box<Absence>),
    /// Nothing has that path.
    #[error("there is no role `{path}`")]
    NoRole {
        /// What was asked for.
        path: String,
        /// What was probably meant, and what is there.
        hint: String,
    },
    /// The role has no such variable or field.
    #[error("role {role} has no variable or field `{name}`")]
    NoVariable {
        /// Path of the role.
        role: String,
        /// What was asked for.
        name: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// The tree cannot be made so far that the role would be in it.
    #[error("there is no tree: {0}")]
    NoTree(String),
}

impl<'a> Explainer<'a> {
    /// Makes the tree of an artefact with these variables around it, as [`crate::instantiate::instantiate`] does.
    pub fn new(artefact: &'a Artefact, given: &Layers, world: &'a dyn World) -> Self {
        Self {
            artefact,
            world,
            whole: instantiate_whole(artefact, given, world),
            depth: DEFAULT_DEPTH,
            all: false,
        }
    }

    /// What keeps the whole tree from being made, if anything does: the rest can be explained all the same.
    pub fn errors(&self) -> &[crate::instantiate::InstantiateError] {
        &self.whole.errors
    }

    /// Why `name`, a variable or a field of the role at `path`, is what it is. A field may have a dot in front; without
    /// it a variable of that name is meant first.
    pub fn explain(&self, path: &str, name: &str) -> Result<Vec<Explanation>, ExplainError> {
        let lineage = self.lineage(path)?;
        if let Some(field) = name.strip_prefix('.') {
            return self
                .field(&lineage, field)
                .ok_or_else(|| self.no_variable(&lineage, path, name));
        }
        if let Some(explanation) = self.variable(&lineage, name) {
            return Ok(vec![explanation]);
        }
        self.field(&lineage, name)
            .ok_or_else(|| self.no_variable(&lineage, path, name))
    }

    /// Everything that the role at `path` sees, and its fields, each with its winning definition only.
    pub fn overview(&self, path: &str) -> Result<Overview, ExplainError> {
        let lineage = self.lineage(path)?;
        let quick = |mut explanation: Explanation| {
            explanation.definitions.truncate(1);
            explanation
        };
        let names = self.names(&lineage);
        let variables = names.iter().filter_map(|name| self.variable(&lineage, name));
        let fields = self.fields(&lineage);
        Ok(Overview {
            role: path.to_owned(),
            span: lineage.own().map(|own| own.role.span).unwrap_or_default(),
            variables: variables.map(quick).collect(),
            fields: fields.into_iter().map(quick).collect(),
        })
    }

    /// The lineage of a role that is in the tree; of several with one path the first.
    fn lineage(&self, path: &str) -> Result<Lineage<'_>, ExplainError> {
        let Some(instance) = &self.whole.instance else {
            let first = self.whole.errors.first().map(ToString::to_string);
            return Err(ExplainError::NoTree(first.unwrap_or_default()));
        };
        let mut found = Vec::new();
        find(&instance.root, path, &mut Vec::new(), true, &mut found);
        let present = found.iter().find(|place| place.present);
        let Some(place) = present else {
            return Err(self.absence(instance, path, &found));
        };
        Lineage::of(self.artefact, instance, &place.children)
            .ok_or_else(|| ExplainError::NoTree("the tree does not fit the artefact".to_owned()))
    }

    fn no_variable(&self, lineage: &Lineage<'_>, path: &str, name: &str) -> ExplainError {
        let mut known = self.names(lineage);
        known.extend(self.fields(lineage).into_iter().map(|field| field.subject));
        let wanted = name.trim_start_matches('.');
        let near = closest(wanted, known.iter().map(|name| name.trim_start_matches('.')));
        ExplainError::NoVariable {
            role: path.to_owned(),
            name: name.to_owned(),
            hint: near.map(|near| format!("did you mean `{near}`?")),
        }
    }
}

/// Where a role is.
struct Found {
    children: Vec<usize>,
    /// It and all above it are in the real tree.
    present: bool,
}

/// All roles of a path, in tree order.
fn find(role: &Role, path: &str, here: &mut Vec<usize>, above: bool, found: &mut Vec<Found>) {
    // A disabled root stays in the tree.
    let present = above && (role.enabled || here.is_empty());
    if role.path == path {
        found.push(Found {
            children: here.clone(),
            present,
        });
    }
    // Paths only grow: nothing below a role that is no prefix can be meant. Names may hold dots, hence the comparison
    // of texts.
    if !path.starts_with(&role.path) {
        return;
    }
    for (place, child) in role.roles.iter().enumerate() {
        here.push(place);
        find(child, path, here, present, found);
        here.pop();
    }
}
