//! What the reference passes over in silence and only the given variables or the whole tree show.

use partita_artefact::instance::{Instance, Kind, Role};
use partita_artefact::ir::{Artefact, Body, ControlMode, Span};

use super::walk;
use crate::diagnostic::{Code, Diagnostic, Label};

/// The attribute by which the reference chooses offers before it looks at constraints (`template-language.md` 2.8).
const MACHINE: &str = "machine_id";

/// User variables that have no effect, or not the one that they seem to have.
pub(super) fn of_given(artefact: &Artefact) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for name in artefact.given.user.keys().filter(|name| name.contains(':')) {
        let message = format!("variable `{name}` is for one role only, which nothing does");
        let warning =
            Diagnostic::warning(Code::NoEffect, message).hint("give it to all roles, without the path");
        diagnostics.push(if artefact.edition.scoped_variables_are_refused() {
            warning.as_error()
        } else {
            warning
        });
    }
    for module in artefact.modules.values() {
        if module.edition.iterator_variable_beats_user_variable() {
            continue;
        }
        for role in walk::roles(&module.root) {
            let Some(iterator) = &role.iterator else { continue };
            let has_children = matches!(role.body, Body::Aggregator(_) | Body::Include(_));
            if has_children && artefact.given.user.contains_key(&iterator.variable) {
                diagnostics.push(iterator_variable(&iterator.variable, Label::at(iterator.span)));
            }
        }
    }
    diagnostics
}

/// A user variable beats that of an iterator below the instances (3.4).
fn iterator_variable(name: &str, label: Label) -> Diagnostic {
    let message = format!("`{name}` is the item here, but the user variable of that name below");
    Diagnostic::of(Code::IteratorVariable, message)
        .at(label)
        .hint("give the iterator a variable that nobody sets")
}

/// What only the tree shows.
pub(super) fn of_instance(instance: &Instance) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    instance.walk(&mut |role, _| {
        let found = ignored_constraints(role)
            .chain(left_over(role))
            .chain(kept(role))
            .chain(braces(role));
        for diagnostic in found {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
    });
    diagnostics
}

/// Constraints that the reference does not look at: of several, only the last decides (2.8).
fn ignored_constraints(role: &Role) -> impl Iterator<Item = Diagnostic> {
    let pinned = || {
        let mut all = role.constraints.iter();
        all.any(|constraint| pins(&constraint.attribute, &constraint.value))
    };
    let decided = role.constraints.split_last();
    let decided = decided.filter(|_| role.task().is_some() && !pinned());
    decided.into_iter().flat_map(|(last, others)| {
        let last = (last.attribute.as_str(), last.span);
        others
            .iter()
            .map(move |constraint| ignored((&constraint.attribute, constraint.span), last))
    })
}

/// A time-out whose trigger turned out empty: a task without one has none (2.5).
fn left_over(role: &Role) -> Option<Diagnostic> {
    let Kind::Task(task) = &role.kind else { return None };
    let traits = &task.traits;
    let lives = matches!(task.mode, ControlMode::Basic) && traits.texts.trigger.is_empty();
    if !lives || !matches!(traits.timeout, Ok(timeout) if !timeout.is_zero()) {
        return None;
    }
    let timeout = &traits.texts.timeout;
    let message = format!("the trigger is empty, and its time-out stays: this task is ended after {timeout}");
    let diagnostic = Diagnostic::of(Code::EmptyTrigger, message).at(Label::at(role.span));
    Some(diagnostic.hint("write `timeout: 0s`"))
}

/// A role without roles, kept by an iterator that ran over nothing (3.5).
fn kept(role: &Role) -> Option<Diagnostic> {
    let kept = role.enabled && role.roles.is_empty() && role.empty_iterators > 0;
    kept.then(|| {
        let message = format!(
            "`{}` has no roles: an iterator in it that runs over nothing keeps it",
            role.path
        );
        Diagnostic::of(Code::EmptyIterator, message)
            .at(Label::at(role.span))
            .hint("give it an `enabled` that is false then")
    })
}

/// Expressions of a task template that stay as they are written.
fn braces(role: &Role) -> impl Iterator<Item = Diagnostic> {
    let bound = role.bind.iter();
    let bound = bound.map(|inbound| ("global", &inbound.global, inbound.channel.span));
    let constraints = role.constraints.iter();
    bound
        .chain(constraints.map(|constraint| ("value", &constraint.value, constraint.span)))
        .filter(|(_, text, _)| role.task().is_some() && text.contains("{{"))
        .map(|(key, _, span)| unevaluated(key, span))
}

/// A text of a task template that stands for a role, and is never evaluated (2.7).
pub(crate) fn unevaluated(key: &str, span: Span) -> Diagnostic {
    let message = format!("`{key}` of a task template is not evaluated: the braces stay");
    Diagnostic::of(Code::NoEffect, message)
        .at(Label::at(span))
        .hint("write it on the role that loads the task template")
}

/// Whether a constraint says which machine it is: the reference chooses offers by it before it looks at any, so the others
/// have nothing to decide.
pub(crate) fn pins(attribute: &str, value: &str) -> bool {
    attribute == MACHINE && !value.is_empty()
}

/// A constraint that the reference does not look at, since `last` comes after it.
pub(crate) fn ignored((attribute, span): (&str, Span), (last, decides): (&str, Span)) -> Diagnostic {
    let message = format!("AliECS does not look at `{attribute}`, since `{last}` comes after it");
    let diagnostic = Diagnostic::of(Code::IgnoredConstraint, message).at(Label::at(span));
    let diagnostic = if decides == span {
        diagnostic
    } else {
        diagnostic.and(Label::at(decides).saying("this one decides"))
    };
    diagnostic.hint("pin the task by `machine_id`, which always counts")
}
