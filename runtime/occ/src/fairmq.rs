//! The machine of a `FairMQ` device, and how one event of the control system becomes steps of it (runtime.md 2.3).
//!
//! [`Sequence`] is pure: it says which step to send next, is told the answer, and knows the way back. The way
//! back after a failed step is chosen by the state in which the device is found, so that it holds for any failure
//! at any step.

use crate::state::{self, by_name};

/// State of a device, with its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are FairMQ's own")]
pub enum State {
    Error,
    Idle,
    InitializingDevice,
    Initialized,
    Binding,
    Bound,
    Connecting,
    DeviceReady,
    InitializingTask,
    Ready,
    Running,
    ResettingTask,
    ResettingDevice,
    Exiting,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Error,
        Self::Idle,
        Self::InitializingDevice,
        Self::Initialized,
        Self::Binding,
        Self::Bound,
        Self::Connecting,
        Self::DeviceReady,
        Self::InitializingTask,
        Self::Ready,
        Self::Running,
        Self::ResettingTask,
        Self::ResettingDevice,
        Self::Exiting,
    ];

    /// The name on the wire (wire.md 5.5).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Idle => "IDLE",
            Self::InitializingDevice => "INITIALIZING DEVICE",
            Self::Initialized => "INITIALIZED",
            Self::Binding => "BINDING",
            Self::Bound => "BOUND",
            Self::Connecting => "CONNECTING",
            Self::DeviceReady => "DEVICE READY",
            Self::InitializingTask => "INITIALIZING TASK",
            Self::Ready => "READY",
            Self::Running => "RUNNING",
            Self::ResettingTask => "RESETTING TASK",
            Self::ResettingDevice => "RESETTING DEVICE",
            Self::Exiting => "EXITING",
        }
    }

    /// The state of the control system that this is; `Unknown` for those in between.
    pub const fn task_state(self) -> state::State {
        match self {
            Self::Idle => state::State::Standby,
            Self::Ready => state::State::Configured,
            Self::Running => state::State::Running,
            Self::Error => state::State::Error,
            Self::Exiting => state::State::Done,
            _ => state::State::Unknown,
        }
    }

    /// The state of a device that this state of the control system is.
    pub const fn of(state: state::State) -> Option<Self> {
        match state {
            state::State::Standby => Some(Self::Idle),
            state::State::Configured => Some(Self::Ready),
            state::State::Running => Some(Self::Running),
            state::State::Error => Some(Self::Error),
            state::State::Done => Some(Self::Exiting),
            state::State::Unknown | state::State::Paused => None,
        }
    }
}

/// What a device can be asked to do, with its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are FairMQ's own")]
pub enum Event {
    InitDevice,
    CompleteInit,
    Bind,
    Connect,
    InitTask,
    Run,
    Stop,
    ResetTask,
    ResetDevice,
    End,
    ErrorFound,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::InitDevice,
        Self::CompleteInit,
        Self::Bind,
        Self::Connect,
        Self::InitTask,
        Self::Run,
        Self::Stop,
        Self::ResetTask,
        Self::ResetDevice,
        Self::End,
        Self::ErrorFound,
    ];

    /// The name on the wire (wire.md 5.5).
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitDevice => "INIT DEVICE",
            Self::CompleteInit => "COMPLETE INIT",
            Self::Bind => "BIND",
            Self::Connect => "CONNECT",
            Self::InitTask => "INIT TASK",
            Self::Run => "RUN",
            Self::Stop => "STOP",
            Self::ResetTask => "RESET TASK",
            Self::ResetDevice => "RESET DEVICE",
            Self::End => "END",
            Self::ErrorFound => "ERROR FOUND",
        }
    }

    /// Whether a device takes arguments with this step; it ignores those of all others (runtime.md 11.5).
    pub const fn takes_arguments(self) -> bool {
        matches!(self, Self::InitDevice | Self::Run | Self::Stop)
    }
}

/// The way of one event: through which state, if any, to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// State in which the device does the work; it leaves it by itself.
    pub through: Option<State>,
    /// State that it reaches.
    pub to: State,
}

/// Where `event` leads from `source`, if the device allows it there.
pub const fn way(source: State, event: Event) -> Option<Way> {
    use State as S;
    let (through, to) = match (source, event) {
        (S::Idle, Event::InitDevice) => (None, S::InitializingDevice),
        (S::InitializingDevice, Event::CompleteInit) => (None, S::Initialized),
        (S::Initialized, Event::Bind) => (Some(S::Binding), S::Bound),
        (S::Bound, Event::Connect) => (Some(S::Connecting), S::DeviceReady),
        (S::DeviceReady, Event::InitTask) => (Some(S::InitializingTask), S::Ready),
        (S::Ready, Event::Run) => (None, S::Running),
        (S::Running, Event::Stop) => (None, S::Ready),
        (S::Ready, Event::ResetTask) => (Some(S::ResettingTask), S::DeviceReady),
        (S::Initialized | S::Bound | S::DeviceReady, Event::ResetDevice) => {
            (Some(S::ResettingDevice), S::Idle)
        }
        (S::Idle, Event::End) => (None, S::Exiting),
        (S::Error | S::Exiting, Event::ErrorFound) => return None,
        (_, Event::ErrorFound) => (None, S::Error),
        _ => return None,
    };
    Some(Way { through, to })
}

