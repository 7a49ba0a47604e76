//! Streams that a task sends until it ends.

use std::future::Future;
use std::pin::Pin;

use partita_proto::occ::{
    DeviceEventType, EventStreamReply, EventStreamRequest, StateStreamReply, StateStreamRequest, StateType,
};
use tonic::Streaming;

use super::CallError;
use super::connection::Connection;
use crate::codec::Method;

type Opening<D> = Pin<Box<dyn Future<Output = Result<Streaming<D>, CallError>> + Send>>;

/// A stream whose request is on its way, or that is open. Existing tasks answer a subscription only with its first
/// element, so opening must not be waited for.
enum Subscription<D> {
    Opening(Opening<D>),
    Open(Box<Streaming<D>>),
    Ended,
}

impl<D> Subscription<D> {
    /// The next element; `None` after the last. Loses nothing when dropped and called again.
    async fn next(&mut self, connection: &Connection, method: Method) -> Option<Result<D, CallError>> {
        if let Self::Opening(opening) = self {
            match opening.await {
                Ok(stream) => *self = Self::Open(Box::new(stream)),
                Err(error) => {
                    *self = Self::Ended;
                    return Some(Err(error));
                }
            }
        }
        let Self::Open(stream) = self else { return None };
        let element = stream
            .message()
            .await
            .map_err(|status| connection.call_error(method, &status))
            .transpose();
        if !matches!(element, Some(Ok(_))) {
            *self = Self::Ended;
        }
        element
    }
}

/// The events of a task.
pub struct DeviceEvents {
    connection: Connection,
    subscription: Subscription<EventStreamReply>,
}

impl DeviceEvents {
    pub(super) fn new(connection: Connection) -> Self {
        let opening = connection.clone();
        let opening = async move { opening.stream(Method::EventStream, EventStreamRequest {}).await };
        Self {
            connection,
            subscription: Subscription::Opening(Box::pin(opening)),
        }
    }

    /// The next event. `None` when the task has said that there are no more; an error, once, when the stream broke.
    /// Loses nothing when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<DeviceEventType, CallError>> {
        loop {
            let element = match self
                .subscription
                .next(&self.connection, Method::EventStream)
                .await?
            {
                Ok(element) => element,
                Err(error) => return Some(Err(error)),
            };
            let kind = element.event.unwrap_or_default().r#type;
            match DeviceEventType::try_from(kind) {
                Ok(DeviceEventType::NullDeviceEvent) => {
                    self.subscription = Subscription::Ended;
                    return None;
                }
                Ok(event) => return Some(Ok(event)),
                Err(_) => {
                    tracing::warn!(kind, address = %self.connection.address(), "unknown device event, ignored");
                }
            }
        }
    }
}

/// A state that a task has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Its name on the wire.
    pub state: String,
    /// Whether the task stays there.
    pub stable: bool,
}

/// The states of a task.
pub struct States {
    connection: Connection,
    subscription: Subscription<StateStreamReply>,
}

impl States {
    pub(super) fn new(connection: Connection) -> Self {
        let opening = connection.clone();
        let opening = async move { opening.stream(Method::StateStream, StateStreamRequest {}).await };
        Self {
            connection,
            subscription: Subscription::Opening(Box::pin(opening)),
        }
    }

    /// The next state. `None` after the last; an error, once, when the stream broke. Loses nothing when the future is
    /// dropped.
    pub async fn next(&mut self) -> Option<Result<StateChange, CallError>> {
        let element = self
            .subscription
            .next(&self.connection, Method::StateStream)
            .await?;
        Some(element.map(|StateStreamReply { r#type, state }| StateChange {
            state,
            stable: r#type == StateType::StateStable as i32,
        }))
    }
}
