//! Operator control (OCC) of one process: how a control system drives a task through its states.
//!
//! Two control modes exist (wire.md 5). A `direct` task speaks the states of the control system itself. A
//! `fairmq` task is a `FairMQ` device, and one event of the control system takes several steps of its machine.
//!
//! - [`state`], [`direct`] and [`fairmq`] are the machines, as data and pure functions.
//! - [`codec`] is what goes over the wire: protobuf, or the JSON of the `FairMQ` plugin.
//! - `client` (feature `client`) drives a task. The executor links nothing else of this crate.
//! - `server` (feature `server`) is the library with which a task is written.
//!
//! This crate must never start, stop or signal a process, and never decide how long to wait: each call takes
//! its deadline from the caller. While nothing happens, neither side wakes up.

#[cfg(feature = "client")]
pub mod client;
#[cfg(any(feature = "client", feature = "server"))]
pub mod codec;
pub mod direct;
pub mod fairmq;
#[cfg(feature = "server")]
pub mod server;
pub mod state;

pub use state::{Event, State};

/// Port on which a task listens if nobody says otherwise (wire.md 5.3).
pub const DEFAULT_PORT: u16 = 47100;

/// Longest message that either side accepts, in bytes. The largest property maps of the production workflows are
/// some tens of kilobytes.
pub const LARGEST_MESSAGE: usize = 4 << 20;
