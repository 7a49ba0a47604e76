//! Texts that become templates only when a tree is made or a transition happens: DPL commands, templated `func` of
//! calls, payloads of `config.GetLegacy`. Whoever runs an artefact has no parser, so they are parsed here: those that
//! the trial reaches, and, where it does not reach everything, those that can be foreseen.

use std::collections::BTreeSet;

use partita_artefact::expression::{Expression, Node};
use partita_artefact::ir::{Artefact, Body, Part, Span, Template};

use super::walk;
use crate::syntax::template;

/// Parses a text. True if it is new.
pub(super) fn parse(artefact: &mut Artefact, text: String) -> bool {
    if artefact.texts.contains_key(&text) {
        return false;
    }
    let template = template::parse(&text, Span::default());
    artefact.texts.insert(text, template);
    true
}

/// Parses what may be needed when an environment is created and later.
pub(super) fn supply(artefact: &mut Artefact) {
    let mut texts: BTreeSet<String> = artefact.commands.values().cloned().collect();
    let mut legacy = false;
    for module in artefact.modules.values() {
        for role in walk::roles(&module.root) {
            for template in walk::role_templates(role) {
                legacy |= calls_legacy(template);
            }
            if let Body::Call { func, .. } = &role.body {
                texts.extend(functions(func, artefact));
            }
        }
    }
    for class in artefact.classes.values() {
        legacy |= walk::class_templates(class).into_iter().any(calls_legacy);
    }
    if legacy {
        let payloads = artefact.configuration.iter();
        texts.extend(
            payloads
                .filter(|(key, _)| key.starts_with("o2/components/"))
                .map(|(_, payload)| payload.clone()),
        );
    }
    for text in texts.into_iter().filter(|text| text.contains("{{")) {
        parse(artefact, text);
    }
}

fn calls_legacy(template: &Template) -> bool {
    let expressions = template.parts.iter().filter_map(|part| match part {
        Part::Expression(code) => Some(&code.text),
        _ => None,
    });
    expressions
        .into_iter()
        .any(|text| text.contains("GetLegacy") || text.contains("GetConfigLegacy"))
}

/// What a templated `func` may become: the texts in its one expression, or what the variable in it is set to.
fn functions(func: &Template, artefact: &Artefact) -> Vec<String> {
    let [Part::Expression(code)] = func.parts.as_slice() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    outcomes(&code.expression, artefact, &mut found);
    found.into_iter().map(|text| format!("{{{{{text}}}}}")).collect()
}

fn outcomes(expression: &Expression, artefact: &Artefact, found: &mut Vec<String>) {
    match &expression.node {
        Node::Str(text) => found.push(text.clone()),
        Node::Conditional(_, yes, no) => {
            outcomes(yes, artefact, found);
            outcomes(no, artefact, found);
        }
        Node::Name(name) => {
            let roles = artefact
                .modules
                .values()
                .flat_map(|module| walk::roles(&module.root));
            let set = roles.flat_map(|role| role.defaults.iter().chain(&role.vars));
            let values = set
                .filter(|variable| variable.name == *name)
                .filter_map(|variable| variable.value.literal());
            found.extend(values.map(str::to_owned));
        }
        _ => {}
    }
}
