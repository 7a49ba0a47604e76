//! Talks OCC to one task: reaches it while it starts, watches it, asks it, drives it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use partita_occ::State;
use partita_occ::client::{CallError, Client, Order, Report};
use partita_occ::codec::Codec;
use partita_proto::executor::DeviceEventKind;
use partita_proto::occ::DeviceEventType;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};

use crate::config::Patience;
use crate::task::{Input, Outcome};

/// First pause between two attempts to reach a task. A light task is up 3 ms after its start.
const FIRST_POLL: Duration = Duration::from_millis(1);
/// The pauses grow with the time waited so far, to this part of it.
const POLL_SHARE: u32 = 8;

/// What a task, or the lack of it, says.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) task_id: String,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// There is a new connection.
    Connected(Client),
    /// Something that nobody asked for.
    Watched(Input),
    /// The answer to the call or question of this number.
    Answered(u64, Input),
    /// Processes of it that a predecessor has started have ended.
    Ended,
}

/// One task, as far as talking to it goes.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) task_id: String,
    pub(crate) port: u16,
    pub(crate) codec: Codec,
    pub(crate) patience: Patience,
    pub(crate) said: UnboundedSender<Said>,
}

/// A transition to be made.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) event: partita_occ::Event,
    pub(crate) source: State,
    pub(crate) destination: State,
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) patience: Duration,
}

impl Peer {
    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn say(&self, what: What) {
        // The host outlives all of its tasks; if it is gone there is nobody to tell.
        let _ = self.said.send(Said {
            task_id: self.task_id.clone(),
            what,
        });
    }

    /// Reaches the task, says when it is up, and tells from then on what it does by itself.
    pub(crate) async fn watch(self) {
        let mut client = self.come_up().await;
        loop {
            self.follow(&client).await;
            client = self.reconnect().await;
        }
    }

    /// As [`Peer::watch`], of a task that was up when a predecessor of this executor died: first of all says its state.
    pub(crate) async fn resume(self) {
        loop {
            let client = self.reconnect().await;
            // It may have gone on between its answer and the beginning of its stream.
            tokio::join!(self.follow(&client), async {
                sleep(self.patience.start_poll).await;
                self.poll(&client).await;
            });
        }
    }

    /// The start of a task has a deadline, but it is not known here: the host drops this when it is over.
    async fn come_up(&self) -> Client {
        let start = Instant::now();
        loop {
            if let Ok((client, report)) = self.reach().await {
                let state = report.task_state();
                // Anything else is on its way to STANDBY.
                if matches!(state, State::Standby | State::Error | State::Done) {
                    self.say(What::Connected(client.clone()));
                    let pid = u32::try_from(report.pid).unwrap_or_default();
                    self.say(What::Watched(Input::Up { state, pid }));
                    return client;
                }
            }
            let pause = start.elapsed() / POLL_SHARE;
            sleep(pause.clamp(FIRST_POLL, self.patience.start_poll)).await;
        }
    }

    async fn reach(&self) -> Result<(Client, Report), String> {
        let deadline = Instant::now() + self.patience.doubt;
        let client = Client::connect(self.address(), self.codec, deadline)
            .await
            .map_err(|error| error.to_string())?;
        let report = client
            .get_state(deadline)
            .await
            .map_err(|error| error.to_string())?;
        Ok((client, report))
    }

    /// Until the task is reached. Says so once if that takes longer than the patience with doubt; a process that
    /// has ended has been dropped by then.
    async fn reconnect(&self) -> Client {
        let start = Instant::now();
        let mut told = false;
        loop {
            match self.reach().await {
                Ok((client, report)) => {
                    self.say(What::Connected(client.clone()));
                    self.say(What::Watched(Input::Hint(report.task_state())));
                    return client;
                }
                Err(reason) if !told && start.elapsed() >= self.patience.doubt => {
                    told = true;
                    self.say(What::Watched(Input::Unreachable(reason)));
                }
                Err(_) => {}
            }
            let pause = start.elapsed() / POLL_SHARE;
            sleep(pause.clamp(FIRST_POLL, self.patience.start_poll)).await;
        }
    }

