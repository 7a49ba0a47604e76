//! From workflow repositories to artefacts.
//!
//! The compiler is a pure function of sources at pinned revisions, given variables, a configuration snapshot and the
//! version of the function library: it must never look at the clock, the environment or the network, and only
//! [`source`] reads files. It reports everything it finds, not only the first.

pub mod check;
pub mod compile;
pub mod configuration;
pub mod decode;
pub mod diagnostic;
pub mod editions;
pub mod graph;
pub mod limits;
pub mod link;
pub mod lock;
pub mod log;
pub mod render;
pub mod settings;
pub mod source;
pub mod syntax;
pub mod templates;
pub mod yaml;
