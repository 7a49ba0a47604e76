//! A deployment that deploys nothing: by fixed rules every task gets a host, an identifier and ports, so that command
//! lines and properties can be shown and compared. The rules are those of the conformance data (its README).

use std::collections::BTreeMap;

use crate::deploy::{
    self, AliasTaken, BindMap, Command, DeployError, Endpoints, Plugin, Special, endpoints, tcp_channels,
};
use crate::evaluate::World;
use crate::instance::{Instance, Role};
use crate::ir::Artefact;
use crate::stack::Stack;

/// What `uid.New()` gives in a dry deployment: the world of [`crate::instantiate::instantiate`] and of [`Dry`] should
/// both give it.
pub const DRY_UID: &str = "2fixedUidXX";

/// Control port of every task.
const CONTROL_PORT: u16 = 30_000;

/// First port of the bound channels of every task.
const FIRST_PORT: u16 = 9_000;

/// Host of a task without a `machine_id` constraint.
pub(crate) const UNPINNED: &str = "unpinned";

/// A dry deployment of a whole tree.
pub struct Dry<'a> {
    artefact: &'a Artefact,
    pub(crate) environment_id: String,
    world: &'a dyn World,
    plugin: Plugin,
    /// Every bound channel.
    pub bind_map: BindMap,
    /// Aliases bound twice. In a real deployment they fail the configuration.
    pub taken: Vec<AliasTaken>,
}

/// One task in a dry deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its host.
    pub host: String,
    /// The process that would be started.
    pub command: Result<Command, Vec<DeployError>>,
    /// The properties that would be pushed.
    pub properties: Result<BTreeMap<String, String>, Vec<DeployError>>,
}

impl<'a> Dry<'a> {
    /// Places every task and collects the addresses of their channels.
    pub fn new(artefact: &'a Artefact, instance: &Instance, world: &'a dyn World) -> Self {
        let environment_id = Stack::new(&instance.environment)
            .get("environment_id")
            .unwrap_or_default()
            .to_owned();
        let mut dry = Self {
            artefact,
            environment_id,
            world,
            plugin: Plugin::default(),
            bind_map: BindMap::default(),
            taken: Vec::new(),
        };
        instance.walk(&mut |role, _| {
            if role.task().is_some()
                && let Ok(endpoints) = endpoints_of(role)
                && let Err(taken) = dry.bind_map.add(&role.path, &role.bind, &endpoints)
            {
                dry.taken.extend(taken);
            }
        });
        dry
    }

    /// Command and properties of a task that sees `stack`.
    pub fn task(&self, role: &Role, stack: &Stack<'_>) -> Task {
        special(role, &self.environment_id, |special| {
            self.task_with(role, stack, special)
        })
    }

    fn task_with(&self, role: &Role, stack: &Stack<'_>, special: &Special<'_>) -> Task {
        let command = deploy::build(
            self.artefact,
            role,
            stack,
            special,
            &self.plugin,
            self.world,
            Some(CONTROL_PORT),
        );
        // What cannot be started is not configured either.
        let properties = if command.is_err() {
            Ok(BTreeMap::new())
        } else {
            endpoints_of(role)
                .map_err(|error| vec![error])
                .and_then(|endpoints| {
                    let (artefact, bound) = (self.artefact, &self.bind_map);
                    deploy::properties(artefact, role, stack, special, &endpoints, bound, self.world)
                })
        };
        Task {
            host: host(role).to_owned(),
            command,
            properties,
        }
    }
}

/// What a dry deployment decides for a task.
pub(crate) fn special<T>(role: &Role, environment_id: &str, then: impl FnOnce(&Special<'_>) -> T) -> T {
    then(&Special {
        task_id: &format!("tid/{}", role.path),
        hostname: host(role),
        environment_id,
    })
}

fn host(role: &Role) -> &str {
    let machine = role
        .constraints
        .iter()
        .rev()
        .find(|constraint| constraint.attribute == "machine_id");
    machine
        .map(|constraint| constraint.value.as_str())
        .filter(|host| !host.is_empty())
        .unwrap_or(UNPINNED)
}

/// The endpoints of a task by the fixed rules.
pub(crate) fn endpoints_of(role: &Role) -> Result<Endpoints, DeployError> {
    let ports: Vec<u16> = (FIRST_PORT..=u16::MAX).take(tcp_channels(&role.bind)).collect();
    endpoints(role, host(role), &ports, |channel| {
        format!("{}.{channel}", role.path)
    })
}
