//! What is true of an environment, in the messages of `o2control`.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::Stack;
use partita_artefact::instance::Role;
use partita_artefact::ir::{Layers, Module};
use partita_core::aggregate::Status as RoleStatus;
use partita_core::core::{RoleSnapshot, Snapshot};
use partita_core::environment::plan::Mode;
use partita_proto::o2control as pb;

use crate::create::HOSTS;
use crate::info::{About, count, detectors_of};

/// The workflow that an environment was made from.
fn module(snapshot: &Snapshot) -> Option<&Module> {
    snapshot.artefact.modules.get(&snapshot.artefact.root)
}

/// Its workflow says so (`wire.md` 2.2).
pub(crate) fn is_public(snapshot: &Snapshot) -> bool {
    module(snapshot).is_some_and(|module| module.public)
}

/// All there is to say in short.
pub(crate) fn environment(snapshot: &Snapshot, about: &About) -> pb::EnvironmentInfo {
    let tasks = tasks(snapshot, about);
    let hosts: BTreeSet<&str> = tasks
        .iter()
        .filter_map(|task| task.deployment_info.as_ref())
        .map(|info| info.hostname.as_str())
        .collect();
    let active = tasks
        .iter()
        .filter(|task| task.status == RoleStatus::Active.name())
        .count();
    let root = &snapshot.instance.root;
    let layers = snapshot.instance.environment.clone().with(&root.layers);
    let flps = layers
        .user
        .get(HOSTS)
        .or_else(|| layers.vars.get(HOSTS))
        .or_else(|| layers.defaults.get(HOSTS));
    let flps = flps.and_then(|hosts| serde_json::from_str::<Vec<String>>(hosts).ok());
    pb::EnvironmentInfo {
        id: snapshot.id.clone(),
        created_when: i64::try_from(snapshot.created_ms).unwrap_or(i64::MAX),
        state: snapshot.state.name().to_owned(),
        root_role: root.name.clone(),
        current_run_number: snapshot.run.unwrap_or_default(),
        defaults: layers.defaults.into_iter().collect(),
        vars: layers.vars.into_iter().collect(),
        user_vars: layers.user.into_iter().collect(),
        number_of_flps: count(flps.map_or(0, |hosts| hosts.len())),
        included_detectors: detectors_of(snapshot),
        description: module(snapshot)
            .and_then(|module| module.description.clone())
            .unwrap_or_default(),
        number_of_hosts: count(hosts.len()),
        number_of_tasks: count(tasks.len()),
        current_transition: snapshot
            .transition
            .map(|transition| transition.name().to_owned())
            .unwrap_or_default(),
        number_of_active_tasks: count(active),
        number_of_inactive_tasks: count(tasks.len() - active),
        tasks,
        // No service has told anything of an environment yet.
        ..pb::EnvironmentInfo::default()
    }
}

/// Name of a status; a role that has nothing to say of its own says so.
fn status(status: RoleStatus) -> String {
    status.name().to_owned()
}

/// The tasks of an environment, in the order of their roles.
pub(crate) fn tasks(snapshot: &Snapshot, about: &About) -> Vec<pb::ShortTaskInfo> {
    let roles = snapshot.roles.iter().enumerate();
    roles
        .filter_map(|(index, role)| task(snapshot, index, role, about))
        .collect()
}

/// A task; `None` if the role at that place is none.
pub(crate) fn task(
    snapshot: &Snapshot,
    index: usize,
    role: &RoleSnapshot,
    about: &About,
) -> Option<pb::ShortTaskInfo> {
    let task = role.task.as_ref()?;
    let class = snapshot
        .role(index)
        .and_then(|(role, _)| role.task())
        .map(|task| task.class.clone());
    let class = class.unwrap_or_default();
    let host = task.host.clone().unwrap_or_default();
    Some(pb::ShortTaskInfo {
        name: format!("{class}#{}", task.id),
        locked: true,
        task_id: task.id.clone(),
        status: status(role.status),
        state: role.state.name().to_owned(),
        class_name: class_name(&class).to_owned(),
        // Only of what speaks OCC, as clients of the reference expect it.
        pid: if task.mode == Mode::Stateful && task.pid > 0 {
            task.pid.to_string()
        } else {
            String::new()
        },
        sandbox_stdout: log_of(&host, about),
        deployment_info: Some(pb::TaskDeploymentInfo {
            executor_id: host.clone(),
            agent_id: host.clone(),
            hostname: host,
            offer_id: String::new(),
        }),
        claimable: false,
        critical: role.critical,
    })
}

/// Where the output of the tasks of a host is.
pub(crate) fn log_of(host: &str, about: &About) -> String {
    format!("file://{}/{host}.log", about.logs)
}

/// The short name of a task template: the last element of its identity, without the revision.
pub(crate) fn class_name(class: &str) -> &str {
    let name = class.split_once('@').map_or(class, |(name, _)| name);
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

/// A task after its end.
pub(crate) fn killed(mut task: pb::ShortTaskInfo) -> pb::ShortTaskInfo {
    task.locked = false;
    task.status = status(RoleStatus::Inactive);
    "DONE".clone_into(&mut task.state);
    task
}

/// The whole tree.
pub(crate) fn tree(snapshot: &Snapshot) -> pb::RoleInfo {
    let environment = Stack::new(&snapshot.instance.environment);
    let mut place = 0;
    role(snapshot, &snapshot.instance.root, &environment, &mut place)
}

/// The roles of these places, each with all below it.
pub(crate) fn subtrees(snapshot: &Snapshot, places: &[usize]) -> Vec<pb::RoleInfo> {
    fn visit(
        snapshot: &Snapshot,
        at: &Role,
        above: &Stack<'_>,
        place: &mut usize,
        places: &[usize],
        found: &mut Vec<pb::RoleInfo>,
    ) {
        if places.contains(place) {
            let mut inner = *place;
            found.push(role(snapshot, at, above, &mut inner));
        }
        *place += 1;
        let stack = above.of(at);
        for below in &at.roles {
            visit(snapshot, below, &stack, place, places, found);
        }
    }
    let mut found = Vec::new();
    let environment = Stack::new(&snapshot.instance.environment);
    visit(
        snapshot,
        &snapshot.instance.root,
        &environment,
        &mut 0,
        places,
        &mut found,
    );
    found
}

/// A role with all below it. `place`: of this role among those of the snapshot; afterwards that of the next one.
fn role(snapshot: &Snapshot, role: &Role, above: &Stack<'_>, place: &mut usize) -> pb::RoleInfo {
    let seen = snapshot.roles.get(*place);
    *place += 1;
    let stack = above.of(role);
    let roles: Vec<pb::RoleInfo> = role
        .roles
        .iter()
        .map(|below| self::role(snapshot, below, &stack, place))
        .collect();
    let own = seen
        .and_then(|seen| seen.task.as_ref())
        .map(|task| task.id.clone());
    let Layers { defaults, vars, user } = &role.layers;
    let owned = |layer: &BTreeMap<String, String>| layer.clone().into_iter().collect();
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    pb::RoleInfo {
        name: role.name.clone(),
        status: seen.map(|seen| status(seen.status)).unwrap_or_default(),
        state: seen.map(|seen| seen.state.name().to_owned()).unwrap_or_default(),
        full_path: role.path.clone(),
        task_ids: own
            .into_iter()
            .chain(roles.iter().flat_map(|role| role.task_ids.clone()))
            .collect(),
        roles,
        defaults: owned(defaults),
        vars: owned(vars),
        user_vars: owned(user),
        consolidated_stack: stack.consolidated().into_iter().map(text).collect(),
        description: String::new(),
    }
}
