//! What the reference passes over in silence and only the given variables or the whole tree show.

use partita_artefact::instance::{Constraint, Instance};
use partita_artefact::ir::{Artefact, Body};

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

/// Constraints that the reference does not look at: of several, only the last decides (2.8).
pub(super) fn of_instance(instance: &Instance) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    instance.walk(&mut |role, _| {
        let Some((last, others)) = role.constraints.split_last().filter(|_| role.task().is_some()) else {
            return;
        };
        let chosen =
            |constraint: &Constraint| constraint.attribute == MACHINE && !constraint.value.is_empty();
        for constraint in others.iter().filter(|constraint| !chosen(constraint)) {
            let diagnostic = ignored(constraint, last);
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
    });
    diagnostics
}

fn ignored(constraint: &Constraint, last: &Constraint) -> Diagnostic {
    let message = format!(
        "AliECS does not look at `{}`, since `{}` comes after it",
        constraint.attribute, last.attribute
    );
    let diagnostic = Diagnostic::of(Code::IgnoredConstraint, message).at(Label::at(constraint.span));
    let diagnostic = if last.span == constraint.span {
        diagnostic
    } else {
        diagnostic.and(Label::at(last.span).saying("this one decides"))
    };
    diagnostic.hint("pin the task by `machine_id`, which always counts")
}
