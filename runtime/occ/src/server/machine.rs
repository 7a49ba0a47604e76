//! The one owner of a task: takes transitions in turn and lets the task work in between.

use std::collections::BTreeMap;

use partita_proto::occ::{
    ConfigEntry, DeviceEventType, StateChangeTrigger, StateStreamReply, StateType, TransitionReply,
    TransitionRequest,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tonic::Status;

use super::options::Mode;
use super::task::{Failure, Iteration, Properties, Property, Run, Task};
use crate::{Event, State, direct, fairmq};

/// State of either machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Direct(State),
    Device(fairmq::State),
}

impl Place {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Direct(state) => state.name(),
            Self::Device(state) => state.name(),
        }
    }

    const fn task_state(self) -> State {
        match self {
            Self::Direct(state) => state,
            Self::Device(state) => state.task_state(),
        }
    }
}

struct Call {
    request: TransitionRequest,
    reply: oneshot::Sender<Result<TransitionReply, Status>>,
}

/// What the connections see of the machine.
pub(super) struct Panel {
    calls: mpsc::Sender<Call>,
    place: watch::Receiver<Place>,
    states: broadcast::Sender<StateStreamReply>,
    events: broadcast::Sender<DeviceEventType>,
    pub(super) mode: Mode,
}

/// Ends when the task does.
pub(super) struct Done(watch::Receiver<Place>);

impl Done {
    pub(super) async fn wait(&mut self) {
        // An error means that the machine is gone, which is an end as well.
        let _ = self.0.wait_for(|place| place.task_state() == State::Done).await;
    }
}

impl Panel {
    pub(super) fn place(&self) -> Place {
        *self.place.borrow()
    }

    /// Whether no more events can come: the task is done, or a device is in ERROR.
    pub(super) fn is_silent(&self) -> bool {
        match self.place().task_state() {
            State::Done => true,
            State::Error => self.mode == Mode::Fairmq,
            _ => false,
        }
    }

    pub(super) fn done(&self) -> Done {
        Done(self.place.clone())
    }

    pub(super) fn states(&self) -> broadcast::Receiver<StateStreamReply> {
        self.states.subscribe()
    }

    pub(super) fn events(&self) -> broadcast::Receiver<DeviceEventType> {
        self.events.subscribe()
    }

