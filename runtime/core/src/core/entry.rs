//! An environment as the shell has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_artefact::instance::{Instance, Role};
use partita_artefact::ir::Artefact;
use tokio::sync::{broadcast, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::environment::{CommandId, Environment, Observation, Reply, RequestId, Timer};

pub(super) struct Entry {
    pub(super) machine: Environment,
    pub(super) artefact: Arc<Artefact>,
    /// The tree, with the variables that were set at run time.
    pub(super) instance: Arc<Instance>,
    /// For each role of the plan, which children lead to it from the root.
    pub(super) trails: Arc<Vec<Vec<usize>>>,
    /// When it was created, in milliseconds since 1970.
    pub(super) created_ms: u64,
    pub(super) observations: broadcast::Sender<Observation>,
    pub(super) replies: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    pub(super) requests: RequestId,
    pub(super) timers: BTreeMap<Timer, Instant>,
    /// What can be given up: calls, and the taking of a run number.
    pub(super) calls: BTreeMap<CommandId, AbortHandle>,
    pub(super) run_number: Option<AbortHandle>,
}

impl Entry {
    /// Sets or removes a variable of a role.
    pub(super) fn set_variable(&mut self, role: usize, name: String, value: Option<String>) {
        let Some(trail) = self.trails.get(role) else {
            return;
        };
        let mut role: &mut Role = &mut Arc::make_mut(&mut self.instance).root;
        for child in trail {
            let Some(below) = role.roles.get_mut(*child) else {
                return;
            };
            role = below;
        }
        match value {
            Some(value) => role.layers.user.insert(name, value),
            None => role.layers.user.remove(&name),
        };
    }

    /// The timer that runs down first.
    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        self.timers.iter().map(|(timer, due)| (*due, *timer)).min()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        for call in self.calls.values().chain(&self.run_number) {
            call.abort();
        }
    }
}
