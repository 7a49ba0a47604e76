//! Things of one file that stand twice: sibling roles with one path, channels with one name, constraints on one
//! attribute.

use std::collections::BTreeMap;

use partita_artefact::ir::{
    Body, ChannelTemplate, ConstraintTemplate, Module, Range, RoleTemplate, TaskClass,
};

use super::file::File;
use crate::compile::walk;
use crate::diagnostic::{Code, Diagnostic, Label};

/// Sibling roles that have one path whatever the variables are (`template-language.md` 3.6).
pub(super) fn siblings(_: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    for role in walk::roles(&module.root) {
        if let Body::Aggregator(children) = &role.body {
            let mut seen: BTreeMap<(&str, String), &RoleTemplate> = BTreeMap::new();
            for child in children {
                findings.extend(repeated(child));
                let Some(name) = child.name.literal().filter(|_| child.iterator.is_none()) else {
                    continue;
                };
                // Alternatives have different conditions; the same one is true for both or for none.
                let key = (name, child.enabled.source());
                match seen.get(&key) {
                    Some(first) => findings.push(same_path(child, first)),
                    None => {
                        seen.insert(key, child);
                    }
                }
            }
        }
    }
}

fn same_path(role: &RoleTemplate, first: &RoleTemplate) -> Diagnostic {
    let message = format!("two roles are called `{}`", role.name.source());
    Diagnostic::of(Code::DuplicatePath, message)
        .at(Label::at(role.name.span))
        .and(Label::at(first.name.span).saying("the other one"))
        .hint("give them different names, or disable one of them")
}

/// An iterator with several roles that are all called alike.
fn repeated(role: &RoleTemplate) -> Option<Diagnostic> {
    let Range::Count { begin, end } = &role.iterator.as_ref()?.range else {
        return None;
    };
    let number = |text: Option<&str>| text?.trim().parse::<i64>().ok();
    let (begin, end) = (number(begin.literal())?, number(end.literal())?);
    let name = role.name.literal().filter(|_| end > begin)?;
    let message = format!("all roles of this iterator are called `{name}`");
    let variable = &role.iterator.as_ref()?.variable;
    Some(
        Diagnostic::of(Code::DuplicatePath, message)
            .at(Label::at(role.name.span))
            .hint(format!(
                "put its variable into the name: `{name}-{{{{ {variable} }}}}`"
            )),
    )
}

/// Channels and constraints of the roles of a workflow template.
pub(super) fn workflow_lists(_: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    for role in walk::roles(&module.root) {
        channels(role.connect.iter().map(|item| &item.channel), findings);
        channels(role.bind.iter().map(|item| &item.channel), findings);
        constraints(&role.constraints, findings);
    }
}

/// Channels and constraints of a task template.
pub(super) fn task_lists(_: &File<TaskClass>, class: &TaskClass, _: &str, findings: &mut Vec<Diagnostic>) {
    channels(class.connect.iter().map(|item| &item.channel), findings);
    channels(class.bind.iter().map(|item| &item.channel), findings);
    constraints(&class.constraints, findings);
}

fn channels<'a>(channels: impl Iterator<Item = &'a ChannelTemplate>, findings: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &ChannelTemplate> = BTreeMap::new();
    for channel in channels {
        match seen.get(channel.name.as_str()) {
            Some(first) => findings.push(
                Diagnostic::of(
                    Code::DuplicateChannel,
                    format!("two channels are called `{}`", channel.name),
                )
                .at(Label::at(channel.span))
                .and(Label::at(first.span).saying("the other one"))
                .hint("give them different names, or remove one"),
            ),
            None => {
                seen.insert(&channel.name, channel);
            }
        }
    }
}

/// Two literal values for one attribute. Where one is templated, both may be the same.
fn constraints(constraints: &[ConstraintTemplate], findings: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, (&str, &ConstraintTemplate)> = BTreeMap::new();
    for constraint in constraints {
        let Some(value) = constraint.value.literal() else {
            continue;
        };
        match seen.get(constraint.attribute.as_str()) {
            Some((first, _)) if *first == value => {}
            Some((first, place)) => {
                let attribute = &constraint.attribute;
                let message = format!("`{attribute}` cannot be `{first}` and `{value}`");
                findings.push(
                    Diagnostic::of(Code::ConstraintConflict, message)
                        .at(Label::at(constraint.span))
                        .and(Label::at(place.span).saying("this one is dropped"))
                        .hint("keep the one that is meant"),
                );
            }
            None => {
                seen.insert(&constraint.attribute, (value, constraint));
            }
        }
    }
}