    pub(super) async fn transition(&self, request: TransitionRequest) -> Result<TransitionReply, Status> {
        let ended = || Status::failed_precondition("the task has ended");
        let (reply, answer) = oneshot::channel();
        self.calls
            .send(Call { request, reply })
            .await
            .map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

pub(super) struct Machine<T> {
    task: T,
    calls: mpsc::Receiver<Call>,
    place: watch::Sender<Place>,
    states: broadcast::Sender<StateStreamReply>,
    events: broadcast::Sender<DeviceEventType>,
    properties: Properties,
    data_ended: bool,
}

/// Transitions that may wait for their turn; a client that sends more waits itself.
const CALLS: usize = 4;
/// States or events that a slow client may be behind before it misses some.
const BEHIND: usize = 32;

impl<T: Task> Machine<T> {
    pub(super) fn new(task: T, mode: Mode) -> (Self, Panel) {
        let start = match mode {
            Mode::Direct => Place::Direct(State::Standby),
            Mode::Fairmq => Place::Device(fairmq::State::Idle),
        };
        let (calls, incoming) = mpsc::channel(CALLS);
        let (place, seen) = watch::channel(start);
        let (states, _) = broadcast::channel(BEHIND);
        let (events, _) = broadcast::channel(BEHIND);
        let panel = Panel {
            calls,
            place: seen,
            states: states.clone(),
            events: events.clone(),
            mode,
        };
        let machine = Self {
            task,
            calls: incoming,
            place,
            states,
            events,
            properties: Properties::new(),
            data_ended: false,
        };
        (machine, panel)
    }

    /// Works until the task is done.
    pub(super) async fn run(mut self) {
        while self.place().task_state() != State::Done {
            let state = self.place().task_state();
            let iterating = state == State::Running && !self.data_ended;
            tokio::select! {
                biased;
                call = self.calls.recv() => {
                    // The panel lives as long as the server, so there is always a sender.
                    let Some(call) = call else { return };
                    let answer = self.transition(call.request).await;
                    // A client that has gone away wanted no answer.
                    let _ = call.reply.send(answer);
                }
                iteration = between(&mut self.task, state, iterating) => self.iterated(iteration).await,
            }
        }
    }

    fn place(&self) -> Place {
        *self.place.borrow()
    }

    async fn iterated(&mut self, iteration: Iteration) {
        match iteration {
            // Else a task that never waits would keep the connections from being served.
            Iteration::Continue => tokio::task::yield_now().await,
            Iteration::EndOfStream => {
                self.data_ended = true;
                self.tell(DeviceEventType::EndOfStream);
            }
            Iteration::Error(failure) => self.failed_itself(&failure),
        }
    }

    fn failed_itself(&mut self, failure: &Failure) {
        tracing::error!("task failed in {}: {failure}", self.place().name());
        self.tell(DeviceEventType::TaskInternalError);
        self.enter_error();
    }

    fn enter_error(&mut self) {
        match self.place() {
            Place::Direct(_) => self.enter(Place::Direct(State::Error)),
            Place::Device(_) => {
                self.enter(Place::Device(fairmq::State::Error));
                // A device has no way out of ERROR, so nothing more will come.
                self.tell(DeviceEventType::NullDeviceEvent);
            }
        }
    }

    fn tell(&self, event: DeviceEventType) {
        // Nobody listening is no error.
        let _ = self.events.send(event);
    }

    fn enter(&self, place: Place) {
        self.pass(place, StateType::StateStable);
    }

    fn pass(&self, place: Place, kind: StateType) {
        self.place.send_replace(place);
        let _ = self.states.send(StateStreamReply {
            r#type: kind.into(),
            state: place.name().to_owned(),
        });
    }

    async fn transition(&mut self, request: TransitionRequest) -> Result<TransitionReply, Status> {
        let current = self.place().name();
        if self.place().task_state() == State::Done {
            return Err(Status::failed_precondition("the task has ended"));
        }
        if request.src_state != current {
            let source = &request.src_state;
            let text =
                format!("transition not possible: state mismatch: source: {source} current: {current}");
            return Err(Status::invalid_argument(text));
        }
        let TransitionRequest {
            transition_event: event,
            arguments,
            ..
        } = request;
        match self.place() {
            Place::Direct(state) => self.direct(state, event, &arguments).await,
            Place::Device(state) => self.device(state, event, &arguments).await,
        }
    }

    async fn direct(
        &mut self,
        source: State,
        name: String,
        arguments: &[ConfigEntry],
    ) -> Result<TransitionReply, Status> {
        let event = name
            .parse()
            .map_err(|error: crate::state::UnknownName| Status::invalid_argument(error.to_string()))?;
        let Some(destination) = direct::destination(source, event) else {
            return Ok(self.refused(name));
        };
        let outcome = self.direct_work(event, arguments).await;
        Ok(self.arrived(name, Place::Direct(destination), outcome))
    }

    async fn direct_work(&mut self, event: Event, arguments: &[ConfigEntry]) -> Result<(), Failure> {
        match event {
            Event::Configure => {
                self.properties = arguments
                    .iter()
                    .map(|entry| (entry.key.clone(), Property::Text(entry.value.clone())))
                    .collect();
                self.task.configure(&self.properties).await?;
                self.task.bind().await?;
                self.task.connect().await?;
                self.task.init_task().await
            }
            Event::Reset => {
                self.task.reset_task().await?;
                self.task.reset().await
            }
            Event::Start => {
                self.data_ended = false;
                self.task.start(&run(arguments)).await
            }
            Event::Stop => self.task.stop(&run(arguments)).await,
            Event::Exit => self.task.exit().await,
            Event::Recover => self.task.recover().await,
            // In no row of the table.
            Event::GoError => Ok(()),
        }
    }

    async fn device(
        &mut self,
        source: fairmq::State,
        name: String,
        arguments: &[ConfigEntry],
    ) -> Result<TransitionReply, Status> {
        let event = name
            .parse()
            .map_err(|error: crate::state::UnknownName| Status::invalid_argument(error.to_string()))?;
        let Some(way) = fairmq::way(source, event) else {
            return Ok(self.refused(name));
        };
        if let Some(through) = way.through {
            self.pass(Place::Device(through), StateType::StateIntermediate);
        }
        let outcome = self.device_work(event, arguments).await;
        Ok(self.arrived(name, Place::Device(way.to), outcome))
    }

    async fn device_work(&mut self, event: fairmq::Event, arguments: &[ConfigEntry]) -> Result<(), Failure> {
        match event {
            fairmq::Event::InitDevice => {
                self.properties = typed(arguments);
                Ok(())
            }
            fairmq::Event::CompleteInit => self.task.configure(&self.properties).await,
            fairmq::Event::Bind => self.task.bind().await,
            fairmq::Event::Connect => self.task.connect().await,
            fairmq::Event::InitTask => self.task.init_task().await,
            fairmq::Event::Run => {
                self.data_ended = false;
                self.task.start(&run(arguments)).await
            }
            fairmq::Event::Stop => self.task.stop(&run(arguments)).await,
            fairmq::Event::ResetTask => self.task.reset_task().await,
            fairmq::Event::ResetDevice => self.task.reset().await,
            fairmq::Event::End => self.task.exit().await,
            fairmq::Event::ErrorFound => Err(Failure::new("somebody sent ERROR FOUND")),
        }
    }

    /// The answer to an event that the state does not allow.
    fn refused(&self, event: String) -> TransitionReply {
        let state = self.place().name();
        tracing::warn!("{event} is not possible in {state}; refused");
        TransitionReply {
            trigger: StateChangeTrigger::DeviceIntentional.into(),
            state: state.to_owned(),
            transition_event: event,
            ok: false,
        }
    }

    fn arrived(
        &mut self,
        event: String,
        destination: Place,
        outcome: Result<(), Failure>,
    ) -> TransitionReply {
        let trigger = match outcome {
            Ok(()) => {
                self.enter(destination);
                if destination.task_state() == State::Done {
                    if matches!(destination, Place::Direct(_)) {
                        self.tell(DeviceEventType::EndOfStream);
                    }
                    self.tell(DeviceEventType::NullDeviceEvent);
                }
                StateChangeTrigger::Executor
            }
            Err(failure) => {
                tracing::error!("{event} failed: {failure}");
                self.enter_error();
                StateChangeTrigger::DeviceError
            }
        };
        TransitionReply {
            trigger: trigger.into(),
            state: self.place().name().to_owned(),
            transition_event: event,
            ok: trigger == StateChangeTrigger::Executor,
        }
    }
}

/// What a task does between transitions.
async fn between<T: Task>(task: &mut T, state: State, iterating: bool) -> Iteration {
    if iterating {
        task.iterate_running().await
    } else if state == State::Error {
        std::future::pending().await
    } else {
        Iteration::Error(task.check().await)
    }
}

fn run(arguments: &[ConfigEntry]) -> Run {
    let arguments: BTreeMap<String, String> = arguments
        .iter()
        .map(|entry| (entry.key.clone(), entry.value.clone()))
        .collect();
    let number = arguments.get("runNumber").map(|text| {
        text.parse().unwrap_or_else(|_| {
            tracing::warn!("argument runNumber `{text}` is not a run number; taken as 0");
            0
        })
    });
    Run {
        number: number.unwrap_or_default(),
        arguments,
    }
}

fn typed(arguments: &[ConfigEntry]) -> Properties {
    let mut properties = Properties::new();
    for ConfigEntry { key, value } in arguments {
        if let Some(property) = Property::of_device(key, value) {
            properties.insert(key.clone(), property);
        } else {
            tracing::warn!("property {key}: `{value}` is not a number; left out");
        }
    }
    properties
}
