//! A role tree: what an artefact becomes when an environment is created.
//!
//! Everything here is evaluated, except what only the deployment knows (command lines and properties, in the task
//! classes of the artefact) and what only a transition knows (the expressions of calls).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::duration::DurationError;
use crate::instantiate::InstantiateError;
use crate::ir::{Addressing, Code, ControlMode, Edition, Layers, Limits, Span, Template, Wants};
pub use crate::moment::{Moment, WeightError};

/// A role tree and the variables around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The root role; always an aggregator.
    pub root: Role,
    /// Variables around the root: what was given, never evaluated.
    pub environment: Layers,
    /// What a person should know about how it came to be.
    pub warnings: Vec<InstantiateError>,
    /// Identities of the workflow templates that were included, also of those of which nothing is left.
    pub included: BTreeSet<String>,
}

/// A role of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name, evaluated.
    pub name: String,
    /// Names from the root on, joined by dots. Not unique: siblings may share a name.
    pub path: String,
    /// Where it is written; for an include, where the include is written.
    pub span: Span,
    /// Ended up enabled. Only a root may be found here disabled: others are gone.
    pub enabled: bool,
    /// Own variables, evaluated; those of the iterator are among the vars. At run time variables may be added: the
    /// new value is seen by the role and everything below it.
    pub layers: Layers,
    /// Own and inherited constraints; of a task also those of its class.
    pub constraints: Vec<Constraint>,
    /// Own and inherited outbound channels; of a task also those of its class.
    pub connect: Vec<Outbound>,
    /// Own and inherited inbound channels; of a task also those of its class.
    pub bind: Vec<Inbound>,
    /// Its failure is that of the environment; for an aggregator: it holds something critical.
    pub critical: bool,
    /// What kind of role it is.
    pub kind: Kind,
    /// The children, in order. Iterators are dissolved in them.
    pub roles: Vec<Role>,
    /// The include that this role was, before the included root took its place.
    pub include: Option<Include>,
    /// Number of iterators among the children that made no role.
    pub empty_iterators: usize,
}

/// What is left of an include role: the level of variables between its parent and the included root.
#[derive(Debug, Clone, PartialEq)]
pub struct Include {
    /// `include`, evaluated.
    pub text: String,
    /// The module that it means: a key of [`crate::ir::Artefact::modules`].
    pub module: String,
    /// Variables of the include role, evaluated; those of the iterator are among the vars.
    pub layers: Layers,
}

/// The kind-specific part of a role.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Holds other roles.
    Aggregator,
    /// Runs a process.
    Task(TaskRole),
    /// Calls a service.
    Call(CallRole),
}

/// A role that runs a process.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRole {
    /// Identity of its task template: a key of [`crate::ir::Artefact::classes`].
    pub class: String,
    /// How it is steered. A basic task that has a trigger is a hook.
    pub mode: ControlMode,
    /// When it runs, for hooks.
    pub traits: Traits,
    /// Resources that it needs.
    pub wants: Wants,
    /// Resources that it must not exceed.
    pub limits: Limits,
}

/// A role that calls a service.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRole {
    /// Edition of the language that it is written in.
    pub edition: Edition,
    /// `func`, evaluated: the text of an expression.
    pub text: String,
    /// `func` as an expression, to be evaluated at its moment. `None` if the text only came into being with the role
    /// and is no expression of the artefact: then the call fails.
    pub function: Option<Code>,
    /// `return`: name of the variable of this role that takes the result; empty: none.
    pub returns: String,
    /// When it is called.
    pub traits: Traits,
}

/// When a hook or call runs, and how much it matters.
#[derive(Debug, Clone, PartialEq)]
pub struct Traits {
    /// When it starts; `None`: never.
    pub trigger: Option<Moment>,
    /// When its end is waited for; `None` exactly if there is no trigger.
    pub await_at: Option<Moment>,
    /// How long it may take. An error matters only to those that start at a trigger.
    pub timeout: Result<Duration, DurationError>,
    /// Its failure is that of the environment.
    pub critical: bool,
    /// The evaluated texts behind these, for messages.
    pub texts: TraitsTexts,
}

/// Evaluated texts of [`Traits`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraitsTexts {
    /// `trigger`
    pub trigger: String,
    /// `await`
    pub await_at: String,
    /// `timeout`
    pub timeout: String,
}

/// A demand on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Where it is written.
    pub span: Span,
    /// Attribute of the host.
    pub attribute: String,
    /// Wanted value, evaluated.
    pub value: String,
    /// 0 is equality, others are never matched.
    pub operator: i64,
}

/// What both kinds of channel have.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Where it is written.
    pub span: Span,
    /// Name, unique in a role.
    pub name: String,
    /// push, pull, pub, sub, or empty.
    pub kind: String,
    /// Messages.
    pub send_buffer: i64,
    /// Messages.
    pub receive_buffer: i64,
    /// Seconds; evaluated with the properties.
    pub rate_logging: Template,
    /// default, zeromq, nanomsg or shmem.
    pub transport: String,
}

/// A channel that connects to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Outbound {
    /// The channel.
    pub channel: Channel,
    /// Address (`tcp://…`, `ipc://…`), `<role path>:<channel>` or `::<alias>`, evaluated.
    pub target: String,
}

/// A channel that others connect to.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbound {
    /// The channel.
    pub channel: Channel,
    /// Fixed address to bind; empty: one is allocated. Evaluated with the properties.
    pub target: Template,
    /// Alias in the whole environment, evaluated; empty: none.
    pub global: String,
    /// How others reach it.
    pub addressing: Addressing,
}

impl Constraint {
    /// Whether it demands anything: operators other than equality are never matched, and an empty machine means any
    /// (`template-language.md` 2.8).
    pub fn is_demand(&self) -> bool {
        self.operator == 0 && !(self.attribute == "machine_id" && self.value.is_empty())
    }
}

impl Role {
    /// The task, if this role is one.
    pub fn task(&self) -> Option<&TaskRole> {
        match &self.kind {
            Kind::Task(task) => Some(task),
            _ => None,
        }
    }

    /// The call, if this role is one.
    pub fn call(&self) -> Option<&CallRole> {
        match &self.kind {
            Kind::Call(call) => Some(call),
            _ => None,
        }
    }

    /// When it runs, for tasks and calls.
    pub fn traits(&self) -> Option<&Traits> {
        match &self.kind {
            Kind::Aggregator => None,
            Kind::Task(task) => Some(&task.traits),
            Kind::Call(call) => Some(&call.traits),
        }
    }
}
