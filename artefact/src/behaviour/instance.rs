//! The nodes of an instance: everything is evaluated as a dry deployment would.

use std::collections::BTreeMap;

use super::field::{Aspect, Field, Fields, MACHINE_ID, Text, Value};
use super::{Digests, Kind, Node, meaning};
use crate::deploy::{self, BindMap, Output, Plugin, Special};
use crate::evaluate::World;
use crate::expression::{self, Expression};
use crate::instance::{self, CallRole, Channel, Instance, Role, TaskRole, Traits};
use crate::ir::{Addressing, Artefact, CommandTemplate, Edition, Limits, Template, Wants};
use crate::show::{Dry, mode, short};
use crate::stack::Stack;
use crate::surroundings::{ARGUMENTS, STEERING};

/// What only a deployment decides; a task that reads it has the same text in every tree.
const DEPLOYED: &str = "<task id>";

/// The nodes of an instance of `artefact`. `world` is the one that it was made in.
pub fn of_instance(artefact: &Artefact, instance: &Instance, world: &dyn World) -> Node {
    let dry = Dry::new(artefact, instance, world);
    let reader = Reader {
        artefact,
        world,
        environment_id: &dry.environment_id,
        bound: &dry.bind_map,
    };
    let environment = Stack::new(&instance.environment);
    let mut root = reader.node(&instance.root, &environment);
    add_root(&instance.root, &environment.of(&instance.root), &mut root);
    root
}

struct Reader<'a> {
    artefact: &'a Artefact,
    world: &'a dyn World,
    environment_id: &'a str,
    bound: &'a BindMap,
}

