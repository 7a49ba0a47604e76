//! The properties that configure a task.

use std::collections::BTreeMap;

use super::channels::{BindMap, Endpoints};
use super::command::{ClassVariables, Fields};
use super::error::{DeployError, DeployErrorKind};
use super::{Own, Special, Visible, task_of};
use crate::evaluate::{Context, Place, Variables, World, evaluate};
use crate::functions::ptree;
use crate::instance::{Channel, Inbound, Outbound, Role};
use crate::ir::{Artefact, ControlMode, Edition, TaskClass, Template, Variable};

/// The variable that sets the property `orbit-reset-time`, wherever it exists (`template-language.md` 3.7).
const RUN_START_OVERRIDE: &str = "pdp_override_run_start_time";

/// A value before its evaluation.
enum Value<'a> {
    Template(&'a Template),
    Text(String),
}

/// The properties pushed to a task at CONFIGURE; none for basic and hook tasks. `stack` is what the role sees now,
/// `endpoints` are its own and `bound` everybody's.
pub fn properties(
    artefact: &Artefact,
    role: &Role,
    stack: &dyn Variables,
    special: &Special<'_>,
    endpoints: &Endpoints,
    bound: &BindMap,
    world: &dyn World,
) -> Result<BTreeMap<String, String>, Vec<DeployError>> {
    let (task, class) = task_of(artefact, role).map_err(|error| vec![error])?;
    if matches!(task.mode, ControlMode::Basic | ControlMode::Hook) {
        return Ok(BTreeMap::new());
    }
    let around = Visible::new(role, &task.class, special, stack);
    let own = class_variables(role, class, &around, world)?;
    let visible = Own {
        around: &around,
        levels: [&own.vars, &own.defaults],
    };

    let mut values = BTreeMap::new();
    values.insert(
        "environment_id".to_owned(),
        Value::Text(special.environment_id.to_owned()),
    );
    for property in &class.properties {
        values.insert(property.name.clone(), Value::Template(&property.value));
    }
    let says_something =
        |start: &&str| !(class.edition.empty_orbit_reset_is_not_pushed() && start.trim().is_empty());
    if let Some(start) = visible.get(RUN_START_OVERRIDE).filter(says_something) {
        values.insert("orbit-reset-time".to_owned(), Value::Text(start.to_owned()));
    }
    let mut errors = Vec::new();
    for channel in &role.bind {
        inbound(channel, class.edition, endpoints, &mut values);
    }
    for channel in &role.connect {
        if let Err(kind) = outbound(channel, bound, &mut values) {
            errors.push(DeployError {
                role: role.path.clone(),
                span: channel.channel.span,
                kind,
            });
        }
    }
    let context = Context {
        variables: &visible,
        place: Place::Properties,
        world,
        edition: class.edition,
        within: 0,
    };
    let mut properties = BTreeMap::new();
    for (name, value) in values {
        let text = match &value {
            Value::Text(text) => Ok(text.clone()),
            Value::Template(template) => evaluate(template, &context),
        };
        match text {
            Ok(text) if bad_address(&name, &text, class.edition) => errors.push(DeployError {
                role: role.path.clone(),
                span: role.span,
                kind: DeployErrorKind::Address { property: name, text },
            }),
            Ok(text) => match ptree::marked(&text) {
                Some((syntax, payload)) => {
                    properties.insert(format!("__ptree__:{syntax}:{name}"), payload.to_owned());
                }
                None => {
                    properties.insert(name, text);
                }
            },
            Err(error) => {
                let field = format!("properties.{name}");
                let span = error.span;
                let kind = DeployErrorKind::Evaluate {
                    field,
                    error: Box::new(error),
                };
                errors.push(DeployError {
                    role: role.path.clone(),
                    span,
                    kind,
                });
            }
        }
    }
    if errors.is_empty() {
        Ok(properties)
    } else {
        Err(errors)
    }
}

