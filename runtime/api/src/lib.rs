//! What clients speak to a core: `o2control.Control`, which the clients of the reference know (`wire.md` 2), and
//! `partita.v1`, which is ours; with health and reflection.
//!
//! It translates: from requests to what [`partita_core::core::Core`] is asked, and from what is true of environments
//! to replies. It must never decide what the core decides, and never read a workflow: what needs the compiler is asked
//! of [`Workflows`].

mod control;
mod create;
mod glob;
mod identity;
mod info;
mod ours;
mod refusal;
mod server;
mod subscriptions;
mod workflows;

pub use glob::{Glob, GlobError};
pub use info::{About, ServiceInfo};
pub use server::{Api, ServeError};
pub use workflows::{
    Added, Compiled, Diagnostic, Repositories, Repository, Severity, Template, TemplateQuery, Unavailable,
    VariableSpecification, Wanted, Workflows,
};

/// Largest request of a client of the reference, bytes (`wire.md` 1: the limit of its server).
pub const LARGEST_REQUEST: usize = 4 * 1024 * 1024;

/// Largest request of `partita.v1`, bytes: an artefact must fit.
pub const LARGEST_ARTEFACT: usize = partita_artefact::codec::MAX_FILE + 1024;
