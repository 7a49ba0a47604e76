//! The core as it is seen from outside, made from its numbered observations: events in the schema that users' tools
//! read, for any number of subscribers and for Kafka, and metrics.
//!
//! It must never hold up the core, ask it for a decision, or lose something without saying so.

mod core;
pub mod kafka;
pub mod log;
pub mod message;
pub mod metrics;
pub mod source;