impl Reader<'_> {
    fn node(&self, role: &Role, parent: &Stack<'_>) -> Node {
        let stack = parent.of(role);
        let children: Vec<Node> = role.roles.iter().map(|child| self.node(child, &stack)).collect();
        let mut fields = Fields::new();
        let mut peers = Vec::new();
        let (kind, what) = match &role.kind {
            instance::Kind::Aggregator => (Kind::Aggregator, String::new()),
            instance::Kind::Call(call) => {
                add_call(call, &stack, &mut fields);
                (Kind::Call, call.text.clone())
            }
            instance::Kind::Task(task) => {
                self.task(role, task, &stack, &mut fields);
                peers = self.peers(role);
                (Kind::Task, short(&task.class).to_owned())
            }
        };
        Node {
            name: role.name.clone(),
            path: role.path.clone(),
            kind,
            what,
            span: role.span,
            critical: role.critical,
            peers,
            digests: Digests::new(kind, &fields, &children),
            fields,
            children,
        }
    }

    fn task(&self, role: &Role, task: &TaskRole, stack: &Stack<'_>, fields: &mut Fields) {
        put(fields, Aspect::Mode, "", mode(task.mode));
        traits(&task.traits, fields);
        resources(&task.wants, &task.limits, fields);
        for demand in role.constraints.iter().filter(|one| one.is_demand()) {
            put(
                fields,
                Aspect::Constraint,
                &demand.attribute,
                demand.value.as_str(),
            );
        }
        let host = host(role);
        let special = Special {
            task_id: DEPLOYED,
            hostname: host,
            environment_id: self.environment_id,
        };
        self.command(role, task, stack, &special, fields);
        let properties = self.properties(role, task, stack, &special, fields);
        self.channels(role, &properties, fields);
    }

    fn command(
        &self,
        role: &Role,
        task: &TaskRole,
        stack: &Stack<'_>,
        special: &Special<'_>,
        fields: &mut Fields,
    ) {
        let Some(template) = self
            .artefact
            .classes
            .get(&task.class)
            .and_then(|class| class.command.as_ref())
        else {
            return;
        };
        let plugin = Plugin::default();
        let Ok(mut command) = deploy::command(self.artefact, role, stack, special, &plugin, self.world)
        else {
            return self.unevaluated(task, template, stack, fields);
        };
        // The rest is not from the workflow: the plugin, the host, the control port.
        command.arguments.truncate(template.arguments.len());
        command.env.truncate(template.env.len());
        let plain = |text: String| unpinned(text, &task.class);
        put(fields, Aspect::Command, "value", plain(command.value));
        for (key, texts) in [("arguments", command.arguments), ("env", command.env)] {
            if !texts.is_empty() {
                let texts: Vec<String> = texts.into_iter().map(plain).collect();
                put(fields, Aspect::Command, key, texts);
            }
        }
        put_some(fields, Aspect::Command, "user", &plain(command.user));
        put(fields, Aspect::Command, "shell", command.shell.to_string());
        for (key, target) in [("stdout", command.stdout), ("stderr", command.stderr)] {
            put(fields, Aspect::Command, key, output(target));
        }
    }

    /// A command that needs what is known only later: its templates and what they read are all there is.
    fn unevaluated(
        &self,
        task: &TaskRole,
        template: &CommandTemplate,
        stack: &Stack<'_>,
        fields: &mut Fields,
    ) {
        super::template::command(template, fields);
        let mut read: Vec<&Template> = Vec::new();
        if let Some(class) = self.artefact.classes.get(&task.class) {
            read.extend(meaning::values(&class.defaults));
            read.extend(meaning::values(&class.vars));
        }
        read.extend(template.env.iter().chain(&template.arguments));
        read.extend([&template.value, &template.user]);
        read.extend(template.stdout.iter().chain(&template.stderr));
        for (name, value) in read_by(&read, stack) {
            put(fields, Aspect::Command, &format!("reads.{name}"), value);
        }
    }

    /// The properties, those of channels among them. The former go into the fields, the latter are given back.
    fn properties(
        &self,
        role: &Role,
        task: &TaskRole,
        stack: &Stack<'_>,
        special: &Special<'_>,
        fields: &mut Fields,
    ) -> BTreeMap<String, String> {
        let Some(class) = self.artefact.classes.get(&task.class) else {
            return BTreeMap::new();
        };
        let evaluated = crate::show::endpoints_of(role).ok().and_then(|endpoints| {
            deploy::properties(
                self.artefact,
                role,
                stack,
                special,
                &endpoints,
                self.bound,
                self.world,
            )
            .ok()
        });
        let Some(mut properties) = evaluated else {
            super::template::properties(class, fields);
            for (name, value) in read_by(&meaning::values(&class.properties), stack) {
                put(fields, Aspect::Property, &format!("reads.{name}"), value);
            }
            return BTreeMap::new();
        };
        let channels: Vec<String> = (role.bind.iter().map(|channel| &channel.channel))
            .chain(role.connect.iter().map(|channel| &channel.channel))
            .map(|channel| format!("chans.{}.", channel.name))
            .collect();
        let of_channel = |name: &String| channels.iter().any(|prefix| name.starts_with(prefix));
        let (channels, own): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut properties)
            .into_iter()
            .partition(|(name, _)| of_channel(name));
        for (name, value) in own {
            // Given by the environment, not by the workflow.
            if name != "environment_id" {
                put(fields, Aspect::Property, &name, unpinned(value, &task.class));
            }
        }
        channels
    }

    fn channels(&self, role: &Role, properties: &BTreeMap<String, String>, fields: &mut Fields) {
        for inbound in &role.bind {
            let name = &inbound.channel.name;
            let addressing = match inbound.addressing {
                Addressing::Tcp => "tcp",
                Addressing::Ipc => "ipc",
            };
            put(fields, Aspect::Bind, name, addressing);
            put_some(fields, Aspect::Global, &format!("{name}.global"), &inbound.global);
            if inbound.target.literal() != Some("") {
                let target = meaning::text(&inbound.target);
                put(fields, Aspect::BindDetail, &format!("{name}.target"), target);
            }
            let transport = inbound.channel.transport.as_str();
            detail(
                Aspect::BindDetail,
                &inbound.channel,
                transport,
                properties,
                fields,
            );
        }
        for outbound in &role.connect {
            let name = &outbound.channel.name;
            let bound = self.bound.get(&outbound.target);
            let peer = bound.map(|bound| relative(&role.path, &bound.role));
            let channel = self.channel_of(&outbound.target);
            let target = Text {
                shown: outbound.target.clone(),
                meaning: peer.map(|peer| format!("{peer}:{channel}")),
            };
            put(fields, Aspect::Connect, name, target);
            // Whoever connects uses the transport of the one that binds.
            let transport = bound.map_or(outbound.channel.transport.as_str(), |bound| &bound.transport);
            detail(
                Aspect::ConnectDetail,
                &outbound.channel,
                transport,
                properties,
                fields,
            );
        }
    }

    /// Name of the channel behind a target; aliases stand for the channel that is at their address.
    fn channel_of(&self, target: &str) -> String {
        let Some(bound) = self.bound.get(target).filter(|_| target.starts_with("::")) else {
            return target
                .rsplit_once(':')
                .map_or("", |(_, channel)| channel)
                .to_owned();
        };
        let key = self
            .bound
            .of_role(&bound.role)
            .find(|(_, other)| other.endpoint == bound.endpoint);
        key.map_or(target, |(channel, _)| channel).to_owned()
    }

    fn peers(&self, role: &Role) -> Vec<(String, String)> {
        let mut peers: Vec<_> = role
            .connect
            .iter()
            .filter_map(|outbound| {
                let bound = self.bound.get(&outbound.target)?;
                Some((bound.role.clone(), outbound.channel.name.clone()))
            })
            .collect();
        peers.sort();
        peers
    }
}

