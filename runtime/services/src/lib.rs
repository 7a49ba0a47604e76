//! The services a workflow calls while it runs, behind one trait.
//!
//! A call role asks a [`Registry`] for a method of a service by name; the service answers with variables or with an
//! error. This crate must never know of environments, tasks or hooks, never decide whether a failed call matters,
//! and never read the clock: the time comes in with the call.

mod answerer;
mod registry;
mod service;
mod testplugin;

pub use answerer::Answerer;
pub use registry::{Registry, RegistryError};
pub use service::{Answer, Call, CallError, Reply, Service};
pub use testplugin::TestPlugin;
