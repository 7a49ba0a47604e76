//! Environments, roles and tasks as state machines, and the shell that drives them.
//!
//! [`environment`], [`aggregate`] and [`core::machine`] are pure: events in, effects out, no clock, no input or output. Everything
//! that touches the world is around them. This crate must never parse a workflow, and never decide anything in
//! the shell that the machine could decide.

pub mod aggregate;
mod attach;
mod calls;
pub mod cause;
pub mod cluster;
mod compact;
pub mod core;
mod deployment;
pub mod environment;
mod identity;
pub mod journal;
pub mod local;
pub mod placement;
mod prepare;
pub mod run_number;