/// What the core reads of the root besides.
fn add_root(role: &Role, stack: &Stack<'_>, node: &mut Node) {
    let pushed = ARGUMENTS.iter().map(|name| (Aspect::Pushed, *name));
    let steering = STEERING.iter().map(|name| (Aspect::Steering, *name));
    for (aspect, name) in pushed.chain(steering) {
        if let Some(value) = stack.get(name) {
            node.fields.insert(Field::new(aspect, name), value.into());
        }
    }
    if !role.enabled {
        node.fields
            .insert(Field::new(Aspect::Enabled, ""), "false".into());
    }
    node.digests = Digests::new(node.kind, &node.fields, &node.children);
}

fn add_call(call: &CallRole, stack: &Stack<'_>, fields: &mut Fields) {
    put(fields, Aspect::Function, "", function(call));
    put_some(fields, Aspect::Returns, "", &call.returns);
    traits(&call.traits, fields);
    if let Some(code) = &call.function {
        reads(&[&code.expression], stack, fields);
    }
}

fn put(fields: &mut Fields, aspect: Aspect, key: &str, value: impl Into<Value>) {
    fields.insert(Field::new(aspect, key), value.into());
}

fn put_some(fields: &mut Fields, aspect: Aspect, key: &str, text: &str) {
    if !text.is_empty() {
        put(fields, aspect, key, text);
    }
}

/// The text without the revision in the identity of the task template, which two of the special variables hold.
fn unpinned(text: String, class: &str) -> String {
    match class.rsplit_once('@') {
        Some((identity, _)) if text.contains(class) => text.replace(class, identity),
        _ => text,
    }
}

/// The way from one role to another: `^` for each level up, then names. It stays when both are moved together.
fn relative(from: &str, to: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('.').collect(), to.split('.').collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = "^".repeat(from.len() - common);
    let down = to.get(common..).unwrap_or_default().join(".");
    format!("{up}{down}")
}

fn host(role: &Role) -> &str {
    let demands = role.constraints.iter().rev();
    let machine = demands
        .filter(|one| one.is_demand())
        .find(|one| one.attribute == MACHINE_ID);
    machine.map_or(crate::show::UNPINNED, |constraint| &constraint.value)
}

fn traits(traits: &Traits, fields: &mut Fields) {
    if !traits.critical {
        put(fields, Aspect::Critical, "", "false");
    }
    let Some(trigger) = &traits.trigger else {
        return;
    };
    put(fields, Aspect::Trigger, "", trigger.to_string());
    if let Some(await_at) = traits.await_at.as_ref().filter(|await_at| *await_at != trigger) {
        put(fields, Aspect::Await, "", await_at.to_string());
    }
    put(fields, Aspect::Timeout, "", traits.texts.timeout.as_str());
}

