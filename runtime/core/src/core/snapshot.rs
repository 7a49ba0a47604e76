//! What is true of an environment at one moment.

use std::sync::Arc;

use crate::aggregate::{State as TaskState, Status};
use crate::environment::plan::{Mode, RoleKind};
use crate::environment::{Environment, PendingDeadline, State, Transition};
use partita_artefact::Stack;
use partita_artefact::instance::{Instance, Role};
use partita_artefact::ir::Artefact;

use super::machine::{Entry, User};
use super::scene::Scene;

/// An environment. What it was made from is shared, not copied: whoever wants to know what variables are looks them up
/// without holding anybody up.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its identity.
    pub id: String,
    /// Its state.
    pub state: State,
    /// The transition that is under way.
    pub transition: Option<Transition>,
    /// Number of the run that is under way.
    pub run: Option<u32>,
    /// Its roles, parents first.
    pub roles: Vec<RoleSnapshot>,
    /// What is waited for.
    pub deadlines: Vec<PendingDeadline>,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: u64,
    /// Who wanted it.
    pub user: User,
    /// What it was made from.
    pub artefact: Arc<Artefact>,
    /// Its tree, with the variables that were set at run time.
    pub instance: Arc<Instance>,
    trails: Arc<Vec<Vec<usize>>>,
}

impl Snapshot {
    /// The role at that place of [`Snapshot::roles`] as it was made, and the variables that it sees.
    pub fn role(&self, index: usize) -> Option<(&Role, Stack<'_>)> {
        self.instance.at(self.trails.get(index)?)
    }
}

/// A role.
#[derive(Debug, Clone)]
pub struct RoleSnapshot {
    /// Names from the root on, joined by dots.
    pub path: String,
    /// Its state.
    pub state: TaskState,
    /// Its status.
    pub status: Status,
    /// Its failure is that of the environment.
    pub critical: bool,
    /// Calls a service.
    pub call: bool,
    /// Runs a process.
    pub task: Option<TaskSnapshot>,
}

/// A task.
#[derive(Debug, Clone)]
pub struct TaskSnapshot {
    /// Its identity.
    pub id: String,
    /// How it is steered.
    pub mode: Mode,
    /// Its host, if there is one for it.
    pub host: Option<String>,
    /// Its process; 0: none.
    pub pid: u32,
    /// Where it listens for commands; 0: nowhere.
    pub control_port: u32,
    /// Ports of its inbound channels.
    pub bind_ports: Vec<u32>,
}

/// Takes it.
pub(super) fn take(entry: &Entry, scene: &Scene, now: u64) -> Snapshot {
    let machine: &Environment = entry.environment();
    let plan = machine.plan();
    let role = |(index, planned): (usize, &crate::environment::plan::PlannedRole)| {
        let (state, status) = machine.role(index);
        let task = match planned.kind {
            RoleKind::Task(task) => plan.tasks.get(task).map(|planned| {
                let report = machine.report(task);
                TaskSnapshot {
                    id: planned.id.clone(),
                    mode: planned.mode,
                    host: planned.host.clone().ok(),
                    pid: report.map_or(0, |report| report.pid),
                    control_port: report.map_or(0, |report| report.control_port),
                    bind_ports: report.map(|report| report.bind_ports.clone()).unwrap_or_default(),
                }
            }),
            _ => None,
        };
        RoleSnapshot {
            path: planned.path.clone(),
            state,
            status,
            critical: planned.critical,
            call: matches!(planned.kind, RoleKind::Call(_)),
            task,
        }
    };
    Snapshot {
        id: plan.id.clone(),
        state: machine.state(),
        transition: machine.transition(),
        run: machine.run(),
        roles: plan.roles.iter().enumerate().map(role).collect(),
        deadlines: machine.deadlines(now),
        created_ms: entry.created(),
        user: entry.user().clone(),
        artefact: Arc::clone(&scene.artefact),
        instance: Arc::clone(&scene.instance),
        trails: Arc::clone(&scene.trails),
    }
}
