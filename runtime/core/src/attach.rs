//! The core's side of the control stream (`proto/executor/executor.proto`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use partita_link::{Delivery, DeliveryError, MOST_BYTES};
use partita_proto::executor::control_server::{Control, ControlServer};
use partita_proto::executor::{FromExecutor, Hello, ToExecutor, Welcome, from_executor, to_executor};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::cause::Cause;
use crate::cluster::{ClusterEvent, ClusterEvents};

/// Messages sent ahead of their acknowledgement.
const WINDOW: usize = 4096;
/// Messages between us and the transport.
const IN_TRANSIT: usize = 64;

/// The link to one host, over all its connections and executors.
#[derive(Debug)]
pub(crate) struct Link {
    host: String,
    /// Identity of this core process, in the identities of its sessions with executors.
    core: String,
    state: Mutex<State>,
    /// There is something to send, or a newer connection.
    changed: Notify,
    events: ClusterEvents,
}

#[derive(Debug)]
struct State {
    delivery: Delivery<to_executor::Body>,
    /// Counts sessions: a new one for each executor process.
    session: u64,
    /// Counts connections: only the newest is served.
    connection: u64,
}

/// Why a connection is not served any further.
enum Stop {
    Replaced,
    Broken(DeliveryError),
}

impl Link {
    /// `core` is the identity of this core process.
    pub(crate) fn new(host: &str, core: &str, events: ClusterEvents) -> Self {
        Self {
            host: host.to_owned(),
            core: core.to_owned(),
            state: Mutex::new(State {
                delivery: Delivery::new(WINDOW),
                session: 0,
                connection: 0,
            }),
            changed: Notify::new(),
            events,
        }
    }

    pub(crate) fn send(&self, body: to_executor::Body) {
        self.state().delivery.push(body, |_| false);
        self.changed.notify_one();
    }

    /// What the host has said up to this number, counted over all sessions, outlives this core.
    pub(crate) fn acknowledge(&self, sequence: u64) {
        match self.state().delivery.keep(sequence) {
            Ok(true) => self.changed.notify_one(),
            Ok(false) => {}
            Err(error) => tracing::error!(host = self.host, %error, "what was not said is not acknowledged"),
        }
    }

    /// Lets go of the executor, which from now on looks for the next core.
    pub(crate) fn close(&self) {
        self.state().connection += 1;
        self.changed.notify_one();
    }

