//! From a role tree to the plan of an environment.

use std::io;
use std::time::Duration;

use partita_artefact::duration::DurationError;
use partita_artefact::instance::{Instance, Kind, Role, Traits};
use partita_artefact::ir::ControlMode;

use crate::aggregate::RoleIndex;
use crate::environment::plan::{Deadlines, Mode, Plan, PlannedCall, PlannedRole, PlannedTask, RoleKind};
use crate::identity::Identities;
use crate::placement::place;

/// Variable of a role that says `true` if its call may be made twice: a core that dies while it is made then makes it
/// again.
const REPEATABLE: &str = "call_repeatable";

/// A plan, and the way back from it to the instance.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    /// For each role of the plan, which children lead to it from the root.
    pub(crate) trails: Vec<Vec<usize>>,
    /// What is odd and will be done all the same.
    pub(crate) warnings: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A hook or call has no usable time-out.
    #[error("{role}: timeout: {reason}")]
    Timeout {
        /// Path of the role.
        role: String,
        /// What is wrong with it.
        reason: DurationError,
    },
    /// No identities can be made.
    #[error("there is no randomness for identities: {0}")]
    Identities(#[from] io::Error),
}

struct Preparation<'a> {
    instance: &'a Instance,
    hosts: &'a [String],
    identities: &'a Identities,
    prepared: Prepared,
}

/// Makes the plan: identities for tasks, a host for each, deadlines.
pub(crate) fn prepare(
    id: &str,
    instance: &Instance,
    hosts: &[String],
    identities: &Identities,
) -> Result<Prepared, PrepareError> {
    let (_, stack) = instance
        .at(&[])
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut variables: std::collections::BTreeMap<_, _> =
        stack.consolidated().into_iter().map(owned).collect();
    variables.insert("environment_id".to_owned(), id.to_owned());
    let (deadlines, warnings) = Deadlines::from_variables(&variables);
    let plan = Plan {
        id: id.to_owned(),
        variables,
        deadlines,
        ..Plan::default()
    };
    let prepared = Prepared {
        plan,
        trails: Vec::new(),
        warnings,
    };
    let mut preparation = Preparation {
        instance,
        hosts,
        identities,
        prepared,
    };
    preparation.role(&instance.root, None, &[])?;
    Ok(preparation.prepared)
}

impl Preparation<'_> {
    fn role(&mut self, role: &Role, parent: Option<RoleIndex>, trail: &[usize]) -> Result<(), PrepareError> {
        let index = self.prepared.plan.roles.len();
        let kind = match &role.kind {
            Kind::Aggregator => RoleKind::Aggregator,
            Kind::Task(_) => RoleKind::Task(self.task(role, index)?),
            Kind::Call(call) => {
                let traits = &call.traits;
                let stack = self.instance.at(trail).map(|(_, stack)| stack);
                let repeatable = stack.and_then(|stack| stack.get(REPEATABLE).map(|value| value == "true"));
                self.prepared.plan.calls.push(PlannedCall {
                    role: index,
                    function: call.text.clone(),
                    returns: call.returns.clone(),
                    trigger: traits.trigger.clone(),
                    await_at: traits.await_at.clone(),
                    timeout: timeout(role, traits)?,
                    critical: traits.critical,
                    repeatable: repeatable.unwrap_or_default(),
                });
                RoleKind::Call(self.prepared.plan.calls.len() - 1)
            }
        };
        self.prepared.trails.push(trail.to_vec());
        self.prepared.plan.roles.push(PlannedRole {
            path: role.path.clone(),
            parent,
            critical: role.traits().is_none_or(|traits| traits.critical),
            kind,
        });
        for (place, child) in role.roles.iter().enumerate() {
            let mut below = trail.to_vec();
            below.push(place);
            self.role(child, Some(index), &below)?;
        }
        Ok(())
    }

    fn task(&mut self, role: &Role, index: RoleIndex) -> Result<usize, PrepareError> {
        let Some(task) = role.task() else {
            return Ok(self.prepared.plan.tasks.len());
        };
        let mode = match task.mode {
            ControlMode::Basic => Mode::Basic,
            ControlMode::Hook => Mode::Hook,
            ControlMode::Direct | ControlMode::Fairmq | ControlMode::Kubernetes(_) => Mode::Stateful,
        };
        let timeout = match mode {
            Mode::Hook => timeout(role, &task.traits)?,
            _ => Duration::ZERO,
        };
        let await_at = task.traits.await_at.as_ref();
        if mode == Mode::Hook && await_at != task.traits.trigger.as_ref() {
            let text = &task.traits.texts.await_at;
            self.prepared.warnings.push(format!(
                "{}: await {text} is ignored: hook tasks are awaited where they start",
                role.path
            ));
        }
        self.prepared.plan.tasks.push(PlannedTask {
            role: index,
            id: self.identities.new_id()?,
            class: task.class.clone(),
            host: place(role, self.hosts),
            mode,
            critical: task.traits.critical,
            trigger: task.traits.trigger.clone(),
            timeout,
        });
        Ok(self.prepared.plan.tasks.len() - 1)
    }
}

/// For each role of the plan of this tree, which children lead to it from the root.
pub(crate) fn trails(instance: &Instance) -> Vec<Vec<usize>> {
    fn walk(role: &Role, trail: &[usize], trails: &mut Vec<Vec<usize>>) {
        trails.push(trail.to_vec());
        for (place, child) in role.roles.iter().enumerate() {
            let mut below = trail.to_vec();
            below.push(place);
            walk(child, &below, trails);
        }
    }
    let mut trails = Vec::new();
    walk(&instance.root, &[], &mut trails);
    trails
}

fn timeout(role: &Role, traits: &Traits) -> Result<Duration, PrepareError> {
    if traits.trigger.is_none() {
        return Ok(Duration::ZERO);
    }
    traits.timeout.clone().map_err(|reason| PrepareError::Timeout {
        role: role.path.clone(),
        reason,
    })
}
