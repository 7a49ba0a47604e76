//! Variables that are defined and never matter, or that stand in the way of functions.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::ir::{Body, Module, RoleTemplate, Span, TaskClass, Variable};
use partita_artefact::similar::closest;

use super::file::File;
use super::names::{Names, in_script};
use super::revision::Revision;
use crate::compile::walk;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::source::Repositories;

/// What the core reads of the stack of a task (`template-language.md` 3.7).
const READ_OF_TASKS: [&str; 1] = ["pdp_override_run_start_time"];

/// Variables of a task template that nothing in it reads: nothing else can see them.
pub(super) fn task_template(
    file: &File<TaskClass>,
    class: &TaskClass,
    _: &str,
    findings: &mut Vec<Diagnostic>,
) {
    let names = &file.names;
    for variable in class.defaults.iter().chain(&class.vars) {
        let name = variable.name.as_str();
        if names.any || names.read.contains(name) || names.matches(name) || READ_OF_TASKS.contains(&name) {
            continue;
        }
        let message = format!("nothing in this task template reads its variable `{name}`");
        findings.push(
            Diagnostic::of(Code::UnusedVariable, message)
                .at(Label::at(variable.value.span))
                .hint("remove it, or read it: variables of a task template are seen by nothing else"),
        );
    }
}

/// Conditions of a GUI that read what it does not know: it is told the `!public` variables of this file, and no others
/// (`template-language.md` 10).
pub(super) fn conditions(file: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    let shown = || file.names.defined.iter().filter(|definition| definition.public);
    let roles = walk::roles(&module.root).into_iter();
    for variable in roles.flat_map(|role| role.defaults.iter().chain(&role.vars)) {
        let Some(spec) = &variable.spec else { continue };
        for (key, text) in [("visibleif", &spec.visible_if), ("enabledif", &spec.enabled_if)] {
            for name in in_script(text).collect::<BTreeSet<_>>() {
                if shown().any(|definition| *definition.name == *name) {
                    continue;
                }
                let message = format!(
                    "`{key}` of `{}` reads `$${name}`, which is no `!public` variable of this file",
                    variable.name
                );
                let finding =
                    Diagnostic::warning(Code::UndefinedVariable, message).at(Label::at(variable.value.span));
                let near = closest(name, shown().map(|definition| &*definition.name));
                findings.push(finding.hint(match near {
                    Some(near) => format!("did you mean `$${near}`?"),
                    None => format!("define `{name}: !public`: a GUI is told of nothing else"),
                }));
            }
        }
    }
}

/// Variables of roles that another one always beats (`template-language.md` 3.2, 3.4).
pub(super) fn workflow(_: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    beaten(&module.root, &mut Vec::new(), findings);
}

/// Of a role and all below it. `around` are the vars of the roles around, the nearest last.
fn beaten<'a>(role: &'a RoleTemplate, around: &mut Vec<(&'a str, Span)>, findings: &mut Vec<Diagnostic>) {
    let outside = around.len();
    if let Some(iterator) = &role.iterator {
        overwritten(role, &iterator.variable, iterator.span, findings);
        around.push((&iterator.variable, iterator.span));
    }
    let mut read = None;
    for default in role.defaults.iter().filter(|default| default.spec.is_none()) {
        let name = default.name.as_str();
        let outer = around.iter().rev().find(|(var, _)| *var == name);
        let own = role.vars.iter().find(|var| var.name == name);
        let by = match (outer, own) {
            (Some((_, span)), _) => *span,
            (None, Some(var)) => {
                // The vars of a role see its defaults.
                let read = read.get_or_insert_with(|| read_by_vars(role));
                if read.contains(name) || read.contains("*") {
                    continue;
                }
                var.value.span
            }
            (None, None) => continue,
        };
        let message = format!("default `{name}` is never used: a var beats it, wherever it stands");
        findings.push(
            Diagnostic::of(Code::ShadowedVariable, message)
                .at(Label::at(default.value.span))
                .and(Label::at(by).saying("this one counts"))
                .hint("remove one of the two; only what is given from outside beats `vars`"),
        );
    }
    around.extend(role.vars.iter().map(|var| (var.name.as_str(), var.value.span)));
    if let Body::Aggregator(children) = &role.body {
        for child in children {
            beaten(child, around, findings);
        }
    }
    around.truncate(outside);
}

