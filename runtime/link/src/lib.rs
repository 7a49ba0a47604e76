//! What core and executor share of the link between them (`proto/executor/executor.proto`): the bookkeeping that
//! makes it reliable, and how the core proves itself.
//!
//! Both sides stand on this, so that neither depends on the other. It must never open a connection, read a clock or
//! know what a message says.

mod delivery;

pub use delivery::{Delivery, DeliveryError};

/// The environment variable that carries the core's secret to an executor, so that no process list shows it.
pub const SECRET_VARIABLE: &str = "PARTITA_EXECUTOR_SECRET";

/// The environment variable that names the folder of an executor in all processes of it, so that they are found even
/// when it has died.
pub const EXECUTOR_MARK: &str = "PARTITA_EXECUTOR";

/// Longest message, in bytes: a command for a host with many tasks carries the payload of each.
pub const MOST_BYTES: usize = 256 << 20;
