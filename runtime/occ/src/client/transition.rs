//! One event of the control system, carried to its end.

use partita_proto::occ::{StateChangeTrigger, TransitionReply};
use tokio::time::{Duration, Instant};

use super::{CallError, Client};
use crate::codec::Codec;
use crate::fairmq::{self, Answer, Next, Sequence, Step};
use crate::{Event, State};

/// An event to run.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// What to do.
    pub event: Event,
    /// State in which the task is believed to be; it refuses the event where it is in another.
    pub source: State,
    /// State that it has to reach.
    pub destination: State,
    /// Properties to push, as keys and values.
    pub arguments: &'a [(String, String)],
    /// When the task must have got there.
    pub deadline: Instant,
    /// After a failure: how much longer to ask what state the task is in, and to lead a device back.
    pub settle: Duration,
}

/// How an event ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// State in which the task is now, as far as it can be known.
    pub state: State,
    /// Why it is not where it had to be.
    pub error: Option<TransitionError>,
}

/// Why a task did not reach its destination.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransitionError {
    /// No task of this kind can do that in this state. Nothing was sent.
    #[error(
        "{event} is not possible in {from_state} for a {kind}; bring the task to a state that allows it first"
    )]
    Impossible {
        /// What was asked.
        event: Event,
        /// Where.
        from_state: State,
        /// `direct task` or `FairMQ device`.
        kind: &'static str,
    },
    /// The call itself failed.
    #[error("{event} failed: {call}{}", found_in(.found))]
    Call {
        /// The event or the step of a device, as on the wire.
        event: String,
        /// What went wrong.
        call: CallError,
        /// State found afterwards, as on the wire; empty if the task could not say.
        found: String,
    },
    /// The task answered that it did not do it.
    #[error("{event} failed: {}", answer(.reply, .expected))]
    Answered {
        /// The event or the step of a device, as on the wire.
        event: String,
        /// State that was expected, as on the wire.
        expected: String,
        /// What it answered.
        reply: TransitionReply,
    },
}

fn found_in(state: &str) -> String {
    if state.is_empty() {
        "; its state is not known, so kill it".to_owned()
    } else {
        format!("; it is in {state}")
    }
}

fn answer(reply: &TransitionReply, expected: &str) -> String {
    let state = &reply.state;
    match reply.trigger() {
        StateChangeTrigger::DeviceError => {
            format!("the task ended in {state} instead of {expected}; its own log says why")
        }
        StateChangeTrigger::DeviceIntentional => {
            format!("the task refused it and is in {state}, not {expected}")
        }
        StateChangeTrigger::Executor => {
            let event = &reply.transition_event;
            format!(
                "the task answered `{event}` with state {state}, ok {}, but {expected} was due",
                reply.ok
            )
        }
    }
}

/// A failed call, and the state on the wire in which the task was found; empty if it could not say.
struct Failure {
    error: TransitionError,
    found: String,
}

pub(super) async fn run(client: &Client, order: &Order<'_>) -> Outcome {
    match client.connection.codec() {
        Codec::Protobuf => direct(client, order).await,
        Codec::Json => device(client, order).await,
    }
}

async fn direct(client: &Client, order: &Order<'_>) -> Outcome {
    let &Order {
        event,
        source,
        destination,
        ..
    } = order;
    if event == Event::GoError || crate::direct::destination(source, event).is_none() {
        let error = TransitionError::Impossible {
            event,
            from_state: source,
            kind: "direct task",
        };
        return Outcome {
            state: source,
            error: Some(error),
        };
    }
    match call(client, source.name(), event.name(), destination.name(), order).await {
        Ok(()) => Outcome {
            state: destination,
            error: None,
        },
        // A task may be gone before its answer to EXIT has left.
        Err(failure) if event == Event::Exit && is_gone(&failure.error) => Outcome {
            state: State::Done,
            error: None,
        },
        Err(failure) => Outcome {
            state: failure.found.parse().unwrap_or_default(),
            error: Some(failure.error),
        },
    }
}

async fn device(client: &Client, order: &Order<'_>) -> Outcome {
    let &Order { event, source, .. } = order;
    let Some(mut sequence) = Sequence::new(event, source) else {
        let error = TransitionError::Impossible {
            event,
            from_state: source,
            kind: "FairMQ device",
        };
        return Outcome {
            state: source,
            error: Some(error),
        };
    };
    // The way back has its own time: what failed may have used up all of the deadline.
    let mut patience = *order;
    let mut cause = None;
    loop {
        let step = match sequence.next() {
            Next::Send(step) => step,
            Next::Succeeded | Next::Failed(_) => {
                let state = sequence.at().map_or(State::Unknown, fairmq::State::task_state);
                return Outcome { state, error: cause };
            }
        };
        let answer = match send(client, step, &patience).await {
            Ok(()) => Answer::Reached,
            Err(failure) if step.event == fairmq::Event::End && is_gone(&failure.error) => Answer::Reached,
            Err(failure) => {
                patience.deadline = Instant::now() + order.settle;
                cause.get_or_insert(failure.error);
                Answer::Failed(failure.found.parse().ok())
            }
        };
        sequence = sequence.step(answer);
    }
}

async fn send(client: &Client, step: Step, order: &Order<'_>) -> Result<(), Failure> {
    let arguments = if step.event.takes_arguments() {
        order.arguments
    } else {
        &[]
    };
    let order = Order { arguments, ..*order };
    call(
        client,
        step.source.name(),
        step.event.name(),
        step.destination.name(),
        &order,
    )
    .await
}

async fn call(
    client: &Client,
    source: &str,
    event: &str,
    destination: &str,
    order: &Order<'_>,
) -> Result<(), Failure> {
    let reply = match client
        .raw_transition(source, event, order.arguments, order.deadline)
        .await
    {
        Ok(reply) => reply,
        Err(call) => {
            let asked = client.get_state(Instant::now() + order.settle).await;
            let found = asked.map(|report| report.state).unwrap_or_default();
            let error = TransitionError::Call {
                event: event.to_owned(),
                call,
                found: found.clone(),
            };
            return Err(Failure { error, found });
        }
    };
    let reached = reply.ok
        && reply.trigger() == StateChangeTrigger::Executor
        && reply.transition_event == event
        && reply.state == destination;
    if reached {
        return Ok(());
    }
    let found = reply.state.clone();
    let error = TransitionError::Answered {
        event: event.to_owned(),
        expected: destination.to_owned(),
        reply,
    };
    Err(Failure { error, found })
}

const fn is_gone(error: &TransitionError) -> bool {
    matches!(
        error,
        TransitionError::Call {
            call: CallError::Closed { .. },
            ..
        }
    )
}
