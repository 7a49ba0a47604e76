//! The contract between compiler and runtime: what an artefact holds, how it is written, named, stored, loaded and
//! evaluated.
//!
//! The compiler makes an [`ir::Artefact`]; the runtime loads it by hash and instantiates it. Both sides meet only
//! here. This crate must never parse source text (YAML, expressions, Git) nor touch the network. Payloads of the
//! configuration store are data, and are rendered here.

pub mod behaviour;
pub mod codec;
pub mod deploy;
pub mod diff;
pub mod digest;
pub mod duration;
pub mod edition;
pub mod evaluate;
pub mod explain;
pub mod expression;
mod functions;
mod given;
pub mod identity;
pub mod instance;
pub mod instantiate;
pub mod ir;
pub mod limits;
mod moment;
mod payload;
pub mod show;
pub mod similar;
mod stack;
pub mod store;
pub mod surroundings;

pub use given::GivenError;
pub use stack::Stack;
