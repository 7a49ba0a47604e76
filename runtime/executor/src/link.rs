//! The link to the core: dials it, dials it again, and keeps the promise of `delivery` over all connections.

use std::time::Duration;

use partita_link::{Delivery, DeliveryError, MOST_BYTES};
use partita_proto::executor::control_client::ControlClient;
use partita_proto::executor::{
    FromExecutor, Hello, Phase, TaskUpdate, ToExecutor, Welcome, from_executor::Body, to_executor,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Code, Streaming};

use crate::config::{Config, ExecutorError};

/// Messages sent ahead of their acknowledgement.
const WINDOW: usize = 4096;
/// Messages between us and the transport.
const IN_TRANSIT: usize = 64;
/// First pause before the core is dialled again; doubles up to `Patience::redial`.
const FIRST_REDIAL: Duration = Duration::from_millis(5);

/// What the link has to say to the host.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A connection is about to be opened: what is here?
    Inventory(oneshot::Sender<Vec<TaskUpdate>>),
    /// The core is there.
    Welcome,
    /// What the core wants, and the receipt for [`Out::Keep`].
    Wanted(u64, to_executor::Body),
    /// All that was said up to this number is safe with the core.
    Delivered(u64),
    /// There is no use in going on.
    Lost(ExecutorError),
}

/// What the host has for the link.
#[derive(Debug)]
pub(crate) enum Out {
    /// To be said to the core, with a number that grows.
    Say(u64, Box<Body>),
    /// What the core wanted, with this receipt and before, is in the inventory.
    Keep(u64),
}

/// The link, as the host has it. When `out` is dropped, the link ends as soon as the core has everything.
pub(crate) struct Ends {
    pub(crate) out: mpsc::UnboundedSender<Out>,
    pub(crate) heard: mpsc::UnboundedReceiver<Heard>,
}

pub(crate) struct Link {
    config: Config,
    endpoint: Endpoint,
    /// The session with the core, once there was one.
    session: String,
    /// What is said, with its number over all sessions.
    delivery: Delivery<(u64, Body)>,
    /// Number of the last thing said.
    said: u64,
    out: mpsc::UnboundedReceiver<Out>,
    heard: mpsc::UnboundedSender<Heard>,
}

struct Connection {
    to_core: mpsc::Sender<FromExecutor>,
    from_core: Streaming<ToExecutor>,
    welcome: Welcome,
}

/// Why there is no connection.
enum DialError {
    Away(String),
    Refused(String),
}

/// Why a connection ended.
enum End {
    Broken(String),
    /// The host has let go of the link, and the core has everything.
    Finished,
}

impl Link {
    pub(crate) fn new(config: Config) -> Result<(Self, Ends), ExecutorError> {
        let endpoint = Endpoint::from_shared(config.core.clone())
            .map_err(|error| ExecutorError::Address {
                address: config.core.clone(),
                reason: error.to_string(),
            })?
            .connect_timeout(config.patience.welcome)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(config.patience.keep_alive)
            .keep_alive_timeout(config.patience.keep_alive)
            .keep_alive_while_idle(true);
        let (out, out_end) = mpsc::unbounded_channel();
        let (heard_end, heard) = mpsc::unbounded_channel();
        let delivery = Delivery::new(WINDOW);
        Ok((
            Self {
                config,
                endpoint,
                delivery,
                said: 0,
                session: String::new(),
                out: out_end,
                heard: heard_end,
            },
            Ends { out, heard },
        ))
    }

    /// Serves until the host lets go, or the core is away for too long.
    pub(crate) async fn serve(mut self) {
        let mut pause = FIRST_REDIAL;
        let mut away_since = Instant::now();
        let mut welcomed = false;
        loop {
            let reason = match self.dial().await {
                Ok(connection) => {
                    (pause, welcomed) = (FIRST_REDIAL, true);
                    let end = self.converse(connection).await;
                    away_since = Instant::now();
                    match end {
                        End::Finished => return,
                        End::Broken(reason) => reason,
                    }
                }
                Err(DialError::Refused(reason)) if !welcomed => {
                    let address = self.config.core.clone();
                    self.tell(Heard::Lost(ExecutorError::Refused { address, reason }));
                    return;
                }
                Err(DialError::Away(reason) | DialError::Refused(reason)) => reason,
            };
            let waited = away_since.elapsed();
            tracing::warn!(core = self.config.core, ?waited, reason, "the core is away");
            let mut until = Instant::now() + pause;
            if let Some(patience) = self.config.core_patience {
                if waited >= patience {
                    let address = self.config.core.clone();
                    self.tell(Heard::Lost(ExecutorError::CoreGone {
                        address,
                        waited,
                        reason,
                    }));
                    return;
                }
                until = until.min(away_since + patience);
            }
            pause = (pause * 2).min(self.config.patience.redial);
            if !self.pause(until).await {
                return;
            }
        }
    }

    fn tell(&self, heard: Heard) {
        // The host lets go first only when it ends.
        let _ = self.heard.send(heard);
    }

    fn push(&mut self, out: Out) {
        let (number, body) = match out {
            Out::Say(number, body) => (number, *body),
            Out::Keep(receipt) => {
                if let Err(error) = self.delivery.keep(receipt) {
                    tracing::error!(%error, "what did not come is not acknowledged");
                }
                return;
            }
        };
        self.said = number;
        let about = match &body {
            Body::Update(update) => Some(update.task_id.clone()),
            _ => None,
        };
        // An update is the whole truth about a task, so it replaces an older one that was never sent.
        self.delivery
            .push((number, body), |(_, earlier)| match (earlier, &about) {
                (Body::Update(earlier), Some(task_id)) => earlier.task_id == *task_id,
                _ => false,
            });
    }

