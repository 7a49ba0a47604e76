//! Texts of templates without what does not count: spaces, brackets and comments inside `{{ }}`.

use std::fmt::Write as _;

use super::field::{Text, Value};
use crate::expression::{Expression, Node};
use crate::ir::{Part, Template, Variable};

/// A template as it is written and as it counts.
pub(super) fn text(template: &Template) -> Text {
    match template.literal() {
        Some(text) => text.into(),
        None => Text {
            shown: template.source(),
            meaning: Some(meaning(template)),
        },
    }
}

/// As [`text`], where the source text itself counts too: it is handed on unevaluated.
pub(super) fn verbatim(template: &Template) -> Text {
    let mut text = text(template);
    if let Some(meaning) = &mut text.meaning {
        let _ = write!(meaning, "{}", text.shown);
    }
    text
}

pub(super) fn list(templates: &[Template]) -> Value {
    Value::List(templates.iter().map(text).collect())
}

fn meaning(template: &Template) -> String {
    let mut out = String::new();
    for part in &template.parts {
        match part {
            Part::Text(text) => string(text, &mut out),
            Part::Expression(code) => {
                out.push_str("{{");
                expression(&code.expression, &mut out);
                out.push_str("}}");
            }
            Part::Malformed { text, .. } => {
                out.push('!');
                string(text, &mut out);
            }
        }
    }
    out
}

/// The length goes first, so that no text can be taken for two.
fn string(text: &str, out: &mut String) {
    let _ = write!(out, "{}:{text}", text.len());
}

/// Names that the templates of these variables read; `None` if one of them may read any.
pub(super) fn names_of(templates: &[&Template]) -> Option<std::collections::BTreeSet<String>> {
    let mut names = std::collections::BTreeSet::new();
    for template in templates {
        for part in &template.parts {
            if let Part::Expression(code) = part {
                names_in(&code.expression, &mut names);
            }
        }
    }
    (!names.contains("$env")).then_some(names)
}

/// Every name in an expression, those of functions and of its own variables included.
pub(super) fn names_in(expression: &Expression, names: &mut std::collections::BTreeSet<String>) {
    if let Node::Name(name) = &expression.node {
        names.insert(name.clone());
    }
    each_child(expression, &mut |child| names_in(child, names));
}

fn each_child<'a>(expression: &'a Expression, visit: &mut dyn FnMut(&'a Expression)) {
    match &expression.node {
        Node::Nil
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_)
        | Node::Str(_)
        | Node::Name(_)
        | Node::Pointer(_) => {}
        Node::Array(items) | Node::Sequence(items) | Node::Predicate { arguments: items, .. } => {
            items.iter().for_each(visit);
        }
        Node::Map(entries) => entries.iter().for_each(|(key, value)| {
            visit(key);
            visit(value);
        }),
        Node::Member { object, property, .. } => {
            visit(object);
            visit(property);
        }
        Node::Slice { object, from, to } => {
            visit(object);
            from.iter().chain(to).for_each(|bound| visit(bound));
        }
        Node::Unary(_, operand) | Node::Closure(operand) => visit(operand),
        Node::Binary(_, left, right) => {
            visit(left);
            visit(right);
        }
        Node::Conditional(condition, then, otherwise) => {
            visit(condition);
            visit(then);
            visit(otherwise);
        }
        Node::Call { callee, arguments } => {
            visit(callee);
            arguments.iter().for_each(visit);
        }
        Node::Let { value, body, .. } => {
            visit(value);
            visit(body);
        }
    }
}

/// An expression as `(operator operand …)`.
pub(super) fn expression(expression: &Expression, out: &mut String) {
    out.push('(');
    match &expression.node {
        Node::Nil => out.push_str("nil"),
        Node::Bool(value) => _ = write!(out, "bool {value}"),
        Node::Int(value) => _ = write!(out, "int {value}"),
        Node::Float(value) => _ = write!(out, "float {:016x}", value.to_bits()),
        Node::Str(text) => named("str", text, out),
        Node::Name(name) => named("name", name, out),
        Node::Pointer(None) => out.push_str("pointer"),
        Node::Pointer(Some(name)) => named("pointer", name, out),
        Node::Array(_) => out.push_str("array"),
        Node::Sequence(_) => out.push_str("sequence"),
        Node::Predicate { name, .. } => named("predicate", name, out),
        Node::Map(_) => out.push_str("map"),
        Node::Member { optional: false, .. } => out.push_str("member"),
        Node::Member { optional: true, .. } => out.push_str("optional"),
        Node::Slice { from, to, .. } => _ = write!(out, "slice {} {}", from.is_some(), to.is_some()),
        Node::Unary(operator, _) => _ = write!(out, "{operator:?}"),
        Node::Closure(_) => out.push_str("closure"),
        Node::Binary(operator, ..) => _ = write!(out, "{operator:?}"),
        Node::Conditional(..) => out.push_str("if"),
        Node::Call { .. } => out.push_str("call"),
        Node::Let { name, .. } => named("let", name, out),
    }
    each_child(expression, &mut |child| self::expression(child, out));
    out.push(')');
}

fn named(what: &str, name: &str, out: &mut String) {
    out.push_str(what);
    out.push(' ');
    string(name, out);
}

/// All values of a block.
pub(super) fn values(block: &[Variable]) -> Vec<&Template> {
    block.iter().map(|variable| &variable.value).collect()
}
