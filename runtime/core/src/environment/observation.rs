//! What the machine lets people see.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::State;
use super::plan::Workflow;
use super::transition::Transition;
use crate::aggregate::{RoleIndex, State as TaskState, Status};
use crate::cause::Cause;

/// How far a hook or call is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// It runs.
    Started,
    /// It ended well.
    Ended {
        /// A test service answered in place of the real one.
        stand_in: bool,
    },
    /// It failed.
    Failed(Cause),
    /// It did not run.
    Skipped(String),
}

/// How far a transition is, or the end of an environment (`wire.md` 4.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advance {
    /// It begins.
    Begun,
    /// It is not possible now; nothing has changed.
    Refused(String),
    /// A step begins: `before_<EVENT>`, `leave_<STATE>`, `tasks_<EVENT>`, `enter_<STATE>`, `after_<EVENT>`; at the end of
    /// an environment `before_DESTROY`, `leave_<STATE>`, `DESTROY`, `after_DESTROY`.
    StepBegun(String),
    /// A step is over.
    StepEnded {
        /// Which.
        step: String,
        /// What went wrong in it.
        error: Option<String>,
    },
    /// It is over.
    Ended {
        /// What went wrong.
        error: Option<String>,
    },
}

/// What is told of an environment with each step that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Label {
    /// What it was made from.
    pub workflow: Workflow,
    /// Who asked last: `common.User` as JSON; empty: nobody knows.
    pub user: String,
}

/// When a task or call runs, and how much it matters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traits {
    /// When it starts; empty: by itself.
    pub trigger: String,
    /// When its end is waited for.
    pub await_at: String,
    /// How long it may take; zero: as long as it likes.
    pub timeout: Duration,
    /// Its failure is that of the environment.
    pub critical: bool,
}

/// What a call calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Called {
    /// As written, `dcs.StartOfRun()`.
    pub function: String,
    /// Variable that takes the result; empty: none.
    pub returns: String,
    /// The result.
    pub output: String,
    /// When.
    pub traits: Traits,
}

/// An observation as it leaves the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// Grows by one from each to the next, over all environments and restarts of the core.
    pub number: u64,
    /// When it was made, in milliseconds since 1970.
    pub time: u64,
    /// Identity of the environment.
    pub environment: String,
    /// What there was to see.
    pub observation: Observation,
}

/// What there is to see. Each says all that is needed to tell it to somebody who has seen nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Observation {
    /// There is a new environment.
    Created {
        /// What it is.
        label: Label,
        /// It goes through one run by itself, and ends.
        auto: bool,
        /// Variables of its root role, all layers taken together.
        variables: BTreeMap<String, String>,
    },
    /// What is under way got further.
    Advance {
        /// State of the environment.
        state: State,
        /// Run number.
        run: Option<u32>,
        /// What is under way; `None`: the end of the environment.
        transition: Option<Transition>,
        /// How far it is.
        advance: Advance,
        /// What the environment is.
        label: Label,
    },
    /// Something critical is broken, and `GO_ERROR` follows.
    ErrorImminent {
        /// State of the environment.
        state: State,
        /// Run number.
        run: Option<u32>,
        /// What is broken.
        cause: Cause,
        /// What the environment is.
        label: Label,
    },
    /// A run begins or ends. The time of the observation is that of the run's variable.
    Run {
        /// Its number.
        number: u32,
        /// State of the environment.
        state: State,
        /// What makes it begin or end; `None`: the end of the environment.
        transition: Option<Transition>,
        /// [`Advance::Begun`] or [`Advance::Ended`]
        advance: Advance,
        /// Who asked last.
        user: String,
    },
    /// A task changed.
    Task {
        /// Path of its role.
        path: String,
        /// Its identity.
        id: String,
        /// Identity of its task template.
        class: String,
        /// Its host; empty: none.
        host: String,
        /// Its state; `None`: it was launched just now.
        state: Option<TaskState>,
        /// Its status.
        status: Status,
        /// When it runs, for hooks.
        traits: Traits,
        /// The environment has let go of it.
        released: bool,
    },
    /// The environment changed.
    Environment {
        /// Its state.
        state: State,
        /// The transition that is under way.
        transition: Option<Transition>,
        /// Run number.
        run: Option<u32>,
    },
    /// A role changed.
    Role {
        /// Which.
        role: RoleIndex,
        /// Its path.
        path: String,
        /// Its state.
        state: TaskState,
        /// Its status.
        status: Status,
        /// The state has changed; if not, the status has.
        by_state: bool,
        /// The environment has let go of its tasks.
        released: bool,
    },
    /// A hook or call moved on.
    Hook {
        /// Path of its role.
        path: String,
        /// When.
        moment: String,
        /// How far it is.
        progress: Progress,
        /// What is called; `None`: it is a task.
        called: Option<Called>,
    },
    /// Something went wrong.
    Cause(Cause),
    /// The environment is gone.
    Gone,
}