    /// False if the host has let go.
    async fn pause(&mut self, until: Instant) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(until) => return true,
                out = self.out.recv() => match out {
                    Some(out) => self.push(out),
                    None => return false,
                },
            }
        }
    }

    async fn dial(&mut self) -> Result<Connection, DialError> {
        let (ask, answer) = oneshot::channel();
        self.tell(Heard::Inventory(ask));
        let mut tasks = answer.await.unwrap_or_default();
        // Tasks that have ended are not here any more, but their end is still to be told.
        tasks.extend(self.delivery.pending().filter_map(|(_, body)| match body {
            Body::Update(update) if update.phase() == Phase::Ended => Some(update.clone()),
            _ => None,
        }));
        let hello = Hello {
            host: self.config.host.clone(),
            secret: self.config.secret.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            received: self.delivery.kept(),
            session: self.session.clone(),
            tasks,
        };
        let patience = self.config.patience.welcome;
        let greeting = timeout(patience, greet(self.endpoint.clone(), hello));
        tokio::pin!(greeting);
        let greeted = loop {
            tokio::select! {
                greeted = &mut greeting => break greeted,
                Some(out) = self.out.recv() => self.push(out),
            }
        };
        greeted.unwrap_or_else(|_| Err(DialError::Away(format!("no welcome within {patience:?}"))))
    }

    async fn converse(&mut self, connection: Connection) -> End {
        let Connection {
            to_core,
            mut from_core,
            welcome,
        } = connection;
        if self.session != welcome.session {
            self.session = welcome.session;
            self.delivery.renew();
        }
        if let Err(error) = self.delivery.reconnected(welcome.received) {
            return End::Broken(error.to_string());
        }
        self.tell(Heard::Welcome);
        self.tell_delivered();
        // What the core knows to be acknowledged.
        let (mut acknowledged, mut open) = (0, true);
        loop {
            if !open && self.delivery.is_done() {
                return End::Finished;
            }
            tokio::select! {
                biased;
                out = self.out.recv(), if open => match out {
                    Some(out) => self.push(out),
                    None => open = false,
                },
                message = from_core.message() => match message {
                    Ok(Some(message)) => if let Err(reason) = self.take(message) {
                        return End::Broken(reason);
                    },
                    Ok(None) => return End::Broken("the core ended the stream".to_owned()),
                    Err(status) => return End::Broken(text(&status)),
                },
                room = to_core.reserve(), if self.delivery.kept() > acknowledged || self.delivery.is_ready() => {
                    let Ok(room) = room else { return End::Broken("the connection broke".to_owned()) };
                    acknowledged = self.delivery.kept();
                    let (sequence, body) = match self.delivery.next_to_send() {
                        Some((sequence, (_, body))) => (sequence, Some(body.clone())),
                        None => (0, None),
                    };
                    room.send(FromExecutor { sequence, acknowledged, body });
                }
            }
        }
    }

    fn tell_delivered(&self) {
        let first = self.delivery.pending().next();
        self.tell(Heard::Delivered(
            first.map_or(self.said, |(number, _)| number.saturating_sub(1)),
        ));
    }

    fn take(&mut self, message: ToExecutor) -> Result<(), String> {
        let text = |error: DeliveryError| error.to_string();
        let pending = self.delivery.pending().count();
        self.delivery.acknowledge(message.acknowledged).map_err(text)?;
        if self.delivery.pending().count() < pending {
            self.tell_delivered();
        }
        match message.body {
            None => Ok(()),
            Some(to_executor::Body::Welcome(_)) => Err("a second welcome on one stream".to_owned()),
            Some(body) => {
                if let Some(receipt) = self.delivery.take(message.sequence).map_err(text)? {
                    self.tell(Heard::Wanted(receipt, body));
                }
                Ok(())
            }
        }
    }
}

/// Opens a stream and shakes hands on it.
async fn greet(endpoint: Endpoint, hello: Hello) -> Result<Connection, DialError> {
    let channel = endpoint
        .connect()
        .await
        .map_err(|error| DialError::Away(causes(&error)))?;
    let (to_core, stream) = mpsc::channel(IN_TRANSIT);
    let hello = FromExecutor {
        body: Some(Body::Hello(hello)),
        ..FromExecutor::default()
    };
    to_core
        .send(hello)
        .await
        .map_err(|error| DialError::Away(error.to_string()))?;
    let refused = |status: tonic::Status| match status.code() {
        Code::Unauthenticated | Code::PermissionDenied | Code::InvalidArgument | Code::Unimplemented => {
            DialError::Refused(text(&status))
        }
        _ => DialError::Away(text(&status)),
    };
    let response = ControlClient::new(channel)
        .max_decoding_message_size(MOST_BYTES)
        .attach(ReceiverStream::new(stream))
        .await
        .map_err(refused)?;
    let mut from_core = response.into_inner();
    match from_core
        .message()
        .await
        .map_err(refused)?
        .and_then(|message| message.body)
    {
        Some(to_executor::Body::Welcome(welcome)) => Ok(Connection {
            to_core,
            from_core,
            welcome,
        }),
        Some(_) => Err(DialError::Away("the core did not say welcome first".to_owned())),
        None => Err(DialError::Away(
            "the core ended the stream instead of saying welcome".to_owned(),
        )),
    }
}

fn text(status: &tonic::Status) -> String {
    if status.message().is_empty() {
        status.code().to_string()
    } else {
        status.message().to_owned()
    }
}

/// An error with all its causes, which tonic keeps to itself.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += ": ";
        text += &error.to_string();
        cause = error.source();
    }
    text
}
