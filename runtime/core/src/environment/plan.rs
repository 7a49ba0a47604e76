//! What the machine knows of an environment before it begins: its roles, tasks, calls and deadlines.

use std::collections::BTreeMap;
use std::time::Duration;

use partita_artefact::duration;
use partita_artefact::instance::Moment;

use crate::aggregate::RoleIndex;

/// Place of a task in [`Plan::tasks`].
pub type TaskIndex = usize;
/// Place of a call in [`Plan::calls`].
pub type CallIndex = usize;

/// An environment as the machine sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Identity of the environment.
    pub id: String,
    /// Roles, every one after its parent; the first is the root.
    pub roles: Vec<PlannedRole>,
    /// Tasks, in the order of their roles.
    pub tasks: Vec<PlannedTask>,
    /// Calls, in the order of their roles.
    pub calls: Vec<PlannedCall>,
    /// Variables of the root role, all layers taken together.
    pub variables: BTreeMap<String, String>,
    /// How long each wait may take.
    pub deadlines: Deadlines,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRole {
    /// Names from the root on, joined by dots.
    pub path: String,
    /// Role above.
    pub parent: Option<RoleIndex>,
    /// Its parent takes it into account.
    pub critical: bool,
    /// What it is.
    pub kind: RoleKind,
}

/// What a role is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleKind {
    /// Holds other roles.
    Aggregator,
    /// Runs a process.
    Task(TaskIndex),
    /// Calls a service.
    Call(CallIndex),
}

/// How a task is steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Speaks OCC.
    Stateful,
    /// Runs from START to its end.
    Basic,
    /// Runs at its trigger.
    Hook,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// Its role.
    pub role: RoleIndex,
    /// Identity, unique in the whole core.
    pub id: String,
    /// Host that it is to run on; `Err`: why there is none.
    pub host: Result<String, String>,
    /// How it is steered.
    pub mode: Mode,
    /// Its failure is that of the environment.
    pub critical: bool,
    /// When it runs, for hooks.
    pub trigger: Option<Moment>,
    /// How long it may run, for hooks.
    pub timeout: Duration,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCall {
    /// Its role.
    pub role: RoleIndex,
    /// When it starts; `None`: never.
    pub trigger: Option<Moment>,
    /// When its end is waited for.
    pub await_at: Option<Moment>,
    /// How long it may take.
    pub timeout: Duration,
    /// Its failure is that of the environment.
    pub critical: bool,
}

/// A deadline that a variable sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Name of the variable.
    pub name: &'static str,
    /// How long.
    pub time: Duration,
}

/// How long each wait may take: Go durations in variables of the root role.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        for deadline in [
            &mut deadlines.deploy,
            &mut deadlines.patience,
            &mut deadlines.configure,
            &mut deadlines.transition,
            &mut deadlines.run_number,
            &mut deadlines.kill,
            &mut deadlines.linger,
            &mut deadlines.margin,
        ] {
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
}
