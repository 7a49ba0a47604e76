//! The nodes of templates, as they are written: what an artefact is before it is instantiated.

use std::collections::BTreeSet;

use super::field::{Aspect, Field, Fields, Text, Value};
use super::{Digests, Kind, Node, meaning};
use crate::ir::{
    Addressing, Artefact, Body, ChannelTemplate, CommandTemplate, ConstraintTemplate, Edition,
    InboundTemplate, Module, OutboundTemplate, Range, RoleTemplate, TaskClass, Template, TraitsTemplate,
    Variable,
};
use crate::show::{mode, short};

/// The workflow and task templates of an artefact, each as a child of a node that stands for all of them.
pub fn of_templates(artefact: &Artefact) -> Node {
    let modules = artefact.modules.iter().map(|(identity, module)| {
        let name = unpinned(identity);
        let mut node = self::module(module, &name);
        node.path.clone_from(&name);
        node.name = name;
        node
    });
    let classes = artefact.classes.iter().map(|(identity, template)| {
        let mut node = class(template);
        node.name = unpinned(identity);
        node.path.clone_from(&node.name);
        node
    });
    let children: Vec<Node> = modules.chain(classes).collect();
    let (kind, fields) = (Kind::Aggregator, Fields::new());
    Node {
        name: String::new(),
        path: String::new(),
        kind,
        what: String::new(),
        span: artefact
            .modules
            .get(&artefact.root)
            .map(|root| root.root.span)
            .unwrap_or_default(),
        critical: true,
        peers: Vec::new(),
        digests: Digests::new(kind, &fields, &children),
        fields,
        children,
    }
}

/// An identity without its revision.
fn unpinned(identity: &str) -> String {
    identity
        .rsplit_once('@')
        .map_or(identity, |(path, _)| path)
        .to_owned()
}

/// A workflow template; `name` is put in front of the paths of its roles.
pub fn module(module: &Module, name: &str) -> Node {
    let mut node = role(&module.root, name);
    edition(module.edition, &mut node.fields);
    node.digests = Digests::new(node.kind, &node.fields, &node.children);
    node
}

/// A role template and all below it; `module` says in which file.
pub fn role(template: &RoleTemplate, module: &str) -> Node {
    node(template, &format!("{module}:"))
}

fn edition(edition: Edition, fields: &mut Fields) {
    if edition != Edition::default() {
        put(fields, Aspect::Edition, "", edition.to_string());
    }
}

fn node(template: &RoleTemplate, parent: &str) -> Node {
    let name = template.name.source();
    let path = if parent.ends_with(':') {
        format!("{parent}{name}")
    } else {
        format!("{parent}.{name}")
    };
    let children: Vec<Node> = match &template.body {
        Body::Aggregator(roles) => roles.iter().map(|child| node(child, &path)).collect(),
        _ => Vec::new(),
    };
    let mut fields = Fields::new();
    put_unless(&mut fields, Aspect::Enabled, "", &template.enabled, "true");
    variables(&template.defaults, Aspect::Default, &mut fields);
    variables(&template.vars, Aspect::Var, &mut fields);
    lists(
        &template.constraints,
        &template.connect,
        &template.bind,
        &mut fields,
    );
    if let Some(iterator) = &template.iterator {
        let range = match &iterator.range {
            Range::List(list) => vec![meaning::text(list)],
            Range::Count { begin, end } => vec![meaning::text(begin), meaning::text(end)],
        };
        put(
            &mut fields,
            Aspect::Iterator,
            &iterator.variable,
            Value::List(range),
        );
    }
    let (kind, what) = match &template.body {
        Body::Aggregator(_) => (Kind::Aggregator, String::new()),
        Body::Task { load, traits: when } => {
            put(&mut fields, Aspect::Load, "", meaning::text(load));
            traits(when, &mut fields);
            (Kind::Task, short(&load.source()).to_owned())
        }
        Body::Call {
            func,
            returns,
            traits: when,
            ..
        } => {
            put(&mut fields, Aspect::Function, "", meaning::text(func));
            put_unless(&mut fields, Aspect::Returns, "", returns, "");
            traits(when, &mut fields);
            (Kind::Call, func.source())
        }
        Body::Include(text) => {
            put(&mut fields, Aspect::Include, "", meaning::text(text));
            (Kind::Include, text.source())
        }
    };
    let critical = match &template.body {
        Body::Task { traits, .. } | Body::Call { traits, .. } => traits.critical,
        Body::Aggregator(_) => children.iter().any(|child| child.critical),
        Body::Include(_) => true,
    };
    Node {
        name,
        path,
        kind,
        what,
        span: template.span,
        critical,
        peers: Vec::new(),
        digests: Digests::new(kind, &fields, &children),
        fields,
        children,
    }
}