/// The task template's own variables as properties see them: in the reference, as written (3.7).
pub(crate) fn class_variables(
    role: &Role,
    class: &TaskClass,
    around: &dyn Variables,
    world: &dyn World,
) -> Result<ClassVariables, Vec<DeployError>> {
    if !class.edition.properties_see_evaluated_variables() {
        return Ok(ClassVariables {
            defaults: sources(&class.defaults),
            vars: sources(&class.vars),
        });
    }
    let mut fields = Fields {
        role,
        edition: class.edition,
        world,
        errors: Vec::new(),
    };
    let own = fields.class_variables(class, around);
    if fields.errors.is_empty() {
        Ok(own)
    } else {
        Err(fields.errors)
    }
}

fn sources(block: &[Variable]) -> BTreeMap<String, String> {
    block
        .iter()
        .map(|variable| (variable.name.clone(), variable.value.source()))
        .collect()
}

/// A bound channel. In the reference, one whose target is no address as written gets no properties: it is left out
/// (`template-language.md` 2.7); the compiler warns.
fn inbound<'a>(
    inbound: &'a Inbound,
    edition: Edition,
    endpoints: &Endpoints,
    values: &mut BTreeMap<String, Value<'a>>,
) {
    let address = match inbound.target.literal() {
        Some("") => match endpoints.get(&inbound.channel.name) {
            Some(endpoint) => Value::Text(endpoint.bound()),
            None => return,
        },
        _ if edition.bound_targets_are_addresses() || is_address(&inbound.target.source()) => {
            Value::Template(&inbound.target)
        }
        _ => return,
    };
    let prefix = channel(
        &inbound.channel,
        "bind",
        address,
        &inbound.channel.transport,
        values,
    );
    values.insert(format!("{prefix}.autoBind"), Value::Text("0".to_owned()));
}

fn outbound<'a>(
    outbound: &'a Outbound,
    bound: &BindMap,
    values: &mut BTreeMap<String, Value<'a>>,
) -> Result<(), DeployErrorKind> {
    let Outbound { channel: own, target } = outbound;
    if is_address(target) {
        channel(
            own,
            "connect",
            Value::Text(target.clone()),
            &own.transport,
            values,
        );
        return Ok(());
    }
    match bound.get(target) {
        Some(bound) => {
            let address = Value::Text(bound.endpoint.target());
            channel(own, "connect", address, &bound.transport, values);
            Ok(())
        }
        None => Err(DeployErrorKind::Target {
            channel: own.name.clone(),
            target: target.clone(),
            near: bound.near(target),
        }),
    }
}

/// Whether a channel has got an address that is none.
fn bad_address(property: &str, text: &str, edition: Edition) -> bool {
    let address = property.starts_with("chans.") && property.ends_with(".address");
    edition.bound_targets_are_addresses() && address && !is_address(text)
}

fn is_address(target: &str) -> bool {
    target.starts_with("tcp://") || target.starts_with("ipc://")
}

/// What both kinds of channel have; returns the prefix of its keys.
fn channel<'a>(
    channel: &'a Channel,
    method: &str,
    address: Value<'a>,
    transport: &str,
    values: &mut BTreeMap<String, Value<'a>>,
) -> String {
    let name = &channel.name;
    let prefix = format!("chans.{name}.0");
    values.insert(format!("chans.{name}.numSockets"), Value::Text("1".to_owned()));
    values.insert(format!("{prefix}.address"), address);
    values.insert(
        format!("{prefix}.rateLogging"),
        Value::Template(&channel.rate_logging),
    );
    for (key, text) in [
        ("method", method.to_owned()),
        ("rcvBufSize", channel.receive_buffer.to_string()),
        ("rcvKernelSize", "0".to_owned()),
        ("sndBufSize", channel.send_buffer.to_string()),
        ("sndKernelSize", "0".to_owned()),
        ("transport", transport.to_owned()),
        ("type", channel.kind.clone()),
    ] {
        values.insert(format!("{prefix}.{key}"), Value::Text(text));
    }
    prefix
}
