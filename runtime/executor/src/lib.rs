//! One executor a host: starts, supervises, steers and ends its tasks on behalf of the core.
//!
//! The executor dials the core (`proto/executor/executor.proto`), so it needs no port of its own. It must never
//! serve anything, never understand a workflow, and never end a task because the core, or the way to it, is gone
//! for a while. It owns its process: it becomes the reaper of every orphan below it, so [`run`] is not to be
//! called in a process that has other children.

mod commands;
mod config;
mod control;
mod host;
mod inventory;
mod link;
mod output;
mod ports;
mod process;
mod task;

pub use config::{Config, ExecutorError, Patience, SECRET_VARIABLE};
pub use host::run;
pub use partita_link::{Delivery, DeliveryError};
