//! When hooks and calls run, and how long they are awaited: moments that never come.

use partita_artefact::instance::Moment;
use partita_artefact::ir::{Body, Module, TraitsTemplate};
use partita_artefact::similar::closest;

use super::file::File;
use crate::compile::walk;
use crate::diagnostic::{Code, Diagnostic, Label};

/// Events of an environment, with the states that they lead from and to (`runtime.md` 2.1).
const EVENTS: [(&str, &[&str], &str); 6] = [
    ("DEPLOY", &["STANDBY"], "DEPLOYED"),
    ("CONFIGURE", &["DEPLOYED"], "CONFIGURED"),
    ("START_ACTIVITY", &["CONFIGURED"], "RUNNING"),
    ("STOP_ACTIVITY", &["RUNNING"], "CONFIGURED"),
    ("RESET", &["CONFIGURED"], "DEPLOYED"),
    (
        "GO_ERROR",
        &["STANDBY", "DEPLOYED", "CONFIGURED", "RUNNING"],
        "ERROR",
    ),
];
/// Declared in the reference and done by nothing.
const UNUSED_EVENTS: [&str; 2] = ["EXIT", "RECOVER"];
const STATES: [&str; 5] = ["STANDBY", "DEPLOYED", "CONFIGURED", "RUNNING", "ERROR"];

/// Hooks and calls of a workflow template.
pub(super) fn workflow(_: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    for role in walk::roles(&module.root) {
        match &role.body {
            Body::Task { traits, .. } => task(traits, findings),
            Body::Call { traits, .. } => {
                if traits.trigger.parts.is_empty() {
                    findings.push(
                        Diagnostic::of(Code::NeverFires, "the call has no `trigger`: it is never made")
                            .at(Label::at(role.name.span)),
                    );
                }
                call(traits, findings);
            }
            Body::Aggregator(_) | Body::Include(_) => {}
        }
    }
}

fn task(traits: &TraitsTemplate, findings: &mut Vec<Diagnostic>) {
    let trigger = moment("trigger", traits, findings);
    let awaited = written_await(traits);
    if awaited && traits.await_at.source() != traits.trigger.source() {
        let message = if traits.trigger.parts.is_empty() {
            "`await` has no effect without a `trigger`"
        } else {
            "`await` of a task has no effect: a hook is awaited at its trigger"
        };
        findings.push(Diagnostic::of(Code::NoEffect, message).at(Label::at(traits.await_at.span)));
    }
    if let Some(trigger) =
        trigger.filter(|trigger| ["before_DEPLOY", "leave_STANDBY"].contains(&trigger.name.as_str()))
    {
        let message = format!(
            "at `{}` there are no tasks yet: this one is never run",
            trigger.name
        );
        findings.push(
            Diagnostic::of(Code::NeverFires, message)
                .at(Label::at(traits.trigger.span))
                .hint("the first moment at which tasks run is `enter_DEPLOYED`"),
        );
    }
}

fn call(traits: &TraitsTemplate, findings: &mut Vec<Diagnostic>) {
    let trigger = moment("trigger", traits, findings);
    if !written_await(traits) {
        return;
    }
    let awaited = moment("await", traits, findings);
    let (Some(trigger), Some(awaited)) = (trigger, awaited) else {
        return;
    };
    // In every transition in which the call is made, that moment is over.
    let mut transitions = EVENTS
        .iter()
        .filter_map(|event| Some((order(event, &trigger)?, order(event, &awaited))))
        .peekable();
    let comes = transitions.peek().is_some();
    if comes && transitions.all(|(made, awaited)| awaited.is_some_and(|awaited| awaited < made)) {
        let message = format!(
            "`await`: `{awaited}` comes before the trigger `{trigger}`, so nothing awaits the call then"
        );
        findings.push(
            Diagnostic::of(Code::NeverFires, message)
                .at(Label::at(traits.await_at.span))
                .and(Label::at(traits.trigger.span).saying("the trigger"))
                .hint("it is awaited when that moment comes again, or cancelled at the end"),
        );
    }
}

/// A trigger that stands for its await was not written twice.
fn written_await(traits: &TraitsTemplate) -> bool {
    traits.await_at.span != traits.trigger.span && !traits.await_at.parts.is_empty()
}

/// The place of a moment within a transition.
fn order(event: &(&str, &[&str], &str), moment: &Moment) -> Option<(u8, i32)> {
    let (event, from, to) = event;
    let (kind, name) = split(&moment.name)?;
    let phase = match kind {
        "before" if name == *event => 0,
        "leave" if from.contains(&name) => 1,
        "enter" if name == *to => 2,
        "after" if name == *event => 3,
        _ => return None,
    };
    Some((phase, moment.weight))
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once('_')
        .filter(|(kind, _)| ["before", "leave", "enter", "after"].contains(kind))
}

/// The moment that a field names, where it is written down. Names of no known kind are told when the file is decoded.
fn moment(key: &str, traits: &TraitsTemplate, findings: &mut Vec<Diagnostic>) -> Option<Moment> {
    let field = if key == "await" {
        &traits.await_at
    } else {
        &traits.trigger
    };
    let moment = Moment::parse(field.literal()?)?;
    let (kind, name) = split(&moment.name)?;
    let label = Label::at(field.span);
    let is_event = matches!(kind, "before" | "after");
    if moment.name == "after_DESTROY" {
        return Some(moment);
    }
    if is_event && (UNUSED_EVENTS.contains(&name) || moment.name == "before_DESTROY") {
        let message = format!("`{key}`: nothing ever runs at `{}`", moment.name);
        let hint = match name {
            "DESTROY" => "`DESTROY` itself is the moment",
            "EXIT" => "environments end by `DESTROY`",
            _ => "an environment in error can only be destroyed",
        };
        findings.push(Diagnostic::of(Code::NeverFires, message).at(label).hint(hint));
        return None;
    }
    let known: Vec<&str> = if is_event {
        EVENTS.iter().map(|(event, ..)| *event).collect()
    } else {
        STATES.to_vec()
    };
    if known.contains(&name) {
        return Some(moment);
    }
    let what = if is_event { "event" } else { "state" };
    let message = format!(
        "`{key}`: there is no {what} `{name}`, so `{}` never comes",
        moment.name
    );
    let hint = match closest(name, known.iter().copied()) {
        Some(close) => format!("did you mean `{kind}_{close}`?"),
        None => format!("known are {}", known.join(", ")),
    };
    findings.push(Diagnostic::of(Code::NeverFires, message).at(label).hint(hint));
    None
}