    /// How many executor processes have attached.
    pub(crate) fn sessions(&self) -> u64 {
        self.state().session
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called under the lock, so that everybody is told in the order in which it came.
    fn tell(&self, event: ClusterEvent) {
        // Nobody listens any more when the core shuts down.
        let _ = self.events.send(event);
    }

    fn session(&self, state: &State) -> String {
        format!("{}-{}", self.core, state.session)
    }

    fn greet(&self, hello: Hello) -> Result<(u64, ToExecutor), Status> {
        let mut state = self.state();
        if hello.session == self.session(&state) {
            state
                .delivery
                .reconnected(hello.received)
                .map_err(|error| Status::failed_precondition(error.to_string()))?;
        } else {
            state.delivery.renew();
            state.session += 1;
        }
        state.connection += 1;
        self.tell(ClusterEvent::Attached {
            host: self.host.clone(),
            inventory: hello.tasks,
        });
        let received = state.delivery.kept();
        let session = self.session(&state);
        let welcome = ToExecutor {
            sequence: 0,
            acknowledged: received,
            body: Some(to_executor::Body::Welcome(Welcome { received, session })),
        };
        Ok((state.connection, welcome))
    }

    /// Takes a message, unless it comes on a connection that has been replaced.
    fn take(&self, connection: u64, message: FromExecutor) -> Result<(), Stop> {
        let mut state = self.state();
        if state.connection != connection {
            return Err(Stop::Replaced);
        }
        let delivery = &mut state.delivery;
        delivery.acknowledge(message.acknowledged).map_err(Stop::Broken)?;
        if message.sequence > 0
            && let Some(sequence) = delivery.take(message.sequence).map_err(Stop::Broken)?
            && let Some(body) = message.body
        {
            self.tell(ClusterEvent::Said {
                host: self.host.clone(),
                sequence,
                body,
            });
        }
        Ok(())
    }

    /// What to send next, if anything; `acknowledged` is what the executor knows to be acknowledged.
    fn next(&self, connection: u64, acknowledged: &mut u64) -> Result<Option<ToExecutor>, Stop> {
        let mut state = self.state();
        if state.connection != connection {
            return Err(Stop::Replaced);
        }
        let kept = state.delivery.kept();
        let (sequence, body) = match state.delivery.next_to_send() {
            Some((sequence, body)) => (sequence, Some(body.clone())),
            None if kept > *acknowledged => (0, None),
            None => return Ok(None),
        };
        *acknowledged = kept;
        Ok(Some(ToExecutor {
            sequence,
            acknowledged: kept,
            body,
        }))
    }

    /// Serves one connection until it breaks or a newer one takes its place.
    async fn converse(
        &self,
        connection: u64,
        from: Streaming<FromExecutor>,
        to: mpsc::Sender<Result<ToExecutor, Status>>,
    ) {
        match self.exchange(connection, from, &to).await {
            // What this connection was woken for concerns the newer one.
            Err(Stop::Replaced) => self.changed.notify_one(),
            Err(Stop::Broken(error)) => {
                tracing::error!(host = self.host, %error, "the executor broke the rules of the link");
                let _ = to.send(Err(Status::failed_precondition(error.to_string()))).await;
                self.broken(connection, &error.to_string());
            }
            Ok(reason) => self.broken(connection, &reason),
        }
    }

    /// A connection has ended. The executor may be back before anybody can look.
    fn broken(&self, connection: u64, reason: &str) {
        let state = self.state();
        if state.connection == connection {
            let mut cause = Cause::new(format!("the executor does not answer: {reason}"));
            cause.host = Some(self.host.clone());
            let host = self.host.clone();
            self.tell(ClusterEvent::Away { host, cause });
        }
    }

    async fn exchange(
        &self,
        connection: u64,
        mut from: Streaming<FromExecutor>,
        to: &mpsc::Sender<Result<ToExecutor, Status>>,
    ) -> Result<String, Stop> {
        let mut acknowledged = 0;
        loop {
            while let Some(message) = self.next(connection, &mut acknowledged)? {
                if to.send(Ok(message)).await.is_err() {
                    return Ok("the connection is closed".to_owned());
                }
            }
            tokio::select! {
                () = self.changed.notified() => {}
                message = from.message() => match message {
                    Ok(Some(message)) => self.take(connection, message)?,
                    Ok(None) => return Ok("it has closed the connection".to_owned()),
                    Err(status) => return Ok(status.message().to_owned()),
                },
            }
        }
    }
}

/// Where executors attach.
pub(crate) struct Attach {
    secret: String,
    links: BTreeMap<String, Arc<Link>>,
}

impl Attach {
    pub(crate) fn new(secret: String, links: BTreeMap<String, Arc<Link>>) -> Self {
        Self { secret, links }
    }

    pub(crate) fn service(self) -> ControlServer<Self> {
        ControlServer::new(self).max_decoding_message_size(MOST_BYTES)
    }
}

/// Compares all of it, wherever the first difference is.
fn same_secret(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |differ, (a, b)| differ | (a ^ b))
            == 0
}

#[tonic::async_trait]
impl Control for Attach {
    type AttachStream = ReceiverStream<Result<ToExecutor, Status>>;

