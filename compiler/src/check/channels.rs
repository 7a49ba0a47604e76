//! The channels of a workflow without variables (`template-language.md` 2.7): those that fit under no variables.
//!
//! Whatever is not known can be anything: a target is dangling only if no channel could have its name.

use std::collections::BTreeMap;

use partita_artefact::ir::{Addressing, Body, ChannelTemplate, InboundTemplate, OutboundTemplate, Span};
use partita_artefact::similar::closest;

use super::expansion::{Role, Workflow};
use super::pattern::Pattern;
use super::symbolic::Paths;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::link::opposite;

/// Everything that tasks of a workflow bind.
struct Endpoints<'a> {
    list: Vec<Endpoint<'a>>,
    /// By the whole name, for those that are written alike.
    by_name: BTreeMap<Pattern, Vec<usize>>,
    /// Names that may be bound in what is not known.
    unknown: Vec<Pattern>,
}

struct Endpoint<'a> {
    /// Index of the task role.
    role: usize,
    name: Pattern,
    channel: &'a InboundTemplate,
}

/// Reports what is wrong with the channels of a workflow.
pub(super) fn channels(workflow: &Workflow<'_>, findings: &mut Vec<Diagnostic>) {
    let alone = workflow.is_alone();
    let paths = Paths::new(workflow, alone);
    let endpoints = Endpoints::of(workflow, &paths, alone);
    clashes(workflow, &endpoints, findings);
    for (index, _) in tasks(workflow) {
        for (writer, outbound) in connected(workflow, index) {
            let channel = &outbound.channel;
            let target = paths.evaluate(&channel.target, writer);
            if !alone && Paths::below_root(&target).is_none() {
                continue;
            }
            let one = Connection {
                workflow,
                task: index,
                path: paths.path(index),
                channel,
                target,
            };
            findings.extend(one.check(&endpoints, &paths));
        }
    }
}

pub(super) fn tasks<'w, 'a>(workflow: &'w Workflow<'a>) -> impl Iterator<Item = (usize, &'w Role<'a>)> {
    let roles = workflow.roles.iter().enumerate();
    roles.filter(|(_, role)| matches!(role.template.body, Body::Task { .. }))
}

/// The roles that a task has channels of: its own and those around it. Those of an include are dropped (7.1).
pub(super) fn writers<'w, 'a>(
    workflow: &'w Workflow<'a>,
    task: usize,
) -> impl Iterator<Item = (usize, &'w Role<'a>)> {
    let around = std::iter::successors(Some(task), |index| workflow.roles.get(*index)?.parent);
    around
        .filter_map(|index| Some((index, workflow.roles.get(index)?)))
        .filter(|(_, role)| !matches!(role.template.body, Body::Include(_)))
}

