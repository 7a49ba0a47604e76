//! Shell commands with variables in them that a quote would break.

use partita_artefact::expression::{Expression, Node};
use partita_artefact::ir::{Part, TaskClass, Template};

use super::file::File;
use crate::diagnostic::{Code, Diagnostic, Label};

/// Each text of a shell command into which a variable is put so that its value can end the quotes around it, or is
/// read as shell text.
pub(super) fn quoting(_: &File<TaskClass>, class: &TaskClass, _: &str, findings: &mut Vec<Diagnostic>) {
    let Some(command) = class.command.as_ref().filter(|command| command.shell) else {
        return;
    };
    for template in std::iter::once(&command.value).chain(&command.arguments) {
        if let Some((expression, quotes)) = fragile(template) {
            let message = match quotes {
                Quotes::None => format!("the value of `{{{{{expression}}}}}` is read as shell text"),
                _ => format!("a quote in the value of `{{{{{expression}}}}}` ends the quotes around it"),
            };
            let hint = "pass it in `env` as `NAME={{ … }}` and write \"$NAME\"";
            findings.push(
                Diagnostic::of(Code::ShellQuoting, message)
                    .at(Label::at(template.span))
                    .hint(hint),
            );
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// The first expression that can break the text, and the quotes around it.
fn fragile(template: &Template) -> Option<(&str, Quotes)> {
    let mut quotes = Quotes::None;
    for part in &template.parts {
        match part {
            Part::Text(text) => quotes = after(text, quotes),
            Part::Expression(code) if !is_fixed(&code.expression) => return Some((&code.text, quotes)),
            Part::Expression(_) | Part::Malformed { .. } => {}
        }
    }
    None
}

/// Which quotes are open after that text.
fn after(text: &str, mut quotes: Quotes) -> Quotes {
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        quotes = match (quotes, sign) {
            (Quotes::None, '\'') => Quotes::Single,
            (Quotes::None, '"') => Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => Quotes::None,
            (Quotes::None | Quotes::Double, '\\') => {
                signs.next();
                quotes
            }
            _ => quotes,
        };
    }
    quotes
}

/// The value can only be one of a few texts that the author wrote.
fn is_fixed(expression: &Expression) -> bool {
    match &expression.node {
        Node::Str(_) | Node::Int(_) | Node::Float(_) | Node::Bool(_) => true,
        Node::Conditional(_, yes, no) => is_fixed(yes) && is_fixed(no),
        _ => false,
    }
}