/// One call to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What to ask for.
    pub event: Event,
    /// State in which the device is now.
    pub source: State,
    /// State that it has to reach.
    pub destination: State,
}

/// What the device made of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It reached the destination.
    Reached,
    /// It did not, and is now in this state; `None` if it cannot say.
    Failed(Option<State>),
}

/// What to do next in a [`Sequence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send this step, and report its answer.
    Send(Step),
    /// All steps are done.
    Succeeded,
    /// A step failed, and all of the way back that there is has been gone. The device is in the state given by
    /// [`Sequence::at`].
    Failed(Step),
}

/// The steps of one event of the control system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    event: state::Event,
    at: Option<State>,
    failed: Option<Step>,
    stuck: bool,
}

impl Sequence {
    /// The steps of `event` for a device in `source`; `None` if a device cannot do that: RECOVER and `GO_ERROR` do
    /// not exist for devices, and ERROR has no way out.
    pub fn new(event: state::Event, source: state::State) -> Option<Self> {
        let at = State::of(source)?;
        forward(event, at)?;
        Some(Self {
            event,
            at: Some(at),
            failed: None,
            stuck: false,
        })
    }

    /// State of the device as far as it is known.
    pub const fn at(&self) -> Option<State> {
        self.at
    }

    /// Whether a step failed and the sequence is on its way back.
    pub const fn is_going_back(&self) -> bool {
        self.failed.is_some()
    }

    /// What to do now.
    pub fn next(&self) -> Next {
        let event = match (self.at, self.failed) {
            (Some(at), None) => forward(self.event, at),
            // What has just failed is not tried a second time.
            (Some(at), Some(failed)) if !self.stuck => {
                back(self.event, at).filter(|event| *event != failed.event)
            }
            _ => None,
        };
        let step = event.zip(self.at).and_then(|(event, source)| {
            way(source, event).map(|way| Step {
                event,
                source,
                destination: way.to,
            })
        });
        match (step, self.failed) {
            (Some(step), _) => Next::Send(step),
            (None, None) => Next::Succeeded,
            (None, Some(failed)) => Next::Failed(failed),
        }
    }

    /// Goes on after the answer to the step that [`Sequence::next`] asked for.
    #[must_use]
    pub fn step(self, answer: Answer) -> Self {
        let Next::Send(sent) = self.next() else {
            return self;
        };
        match (answer, self.failed) {
            (Answer::Reached, _) => Self {
                at: Some(sent.destination),
                ..self
            },
            (Answer::Failed(at), None) => Self {
                at,
                failed: Some(sent),
                ..self
            },
            (Answer::Failed(at), Some(_)) => Self {
                at,
                stuck: true,
                ..self
            },
        }
    }
}

/// The step that brings a device nearer to the end of `event`; `None` at the end, and where there is no way.
const fn forward(event: state::Event, at: State) -> Option<Event> {
    match (event, at) {
        (state::Event::Configure, State::Idle) => Some(Event::InitDevice),
        (state::Event::Configure, State::InitializingDevice) => Some(Event::CompleteInit),
        (state::Event::Configure, State::Initialized) => Some(Event::Bind),
        (state::Event::Configure, State::Bound) => Some(Event::Connect),
        (state::Event::Configure, State::DeviceReady) => Some(Event::InitTask),
        (state::Event::Start, State::Ready) => Some(Event::Run),
        (state::Event::Stop, State::Running) => Some(Event::Stop),
        (state::Event::Reset | state::Event::Exit, State::Ready) => Some(Event::ResetTask),
        (state::Event::Reset | state::Event::Exit, State::DeviceReady) => Some(Event::ResetDevice),
        (state::Event::Exit, State::Idle) => Some(Event::End),
        _ => None,
    }
}

/// The step that brings a device nearer to a state that the control system has a name for.
const fn back(event: state::Event, at: State) -> Option<Event> {
    match (event, at) {
        (state::Event::Configure, State::InitializingDevice) => Some(Event::CompleteInit),
        (state::Event::Configure, State::Initialized | State::Bound | State::DeviceReady) => {
            Some(Event::ResetDevice)
        }
        (state::Event::Configure, State::Ready) => Some(Event::ResetTask),
        (state::Event::Reset | state::Event::Exit, State::DeviceReady) => Some(Event::InitTask),
        _ => None,
    }
}

