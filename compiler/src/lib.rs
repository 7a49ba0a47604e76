//! From workflow repositories to artefacts.

pub mod link;
pub mod syntax;
