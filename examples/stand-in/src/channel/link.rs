//! One channel at work: its socket, those at the other end, and the frames in between.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use super::ChannelError;
use super::frame::{Frame, Greeting, LONGEST_PAYLOAD};
use super::socket::{self, Listener, Stream};
use super::spec::{Kind, Method, Spec};

/// Frames that may wait for one receiver, as the buffer of a real channel does.
const WAITING: usize = 1000;
/// Between two tries to connect.
const RETRY: Duration = Duration::from_millis(10);

/// A frame that was received.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Name of the channel.
    pub(crate) channel: String,
    /// Run in which it was sent.
    pub(crate) run: u32,
    pub(crate) payload: Vec<u8>,
    /// Frames before it that never came.
    pub(crate) lost: u64,
}

/// What became of the frames of a run that were to be sent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sent {
    /// Handed to a receiver.
    pub(crate) frames: u64,
    /// Dropped, since no receiver was connected.
    pub(crate) without_receiver: u64,
    /// Dropped, since the receivers did not keep up.
    pub(crate) too_slow: u64,
}

type Peer = mpsc::Sender<(u32, Vec<u8>)>;

/// What all connections of a channel share.
struct Hub {
    spec: Spec,
    who: String,
    receivers: Mutex<Vec<Peer>>,
    inbox: mpsc::Sender<Arrival>,
}

/// A channel.
pub(crate) struct Link {
    hub: Arc<Hub>,
    connections: JoinSet<()>,
    turn: usize,
    pub(crate) sent: Sent,
}

impl Link {
    /// Not yet open. `who` is told to the other side; `inbox` takes what arrives.
    pub(crate) fn new(spec: Spec, who: String, inbox: mpsc::Sender<Arrival>) -> Self {
        let hub = Hub {
            spec,
            who,
            receivers: Mutex::default(),
            inbox,
        };
        Self {
            hub: Arc::new(hub),
            connections: JoinSet::new(),
            turn: 0,
            sent: Sent::default(),
        }
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.hub.spec
    }

    /// Opens the socket of a channel that binds.
    pub(crate) async fn bind(&mut self) -> Result<(), ChannelError> {
        let Spec {
            name,
            method,
            address,
            ..
        } = &self.hub.spec;
        if *method != Method::Bind {
            return Ok(());
        }
        let listener = Listener::bind(address)
            .await
            .map_err(|source| ChannelError::Bind {
                channel: name.clone(),
                address: address.to_string(),
                source,
            })?;
        tracing::info!("channel {name} bound at {address}");
        self.connections.spawn(welcome(Arc::clone(&self.hub), listener));
        Ok(())
    }

    /// Reaches the other side of a channel that connects, trying until `deadline`.
    pub(crate) async fn connect(&mut self, deadline: Instant) -> Result<(), ChannelError> {
        let Spec {
            name,
            method,
            address,
            ..
        } = &self.hub.spec;
        if *method != Method::Connect {
            return Ok(());
        }
        loop {
            let attempt = async {
                let stream = socket::connect(address).await?;
                Conversation::open(Arc::clone(&self.hub), stream).await
            };
            let cause = match tokio::time::timeout_at(deadline, attempt).await {
                Ok(Ok(conversation)) => {
                    tracing::info!("channel {name} connected to {address}");
                    self.connections.spawn(conversation.run());
                    return Ok(());
                }
                Ok(Err(error @ ChannelError::Mismatch { .. })) => return Err(error),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it does not greet".to_owned(),
            };
            if Instant::now() + RETRY >= deadline {
                let (channel, address) = (name.clone(), address.to_string());
                return Err(ChannelError::Connect {
                    channel,
                    address,
                    cause,
                });
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Closes everything; its address is free again when this ends.
    pub(crate) async fn close(mut self) {
        self.connections.shutdown().await;
    }

    /// Sends a frame as the kind of the channel says, without waiting for anybody.
    pub(crate) fn send(&mut self, run: u32, payload: &[u8]) {
        let mut receivers = self.hub.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        receivers.retain(|receiver| !receiver.is_closed());
        let count = receivers.len();
        if count == 0 {
            self.sent.without_receiver += 1;
            return;
        }
        let mut delivered = false;
        for offset in 0..count {
            let Some(receiver) = receivers.get((self.turn + offset) % count) else {
                continue;
            };
            match receiver.try_send((run, payload.to_vec())) {
                Ok(()) => delivered = true,
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {}
            }
            if delivered && self.hub.spec.kind == Kind::Push {
                break;
            }
        }
        self.turn = self.turn.wrapping_add(1);
        if delivered {
            self.sent.frames += 1;
        } else {
            self.sent.too_slow += 1;
        }
    }
}

/// Takes whoever connects, for as long as the channel is there.
async fn welcome(hub: Arc<Hub>, listener: Listener) {
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => {
                    let hub = Arc::clone(&hub);
                    conversations.spawn(async move {
                        match Conversation::open(Arc::clone(&hub), stream).await {
                            Ok(conversation) => conversation.run().await,
                            Err(error @ ChannelError::Mismatch { .. }) => tracing::error!("{error}"),
                            Err(error) => tracing::warn!("channel {}: a caller is refused: {error}", hub.spec.name),
                        }
                    });
                }
                Err(error) => {
                    tracing::error!("channel {}: cannot accept: {error}", hub.spec.name);
                    tokio::time::sleep(RETRY).await;
                }
            },
            Some(_) = conversations.join_next(), if !conversations.is_empty() => {}
        }
    }
}

