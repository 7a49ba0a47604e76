//! What the shell has of an environment: the tree that its texts are evaluated in, who watches, what is under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_artefact::instance::{Instance, Role};
use partita_artefact::ir::Artefact;
use tokio::sync::broadcast;
use tokio::task::AbortHandle;

use super::machine::RoleVariables;
use crate::environment::{CommandId, Observation};

pub(super) struct Scene {
    pub(super) artefact: Arc<Artefact>,
    /// The tree, with the variables that were set at run time.
    pub(super) instance: Arc<Instance>,
    /// For each role of the plan, which children lead to it from the root.
    pub(super) trails: Arc<Vec<Vec<usize>>>,
    pub(super) observations: broadcast::Sender<Observation>,
    /// What can be given up: calls, and the taking of a run number.
    pub(super) calls: BTreeMap<CommandId, AbortHandle>,
    pub(super) run_number: Option<AbortHandle>,
}

impl Scene {
    pub(super) fn new(artefact: Arc<Artefact>, instance: Instance, trails: Vec<Vec<usize>>) -> Self {
        Self {
            artefact,
            instance: Arc::new(instance),
            trails: Arc::new(trails),
            observations: broadcast::channel(super::WATCH_WINDOW).0,
            calls: BTreeMap::new(),
            run_number: None,
        }
    }

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

    /// Sets what was set before the core died.
    pub(super) fn restore(&mut self, variables: &RoleVariables) {
        for (role, variables) in variables {
            for (name, value) in variables {
                self.set_variable(*role, name.clone(), value.clone());
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for call in self.calls.values().chain(&self.run_number) {
            call.abort();
        }
    }
}
