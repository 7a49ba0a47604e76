//! What a task has of its template and of the roles around it, without variables: constraints and channels that do not
//! count, and hooks that take each other's place.

use partita_artefact::instance::Moment;
use partita_artefact::ir::{
    Addressing, Body, ChannelTemplate, ConstraintTemplate, InboundTemplate, Template,
};

use super::channels::{bound, tasks, writers};
use super::expansion::{Role, Workflow};
use crate::compile::traps;
use crate::decode::BUFFER;
use crate::diagnostic::{Code, Diagnostic, Label};

/// Constraints that the reference does not look at: of several, only the last decides (`template-language.md` 2.8).
pub(super) fn constraints(workflow: &Workflow<'_>, findings: &mut Vec<Diagnostic>) {
    for (index, role) in tasks(workflow) {
        let merged = merged(workflow, index, role);
        // Nobody knows whether a value that is an expression is empty.
        let value = |constraint: &ConstraintTemplate| constraint.value.literal().unwrap_or("some").to_owned();
        if merged
            .iter()
            .any(|constraint| traps::pins(&constraint.attribute, &value(constraint)))
        {
            continue;
        }
        let Some((last, others)) = merged.split_last() else {
            continue;
        };
        for constraint in others {
            let finding = traps::ignored(
                (&constraint.attribute, constraint.span),
                (&last.attribute, last.span),
            );
            once(findings, finding);
        }
    }
}

/// The constraints of a task: of its template, then of the roles around it from the root on. One for the same attribute
/// takes the place of the one before. Those of an include are lost (7.1).
fn merged<'a>(workflow: &Workflow<'a>, task: usize, role: &Role<'a>) -> Vec<&'a ConstraintTemplate> {
    let mut around: Vec<&Role<'a>> = writers(workflow, task).map(|(_, role)| role).collect();
    around.reverse();
    let own = role.class.iter().flat_map(|(_, class)| &class.constraints);
    let mut merged: Vec<&ConstraintTemplate> = Vec::new();
    for constraint in own.chain(around.iter().flat_map(|role| &role.template.constraints)) {
        match merged
            .iter_mut()
            .find(|known| known.attribute == constraint.attribute)
        {
            Some(known) => *known = constraint,
            None => merged.push(constraint),
        }
    }
    merged
}

/// Texts of task templates that stand for a role and hold braces, which are never evaluated, where they count: no role has
/// the channel or constraint itself (2.7).
pub(super) fn class_texts(workflow: &Workflow<'_>, findings: &mut Vec<Diagnostic>) {
    let open = |text: &Template| text.literal().is_some_and(|text| text.contains("{{"));
    for (index, role) in tasks(workflow) {
        let Some((_, class)) = role
            .class
            .filter(|(_, class)| !class.edition.class_texts_are_evaluated())
        else {
            continue;
        };
        for own in class.bind.iter().filter(|own| open(&own.global)) {
            if bound(workflow, index)
                .iter()
                .any(|(_, bound)| std::ptr::eq(*bound, own))
            {
                once(findings, traps::unevaluated("global", own.channel.span));
            }
        }
        for own in class.constraints.iter().filter(|own| open(&own.value)) {
            if merged(workflow, index, role)
                .iter()
                .any(|known| std::ptr::eq(*known, own))
            {
                once(findings, traps::unevaluated("value", own.span));
            }
        }
    }
}

/// Channels that lose what one of the same name further out says: channels are never mixed, the nearest counts as a
/// whole (2.7).
pub(super) fn channels(workflow: &Workflow<'_>, findings: &mut Vec<Diagnostic>) {
    for (index, role) in tasks(workflow) {
        let around: Vec<&Role<'_>> = writers(workflow, index).map(|(_, role)| role).collect();
        let class = role.class.map(|(_, class)| class);
        let connect = around.iter().map(|role| role.template.connect.as_slice());
        let connect: Vec<Said<'_>> = connect
            .chain(class.map(|class| class.connect.as_slice()))
            .flatten()
            .map(|outbound| Said::of(&outbound.channel))
            .collect();
        let bind = around.iter().map(|role| role.template.bind.as_slice());
        let bind: Vec<Said<'_>> = bind
            .chain(class.map(|class| class.bind.as_slice()))
            .flatten()
            .map(Said::of_bound)
            .collect();
        for said in [connect, bind] {
            lost(&said, findings);
        }
    }
}

