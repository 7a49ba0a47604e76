//! Where a role stands.

use crate::evaluate::RoleName;
use crate::instance::{Constraint, Inbound, Outbound};
use crate::ir::{Module, RoleTemplate};
use crate::stack::Stack;

/// What a role gets from where it stands.
pub(super) struct Around<'r> {
    pub(super) stack: &'r Stack<'r>,
    /// Nearest first.
    pub(super) ancestors: &'r [RoleName<'r>],
    pub(super) constraints: &'r [Constraint],
    pub(super) connect: &'r [Outbound],
    pub(super) bind: &'r [Inbound],
    /// The file that the template stands in.
    pub(super) module: &'r Module,
    pub(super) depth: usize,
}

impl Around<'_> {
    /// Path of a role of that name.
    pub(super) fn path(&self, name: &str) -> String {
        match self.ancestors.first() {
            Some(parent) => format!("{}.{name}", parent.path),
            None => name.to_owned(),
        }
    }

    /// Path of a role whose name is not evaluated yet, for messages.
    pub(super) fn unnamed(&self, template: &RoleTemplate) -> String {
        self.path(&template.name.source())
    }
}