/// A task template.
pub fn class(template: &TaskClass) -> Node {
    let mut fields = Fields::new();
    edition(template.edition, &mut fields);
    // Properties see these texts unevaluated (template-language.md 3.7), so there the text itself counts.
    let handed_on = handed_on(template);
    for (aspect, block) in [
        (Aspect::Default, &template.defaults),
        (Aspect::Var, &template.vars),
    ] {
        for variable in block {
            let raw = handed_on
                .as_ref()
                .is_none_or(|names| names.contains(&variable.name));
            let text = if raw { meaning::verbatim } else { meaning::text };
            put(&mut fields, aspect, &variable.name, text(&variable.value));
        }
    }
    put(&mut fields, Aspect::Mode, "", mode(template.mode));
    if let Some(template) = &template.command {
        command(template, &mut fields);
    }
    super::instance::resources(&template.wants, &template.limits, &mut fields);
    properties(template, &mut fields);
    lists(
        &template.constraints,
        &template.connect,
        &template.bind,
        &mut fields,
    );
    let kind = Kind::Task;
    Node {
        name: template.name.clone(),
        path: template.name.clone(),
        kind,
        what: template.name.clone(),
        span: template.span,
        critical: true,
        peers: Vec::new(),
        digests: Digests::new(kind, &fields, &[]),
        fields,
        children: Vec::new(),
    }
}

/// Names that what is pushed with the properties may read; `None`: any.
fn handed_on(template: &TaskClass) -> Option<BTreeSet<String>> {
    let mut read = meaning::values(&template.properties);
    let channels = template.bind.iter().map(|item| &item.channel);
    for channel in channels.chain(template.connect.iter().map(|item| &item.channel)) {
        read.extend([&channel.rate_logging, &channel.target]);
    }
    meaning::names_of(&read)
}

/// The command as it is written.
pub(super) fn command(template: &CommandTemplate, fields: &mut Fields) {
    put(fields, Aspect::Command, "value", meaning::text(&template.value));
    for (key, texts) in [("arguments", &template.arguments), ("env", &template.env)] {
        if !texts.is_empty() {
            put(fields, Aspect::Command, key, meaning::list(texts));
        }
    }
    put_unless(fields, Aspect::Command, "user", &template.user, "");
    put(fields, Aspect::Command, "shell", template.shell.to_string());
    for (key, text) in [("stdout", &template.stdout), ("stderr", &template.stderr)] {
        if let Some(text) = text {
            put(fields, Aspect::Command, key, meaning::text(text));
        }
    }
}

/// The properties as they are written.
pub(super) fn properties(template: &TaskClass, fields: &mut Fields) {
    variables(&template.properties, Aspect::Property, fields);
}

fn put(fields: &mut Fields, aspect: Aspect, key: &str, value: impl Into<Value>) {
    fields.insert(Field::new(aspect, key), value.into());
}

fn put_unless(fields: &mut Fields, aspect: Aspect, key: &str, template: &Template, usual: &str) {
    if template.literal() != Some(usual) {
        put(fields, aspect, key, meaning::text(template));
    }
}

fn variables(block: &[Variable], aspect: Aspect, fields: &mut Fields) {
    for variable in block {
        put(fields, aspect, &variable.name, meaning::text(&variable.value));
    }
}

fn traits(traits: &TraitsTemplate, fields: &mut Fields) {
    if !traits.critical {
        put(fields, Aspect::Critical, "", "false");
    }
    if traits.trigger.literal() == Some("") {
        return;
    }
    let trigger = meaning::text(&traits.trigger);
    let await_at = meaning::text(&traits.await_at);
    if await_at != trigger {
        put(fields, Aspect::Await, "", await_at);
    }
    put(fields, Aspect::Trigger, "", trigger);
    put(fields, Aspect::Timeout, "", meaning::text(&traits.timeout));
}

fn lists(
    constraints: &[ConstraintTemplate],
    connect: &[OutboundTemplate],
    bind: &[InboundTemplate],
    fields: &mut Fields,
) {
    // Others are never matched.
    for demand in constraints.iter().filter(|one| one.operator == 0) {
        put(
            fields,
            Aspect::Constraint,
            &demand.attribute,
            meaning::text(&demand.value),
        );
    }
    for OutboundTemplate { channel } in connect {
        put(
            fields,
            Aspect::Connect,
            &channel.name,
            meaning::text(&channel.target),
        );
        detail(Aspect::ConnectDetail, channel, fields);
    }
    for inbound in bind {
        let name = &inbound.channel.name;
        let addressing = match inbound.addressing {
            Addressing::Tcp => "tcp",
            Addressing::Ipc => "ipc",
        };
        put(fields, Aspect::Bind, name, addressing);
        put_unless(
            fields,
            Aspect::Global,
            &format!("{name}.global"),
            &inbound.global,
            "",
        );
        put_unless(
            fields,
            Aspect::BindDetail,
            &format!("{name}.target"),
            &inbound.channel.target,
            "",
        );
        detail(Aspect::BindDetail, &inbound.channel, fields);
    }
}

fn detail(aspect: Aspect, channel: &ChannelTemplate, fields: &mut Fields) {
    let name = &channel.name;
    let texts: [(&str, Text); 5] = [
        ("type", channel.kind.as_str().into()),
        ("sndBufSize", channel.send_buffer.to_string().into()),
        ("rcvBufSize", channel.receive_buffer.to_string().into()),
        ("transport", channel.transport.as_str().into()),
        ("rateLogging", meaning::text(&channel.rate_logging)),
    ];
    for (part, text) in texts {
        put(fields, aspect, &format!("{name}.{part}"), text);
    }
}
