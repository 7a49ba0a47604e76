//! From workflow repositories to artefacts.

pub mod link;
