//! Artefacts and role trees as people and programs read them.

mod dry;
mod json;
mod role;
mod tree;

pub use dry::{DRY_UID, Dry};
pub(crate) use dry::{UNPINNED, endpoints_of};
pub(crate) use json::mode;
pub use json::{Detail, json};
pub use role::role_fields;
pub(crate) use tree::short;
pub use tree::{instance_tree, template_tree};
