//! Drives one task.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use partita_occ::{Event, State, client::{Client, Order}, codec::Codec};
//! use tokio::time::{Duration, Instant};
//!
//! let within = |ms| Instant::now() + Duration::from_millis(ms);
//! let client = Client::connect(([127, 0, 0, 1], 47100).into(), Codec::Protobuf, within(100)).await?;
//! let report = client.get_state(within(100)).await?;
//! let outcome = client
//!     .transition(&Order {
//!         event: Event::Configure,
//!         source: report.task_state(),
//!         destination: State::Configured,
//!         arguments: &[("environment_id".into(), "2rE9AV3m1HL".into())],
//!         deadline: within(10_000),
//!         settle: Duration::from_secs(2),
//!     })
//!     .await;
//! # Ok(()) }
//! ```

mod connection;
mod subscription;
mod transition;

use std::net::SocketAddr;

use partita_proto::occ::{ConfigEntry, GetStateReply, GetStateRequest, TransitionReply, TransitionRequest};
use tokio::time::Instant;
use tonic::Code;

use crate::codec::{Codec, Method};
use crate::{State, fairmq};
use connection::Connection;

pub use subscription::{DeviceEvents, StateChange, States};
pub use transition::{Order, Outcome, TransitionError};

/// A connection to one task. Clones share it; dropping the last one closes it.
#[derive(Debug, Clone)]
pub struct Client {
    connection: Connection,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there (yet).
    #[error("nothing listens at {address}: {source}")]
    Io {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No connection within the deadline.
    #[error("no connection to {address} within the deadline")]
    Deadline {
        /// Where.
        address: SocketAddr,
    },
    /// Whatever listens there does not speak HTTP/2.
    #[error("what listens at {address} is no OCC task: {source}")]
    Protocol {
        /// Where.
        address: SocketAddr,
        /// What went wrong.
        source: h2::Error,
    },
}

/// Why a call has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The task did not answer in time.
    #[error("the task at {address} has not answered {method} within the deadline")]
    Deadline {
        /// Where it listens.
        address: SocketAddr,
        /// What was called.
        method: &'static str,
    },
    /// The connection broke, as it does when the process ends.
    #[error("the connection to the task at {address} broke during {method}: {message}")]
    Closed {
        /// Where it listened.
        address: SocketAddr,
        /// What was called.
        method: &'static str,
        /// What the transport said.
        message: String,
    },
    /// The task refused the call.
    #[error("the task at {address} refused {method}: {}", refusal(*.code, .message))]
    Refused {
        /// Where it listens.
        address: SocketAddr,
        /// What was called.
        method: &'static str,
        /// gRPC status code.
        code: Code,
        /// What it said; the plugin of `FairMQ` devices says nothing.
        message: String,
    },
}

fn refusal(code: Code, message: &str) -> String {
    if message.is_empty() {
        format!("{code}; the reason is only in its own log")
    } else {
        message.to_owned()
    }
}

/// What a task says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// State as on the wire: names of [`State`] from a `direct` task, of [`fairmq::State`] from a device.
    pub state: String,
    /// Process id of the process that answers.
    pub pid: i32,
}

impl Report {
    /// The state of the control system that this is; `Unknown` for those in between.
    pub fn task_state(&self) -> State {
        let device = || self.state.parse().map(fairmq::State::task_state);
        self.state.parse().or_else(|_| device()).unwrap_or_default()
    }
}

impl Client {
    /// Opens a connection. Where nobody listens this fails at once, and costs so little that a starting process
    /// may be tried every few milliseconds.
    pub async fn connect(address: SocketAddr, codec: Codec, deadline: Instant) -> Result<Self, ConnectError> {
        let opened = tokio::time::timeout_at(deadline, Connection::open(address, codec)).await;
        let connection = opened.map_err(|_| ConnectError::Deadline { address })??;
        Ok(Self { connection })
    }

    /// Where the task listens.
    pub const fn address(&self) -> SocketAddr {
        self.connection.address()
    }

    /// Whether the connection is known to be gone. A broken connection stays broken; open another.
    pub fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// Asks for the state.
    pub async fn get_state(&self, deadline: Instant) -> Result<Report, CallError> {
        let GetStateReply { state, pid } = self
            .connection
            .unary(Method::GetState, GetStateRequest {}, deadline)
            .await?;
        Ok(Report { state, pid })
    }

    /// Sends one event under the names of the wire, with no translation: for tools that debug a task.
    pub async fn raw_transition(
        &self,
        source: &str,
        event: &str,
        arguments: &[(String, String)],
        deadline: Instant,
    ) -> Result<TransitionReply, CallError> {
        let arguments = arguments
            .iter()
            .map(|(key, value)| ConfigEntry {
                key: key.clone(),
                value: value.clone(),
            })
            .collect();
        let request = TransitionRequest {
            src_state: source.to_owned(),
            transition_event: event.to_owned(),
            arguments,
        };
        self.connection.unary(Method::Transition, request, deadline).await
    }

    /// Runs one event of the control system to its end: one call to a `direct` task, several to a device, with the
    /// way back where a step fails. It is not cancelled by dropping the future: the task goes on.
    pub async fn transition(&self, order: &Order<'_>) -> Outcome {
        transition::run(self, order).await
    }

    /// Subscribes to the events of the task. The request goes out when the first event is asked for.
    pub fn event_stream(&self) -> DeviceEvents {
        DeviceEvents::new(self.connection.clone())
    }

    /// Subscribes to the states of the task. Devices refuse it.
    pub fn state_stream(&self) -> States {
        States::new(self.connection.clone())
    }
}
