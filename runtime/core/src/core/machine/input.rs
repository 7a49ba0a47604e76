//! What the machine is told. This is what the journal holds, so all of it can be written down.

use std::collections::BTreeMap;
use std::fmt;

use partita_artefact::ir::Layers;
use serde::{Deserialize, Serialize};

use super::EnvironmentId;
use crate::aggregate::State as TaskState;
use crate::cause::Cause;
use crate::compact::is_default;
use crate::environment::plan::Plan;
use crate::environment::{CommandId, DeviceEvent, Event, Request, RequestId, TaskReport};

/// Who asks for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name, for people.
    pub name: String,
    /// Number in the registry of persons of the site.
    #[serde(default, skip_serializing_if = "is_default")]
    pub external_id: Option<i32>,
    /// Number in the service that sends the request.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: Option<i32>,
}

impl Default for User {
    /// Partita itself.
    fn default() -> Self {
        Self {
            name: "partita".to_owned(),
            external_id: Some(0),
            id: None,
        }
    }
}

impl fmt::Display for User {
    /// As workflows see it in `last_request_user`: `common.User` as JSON (`wire.md` 2.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut object = serde_json::Map::new();
        for (name, number) in [("externalId", self.external_id), ("id", self.id)] {
            if let Some(number) = number {
                object.insert(name.to_owned(), number.into());
            }
        }
        if !self.name.is_empty() {
            object.insert("name".to_owned(), self.name.clone().into());
        }
        serde_json::Value::Object(object).fmt(f)
    }
}

/// What a role tree was made from, so that it can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// Hash of the artefact.
    pub artefact: String,
    /// Identity of its root, for people.
    #[serde(default, skip_serializing_if = "is_default")]
    pub root: String,
    /// All variables around the root role.
    #[serde(default, skip_serializing_if = "is_default")]
    pub given: Layers,
    /// Variables of single roles, by path: of the first role of that path.
    #[serde(default, skip_serializing_if = "is_default")]
    pub addressed: BTreeMap<String, BTreeMap<String, String>>,
    /// The identities that its expressions drew, in their order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uids: Vec<String>,
}

/// An environment that is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Create {
    /// Identity of the request for it.
    pub request: RequestId,
    /// Who wants it.
    pub user: User,
    /// It goes through one run by itself, and ends.
    #[serde(default, skip_serializing_if = "is_default")]
    pub auto: bool,
    /// `None`: the tree was given as it is, and cannot be made again.
    pub origin: Option<Origin>,
    /// With identities, places and deadlines.
    pub plan: Plan,
}

/// One task's answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskAnswer {
    /// Which one.
    pub task: String,
    /// State that it is in now.
    pub state: TaskState,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "is_default")]
    pub error: Option<String>,
    /// That was that it took too long.
    #[serde(default, skip_serializing_if = "is_default")]
    pub late: bool,
    /// The last lines it wrote.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_lines: Vec<String>,
}

/// What the machine is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Somebody wants an environment. [`super::Machine::refuses`] says why it cannot be.
    Create(Box<Create>),
    /// Somebody asks something of an environment.
    Request {
        /// Which.
        environment: EnvironmentId,
        /// Identity of the request; never used twice.
        request: RequestId,
        /// What.
        work: Request,
        /// Who.
        user: User,
    },
    /// Somebody wants the tasks ended that were left when their environment ended.
    Cleanup {
        /// Who.
        user: User,
    },
    /// What the shell has found out for an environment: what came of calls, the run number, what cannot be done.
    Found {
        /// Which.
        environment: EnvironmentId,
        /// What.
        event: Event,
    },
    /// Time has passed: [`super::Machine::next_timer`] is due.
    Time,
    /// The executor of a host is there, for the first time or again, with all tasks that are there.
    Attached {
        /// Which host.
        host: String,
        /// The tasks, by their identity.
        #[serde(default, skip_serializing_if = "is_default")]
        inventory: Vec<(String, TaskReport)>,
    },
    /// News of a task.
    Task {
        /// Its host.
        host: String,
        /// Which.
        task: String,
        /// What there is to know.
        report: TaskReport,
    },
    /// Answers to a command.
    Answers {
        /// Whose command it was.
        environment: EnvironmentId,
        /// Which.
        command: CommandId,
        /// One a task.
        answers: Vec<TaskAnswer>,
    },
    /// A task says something by itself.
    Device {
        /// Which.
        task: String,
        /// What.
        event: DeviceEvent,
    },
    /// The executor of a host is gone, and its tasks with it.
    HostLost {
        /// Which host.
        host: String,
        /// Why.
        cause: Cause,
    },
    /// The core has died, or was left, and is back: all outputs so far are forgotten.
    Restarted,
}
