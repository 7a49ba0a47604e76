//! The role tree of an environment: made once when it is created, and again, equal, when the core comes back.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use partita_artefact::evaluate::{Snapshot, World};
use partita_artefact::instance::{Instance, Role};
use partita_artefact::instantiate::{InstantiateError, instantiate};
use partita_artefact::ir::Artefact;

use super::DETECTORS;
use super::machine::Origin;
use crate::environment::plan::Workflow;
use crate::identity::Identities;

/// Why there is no role tree.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Expressions are wrong.
    #[error("{}", lines(.0))]
    Instantiate(Vec<InstantiateError>),
    /// Variables for a role that is not there.
    #[error("there is no role `{0}` for the variables that are addressed to it")]
    NoRole(String),
}

fn lines(errors: &[InstantiateError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn find<'r>(role: &'r mut Role, path: &str) -> Option<&'r mut Role> {
    if role.path == path {
        return Some(role);
    }
    role.roles.iter_mut().find_map(|role| find(role, path))
}

/// Makes the tree for the first time; `origin` takes note of the identities that its expressions draw.
pub(super) fn make(
    artefact: &Artefact,
    origin: &mut Origin,
    identities: &Identities,
) -> Result<Instance, TreeError> {
    let drawn = Mutex::new(Vec::new());
    let uid = || {
        let uid = identities.new_id().unwrap_or_default();
        let mut drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.push(uid.clone());
        uid
    };
    let instance = tree(artefact, origin, &Snapshot::new(artefact, uid))?;
    origin.uids = drawn.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(instance)
}

/// Makes it again: the same artefact, the same variables, the same identities.
pub(super) fn make_again(artefact: &Artefact, origin: &Origin) -> Result<Instance, TreeError> {
    let drawn = Mutex::new(VecDeque::from(origin.uids.clone()));
    let uid = || {
        let mut drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.pop_front().unwrap_or_default()
    };
    tree(artefact, origin, &Snapshot::new(artefact, uid))
}

fn tree(artefact: &Artefact, origin: &Origin, world: &dyn World) -> Result<Instance, TreeError> {
    let mut instance = instantiate(artefact, &origin.given, world).map_err(TreeError::Instantiate)?;
    for (path, variables) in &origin.addressed {
        let role = find(&mut instance.root, path).ok_or_else(|| TreeError::NoRole(path.clone()))?;
        role.layers.user.extend(variables.clone());
    }
    if let Some(detectors) = detectors(&instance, world) {
        let layers = &mut instance.root.layers;
        layers.defaults.insert(DETECTORS.to_owned(), detectors);
    }
    Ok(instance)
}

/// Puts the identity of its environment into a tree.
pub(super) fn own(instance: &mut Instance, id: &str) {
    let variable = "environment_id".to_owned();
    instance.root.layers.user.insert(variable, id.to_owned());
}

/// What the environment is made from, for people.
pub(super) fn workflow(artefact: &Artefact, instance: &Instance) -> Workflow {
    let module = artefact.modules.get(&artefact.root);
    let (_, name) = artefact.root.rsplit_once("/workflows/").unwrap_or_default();
    Workflow {
        name: instance.root.name.clone(),
        description: module
            .and_then(|module| module.description.clone())
            .unwrap_or_default(),
        path: name.split('@').next().unwrap_or_default().to_owned(),
        public: module.is_some_and(|module| module.public),
    }
}

/// Unless they are given, the detectors of an environment are those of its hosts (`runtime.md` 3.2). `None`: they are
/// given, or there are none.
fn detectors(instance: &Instance, world: &dyn World) -> Option<String> {
    let (_, stack) = instance.at(&[])?;
    if stack.get(DETECTORS).is_some_and(|given| !given.is_empty()) {
        return None;
    }
    let hosts: Vec<String> = serde_json::from_str(stack.get("hosts")?).ok()?;
    let mut detectors: Vec<String> = hosts.iter().filter_map(|host| world.detector(host)).collect();
    detectors.sort();
    detectors.dedup();
    if detectors.is_empty() {
        return None;
    }
    serde_json::to_string(&detectors).ok()
}
