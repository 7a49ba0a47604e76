//! The observations of an environment that runs by itself, as events for its subscriber (`wire.md` 2.2).

use partita_core::core::Creation;
use partita_core::environment::{Observation, State};
use partita_proto::events::event::Payload;
use partita_proto::events::{EvEnvironmentEvent, EvRoleEvent, Event};
use tokio::sync::broadcast::error::RecvError;

use crate::refusal::shortened;
use crate::server::now_ms;
use crate::subscriptions::Feed;

/// Tells everything that can be seen of an environment until it is gone.
pub(super) async fn tell(creation: Creation, feed: &Feed) {
    let Creation {
        id,
        mut observations,
        outcome,
        ..
    } = creation;
    let mut error = None;
    loop {
        match observations.recv().await {
            Ok(Observation::Gone) | Err(RecvError::Closed) => break,
            Ok(observation) => {
                if let Some(event) = event(&id, &observation) {
                    feed.say(event);
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(
                    environment = id,
                    "{missed} events of an automatic environment are lost to its subscriber"
                );
            }
        }
    }
    // What was wrong with the creation; what came later has been told.
    if let Err(failure) = outcome.wait().await {
        error = Some(shortened(&failure.to_string()));
    }
    if let Some(error) = error {
        feed.say(not_created(&id, &error));
    }
    for message in ["teardown complete", "environment teardown complete"] {
        feed.say(environment(EvEnvironmentEvent {
            environment_id: id.clone(),
            state: State::Done.name().to_owned(),
            message: message.to_owned(),
            ..EvEnvironmentEvent::default()
        }));
    }
}

/// It failed before it was one.
pub(super) fn not_created(id: &str, error: &str) -> Event {
    environment(EvEnvironmentEvent {
        environment_id: id.to_owned(),
        state: State::Error.name().to_owned(),
        error: error.to_owned(),
        message: "cannot create new environment".to_owned(),
        ..EvEnvironmentEvent::default()
    })
}

fn environment(event: EvEnvironmentEvent) -> Event {
    stamped(Payload::EnvironmentEvent(event))
}

fn stamped(payload: Payload) -> Event {
    Event {
        timestamp: now_ms(),
        timestamp_nano: 0,
        payload: Some(payload),
    }
}

fn event(id: &str, observation: &Observation) -> Option<Event> {
    match observation {
        Observation::Environment {
            state,
            transition,
            run,
        } => Some(environment(EvEnvironmentEvent {
            environment_id: id.to_owned(),
            state: state.name().to_owned(),
            run_number: run.unwrap_or_default(),
            transition: transition
                .map(|transition| transition.name().to_owned())
                .unwrap_or_default(),
            ..EvEnvironmentEvent::default()
        })),
        Observation::Role {
            path, state, status, ..
        } => Some(stamped(Payload::RoleEvent(EvRoleEvent {
            name: path.rsplit('.').next().unwrap_or_default().to_owned(),
            status: status.name().to_owned(),
            state: state.name().to_owned(),
            role_path: path.clone(),
            environment_id: id.to_owned(),
        }))),
        Observation::Cause(cause) if !cause.harmless => Some(environment(EvEnvironmentEvent {
            environment_id: id.to_owned(),
            error: shortened(&cause.to_string()),
            ..EvEnvironmentEvent::default()
        })),
        _ => None,
    }
}