/// What a channel says, besides its name; fields that are left out have their default.
struct Said<'a> {
    channel: &'a ChannelTemplate,
    /// Name, value, and whether that is the default.
    fields: Vec<(&'static str, String, bool)>,
}

impl<'a> Said<'a> {
    fn of(channel: &'a ChannelTemplate) -> Self {
        let buffer = |name, messages: i64| (name, messages.to_string(), messages == BUFFER);
        let text = |name, text: String, default: &str| {
            let left_out = text == default;
            (name, text, left_out)
        };
        let fields = vec![
            text("type", channel.kind.clone(), ""),
            text("transport", channel.transport.clone(), "default"),
            buffer("sndBufSize", channel.send_buffer),
            buffer("rcvBufSize", channel.receive_buffer),
            text("rateLogging", channel.rate_logging.source(), "0"),
        ];
        Self { channel, fields }
    }

    fn of_bound(inbound: &'a InboundTemplate) -> Self {
        let mut said = Self::of(&inbound.channel);
        let global = &inbound.global;
        said.fields
            .push(("global", global.source(), global.parts.is_empty()));
        let ipc = inbound.addressing == Addressing::Ipc;
        said.fields
            .push(("addressing", if ipc { "ipc" } else { "tcp" }.to_owned(), !ipc));
        said
    }
}

/// Channels of one task, the nearest first.
fn lost(all: &[Said<'_>], findings: &mut Vec<Diagnostic>) {
    for (index, outer) in all.iter().enumerate() {
        let mut nearer = all.iter().take(index);
        let Some(nearest) = nearer.find(|nearer| nearer.channel.name == outer.channel.name) else {
            continue;
        };
        let fields: Vec<String> = outer
            .fields
            .iter()
            .zip(&nearest.fields)
            .filter(|((_, _, default), (_, _, left_out))| !default && *left_out)
            .map(|((name, value, _), _)| format!("`{name}: {value}`"))
            .collect();
        if fields.is_empty() {
            continue;
        }
        let message = format!(
            "channel `{}` counts as a whole: {} of the one further out is lost",
            outer.channel.name,
            fields.join(", ")
        );
        let finding = Diagnostic::of(Code::LostSetting, message)
            .at(Label::at(nearest.channel.span))
            .and(Label::at(outer.channel.span).saying("this one does not count"))
            .hint("write here what is meant to hold: channels of one name are never mixed");
        once(findings, finding);
    }
}

/// Hooks and calls at `DESTROY` that the reference leaves out, since others at `after_DESTROY` have the same weight
/// (`template-language.md` 11, 37).
pub(super) fn at_destroy(workflow: &Workflow<'_>, findings: &mut Vec<Diagnostic>) {
    let mut at: [Vec<(i32, &Template)>; 2] = Default::default();
    for role in &workflow.roles {
        let (Body::Task { traits, .. } | Body::Call { traits, .. }) = &role.template.body else {
            continue;
        };
        let Some(moment) = traits.trigger.literal().and_then(Moment::parse) else {
            continue;
        };
        let [during, after] = &mut at;
        match moment.name.as_str() {
            "DESTROY" => during.push((moment.weight, &traits.trigger)),
            "after_DESTROY" => after.push((moment.weight, &traits.trigger)),
            _ => {}
        }
    }
    let [during, after] = at;
    for (weight, trigger) in during {
        let Some((_, other)) = after.iter().find(|(other, _)| *other == weight) else {
            continue;
        };
        let message =
            "AliECS does not run what is at `DESTROY` if something at `after_DESTROY` has its weight";
        let finding = Diagnostic::of(Code::NeverFires, message)
            .at(Label::at(trigger.span))
            .and(Label::at(other.span).saying("this is run in its place"))
            .hint("give them different weights: `DESTROY-1`");
        once(findings, finding);
    }
}

/// Tasks share what is around them.
fn once(findings: &mut Vec<Diagnostic>, finding: Diagnostic) {
    if !findings.contains(&finding) {
        findings.push(finding);
    }
}
