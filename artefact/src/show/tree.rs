//! Role trees as text.

use std::fmt::Write as _;

use super::json::mode;
use crate::identity;
use crate::instance::{Channel, Instance, Kind, Role, Traits};
use crate::ir::{Artefact, Body, Module, Range, RoleTemplate, TraitsTemplate};

/// Includes of an artefact are drawn no deeper than this: they may lead back to themselves.
const INCLUDES: usize = 8;

/// A line and the lines under it.
struct Branch {
    label: String,
    branches: Vec<Branch>,
}

/// A role tree: every role with its kind, task, constraints and channels, and a count at the end.
pub fn instance_tree(instance: &Instance) -> String {
    let mut text = draw(&role(&instance.root, None));
    let (mut roles, mut tasks, mut hooks, mut calls) = (0, 0, 0, 0);
    instance.walk(&mut |role, _| {
        roles += 1;
        match &role.kind {
            Kind::Aggregator => {}
            Kind::Task(task) if task.traits.trigger.is_some() => hooks += 1,
            Kind::Task(_) => tasks += 1,
            Kind::Call(_) => calls += 1,
        }
    });
    let _ = writeln!(
        text,
        "{}: {}, {}, {}",
        many(roles, "role"),
        many(tasks, "task"),
        many(hooks, "hook"),
        many(calls, "call")
    );
    for warning in &instance.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

/// The role templates of an artefact, as far as they are known before it is instantiated.
pub fn template_tree(artefact: &Artefact) -> String {
    match artefact.modules.get(&artefact.root) {
        Some(module) => draw(&template(artefact, module, &module.root, 0)),
        None => format!("there is no workflow template {}\n", artefact.root),
    }
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn draw(root: &Branch) -> String {
    let mut text = format!("{}\n", root.label);
    branches(&root.branches, "", &mut text);
    text
}

fn branches(all: &[Branch], indent: &str, text: &mut String) {
    for (place, branch) in all.iter().enumerate() {
        let last = place + 1 == all.len();
        let (fork, under) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        let _ = writeln!(text, "{indent}{fork}{}", branch.label);
        branches(&branch.branches, &format!("{indent}{under}"), text);
    }
}

/// A role. What it has from its parent is not repeated.
fn role(role: &Role, parent: Option<&Role>) -> Branch {
    let mut label = role.name.clone();
    let mut add = |text: String| {
        label.push_str("  ");
        label.push_str(&text);
    };
    if !role.enabled {
        add("disabled".to_owned());
    }
    if let Some(include) = &role.include {
        add(format!("include {}", short(&include.module)));
    }
    match &role.kind {
        Kind::Aggregator => {}
        Kind::Task(task) => add(format!("{} {}", mode(task.mode), short(&task.class))),
        Kind::Call(call) => {
            add(format!("call {}", call.text));
            if !call.returns.is_empty() {
                add(format!("-> {}", call.returns));
            }
        }
    }
    if let Some(traits) = role.traits() {
        when(traits).into_iter().for_each(&mut add);
    }
    for constraint in &role.constraints {
        if !parent.is_some_and(|parent| parent.constraints.contains(constraint)) {
            add(format!("{}={}", constraint.attribute, constraint.value));
        }
    }
    for inbound in &role.bind {
        if !parent.is_some_and(|parent| parent.bind.contains(inbound)) {
            let alias = if inbound.global.is_empty() {
                String::new()
            } else {
                format!(" as ::{}", inbound.global)
            };
            add(format!("bind {}{alias}", channel(&inbound.channel)));
        }
    }
    for outbound in &role.connect {
        if !parent.is_some_and(|parent| parent.connect.contains(outbound)) {
            add(format!(
                "connect {} to {}",
                channel(&outbound.channel),
                outbound.target
            ));
        }
    }
    if role.empty_iterators > 0 {
        add(format!("{} empty iterators", role.empty_iterators));
    }
    Branch {
        label,
        branches: role
            .roles
            .iter()
            .map(|child| self::role(child, Some(role)))
            .collect(),
    }
}

/// When a hook or call runs. Nothing for a task that simply lives.
fn when(traits: &Traits) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(trigger) = &traits.trigger {
        texts.push(format!("at {trigger}"));
        match &traits.await_at {
            Some(await_at) if await_at != trigger => texts.push(format!("until {await_at}")),
            _ => {}
        }
        texts.push(format!("within {}", traits.texts.timeout));
    }
    if !traits.critical {
        texts.push("not critical".to_owned());
    }
    texts
}

fn channel(channel: &Channel) -> String {
    let mut text = channel.name.clone();
    let transport = if channel.transport == "default" {
        ""
    } else {
        channel.transport.as_str()
    };
    let notes: Vec<_> = [channel.kind.as_str(), transport]
        .into_iter()
        .filter(|note| !note.is_empty())
        .collect();
    if !notes.is_empty() {
        let _ = write!(text, " ({})", notes.join(" "));
    }
    text
}

/// The last part of an identity, without revision.
pub fn short(identity: &str) -> &str {
    let path = identity.rsplit_once('@').map_or(identity, |(path, _)| path);
    path.rsplit_once("/tasks/")
        .or_else(|| path.rsplit_once("/workflows/"))
        .map_or(path, |(_, name)| name)
}

fn template(artefact: &Artefact, module: &Module, role: &RoleTemplate, includes: usize) -> Branch {
    let mut label = role.name.source();
    let mut add = |text: String| {
        label.push_str("  ");
        label.push_str(&text);
    };
    if let Some(iterator) = &role.iterator {
        let range = match &iterator.range {
            Range::List(list) => list.source(),
            Range::Count { begin, end } => format!("{} to {}", begin.source(), end.source()),
        };
        add(format!("for {} in {range}", iterator.variable));
    }
    if role.enabled.literal() != Some("true") {
        add(format!("if {}", role.enabled.source()));
    }
    let mut branches = Vec::new();
    match &role.body {
        Body::Aggregator(roles) => {
            branches = roles
                .iter()
                .map(|child| template(artefact, module, child, includes))
                .collect();
        }
        Body::Task { load, traits } => {
            let identity = identity::loaded(module, &load.source(), &artefact.revisions);
            let class = artefact.classes.get(&identity);
            add(format!(
                "{} {}",
                class.map_or("task", |class| mode(class.mode)),
                load.source()
            ));
            template_traits(traits).into_iter().for_each(&mut add);
        }
        Body::Call { func, traits, .. } => {
            add(format!("call {}", func.source()));
            template_traits(traits).into_iter().for_each(&mut add);
        }
        Body::Include(text) => {
            add(format!("include {}", text.source()));
            let identity = identity::included(module, &text.source(), &artefact.revisions);
            if includes < INCLUDES
                && let Some(module) = artefact.modules.get(&identity)
            {
                branches = template(artefact, module, &module.root, includes + 1).branches;
            }
        }
    }
    for constraint in &role.constraints {
        add(format!("{}={}", constraint.attribute, constraint.value.source()));
    }
    for inbound in &role.bind {
        add(format!("bind {}", inbound.channel.name));
    }
    for outbound in &role.connect {
        add(format!(
            "connect {} to {}",
            outbound.channel.name,
            outbound.channel.target.source()
        ));
    }
    Branch { label, branches }
}

fn template_traits(traits: &TraitsTemplate) -> Vec<String> {
    let mut texts = Vec::new();
    if traits.trigger.literal() != Some("") {
        texts.push(format!("at {}", traits.trigger.source()));
    }
    if !traits.critical {
        texts.push("not critical".to_owned());
    }
    texts
}
