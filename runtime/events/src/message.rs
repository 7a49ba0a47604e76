//! Observations as the events that users' tools read (`wire.md` 4): the same fields, topics, keys and order as those of
//! the existing core, less its noise (a step `leave_<STATE>` that went well does not end with `DONE_ERROR`).

mod environment;

use std::time::Duration;

use partita_core::environment::{Called, Numbered, Observation, Progress, Traits};
use partita_proto::common::User;
use partita_proto::events::event::Payload;
use partita_proto::events::{
    self, EvCallEvent, EvIntegratedServiceEvent, EvMetaEventCoreStart, EvRoleEvent, EvRunEvent, EvTaskEvent,
    Event, OpStatus,
};
use serde::Deserialize;

/// A stream of events of one kind: a topic on Kafka (`wire.md` 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The core itself.
    Core,
    /// Environments.
    Environment,
    /// Runs.
    Run,
    /// Roles.
    Role,
    /// Tasks.
    Task,
    /// Calls.
    Call,
    /// What the detector control system is asked.
    Dcs,
    /// What the scheduler of the data distribution is asked.
    Ddsched,
    /// What ODC is asked.
    Odc,
    /// What the trigger is asked.
    Trg,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Core,
        Self::Environment,
        Self::Run,
        Self::Role,
        Self::Task,
        Self::Call,
        Self::Dcs,
        Self::Ddsched,
        Self::Odc,
        Self::Trg,
    ];

    /// Name on Kafka.
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "aliecs.core",
            Self::Environment => "aliecs.environment",
            Self::Run => "aliecs.run",
            Self::Role => "aliecs.role",
            Self::Task => "aliecs.task",
            Self::Call => "aliecs.call",
            Self::Dcs => "aliecs.integrated_service.dcs",
            Self::Ddsched => "aliecs.integrated_service.ddsched",
            Self::Odc => "aliecs.integrated_service.odc",
            Self::Trg => "aliecs.integrated_service.trg",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Of a service that is called as `<service>.<Method>()`; most have none.
    fn of_service(function: &str) -> Option<Self> {
        match function.split_once('.')?.0.trim() {
            "dcs" => Some(Self::Dcs),
            "ddsched" => Some(Self::Ddsched),
            "odc" => Some(Self::Odc),
            "trg" => Some(Self::Trg),
            _ => None,
        }
    }
}

/// An event, and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its topic.
    pub topic: Topic,
    /// What its order is kept by: the identity of the environment, of tasks their own; empty: nothing.
    pub key: String,
    /// The event.
    pub event: Event,
}

/// The events that an observation is, in order; none for what only our own clients are told.
pub fn messages(seen: &Numbered) -> Vec<Message> {
    let id = &seen.environment;
    match &seen.observation {
        Observation::Created {
            label,
            auto,
            variables,
        } => {
            let events = environment::created(id, label, *auto, variables);
            all(seen, Topic::Environment, events.map(Payload::EnvironmentEvent))
        }
        Observation::Advance { .. } | Observation::ErrorImminent { .. } => {
            let events = environment::advanced(id, &seen.observation);
            all(
                seen,
                Topic::Environment,
                events.into_iter().map(Payload::EnvironmentEvent),
            )
        }
        Observation::Run {
            number,
            state,
            transition,
            advance,
            user,
        } => {
            let (status, error) = environment::status(advance);
            let event = EvRunEvent {
                environment_id: id.clone(),
                run_number: *number,
                state: state.name().to_owned(),
                error: error.unwrap_or_default().to_owned(),
                transition: transition
                    .map_or("TEARDOWN", |transition| transition.name())
                    .to_owned(),
                transition_status: status.into(),
                last_request_user: user_of(user),
            };
            all(seen, Topic::Run, [Payload::RunEvent(event)])
        }
        Observation::Task { .. } => task(seen).into_iter().collect(),
        Observation::Role {
            path,
            state,
            status,
            by_state,
            released: false,
            ..
        } => {
            let mut event = EvRoleEvent {
                name: last(path).to_owned(),
                role_path: path.clone(),
                environment_id: id.clone(),
                ..EvRoleEvent::default()
            };
            // Only what has changed.
            if *by_state {
                state.name().clone_into(&mut event.state);
            } else {
                status.name().clone_into(&mut event.status);
            }
            all(seen, Topic::Role, [Payload::RoleEvent(event)])
        }
        Observation::Hook {
            path,
            progress,
            called: Some(called),
            ..
        } => call(seen, path, progress, called),
        Observation::Role { .. }
        | Observation::Hook { .. }
        | Observation::Environment { .. }
        | Observation::Cause(_)
        | Observation::Gone => Vec::new(),
    }
}

