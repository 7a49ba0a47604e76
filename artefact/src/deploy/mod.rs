//! From a role of the tree to a process: its command line and the properties that configure it
//! (`template-language.md` 3.7), and the addresses of channels (2.7).
//!
//! Nothing here chooses: host, ports and identifiers come from whoever deploys.

mod channels;
mod command;
mod error;
mod properties;

#[cfg(test)]
mod tests;

pub use channels::{AliasTaken, BindMap, Bound, Endpoint, Endpoints, tcp_channels};
pub(crate) use command::{ClassVariables, build, evaluated_class_variables};
pub use command::{Command, Output, Plugin, command};
pub use error::{DeployError, DeployErrorKind};
pub(crate) use properties::class_variables as variables_of_properties;
pub use properties::properties;

use std::collections::BTreeMap;

use crate::evaluate::Variables;
use crate::instance::{Role, TaskRole};
use crate::ir::{Artefact, TaskClass};

/// What deployment decides for a task, and its template can read as variables that nothing overrides.
#[derive(Debug, Clone, Copy)]
pub struct Special<'a> {
    /// `task_id`: unique, never used again.
    pub task_id: &'a str,
    /// `task_hostname`
    pub hostname: &'a str,
    /// `environment_id`
    pub environment_id: &'a str,
}

/// Gives each bound channel of a role its endpoint on `host`: tcp channels the next of `ports` ([`tcp_channels`] many),
/// ipc channels the name that `ipc` makes of the channel's.
pub fn endpoints(
    role: &Role,
    host: &str,
    ports: &[u16],
    ipc: impl FnMut(&str) -> String,
) -> Result<Endpoints, DeployError> {
    channels::assign(&role.bind, host, ports, ipc).map_err(|kind| DeployError {
        role: role.path.clone(),
        span: role.span,
        kind,
    })
}

/// The task that a role is, and its template.
fn task_of<'a>(artefact: &'a Artefact, role: &'a Role) -> Result<(&'a TaskRole, &'a TaskClass), DeployError> {
    let error = |kind| DeployError {
        role: role.path.clone(),
        span: role.span,
        kind,
    };
    let task = role.task().ok_or_else(|| error(DeployErrorKind::NoTask))?;
    let class = artefact.classes.get(&task.class).ok_or_else(|| {
        error(DeployErrorKind::MissingClass {
            identity: task.class.clone(),
        })
    })?;
    Ok((task, class))
}

/// Whether the deployment of a task sets a variable of that name.
pub(crate) fn is_special(name: &str) -> bool {
    matches!(
        name,
        "task_name" | "task_id" | "task_class_name" | "task_hostname" | "environment_id" | "task_parent_role"
    )
}

/// The variables around a task template: what is special to the task, then the role's.
pub(crate) struct Visible<'a> {
    special: [(&'static str, String); 6],
    stack: &'a dyn Variables,
}

impl<'a> Visible<'a> {
    pub(crate) fn new(role: &Role, class: &str, special: &Special<'_>, stack: &'a dyn Variables) -> Self {
        let Special {
            task_id,
            hostname,
            environment_id,
        } = *special;
        let special = [
            ("task_name", format!("{class}#{task_id}")),
            ("task_id", task_id.to_owned()),
            ("task_class_name", class.to_owned()),
            ("task_hostname", hostname.to_owned()),
            ("environment_id", environment_id.to_owned()),
            ("task_parent_role", role.path.clone()),
        ];
        Self { special, stack }
    }
}

impl Variables for Visible<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let special = self.special.iter().find(|(special, _)| *special == name);
        special
            .map(|(_, value)| value.as_str())
            .or_else(|| self.stack.get(name))
    }

    fn names(&self) -> Vec<String> {
        let special = self.special.iter().map(|(name, _)| (*name).to_owned());
        special.chain(self.stack.names()).collect()
    }
}

/// A task template's own variables below those around it, which beat them.
pub(crate) struct Own<'a> {
    pub(crate) around: &'a dyn Variables,
    /// Strongest first.
    pub(crate) levels: [&'a BTreeMap<String, String>; 2],
}

impl Variables for Own<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let own = || self.levels.iter().find_map(|level| level.get(name));
        self.around.get(name).or_else(|| own().map(String::as_str))
    }

    fn names(&self) -> Vec<String> {
        let own = self.levels.iter().flat_map(|level| level.keys().cloned());
        self.around.names().into_iter().chain(own).collect()
    }
}
