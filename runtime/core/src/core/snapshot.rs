//! What is true of an environment at one moment.

use std::collections::BTreeMap;

use crate::aggregate::{State as TaskState, Status};
use crate::environment::plan::{Mode, RoleKind};
use crate::environment::{Environment, PendingDeadline, State, Transition};
use partita_artefact::instance::Instance;

/// An environment.
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
    /// What it sees: all layers taken together.
    pub variables: BTreeMap<String, String>,
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
pub(super) fn take(machine: &Environment, instance: &Instance, trails: &[Vec<usize>], now: u64) -> Snapshot {
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
        let stack = trails
            .get(index)
            .and_then(|trail| instance.at(trail))
            .map(|(_, stack)| stack);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        RoleSnapshot {
            path: planned.path.clone(),
            state,
            status,
            critical: planned.critical,
            call: matches!(planned.kind, RoleKind::Call(_)),
            task,
            variables: stack
                .map(|stack| stack.consolidated().into_iter().map(owned).collect())
                .unwrap_or_default(),
        }
    };
    Snapshot {
        id: plan.id.clone(),
        state: machine.state(),
        transition: machine.transition(),
        run: machine.run(),
        roles: plan.roles.iter().enumerate().map(role).collect(),
        deadlines: machine.deadlines(now),
    }
}