/// Outbound channels of a task with the index of the role they are written on: the nearest of each name (2.7).
fn connected<'a>(workflow: &Workflow<'a>, task: usize) -> Vec<(usize, &'a OutboundTemplate)> {
    let mut found: Vec<(usize, &'a OutboundTemplate)> = Vec::new();
    let class = workflow.roles.get(task).and_then(|role| role.class);
    let written = writers(workflow, task)
        .flat_map(|(index, role)| role.template.connect.iter().map(move |channel| (index, channel)))
        .chain(
            class
                .iter()
                .flat_map(|(_, class)| class.connect.iter().map(|channel| (task, channel))),
        );
    for (index, outbound) in written {
        if !found
            .iter()
            .any(|(_, known)| known.channel.name == outbound.channel.name)
        {
            found.push((index, outbound));
        }
    }
    found
}

/// The same of inbound channels.
pub(super) fn bound<'a>(workflow: &Workflow<'a>, task: usize) -> Vec<(usize, &'a InboundTemplate)> {
    let mut found: Vec<(usize, &'a InboundTemplate)> = Vec::new();
    let class = workflow.roles.get(task).and_then(|role| role.class);
    let written = writers(workflow, task)
        .flat_map(|(index, role)| role.template.bind.iter().map(move |channel| (index, channel)))
        .chain(
            class
                .iter()
                .flat_map(|(_, class)| class.bind.iter().map(|channel| (task, channel))),
        );
    for (index, inbound) in written {
        if !found
            .iter()
            .any(|(_, known)| known.channel.name == inbound.channel.name)
        {
            found.push((index, inbound));
        }
    }
    found
}

impl<'a> Endpoints<'a> {
    fn of(workflow: &Workflow<'a>, paths: &Paths<'_>, alone: bool) -> Self {
        let mut endpoints = Self {
            list: Vec::new(),
            by_name: BTreeMap::new(),
            unknown: Vec::new(),
        };
        for (index, role) in workflow.roles.iter().enumerate() {
            let path = paths.path(index);
            match &role.template.body {
                Body::Task { .. } => endpoints.task(workflow, paths, index, role, &path),
                Body::Include(_) if workflow.is_open_at(index) => endpoints.anything(&path, "."),
                _ => {}
            }
        }
        if workflow.open || !alone {
            endpoints.anything(&Pattern::text("::"), "");
        }
        endpoints
    }

    fn task(
        &mut self,
        workflow: &Workflow<'a>,
        paths: &Paths<'_>,
        index: usize,
        role: &Role<'a>,
        path: &Pattern,
    ) {
        for (writer, inbound) in bound(workflow, index) {
            let mut name = path.clone();
            name.push_text(":");
            name.push_text(&inbound.channel.name);
            self.add(index, name, inbound);
            let global = paths.evaluate(&inbound.global, writer);
            if global.known() != Some("") {
                let mut name = Pattern::text("::");
                name.push(&global);
                self.add(index, name, inbound);
            }
        }
        if role.class.is_none() {
            self.anything(path, ":");
            self.anything(&Pattern::text("::"), "");
        }
    }

    fn add(&mut self, role: usize, name: Pattern, channel: &'a InboundTemplate) {
        self.by_name
            .entry(name.clone())
            .or_default()
            .push(self.list.len());
        self.list.push(Endpoint { role, name, channel });
    }

    /// Anything that begins like this may be bound.
    fn anything(&mut self, beginning: &Pattern, more: &str) {
        let mut pattern = beginning.clone();
        pattern.push_text(more);
        pattern.push(&Pattern::hole("…"));
        self.unknown.push(pattern);
    }

    /// The endpoints that a target can mean.
    fn reached(&self, target: &Pattern) -> Vec<&Endpoint<'a>> {
        match self.by_name.get(target) {
            Some(exact) => exact.iter().filter_map(|index| self.list.get(*index)).collect(),
            None => self
                .list
                .iter()
                .filter(|endpoint| endpoint.name.meets(target))
                .collect(),
        }
    }
}

/// A channel that connects.
struct Connection<'w, 'a> {
    workflow: &'w Workflow<'a>,
    task: usize,
    path: Pattern,
    channel: &'a ChannelTemplate,
    target: Pattern,
}

impl Connection<'_, '_> {
    fn check(&self, endpoints: &Endpoints<'_>, paths: &Paths<'_>) -> Option<Diagnostic> {
        let address = |scheme| {
            self.target.meets(&{
                let mut pattern = Pattern::text(scheme);
                pattern.push(&Pattern::hole("…"));
                pattern
            })
        };
        let somewhere = ["tcp://", "ipc://"].into_iter().any(address)
            || endpoints
                .unknown
                .iter()
                .any(|unknown| unknown.meets(&self.target));
        let reached = endpoints.reached(&self.target);
        if reached.is_empty() {
            return (!somewhere).then(|| self.dangling(endpoints));
        }
        if somewhere {
            return None;
        }
        self.direction(&reached, paths)
            .or_else(|| self.across_hosts(&reached, paths))
    }

    fn dangling(&self, endpoints: &Endpoints<'_>) -> Diagnostic {
        let (channel, path, target) = (&self.channel.name, &self.path, &self.target);
        let message = if self.channel.target.parts.is_empty() {
            format!("`{path}` connects its channel `{channel}` to nothing: CONFIGURE would fail")
        } else {
            format!(
                "`{path}` connects its channel `{channel}` to `{target}`, which nothing binds: CONFIGURE would fail"
            )
        };
        let diagnostic = Diagnostic::of(Code::DanglingChannel, message).at(Label::at(self.channel.span));
        let names: Vec<String> = endpoints
            .list
            .iter()
            .map(|endpoint| endpoint.name.to_string())
            .collect();
        let diagnostic = match closest(&target.to_string(), names.iter().map(String::as_str)) {
            Some(close) => diagnostic.hint(format!("did you mean `{close}`?")),
            None => diagnostic,
        };
        self.lowered(diagnostic)
    }

