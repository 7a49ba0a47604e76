//! Artefacts and role trees as people and programs read them.

mod dry;
mod json;
mod tree;

pub use dry::{DRY_UID, Dry};
pub use json::{Detail, json};
pub use tree::{instance_tree, template_tree};
