//! From an artefact to a role tree: expands iterators and includes, evaluates the fields of roles in their six stages,
//! and removes what is disabled (`template-language.md` 3).
//!
//! Depth first and in list order, so the same input always gives the same tree. An error stops the role it is in, not
//! its siblings: everything that is wrong is said at once, and nothing that only follows from it.

mod around;
mod engine;
mod error;
mod fields;
mod merge;
mod range;
mod surprise;
mod view;

#[cfg(test)]
mod tests;

pub use error::{ErrorKind, InstantiateError};
pub(crate) use fields::means_enabled;
pub use surprise::Surprise;
pub(crate) use view::View;

use crate::evaluate::World;
use crate::instance::Instance;
use crate::ir::{Artefact, Layers};
use crate::limits::tree;

/// What bounds the size of a tree: an iterator over a billion items or an include of itself must end in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of roles, the root being the first.
    pub depth: usize,
    /// Includes within includes.
    pub includes: usize,
    /// Roles in all, counting those that turn out disabled.
    pub roles: usize,
    /// Bytes of names, paths and values in all.
    pub text: usize,
    /// Different errors to report.
    pub errors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: tree::MAX_DEPTH,
            includes: tree::MAX_INCLUDES,
            roles: tree::MAX_ROLES,
            text: tree::MAX_TEXT,
            errors: tree::MAX_ERRORS,
        }
    }
}

/// Makes the role tree of an artefact, with the variables of `given` around it and the default limits.
///
/// What was given at compile time is part of the artefact ([`Artefact::given`]) and is *not* added here: the caller
/// puts both together ([`Layers::with`]). Where there is an error, the warnings that were met come after the errors.
pub fn instantiate(
    artefact: &Artefact,
    given: &Layers,
    world: &dyn World,
) -> Result<Instance, Vec<InstantiateError>> {
    instantiate_within(artefact, given, world, &Limits::default())
}

/// As [`instantiate`], with other limits.
pub fn instantiate_within(
    artefact: &Artefact,
    given: &Layers,
    world: &dyn World,
    limits: &Limits,
) -> Result<Instance, Vec<InstantiateError>> {
    engine::Engine::new(artefact, world, limits).run(given)
}

/// A tree with everything that [`instantiate`] leaves out.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The tree, if there is one. Roles that are not in the real one are marked as not enabled: those that `enabled`
    /// switches off (with nothing below them, as nothing below was looked at), aggregators that nothing is left in, and
    /// the instances of an iterator that counts as disabled.
    pub instance: Option<Instance>,
    /// What keeps the real tree from being made. The roles it is about are missing.
    pub errors: Vec<InstantiateError>,
}

/// Makes the tree as [`instantiate`] does, and keeps what that leaves out, for those who ask why.
pub fn instantiate_whole(artefact: &Artefact, given: &Layers, world: &dyn World) -> Whole {
    engine::Engine::new(artefact, world, &Limits::default()).whole(given)
}
