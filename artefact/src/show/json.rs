//! A role tree as JSON, with the field names of the conformance data (its README), and a few more:
//!
//! | field | of | meaning |
//! |---|---|---|
//! | `edition` | the whole | edition of the language that the root workflow is written in |
//! | `at` | roles | `<path>:<line>:<column>` of the role in the sources |
//! | `warnings` | the whole | what a person should know, as text |

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::dry::{Dry, Task};
use crate::deploy::{Command, DeployError, Output};
use crate::instance::{Channel, Constraint, Inbound, Instance, Kind, Outbound, Role, TaskRole, Traits};
use crate::ir::{Addressing, Artefact, ControlMode, KubernetesMode, Limits, Span, Wants};
use crate::stack::Stack;

/// How much to show.
#[derive(Default)]
pub struct Detail<'a> {
    /// What every role sees: `stack`.
    pub stacks: bool,
    /// Command lines, properties and addresses of a dry deployment.
    pub dry: Option<&'a Dry<'a>>,
}

/// A role tree as JSON.
pub fn json(artefact: &Artefact, instance: &Instance, detail: &Detail<'_>) -> Value {
    let writer = Writer { artefact, detail };
    let mut tasks = 0;
    instance.walk(&mut |role, _| tasks += usize::from(role.task().is_some()));
    let mut whole = Map::new();
    put(&mut whole, "edition", artefact.edition.as_str().into());
    put(&mut whole, "counts", json!({ "tasks": tasks }));
    put(
        &mut whole,
        "root",
        writer.role(&instance.root, &Stack::new(&instance.environment)),
    );
    if let Some(dry) = detail.dry {
        let entries = dry
            .bind_map
            .iter()
            .map(|(key, bound)| (key.to_owned(), bound.endpoint.target().into()));
        put_some(&mut whole, "bind_map", Value::Object(entries.collect()));
        if !dry.taken.is_empty() {
            put(&mut whole, "bind_map_error", lines(&dry.taken).into());
        }
    }
    let warnings = instance.warnings.iter().map(|warning| warning.to_string().into());
    put_some(&mut whole, "warnings", Value::Array(warnings.collect()));
    Value::Object(whole)
}

struct Writer<'a> {
    artefact: &'a Artefact,
    detail: &'a Detail<'a>,
}

impl Writer<'_> {
    fn role(&self, role: &Role, parent: &Stack<'_>) -> Value {
        let stack = parent.of(role);
        let mut fields = Map::new();
        put(&mut fields, "name", role.name.as_str().into());
        put(&mut fields, "path", role.path.as_str().into());
        put(&mut fields, "kind", kind(&role.kind).into());
        if let Some(at) = self.place(role.span) {
            put(&mut fields, "at", at.into());
        }
        if !role.enabled {
            put(&mut fields, "enabled", false.into());
        }
        put(&mut fields, "critical", role.critical.into());
        put_some(&mut fields, "defaults", texts(&role.layers.defaults));
        put_some(&mut fields, "vars", texts(&role.layers.vars));
        if let Some(include) = &role.include {
            put(&mut fields, "include", include.text.as_str().into());
            put_some(&mut fields, "include_defaults", texts(&include.layers.defaults));
            put_some(&mut fields, "include_vars", texts(&include.layers.vars));
        }
        put_some(
            &mut fields,
            "constraints",
            role.constraints.iter().map(constraint).collect(),
        );
        put_some(
            &mut fields,
            "connect",
            role.connect.iter().map(outbound).collect(),
        );
        put_some(&mut fields, "bind", role.bind.iter().map(inbound).collect());
        match &role.kind {
            Kind::Aggregator => {}
            Kind::Task(task) => self.task(task, role, &stack, &mut fields),
            Kind::Call(call) => {
                put(&mut fields, "func", call.text.as_str().into());
                put(&mut fields, "return", call.returns.as_str().into());
                traits(&call.traits, &mut fields);
            }
        }
        if role.empty_iterators > 0 {
            put(&mut fields, "empty_iterators", role.empty_iterators.into());
        }
        if self.detail.stacks {
            let seen = stack
                .consolidated()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()));
            put(&mut fields, "stack", Value::Object(seen.collect()));
        }
        if matches!(role.kind, Kind::Aggregator) {
            let roles = role.roles.iter().map(|child| self.role(child, &stack)).collect();
            put(&mut fields, "roles", roles);
        }
        Value::Object(fields)
    }

    fn task(&self, task: &TaskRole, role: &Role, stack: &Stack<'_>, fields: &mut Map<String, Value>) {
        put(fields, "class", task.class.as_str().into());
        put(fields, "mode", mode(task.mode).into());
        traits(&task.traits, fields);
        put(fields, "wants", wants(&task.wants));
        put_some(fields, "limits", limits(&task.limits));
        if let Some(dry) = self.detail.dry {
            let Task {
                host,
                command,
                properties,
            } = dry.task(role, stack);
            put(fields, "host", host.into());
            outcome(fields, "command", command.map(|command| self::command(&command)));
            outcome(
                fields,
                "properties",
                properties.map(|properties| texts(&properties)),
            );
        }
    }

    fn place(&self, span: Span) -> Option<String> {
        let source = self.artefact.sources.get(span.source as usize)?;
        Some(format!("{}:{}:{}", source.path, span.line, span.column))
    }
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Value) {
    fields.insert(name.to_owned(), value);
}

