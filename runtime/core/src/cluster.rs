//! What runs tasks: hosts, and an executor on each.

use partita_proto::executor::{TaskUpdate, from_executor, to_executor};
use tokio::sync::mpsc;

use crate::cause::Cause;

/// What a cluster says.
#[derive(Debug)]
pub enum ClusterEvent {
    /// An executor is there, for the first time or again.
    Attached {
        /// Of which host.
        host: String,
        /// All tasks that are there as of now.
        inventory: Vec<TaskUpdate>,
    },
    /// An executor says something. It keeps it until [`Cluster::acknowledge`], and says it again to a core that has
    /// died before.
    Said {
        /// Of which host.
        host: String,
        /// Counts what the host has said to this core, from 1.
        sequence: u64,
        /// What.
        body: from_executor::Body,
    },
    /// An executor does not answer, or has died and a successor is being started. Its tasks live on, as far as anybody
    /// can know; [`ClusterEvent::Attached`] says what is true of them.
    Away {
        /// Of which host.
        host: String,
        /// Why.
        cause: Cause,
    },
    /// An executor is gone, none can follow it, and its tasks are gone with it.
    HostLost {
        /// Of which host.
        host: String,
        /// Why.
        cause: Cause,
    },
}

/// Where a cluster says it.
pub type ClusterEvents = mpsc::UnboundedSender<ClusterEvent>;

/// Hosts with executors. Everything sent arrives once and in order, or the host is lost.
pub trait Cluster: Send {
    /// Names of the hosts, in the order in which tasks without demands are placed.
    fn hosts(&self) -> &[String];

    /// How the tasks of others reach a host.
    fn address(&self, host: &str) -> String;

    /// Tells an executor something. A host that is lost has said so, and what is sent to it is dropped.
    fn send(&self, host: &str, body: to_executor::Body);

    /// All that a host has said up to this number ([`ClusterEvent::Said`]) outlives this core: the executor may forget
    /// it. What is not acknowledged is said again to the next core.
    fn acknowledge(&self, host: &str, sequence: u64);

    /// Lets go of the executors, which wait for the next core with their tasks. A cluster of the foreground shuts down
    /// instead.
    fn leave(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Ends all executors and waits until they are gone.
    fn shut_down(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
}