    fn direction(&self, reached: &[&Endpoint<'_>], paths: &Paths<'_>) -> Option<Diagnostic> {
        let here = self.channel.kind.as_str();
        let wanted = opposite(here)?;
        let wrong = |endpoint: &&Endpoint<'_>| {
            let there = endpoint.channel.channel.kind.as_str();
            !there.is_empty() && there != wanted
        };
        let first = reached.iter().all(wrong).then(|| reached.first())??;
        let there = &first.channel.channel.kind;
        let message = format!(
            "`{}` connects `{}` as {here} to a {there} of `{}`: no data would flow",
            self.path,
            self.channel.name,
            paths.path(first.role)
        );
        let diagnostic = Diagnostic::of(Code::ChannelDirection, message)
            .at(Label::at(self.channel.span))
            .and(Label::at(first.channel.channel.span).saying("the other end"))
            .hint(format!("{here} goes with {wanted}"));
        Some(self.lowered(diagnostic))
    }

    fn across_hosts(&self, reached: &[&Endpoint<'_>], paths: &Paths<'_>) -> Option<Diagnostic> {
        let here = host(self.workflow, paths, self.task)?;
        let mut hosts = Vec::new();
        for endpoint in reached {
            let there = host(self.workflow, paths, endpoint.role)?;
            if endpoint.channel.addressing != Addressing::Ipc || there == here {
                return None;
            }
            hosts.push(there);
        }
        let (first, there) = reached.first().zip(hosts.first())?;
        let message = format!(
            "`{}` on {here} connects `{}` to an ipc channel of `{}` on {there}",
            self.path,
            self.channel.name,
            paths.path(first.role)
        );
        let diagnostic = Diagnostic::of(Code::IpcAcrossHosts, message)
            .at(Label::at(self.channel.span))
            .and(Label::at(first.channel.channel.span).saying("the other end"))
            .hint("ipc reaches only the same host: use `addressing: tcp` where it is bound");
        Some(self.lowered(diagnostic))
    }

    /// A role that may be disabled harms only when it is not.
    fn lowered(&self, diagnostic: Diagnostic) -> Diagnostic {
        let conditional = self
            .workflow
            .roles
            .get(self.task)
            .is_none_or(|role| role.conditional);
        if conditional {
            diagnostic.as_warning()
        } else {
            diagnostic
        }
    }
}

/// The machine that a task is pinned to, if that is known: the nearest constraint, that of the task template last (2.8).
fn host(workflow: &Workflow<'_>, paths: &Paths<'_>, task: usize) -> Option<String> {
    let class = workflow.roles.get(task).and_then(|role| role.class);
    let pinned = writers(workflow, task)
        .map(|(index, role)| (index, &role.template.constraints))
        .chain(class.iter().map(|(_, class)| (task, &class.constraints)))
        .find_map(|(index, constraints)| {
            let found = constraints
                .iter()
                .rfind(|constraint| constraint.attribute == "machine_id")?;
            Some(paths.evaluate(&found.value, index))
        })?;
    pinned.known().filter(|host| !host.is_empty()).map(str::to_owned)
}

/// Global names that two tasks bind for certain.
fn clashes(workflow: &Workflow<'_>, endpoints: &Endpoints<'_>, findings: &mut Vec<Diagnostic>) {
    let certain = |endpoint: &&Endpoint<'_>| {
        workflow
            .roles
            .get(endpoint.role)
            .is_some_and(|role| !role.conditional && !role.repeated)
    };
    for (name, same) in &endpoints.by_name {
        let Some(known) = name.known().filter(|name| name.starts_with("::")) else {
            continue;
        };
        let mut same = same
            .iter()
            .filter_map(|index| endpoints.list.get(*index))
            .filter(certain);
        let Some(first) = same.next() else { continue };
        findings
            .extend(same.map(|second| clash(known, first.channel.channel.span, second.channel.channel.span)));
    }
}

fn clash(name: &str, first: Span, second: Span) -> Diagnostic {
    let message = format!("`{name}` is bound by two tasks: CONFIGURE would fail");
    let diagnostic = Diagnostic::of(Code::ChannelClash, message).at(Label::at(second));
    let diagnostic = if first == second {
        diagnostic
    } else {
        diagnostic.and(Label::at(first).saying("the other one"))
    };
    diagnostic.hint("give each its own name, for instance with the iterator's variable in it")
}