by_name!(State, "a state of a device");
by_name!(Event, "an event of a device");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::direct;
    use proptest::prelude::*;

    /// Plays `sequence` against a device that fails the steps numbered in `failures`, staying where it is or, where
    /// so told, going to ERROR. Gives the steps sent and the end.
    fn play(mut sequence: Sequence, failures: &[(usize, bool)]) -> (Vec<Event>, Next, Option<State>) {
        let mut sent = Vec::new();
        loop {
            let Next::Send(step) = sequence.next() else {
                return (sent, sequence.next(), sequence.at());
            };
            let failure = failures.iter().find(|(index, _)| *index == sent.len());
            sent.push(step.event);
            assert!(sent.len() <= 10, "no end: {sent:?}");
            sequence = sequence.step(match failure {
                None => Answer::Reached,
                Some((_, true)) => Answer::Failed(Some(State::Error)),
                Some((_, false)) => Answer::Failed(Some(step.source)),
            });
        }
    }

    fn configure() -> Sequence {
        Sequence::new(state::Event::Configure, state::State::Standby).expect("allowed")
    }

    #[test]
    fn configure_takes_five_steps() {
        let (sent, end, at) = play(configure(), &[]);
        assert_eq!(
            sent,
            [
                Event::InitDevice,
                Event::CompleteInit,
                Event::Bind,
                Event::Connect,
                Event::InitTask
            ]
        );
        assert_eq!((end, at), (Next::Succeeded, Some(State::Ready)));
    }

    #[test]
    fn each_failed_step_of_configure_goes_back_to_idle() {
        for failing in [0, 2, 3, 4] {
            let (sent, end, at) = play(configure(), &[(failing, false)]);
            assert!(
                matches!(end, Next::Failed(step) if step.event == sent[failing]),
                "{end:?}"
            );
            assert_eq!(at, Some(State::Idle), "{sent:?}");
            assert_eq!(
                sent.get(failing + 1),
                (failing > 0).then_some(&Event::ResetDevice)
            );
        }
    }

    #[test]
    fn a_device_that_cannot_complete_its_init_is_left_there() {
        let (sent, _, at) = play(configure(), &[(1, false)]);
        assert_eq!((sent.len(), at), (2, Some(State::InitializingDevice)));
    }

    #[test]
    fn error_has_no_way_back() {
        for failing in 0..5 {
            let (sent, _, at) = play(configure(), &[(failing, true)]);
            assert_eq!((sent.len(), at), (failing + 1, Some(State::Error)));
        }
    }

    #[test]
    fn a_failed_reset_returns_to_ready() {
        let reset = Sequence::new(state::Event::Reset, state::State::Configured).expect("allowed");
        let (sent, _, at) = play(reset, &[(1, false)]);
        assert_eq!(sent, [Event::ResetTask, Event::ResetDevice, Event::InitTask]);
        assert_eq!(at, Some(State::Ready));
    }

    #[test]
    fn exit_resets_first() {
        let exit = Sequence::new(state::Event::Exit, state::State::Configured).expect("allowed");
        assert_eq!(
            play(exit, &[]).0,
            [Event::ResetTask, Event::ResetDevice, Event::End]
        );
    }

    proptest! {
        /// Whatever fails and however: it ends, it sends only what the device allows, and without a failure it ends
        /// where the control system's own table says.
        #[test]
        fn every_sequence_ends_in_order(
            event in prop::sample::select(&state::Event::ALL[..]),
            source in prop::sample::select(&state::State::ALL[..]),
            answers in prop::collection::vec(
                prop_oneof![
                    4 => Just(Answer::Reached),
                    1 => prop::sample::select(&State::ALL[..]).prop_map(|state| Answer::Failed(Some(state))),
                    1 => Just(Answer::Failed(None)),
                ], 12),
        ) {
            let Some(mut sequence) = Sequence::new(event, source) else {
                let impossible = matches!(source, state::State::Error | state::State::Paused)
                    || direct::destination(source, event).is_none();
                prop_assert!(impossible, "{event} in {source}");
                return Ok(());
            };
            let mut all_reached = true;
            let mut steps = 0;
            for answer in answers {
                let Next::Send(step) = sequence.next() else { break };
                prop_assert_eq!(way(step.source, step.event).map(|way| way.to), Some(step.destination));
                all_reached &= answer == Answer::Reached;
                steps += 1;
                sequence = sequence.step(answer);
            }
            prop_assert!(steps < 10);
            match sequence.next() {
                Next::Succeeded => {
                    prop_assert!(all_reached);
                    let reached = sequence.at().map(State::task_state);
                    prop_assert_eq!(reached, direct::destination(source, event));
                }
                Next::Failed(_) => prop_assert!(!all_reached),
                Next::Send(_) => prop_assert!(false, "no end"),
            }
        }

        #[test]
        fn names_go_both_ways(state in prop::sample::select(&State::ALL[..]), event in prop::sample::select(&Event::ALL[..])) {
            prop_assert_eq!(state.name().parse::<State>().ok(), Some(state));
            prop_assert_eq!(event.name().parse::<Event>().ok(), Some(event));
        }
    }
}