/// What the vars of a role read; `*` if they may read anything.
fn read_by_vars(role: &RoleTemplate) -> BTreeSet<&str> {
    let mut read = BTreeSet::new();
    for used in super::fields::of_role(role) {
        if used.of.is_none() || used.stage != super::fields::Stage::Vars {
            continue;
        }
        let reads = used.code.expression.reads();
        if reads.any || !reads.overrides.is_empty() {
            read.insert("*");
        }
        read.extend(reads.variables.iter().map(|read| read.name));
    }
    read
}

/// The variable of an iterator takes the place of a var of the same name once the role is evaluated.
fn overwritten(role: &RoleTemplate, variable: &str, span: Span, findings: &mut Vec<Diagnostic>) {
    let own = role.vars.iter().find(|var| var.name == variable);
    // Written out, it does no harm: `card: "{{ card }}"`.
    let harmless = |var: &Variable| var.value.source().replace(' ', "") == format!("{{{{{variable}}}}}");
    if let Some(var) = own.filter(|var| !harmless(var)) {
        let message = format!("var `{variable}` has no effect: the variable of the iterator takes its place");
        findings.push(
            Diagnostic::of(Code::ShadowedVariable, message)
                .at(Label::at(var.value.span))
                .and(Label::at(span).saying("the iterator")),
        );
    }
}

/// Names that mean two things in a repository.
pub(super) fn names(revision: &Revision, _: &Repositories, findings: &mut Vec<Diagnostic>) {
    if !revision.settings.edition.variables_hide_no_function() {
        hidden_functions(revision, findings);
    }
    iterators(revision, findings);
}

fn hidden_functions(revision: &Revision, findings: &mut Vec<Diagnostic>) {
    let workflows = || revision.workflows.values().map(|file| &file.names);
    let tasks = || revision.tasks.values().map(|file| &file.names);
    let called: BTreeSet<&str> = workflows()
        .chain(tasks())
        .flat_map(|names| names.calls.iter().map(AsRef::as_ref))
        .collect();
    for names in workflows() {
        hiding(names, &called, findings);
    }
    for names in tasks() {
        let called = names.calls.iter().map(AsRef::as_ref).collect();
        hiding(names, &called, findings);
    }
}

/// Iterators whose variable somebody may give as well: what is given wins in the roles below (`template-language.md` 3.4).
fn iterators(revision: &Revision, findings: &mut Vec<Diagnostic>) {
    if revision.settings.edition.iterator_variable_beats_user_variable() {
        return;
    }
    let workflows = || revision.workflows.values().map(|file| &file.names);
    let mut given: BTreeMap<&str, Span> = BTreeMap::new();
    for names in workflows() {
        let public = names.defined.iter().filter(|definition| definition.public);
        given.extend(public.map(|definition| (&*definition.name, definition.span)));
    }
    let external = revision.settings.variables.iter();
    given.extend(external.map(|(name, external)| (name.as_str(), external.span)));
    for (variable, span) in workflows().flat_map(|names| &names.iterators) {
        if let Some(definition) = given.get(&**variable) {
            let message = format!(
                "somebody may give a variable `{variable}`: it beats the one of this iterator in the roles below"
            );
            findings.push(
                Diagnostic::of(Code::IteratorVariable, message)
                    .at(Label::at(*span))
                    .and(Label::at(*definition).saying("it may be given"))
                    .hint("choose another name for the variable of the iterator"),
            );
        }
    }
}

/// Variables that hide a built-in of the language where it is called (`template-language.md` 4.2).
fn hiding(names: &Names, called: &BTreeSet<&str>, findings: &mut Vec<Diagnostic>) {
    let variables = names
        .defined
        .iter()
        .map(|definition| (&definition.name, definition.span));
    let iterators = names.iterators.iter().map(|(name, span)| (name, *span));
    for (name, span) in variables.chain(iterators) {
        if called.contains(&**name) {
            let message = format!("the variable `{name}` hides the function `{name}(…)`, which is called");
            findings.push(
                Diagnostic::of(Code::HiddenFunction, message)
                    .at(Label::at(span))
                    .hint(format!("choose another name, or call `::{name}(…)`")),
            );
        }
    }
}