/// A connection whose two sides have greeted each other and fit.
struct Conversation {
    hub: Arc<Hub>,
    from: ReadHalf<Stream>,
    into: WriteHalf<Stream>,
    other: Greeting,
    to_send: Option<mpsc::Receiver<(u32, Vec<u8>)>>,
}

impl Conversation {
    async fn open(hub: Arc<Hub>, stream: Stream) -> Result<Self, ChannelError> {
        let (mut from, mut into) = split(stream);
        let Spec {
            name, kind, address, ..
        } = &hub.spec;
        Greeting {
            kind: *kind,
            channel: name.clone(),
            who: hub.who.clone(),
        }
        .write(&mut into)
        .await?;
        let other = Greeting::read(&mut from).await?;
        if other.kind != kind.partner() {
            return Err(ChannelError::Mismatch {
                channel: name.clone(),
                kind: kind.name(),
                address: address.to_string(),
                other: Box::new(other),
            });
        }
        let to_send = kind.sends().then(|| {
            let (sender, receiver) = mpsc::channel(WAITING);
            hub.receivers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sender);
            receiver
        });
        if !kind.sends() {
            tracing::info!(
                "channel {name} gets its data from channel {} of {}",
                other.channel,
                other.who
            );
        }
        Ok(Self {
            hub,
            from,
            into,
            other,
            to_send,
        })
    }

    async fn run(self) {
        let Self {
            hub,
            mut from,
            mut into,
            other,
            to_send,
        } = self;
        let ended = match to_send {
            Some(frames) => tokio::select! {
                Err(error) = send_all(frames, &mut into) => Err(error),
                // The other side says nothing, so this ends when it goes.
                read = Frame::read(&mut from) => read.map(|_| ()),
            },
            None => receive_all(&hub, &mut from).await,
        };
        match ended {
            Ok(()) => tracing::info!("channel {}: {other} has closed", hub.spec.name),
            Err(error) => {
                tracing::warn!("channel {}: lost {other}: {error}", hub.spec.name);
            }
        }
    }
}

async fn send_all(
    mut frames: mpsc::Receiver<(u32, Vec<u8>)>,
    into: &mut WriteHalf<Stream>,
) -> Result<Infallible, ChannelError> {
    let mut sequence = 0;
    loop {
        let Some((run, payload)) = frames.recv().await else {
            std::future::pending().await
        };
        Frame {
            run,
            sequence,
            payload,
        }
        .write(into)
        .await?;
        sequence += 1;
    }
}

async fn receive_all(hub: &Hub, from: &mut ReadHalf<Stream>) -> Result<(), ChannelError> {
    let mut expected = 0;
    while let Some(Frame {
        run,
        sequence,
        payload,
    }) = Frame::read(from).await?
    {
        let lost = sequence
            .checked_sub(expected)
            .ok_or(ChannelError::Protocol("frames out of order"))?;
        expected = sequence + 1;
        let arrival = Arrival {
            channel: hub.spec.name.clone(),
            run,
            payload,
            lost,
        };
        if hub.inbox.send(arrival).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Longest payload that a frame can carry, in bytes.
pub(crate) const LONGEST: usize = LONGEST_PAYLOAD;