    /// Until the connection is gone.
    async fn follow(&self, client: &Client) {
        let (mut events, mut states) = (client.event_stream(), client.state_stream());
        // A device streams events but no states; either stream may end while the task goes on.
        let (mut has_events, mut has_states) = (true, true);
        loop {
            tokio::select! {
                event = events.next(), if has_events => match event {
                    Some(Ok(event)) => self.raised(event),
                    Some(Err(CallError::Closed { .. })) => return,
                    Some(Err(_)) => has_events = false,
                    None => {
                        // So a device says that it is in ERROR or EXITING (runtime.md 11.5).
                        has_events = false;
                        if self.poll(client).await { return; }
                    }
                },
                change = states.next(), if has_states => match change {
                    Some(Ok(change)) if change.stable => {
                        let state = Report { state: change.state, pid: 0 }.task_state();
                        self.say(What::Watched(Input::Hint(state)));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(CallError::Closed { .. })) => return,
                    Some(Err(_)) | None => has_states = false,
                },
                () = sleep(self.patience.state_poll), if !has_states => {
                    if self.poll(client).await { return; }
                }
            }
        }
    }

    /// Asks for the state; true if the connection is gone. A task in a transition may leave this unanswered.
    async fn poll(&self, client: &Client) -> bool {
        match client.get_state(Instant::now() + self.patience.doubt).await {
            Ok(report) => {
                self.say(What::Watched(Input::Hint(report.task_state())));
                false
            }
            Err(CallError::Closed { .. }) => true,
            Err(_) => client.is_closed(),
        }
    }

    fn raised(&self, event: DeviceEventType) {
        let kind = match event {
            DeviceEventType::EndOfStream => DeviceEventKind::EndOfStream,
            DeviceEventType::TaskInternalError => DeviceEventKind::TaskInternalError,
            DeviceEventType::BasicTaskTerminated | DeviceEventType::NullDeviceEvent => return,
        };
        self.say(What::Watched(Input::Raised(kind)));
        if kind == DeviceEventKind::TaskInternalError {
            self.say(What::Watched(Input::Hint(State::Error)));
        }
    }

    /// Asks for the state until there is an answer, at most for the patience with doubt.
    pub(crate) async fn ask(self, number: u64, client: Option<Client>) {
        let deadline = Instant::now() + self.patience.doubt;
        let asked = match &client {
            Some(client) => client
                .get_state(deadline)
                .await
                .map_err(|error| error.to_string()),
            None => Err("there is no connection".to_owned()),
        };
        let mut last = match asked {
            Ok(report) => return self.say(What::Answered(number, Input::Seen(report.task_state()))),
            Err(reason) => reason,
        };
        while Instant::now() < deadline {
            match self.reach().await {
                Ok((_, report)) => return self.say(What::Answered(number, Input::Seen(report.task_state()))),
                Err(reason) => last = reason,
            }
            sleep(self.patience.start_poll).await;
        }
        self.say(What::Answered(number, Input::Unreachable(last)));
    }

    /// Makes a transition.
    pub(crate) async fn call(self, number: u64, client: Option<Client>, call: Call) {
        let connected = match client {
            Some(client) => Ok(client),
            None => self.reach().await.map(|(client, _)| client),
        };
        let outcome = match connected {
            Err(reason) => Outcome {
                state: State::Unknown,
                error: Some(format!("there is no connection to it: {reason}")),
            },
            Ok(client) => {
                let order = Order {
                    event: call.event,
                    source: call.source,
                    destination: call.destination,
                    arguments: &call.arguments,
                    deadline: Instant::now() + call.patience,
                    settle: self.patience.doubt,
                };
                let outcome = client.transition(&order).await;
                Outcome {
                    state: outcome.state,
                    error: outcome.error.map(|error| error.to_string()),
                }
            }
        };
        self.say(What::Answered(number, Input::Called(outcome)));
    }
}