    async fn attach(
        &self,
        request: Request<Streaming<FromExecutor>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let mut from = request.into_inner();
        let first = from.message().await?.and_then(|message| message.body);
        let Some(from_executor::Body::Hello(hello)) = first else {
            return Err(Status::invalid_argument("the first message must be Hello"));
        };
        if !same_secret(&hello.secret, &self.secret) {
            return Err(Status::permission_denied("the secret is not that of this core"));
        }
        let link = self.links.get(&hello.host).cloned();
        let link = link.ok_or_else(|| Status::not_found(format!("there is no host {}", hello.host)))?;
        let (connection, welcome) = link.greet(hello)?;
        let (to, out) = mpsc::channel(IN_TRANSIT);
        to.try_send(Ok(welcome))
            .map_err(|_| Status::internal("the stream is closed"))?;
        // Wakes the connection that this one replaces, if there is one; otherwise this one.
        link.changed.notify_one();
        tokio::spawn(async move { link.converse(connection, from, to).await });
        Ok(Response::new(ReceiverStream::new(out)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "core-1";

    fn link() -> (Link, mpsc::UnboundedReceiver<ClusterEvent>) {
        let (events, told) = mpsc::unbounded_channel();
        (Link::new("host", "core", events), told)
    }

    fn greet(link: &Link, session: &str, received: u64) -> (u64, Welcome) {
        let hello = Hello {
            session: session.to_owned(),
            received,
            ..Hello::default()
        };
        let (connection, message) = link.greet(hello).expect("welcome");
        let Some(to_executor::Body::Welcome(welcome)) = message.body else {
            panic!("{message:?}")
        };
        (connection, welcome)
    }

    fn say(link: &Link, connection: u64, sequence: u64) -> bool {
        let message = FromExecutor {
            sequence,
            acknowledged: 0,
            body: Some(from_executor::Body::HookReport(
                partita_proto::executor::HookReport::default(),
            )),
        };
        link.take(connection, message).is_ok()
    }

    fn sequences(told: &mut mpsc::UnboundedReceiver<ClusterEvent>) -> Vec<u64> {
        std::iter::from_fn(|| told.try_recv().ok())
            .filter_map(|event| match event {
                ClusterEvent::Said { sequence, .. } => Some(sequence),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn only_what_the_core_keeps_is_acknowledged() {
        let (link, mut told) = link();
        let (connection, welcome) = greet(&link, "", 0);
        assert_eq!((welcome.session.as_str(), welcome.received), (FIRST, 0));
        assert!(say(&link, connection, 1) && say(&link, connection, 2));
        assert_eq!(sequences(&mut told), [1, 2]);
        assert_eq!(greet(&link, FIRST, 0).1.received, 0);
        link.acknowledge(1);
        let (connection, welcome) = greet(&link, FIRST, 0);
        assert_eq!((welcome.session.as_str(), welcome.received), (FIRST, 1));
        // It says again what it does not know safe, and is not heard twice.
        assert!(say(&link, connection, 2));
        assert_eq!(sequences(&mut told), [0_u64; 0]);
    }

    #[test]
    fn a_successor_is_not_taken_for_the_executor_before_it() {
        let (link, mut told) = link();
        link.send(to_executor::Body::Shutdown(partita_proto::executor::Shutdown {}));
        let (old, _) = greet(&link, "", 0);
        assert!(matches!(link.next(old, &mut 0), Ok(Some(message)) if message.sequence == 1));
        assert!(say(&link, old, 1));
        let (new, welcome) = greet(&link, "", 0);
        assert_eq!((welcome.session.as_str(), welcome.received), ("core-2", 0));
        assert!(
            !say(&link, old, 2),
            "what comes late on the old connection is dropped"
        );
        assert!(matches!(link.next(new, &mut 0), Ok(Some(message)) if message.sequence == 1));
        assert!(say(&link, new, 1));
        assert_eq!(sequences(&mut told), [1, 2]);
        link.acknowledge(1);
        assert_eq!(greet(&link, "core-2", 1).1.received, 0);
        link.acknowledge(2);
        assert_eq!(greet(&link, "core-2", 1).1.received, 1);
    }
}