/// The core has started. It has no number: it is told anew at each start. `time`: milliseconds since 1970.
pub fn core_started(time: u64, framework: &str) -> Message {
    let framework_id = framework.to_owned();
    let start = Payload::CoreStartEvent(EvMetaEventCoreStart { framework_id });
    message(time, 0, Topic::Core, "", start)
}

fn message(time: u64, number: u64, topic: Topic, key: &str, payload: Payload) -> Message {
    let timestamp = i64::try_from(time).unwrap_or(i64::MAX);
    // The clock has milliseconds; below them the number keeps the order of what happened in the same one.
    let below = i64::try_from(number % 1_000_000).unwrap_or_default();
    Message {
        topic,
        key: key.to_owned(),
        event: Event {
            timestamp,
            timestamp_nano: timestamp.saturating_mul(1_000_000).saturating_add(below),
            payload: Some(payload),
        },
    }
}

fn all(seen: &Numbered, topic: Topic, payloads: impl IntoIterator<Item = Payload>) -> Vec<Message> {
    let event = |payload| message(seen.time, seen.number, topic, &seen.environment, payload);
    payloads.into_iter().map(event).collect()
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn task(seen: &Numbered) -> Option<Message> {
    let Observation::Task {
        path,
        id,
        class,
        host,
        state,
        status,
        traits,
        released: false,
    } = &seen.observation
    else {
        return None;
    };
    let event = EvTaskEvent {
        name: format!("{class}#{id}"),
        taskid: id.clone(),
        state: state.map_or("LAUNCHED", |state| state.name()).to_owned(),
        status: status.name().to_owned(),
        hostname: host.clone(),
        class_name: class.clone(),
        traits: Some(traits_of(traits)),
        environment_id: seen.environment.clone(),
        path: path.clone(),
    };
    let payload = Payload::TaskEvent(event);
    Some(message(seen.time, seen.number, Topic::Task, id, payload))
}

fn call(seen: &Numbered, path: &str, progress: &Progress, called: &Called) -> Vec<Message> {
    let (status, error) = match progress {
        Progress::Started => (OpStatus::Started, String::new()),
        Progress::Ended { .. } => (OpStatus::DoneOk, String::new()),
        Progress::Failed(cause) => (OpStatus::DoneError, cause.to_string()),
        Progress::Skipped(reason) => (OpStatus::DoneError, reason.clone()),
    };
    let event = EvCallEvent {
        func: called.function.clone(),
        call_status: status.into(),
        r#return: called.returns.clone(),
        traits: Some(traits_of(&called.traits)),
        output: called.output.clone(),
        error: error.clone(),
        environment_id: seen.environment.clone(),
        path: path.to_owned(),
    };
    let mut told = all(seen, Topic::Call, [Payload::CallEvent(event)]);
    if let Some(topic) = Topic::of_service(&called.function) {
        let event = EvIntegratedServiceEvent {
            name: path.to_owned(),
            error,
            operation_name: called.function.clone(),
            operation_status: status.into(),
            environment_id: seen.environment.clone(),
            ..EvIntegratedServiceEvent::default()
        };
        told.extend(all(seen, topic, [Payload::IntegratedServiceEvent(event)]));
    }
    told
}

fn traits_of(traits: &Traits) -> events::Traits {
    events::Traits {
        trigger: traits.trigger.clone(),
        r#await: traits.await_at.clone(),
        timeout: go_duration(traits.timeout),
        critical: traits.critical,
    }
}

/// As Go reads it.
fn go_duration(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}

/// Who asked, as the variable `last_request_user` says it.
fn user_of(text: &str) -> Option<User> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Asked {
        external_id: Option<i32>,
        id: Option<i32>,
        #[serde(default)]
        name: String,
    }
    let asked: Asked = serde_json::from_str(text).ok()?;
    Some(User {
        external_id: asked.external_id,
        id: asked.id,
        name: asked.name,
    })
}
