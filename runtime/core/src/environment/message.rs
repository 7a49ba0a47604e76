//! What the machine is told, and what it wants done.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::State;
use super::observation::Observation;
use super::plan::{CallIndex, TaskIndex};
use super::transition::Transition;
use crate::aggregate::{RoleIndex, State as TaskState};
use crate::cause::{Cause, Exit};
use crate::compact::is_default;

/// Identity of a request; chosen by who asks.
pub type RequestId = u64;
/// Identity of a command to tasks; never used twice in the life of an environment.
pub type CommandId = u64;

/// What somebody asks of an environment. Requests are served one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// DEPLOY and CONFIGURE; if that fails the environment goes away again.
    Create {
        /// Then one run by itself, and when it is over the end (`runtime.md` 3.8).
        #[serde(default, skip_serializing_if = "is_default")]
        auto: bool,
    },
    /// One transition. If it fails, `GO_ERROR` follows.
    Transition(Transition),
    /// End it.
    Destroy(DestroyOptions),
}

/// How to end an environment (`runtime.md` 3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DestroyOptions {
    /// A running environment may be stopped first; without this it refuses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_in_running: bool,
    /// Neither STOP nor RESET: straight to the end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub force: bool,
    /// Leave the processes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_tasks: bool,
}

/// What happens to an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Who asks for what comes next: `common.User` as JSON.
    User(String),
    /// Somebody asks for something.
    Request(RequestId, Request),
    /// News of a task.
    Task(TaskIndex, TaskReport),
    /// Answers to a command.
    Answers(CommandId, Vec<Answer>),
    /// A command could not be given at all.
    Impossible(CommandId, Vec<Cause>),
    /// A hook task has run.
    Hook(CommandId, HookReport),
    /// A call has ended.
    Call(CommandId, CallReport),
    /// The next run number, or why there is none.
    RunNumber(Result<u32, String>),
    /// A task says something by itself.
    Device(TaskIndex, DeviceEvent),
    /// A timer has run down.
    Timer(Timer),
    /// Who runs the machine was away for so long, and has forgotten what it was told to do.
    Restarted(Duration),
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Life {
    /// Not launched yet.
    #[default]
    Planned,
    /// Launched, no answer yet.
    Starting,
    /// There and steerable.
    Active,
    /// Nothing of it is left.
    Ended,
}

/// The whole truth about a task; a later one replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskReport {
    /// Grows; a report with a lower one is old news.
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: u64,
    /// Where it is in its life.
    #[serde(default, skip_serializing_if = "is_default")]
    pub life: Life,
    /// Its state.
    #[serde(default, skip_serializing_if = "is_default")]
    pub state: Option<TaskState>,
    /// Process that speaks OCC, or the child; 0: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pid: u32,
    /// Where it listens; 0: nowhere.
    #[serde(default, skip_serializing_if = "is_default")]
    pub control_port: u32,
    /// Ports of its inbound TCP channels, in their order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bind_ports: Vec<u32>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exit: Option<Exit>,
    /// It ended because it was told to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub requested: bool,
    /// Why it was never launched.
    #[serde(default, skip_serializing_if = "is_default")]
    pub obstacle: Option<Obstacle>,
    /// Why it ended or is in error.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reason: String,
    /// That was that it took too long to start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub late: bool,
    /// The last lines it wrote.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_lines: Vec<String>,
}

/// Why a task was never launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obstacle {
    /// No host can take it.
    NoHost,
    /// Its command line cannot be made.
    NoCommand,
}

/// One task's answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which one.
    pub task: TaskIndex,
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

/// What became of a hook task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HookReport {
    /// How it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exit: Option<Exit>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "is_default")]
    pub error: Option<String>,
    /// The last lines it wrote.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_lines: Vec<String>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallReport {
    /// What went wrong.
    #[serde(default, skip_serializing_if = "is_default")]
    pub error: Option<String>,
    /// Variables for the call's own role.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own: BTreeMap<String, String>,
    /// Variables for the root role.
    #[serde(default, skip_serializing_if = "is_default")]
    pub global: BTreeMap<String, Option<String>>,
    /// Elements to add to lists in variables of the root role, separated by commas. So calls that are made at the same
    /// time lose nothing to each other.
    #[serde(default, skip_serializing_if = "is_default")]
    pub appended: BTreeMap<String, String>,
    /// What it wrote to the run-time store, by full key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stored: BTreeMap<String, String>,
    /// A test service answered in place of the real one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stand_in: bool,
}

/// What a task says by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceEvent {
    /// It has seen all data of this run.
    EndOfStream,
    /// It cannot go on.
    InternalError {
        /// The last lines it wrote.
        #[serde(default, skip_serializing_if = "is_default")]
        last_lines: Vec<String>,
    },
    /// A basic task has ended.
    Terminated {
        /// How.
        #[serde(default, skip_serializing_if = "is_default")]
        exit: Option<Exit>,
        /// The last lines it wrote.
        #[serde(default, skip_serializing_if = "is_default")]
        last_lines: Vec<String>,
    },
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timer {
    /// All critical tasks are there.
    Deploy,
    /// Non-critical tasks are there too.
    Patience,
    /// A command to tasks is answered.
    Command(CommandId),
    /// A hook task has run.
    Hook(CommandId),
    /// A call has ended.
    Call(CommandId),
    /// There is a run number.
    RunNumber,
    /// All processes are gone.
    Kill,
    /// The run is to be stopped.
    AutoStop,
    /// An environment that ends by itself has been seen long enough.
    Linger,
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start these tasks.
    Launch(Vec<TaskIndex>),
    /// Send a transition to tasks; for CONFIGURE each one's properties are added.
    Command {
        /// Identity.
        command: CommandId,
        /// Which.
        transition: Transition,
        /// To whom.
        tasks: Vec<TaskIndex>,
        /// Arguments for all of them.
        arguments: Vec<(String, String)>,
        /// How long the tasks have.
        timeout: Duration,
    },
    /// Run a hook task.
    Trigger {
        /// Identity.
        command: CommandId,
        /// Which.
        task: TaskIndex,
        /// How long it has.
        timeout: Duration,
    },
    /// Make a call.
    Call {
        /// Identity.
        command: CommandId,
        /// Which.
        call: CallIndex,
        /// How long it has.
        timeout: Duration,
    },
    /// Nobody waits for this call any more.
    CancelCall(CommandId),
    /// End these tasks.
    Kill(Vec<TaskIndex>),
    /// These tasks are left to themselves.
    Leave(Vec<TaskIndex>),
    /// Get the next run number, and answer with [`Event::RunNumber`].
    AllocateRunNumber,
    /// Set or remove a variable of a role.
    SetVariable {
        /// Which role.
        role: RoleIndex,
        /// Name.
        name: String,
        /// `None`: remove.
        value: Option<String>,
    },
    /// Keep a value of the run-time store, for all environments.
    Store {
        /// Full key, `o2/runtime/…`.
        key: String,
        /// Value.
        value: String,
    },
    /// Answer with [`Event::Timer`] after this time.
    SetTimer(Timer, Duration),
    /// No more.
    CancelTimer(Timer),
    /// Answer who asked.
    Reply(RequestId, Reply),
    /// Let people see.
    Observe(Observation),
    /// The environment is gone.
    Gone,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// As asked.
    Done {
        /// State then.
        state: State,
        /// Run number then.
        run: Option<u32>,
    },
    /// It was tried and failed.
    Failed {
        /// State then.
        state: State,
        /// Why.
        cause: Cause,
    },
    /// It was not tried, and nothing has changed.
    Refused {
        /// State then.
        state: State,
        /// Why.
        reason: String,
    },
}
