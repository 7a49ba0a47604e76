//! What the machine knows of an environment before it begins: its roles, tasks, calls and deadlines.

use std::collections::BTreeMap;
use std::time::Duration;

use partita_artefact::duration;
use partita_artefact::instance::Moment;
use serde::{Deserialize, Serialize};

use crate::aggregate::RoleIndex;
use crate::cause::Patience;
use crate::compact::is_default;

/// Place of a task in [`Plan::tasks`].
pub type TaskIndex = usize;
/// Place of a call in [`Plan::calls`].
pub type CallIndex = usize;

/// An environment as the machine sees it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Identity of the environment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: String,
    /// What it was made from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub workflow: Workflow,
    /// Roles, every one after its parent; the first is the root.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roles: Vec<PlannedRole>,
    /// Tasks, in the order of their roles.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tasks: Vec<PlannedTask>,
    /// Calls, in the order of their roles.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calls: Vec<PlannedCall>,
    /// Variables of the root role, all layers taken together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub variables: BTreeMap<String, String>,
    /// How long each wait may take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deadlines: Deadlines,
}

/// A workflow template, for people (`wire.md` 3, `common.WorkflowTemplateInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Workflow {
    /// Name of its root role.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Its name in its repository.
    pub path: String,
    /// Meant for everybody.
    pub public: bool,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRole {
    /// Names from the root on, joined by dots.
    pub path: String,
    /// Role above.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parent: Option<RoleIndex>,
    /// Its parent takes it into account.
    #[serde(default, skip_serializing_if = "is_default")]
    pub critical: bool,
    /// What it is.
    pub kind: RoleKind,
}

/// What a role is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoleKind {
    /// Holds other roles.
    Aggregator,
    /// Runs a process.
    Task(TaskIndex),
    /// Calls a service.
    Call(CallIndex),
}

/// How a task is steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Speaks OCC.
    Stateful,
    /// Runs from START to its end.
    Basic,
    /// Runs at its trigger.
    Hook,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// Its role.
    pub role: RoleIndex,
    /// Identity, unique in the whole core.
    pub id: String,
    /// Identity of its task template (`<repository>/tasks/<name>@<revision>`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub class: String,
    /// Host that it is to run on; `Err`: why there is none.
    pub host: Result<String, String>,
    /// How it is steered.
    pub mode: Mode,
    /// Its failure is that of the environment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub critical: bool,
    /// When it runs, for hooks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger: Option<Moment>,
    /// How long it may run, for hooks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub timeout: Duration,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// Its role.
    pub role: RoleIndex,
    /// What is called, as written.
    #[serde(default, skip_serializing_if = "is_default")]
    pub function: String,
    /// Variable that takes the result; empty: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub returns: String,
    /// When it starts; `None`: never.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger: Option<Moment>,
    /// When its end is waited for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub await_at: Option<Moment>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub timeout: Duration,
    /// Its failure is that of the environment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub critical: bool,
    /// It may be made twice: who does not know whether it was made makes it again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeatable: bool,
}

/// A deadline that a variable sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Name of the variable.
    pub name: &'static str,
    /// How long.
    pub time: Duration,
}

impl From<Deadline> for Patience {
    fn from(deadline: Deadline) -> Self {
        Self {
            name: deadline.name.to_owned(),
            time: deadline.time,
        }
    }
}

/// How long each wait may take: Go durations in variables of the root role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Duration>", into = "BTreeMap<String, Duration>")]
pub struct Deadlines {
    /// `deploy_timeout`, 90 s: until every critical task is there (`runtime.md` 3.3).
    pub deploy: Deadline,
    /// `deploy_patience`, 5 s: for non-critical tasks that are still starting when all critical ones are there.
    pub patience: Deadline,
    /// `configure_timeout`, 120 s (`runtime.md` 3.4).
    pub configure: Deadline,
    /// `transition_timeout`, 90 s: START, STOP, RESET.
    pub transition: Deadline,
    /// `run_number_timeout`, 10 s.
    pub run_number: Deadline,
    /// `kill_timeout`, 60 s: until every process is gone.
    pub kill: Deadline,
    /// `auto_linger`, 1 s: how long an environment with automatic transitions stays when its run is over
    /// (`runtime.md` 3.8).
    pub linger: Deadline,
    /// `answer_margin`, 3 s: what is granted on top to who is to enforce a deadline itself and then answer.
    pub margin: Deadline,
}

impl Default for Deadlines {
    fn default() -> Self {
        let deadline = |name, seconds| Deadline {
            name,
            time: Duration::from_secs(seconds),
        };
        Self {
            deploy: deadline("deploy_timeout", 90),
            patience: deadline("deploy_patience", 5),
            configure: deadline("configure_timeout", 120),
            transition: deadline("transition_timeout", 90),
            run_number: deadline("run_number_timeout", 10),
            kill: deadline("kill_timeout", 60),
            linger: deadline("auto_linger", 1),
            margin: deadline("answer_margin", 3),
        }
    }
}

impl Deadlines {
    /// Takes the deadlines from variables; where one is no duration, the default holds and the text says so.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let mut deadlines = Self::default();
        let mut wrong = Vec::new();
        for deadline in deadlines.all() {
            match variables.get(deadline.name).map(|text| duration::parse(text)) {
                None => {}
                Some(Ok(time)) => deadline.time = time,
                Some(Err(error)) => {
                    wrong.push(format!("{}: {error}; {:?} is used", deadline.name, deadline.time));
                }
            }
        }
        (deadlines, wrong)
    }

    fn all(&mut self) -> [&mut Deadline; 8] {
        [
            &mut self.deploy,
            &mut self.patience,
            &mut self.configure,
            &mut self.transition,
            &mut self.run_number,
            &mut self.kill,
            &mut self.linger,
            &mut self.margin,
        ]
    }
}

/// By name; one that is not named is as by default.
impl From<BTreeMap<String, Duration>> for Deadlines {
    fn from(times: BTreeMap<String, Duration>) -> Self {
        let mut deadlines = Self::default();
        for deadline in deadlines.all() {
            if let Some(time) = times.get(deadline.name) {
                deadline.time = *time;
            }
        }
        deadlines
    }
}

impl From<Deadlines> for BTreeMap<String, Duration> {
    fn from(mut deadlines: Deadlines) -> Self {
        let named = |deadline: &mut Deadline| (deadline.name.to_owned(), deadline.time);
        deadlines.all().map(named).into()
    }
}
