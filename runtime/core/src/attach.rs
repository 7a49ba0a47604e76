//! The core's side of the control stream (`proto/executor/executor.proto`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use partita_link::{Delivery, DeliveryError};
use partita_proto::executor::control_server::{Control, ControlServer};
use partita_proto::executor::{FromExecutor, Hello, ToExecutor, Welcome, from_executor, to_executor};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::cluster::{ClusterEvent, ClusterEvents};

/// Messages sent ahead of their acknowledgement.
const WINDOW: usize = 4096;
/// Messages between us and the transport.
const IN_TRANSIT: usize = 64;

/// The link to one executor, over all its connections.
#[derive(Debug)]
pub(crate) struct Link {
    host: String,
    delivery: Mutex<Delivery<to_executor::Body>>,
    /// There is something to send, or a newer connection.
    changed: Notify,
    /// Counts connections: only the newest is served.
    connection: Mutex<u64>,
    events: ClusterEvents,
}

impl Link {
    pub(crate) fn new(host: &str, events: ClusterEvents) -> Self {
        Self {
            host: host.to_owned(),
            delivery: Mutex::new(Delivery::new(WINDOW)),
            changed: Notify::new(),
            connection: Mutex::new(0),
            events,
        }
    }

    pub(crate) fn send(&self, body: to_executor::Body) {
        self.delivery().push(body, |_| false);
        self.changed.notify_one();
    }

    fn delivery(&self) -> MutexGuard<'_, Delivery<to_executor::Body>> {
        self.delivery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self) -> MutexGuard<'_, u64> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, body: from_executor::Body) {
        let host = self.host.clone();
        // Nobody listens any more when the core shuts down.
        let _ = self.events.send(ClusterEvent::Said { host, body });
    }

    fn greet(&self, hello: Hello) -> Result<(u64, ToExecutor), Status> {
        let mut delivery = self.delivery();
        delivery
            .reconnected(hello.received)
            .map_err(|error| Status::failed_precondition(error.to_string()))?;
        let received = delivery.received();
        drop(delivery);
        for update in hello.tasks {
            self.tell(from_executor::Body::Update(update));
        }
        let mut connection = self.connection();
        *connection += 1;
        let welcome = ToExecutor {
            sequence: 0,
            acknowledged: received,
            body: Some(to_executor::Body::Welcome(Welcome { received })),
        };
        Ok((*connection, welcome))
    }

    /// Takes a message; says whether it is to be acknowledged.
    fn take(&self, message: FromExecutor) -> Result<bool, Status> {
        let invalid = |error: DeliveryError| Status::failed_precondition(error.to_string());
        let mut delivery = self.delivery();
        delivery.acknowledge(message.acknowledged).map_err(invalid)?;
        if message.sequence == 0 {
            return Ok(false);
        }
        let new = delivery.take(message.sequence).map_err(invalid)?;
        drop(delivery);
        if let Some(body) = message.body.filter(|_| new) {
            self.tell(body);
        }
        Ok(true)
    }

    fn next(&self) -> Option<ToExecutor> {
        let mut delivery = self.delivery();
        let acknowledged = delivery.received();
        let (sequence, body) = delivery.next_to_send()?;
        Some(ToExecutor {
            sequence,
            acknowledged,
            body: Some(body.clone()),
        })
    }

    fn acknowledgement(&self) -> ToExecutor {
        ToExecutor {
            sequence: 0,
            acknowledged: self.delivery().received(),
            body: None,
        }
    }

    /// Serves one connection until it breaks or a newer one takes its place.
    async fn converse(
        &self,
        connection: u64,
        mut from: Streaming<FromExecutor>,
        to: mpsc::Sender<Result<ToExecutor, Status>>,
    ) {
        let mut acknowledge = false;
        loop {
            while let Some(message) = self.next() {
                acknowledge = false;
                if to.send(Ok(message)).await.is_err() {
                    return;
                }
            }
            if std::mem::take(&mut acknowledge) && to.send(Ok(self.acknowledgement())).await.is_err() {
                return;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                message = from.message() => match message.map(|message| message.map(|message| self.take(message))) {
                    Ok(Some(Ok(taken))) => acknowledge = taken,
                    Ok(Some(Err(status))) => {
                        tracing::error!(host = self.host, %status, "the executor broke the rules of the link");
                        let _ = to.send(Err(status)).await;
                        return;
                    }
                    Ok(None) | Err(_) => return,
                },
            }
            if *self.connection() != connection {
                // What this connection was woken for concerns the newer one.
                self.changed.notify_one();
                return;
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
        ControlServer::new(self)
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