pub(super) fn resources(wants: &Wants, limits: &Limits, fields: &mut Fields) {
    put(fields, Aspect::Wants, "cpu", wants.cpu.to_string());
    put(fields, Aspect::Wants, "memory", wants.memory.to_string());
    if !wants.ports.is_empty() {
        let ports = wants.ports.iter().map(|(first, last)| format!("{first}-{last}"));
        put(fields, Aspect::Wants, "ports", ports.collect::<Vec<_>>());
    }
    for (key, limit) in [("cpu", limits.cpu), ("memory", limits.memory)] {
        if let Some(limit) = limit {
            put(fields, Aspect::Limits, key, limit.to_string());
        }
    }
}

fn output(output: Output) -> &'static str {
    match output {
        Output::None => "none",
        Output::Stdout => "stdout",
        Output::All => "all",
    }
}

/// What a task is told about a channel, as evaluated where that was possible.
fn detail(
    aspect: Aspect,
    channel: &Channel,
    transport: &str,
    properties: &BTreeMap<String, String>,
    fields: &mut Fields,
) {
    let name = &channel.name;
    let rate = properties
        .get(&format!("chans.{name}.0.rateLogging"))
        .map_or_else(
            || meaning::text(&channel.rate_logging),
            |text| text.as_str().into(),
        );
    put(fields, aspect, &format!("{name}.rateLogging"), rate);
    for (part, text) in [
        ("type", channel.kind.clone()),
        ("sndBufSize", channel.send_buffer.to_string()),
        ("rcvBufSize", channel.receive_buffer.to_string()),
        ("transport", transport.to_owned()),
    ] {
        put_some(fields, aspect, &format!("{name}.{part}"), &text);
    }
}

fn function(call: &CallRole) -> Text {
    let meaning = call.function.as_ref().map(|code| {
        let mut meaning = String::new();
        meaning::expression(&code.expression, &mut meaning);
        let plain =
            matches!(&code.expression.node, expression::Node::Call { arguments, .. } if arguments.is_empty());
        if !plain && call.edition != Edition::default() {
            meaning.push_str(&call.edition.to_string());
        }
        meaning
    });
    Text {
        shown: call.text.clone(),
        meaning,
    }
}

/// The variables that expressions read at their moment, with the values that they have before anything runs.
fn reads(expressions: &[&Expression], stack: &Stack<'_>, fields: &mut Fields) {
    let mut names = std::collections::BTreeSet::new();
    for expression in expressions {
        meaning::names_in(expression, &mut names);
    }
    for name in &names {
        if let Some(value) = stack.get(name) {
            put(fields, Aspect::Read, name, value);
        }
        // A service reads variables by itself.
        let read = partita_stdlib::service(name).map_or(&[][..], |service| service.reads);
        for (name, value) in read.iter().flat_map(|pattern| matching(stack, pattern)) {
            put(fields, Aspect::Read, name, value);
        }
    }
}

/// The variables of a pattern: a name, or one in which a `*` stands for any text.
fn matching<'a>(stack: &Stack<'a>, pattern: &'a str) -> Vec<(&'a str, &'a str)> {
    if !pattern.contains('*') {
        return stack
            .get(pattern)
            .map(|value| (pattern, value))
            .into_iter()
            .collect();
    }
    let fits = |name: &str| {
        let mut rest = Some(name);
        for (place, piece) in pattern.split('*').enumerate() {
            rest = rest.and_then(|rest| match place {
                0 => rest.strip_prefix(piece),
                _ => rest.find(piece).and_then(|at| rest.get(at + piece.len()..)),
            });
        }
        rest.is_some_and(|rest| rest.is_empty() || pattern.ends_with('*'))
    };
    stack
        .consolidated()
        .into_iter()
        .filter(|(name, _)| fits(name))
        .collect()
}

/// The variables that templates read, those of the template's own aside.
fn read_by(templates: &[&Template], stack: &Stack<'_>) -> Vec<(String, String)> {
    let names = meaning::names_of(templates);
    let all = || stack.consolidated().into_keys().map(str::to_owned).collect();
    names
        .unwrap_or_else(all)
        .into_iter()
        .filter_map(|name| stack.get(&name).map(|value| (name.clone(), value.to_owned())))
        .collect()
}
