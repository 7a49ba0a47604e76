//! Artefacts and role trees as people and programs read them.

mod dry;
mod json;
mod role;
mod tree;

pub use dry::{DRY_UID, Dry};
pub(crate) use dry::{UNPINNED, endpoints_of, special as dry_special};
pub use json::{Detail, json, mode};
pub use role::role_fields;
pub use tree::{instance_tree, short, template_tree};