/// Absent means empty.
fn put_some(fields: &mut Map<String, Value>, name: &str, value: Value) {
    let empty = match &value {
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    if !empty {
        put(fields, name, value);
    }
}

fn outcome(fields: &mut Map<String, Value>, name: &str, value: Result<Value, Vec<DeployError>>) {
    match value {
        Ok(value) => put_some(fields, name, value),
        Err(errors) => put(fields, &format!("{name}_error"), lines(&errors).into()),
    }
}

fn lines<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn texts(map: &BTreeMap<String, String>) -> Value {
    Value::Object(
        map.iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect(),
    )
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Aggregator => "aggregator",
        Kind::Task(_) => "task",
        Kind::Call(_) => "call",
    }
}

/// The name of a control mode, as in task templates.
pub fn mode(mode: ControlMode) -> &'static str {
    match mode {
        ControlMode::Direct => "direct",
        ControlMode::Fairmq => "fairmq",
        ControlMode::Basic => "basic",
        ControlMode::Hook => "hook",
        ControlMode::Kubernetes(KubernetesMode::KubectlDirect) => "kubectl_direct",
        ControlMode::Kubernetes(KubernetesMode::KubectlFairmq) => "kubectl_fairmq",
        ControlMode::Kubernetes(KubernetesMode::Direct) => "kubernetes_direct",
        ControlMode::Kubernetes(KubernetesMode::Fairmq) => "kubernetes_fairmq",
    }
}

fn traits(traits: &Traits, fields: &mut Map<String, Value>) {
    put(fields, "trigger", traits.texts.trigger.as_str().into());
    put(fields, "await", traits.texts.await_at.as_str().into());
    put(fields, "timeout", traits.texts.timeout.as_str().into());
}

fn constraint(constraint: &Constraint) -> Value {
    let mut fields = Map::new();
    put(&mut fields, "attribute", constraint.attribute.as_str().into());
    put(&mut fields, "value", constraint.value.as_str().into());
    if constraint.operator != 0 {
        put(&mut fields, "operator", constraint.operator.into());
    }
    Value::Object(fields)
}

fn outbound(outbound: &Outbound) -> Value {
    let mut fields = channel(&outbound.channel);
    put(&mut fields, "target", outbound.target.as_str().into());
    Value::Object(fields)
}

fn inbound(inbound: &Inbound) -> Value {
    let mut fields = channel(&inbound.channel);
    put(&mut fields, "target", inbound.target.source().into());
    put(&mut fields, "global", inbound.global.as_str().into());
    let addressing = match inbound.addressing {
        Addressing::Tcp => "tcp",
        Addressing::Ipc => "ipc",
    };
    put(&mut fields, "addressing", addressing.into());
    Value::Object(fields)
}

fn channel(channel: &Channel) -> Map<String, Value> {
    let mut fields = Map::new();
    put(&mut fields, "name", channel.name.as_str().into());
    put(&mut fields, "type", channel.kind.as_str().into());
    put(&mut fields, "sndBufSize", channel.send_buffer.into());
    put(&mut fields, "rcvBufSize", channel.receive_buffer.into());
    put(&mut fields, "rateLogging", channel.rate_logging.source().into());
    put(&mut fields, "transport", channel.transport.as_str().into());
    fields
}

fn wants(wants: &Wants) -> Value {
    let mut fields = Map::new();
    put(&mut fields, "cpu", number(wants.cpu));
    put(&mut fields, "memory", number(wants.memory));
    let ports = wants
        .ports
        .iter()
        .map(|(first, last)| format!("{first}-{last}").into());
    put_some(&mut fields, "ports", Value::Array(ports.collect()));
    Value::Object(fields)
}

fn limits(limits: &Limits) -> Value {
    let mut fields = Map::new();
    for (name, limit) in [("cpu", limits.cpu), ("memory", limits.memory)] {
        if let Some(limit) = limit {
            put(&mut fields, name, number(limit));
        }
    }
    Value::Object(fields)
}

fn command(command: &Command) -> Value {
    let mut fields = Map::new();
    put(&mut fields, "value", command.value.as_str().into());
    put(&mut fields, "arguments", command.arguments.clone().into());
    put(&mut fields, "env", command.env.clone().into());
    put(&mut fields, "shell", command.shell.into());
    put(&mut fields, "user", command.user.as_str().into());
    put(&mut fields, "stdout", output(command.stdout).into());
    put(&mut fields, "stderr", output(command.stderr).into());
    if let Some(timeout) = command.timeout {
        put(&mut fields, "timeout_s", number(timeout.as_secs_f64()));
    }
    Value::Object(fields)
}

fn output(output: Output) -> &'static str {
    match output {
        Output::None => "none",
        Output::Stdout => "stdout",
        Output::All => "all",
    }
}

/// A whole number without a decimal point.
fn number(value: f64) -> Value {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "checked on the same line to be whole and small"
    )]
    let whole = (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64);
    whole.map_or_else(|| value.into(), Value::from)
}
