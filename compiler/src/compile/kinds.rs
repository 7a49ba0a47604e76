//! What variables hold, as far as their uses show it.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::expression::{Binary, Expression, Node};
use partita_artefact::ir::{ParameterKind, Part, Range, RoleTemplate, Template};
use partita_stdlib::{Function, Id, member, plain};

/// What the uses of each variable show.
#[derive(Default)]
pub(super) struct Kinds<'a>(BTreeMap<&'a str, BTreeSet<Evidence>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    Is(ParameterKind),
    /// JSON, whatever it holds.
    Json,
}

impl<'a> Kinds<'a> {
    /// What a variable holds: what all its uses agree on, else text. JSON is what the default shows.
    pub(super) fn of(&self, name: &str, default: Option<&str>) -> ParameterKind {
        let Some(evidence) = self.0.get(name) else {
            return ParameterKind::String;
        };
        let mut kinds = evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Is(kind) => Some(*kind),
            Evidence::Json => None,
        });
        let json = || match default.map(str::trim_start) {
            Some(text) if text.starts_with('[') => ParameterKind::List,
            Some(text) if text.starts_with('{') && !text.starts_with("{{") => ParameterKind::Map,
            _ => ParameterKind::String,
        };
        match (kinds.next(), kinds.next()) {
            (None, _) => json(),
            (Some(kind), None) => kind,
            (Some(_), Some(_)) => ParameterKind::String,
        }
    }

    /// Takes in how a role decides whether and how often it is there.
    pub(super) fn role(&mut self, role: &'a RoleTemplate) {
        self.whole(&role.enabled, ParameterKind::Bool);
        match role.iterator.as_ref().map(|iterator| &iterator.range) {
            Some(Range::List(list)) => self.whole(list, ParameterKind::List),
            Some(Range::Count { begin, end }) => {
                self.whole(begin, ParameterKind::Number);
                self.whole(end, ParameterKind::Number);
            }
            None => {}
        }
    }

    /// A text that is nothing but a variable, where something of that kind is needed.
    fn whole(&mut self, text: &'a Template, kind: ParameterKind) {
        if let [Part::Expression(code)] = text.parts.as_slice() {
            self.is(&code.expression, kind);
        }
    }

    /// Takes in an expression.
    pub(super) fn expression(&mut self, expression: &'a Expression) {
        match &expression.node {
            Node::Binary(Binary::Equal | Binary::NotEqual, left, right) => {
                self.compared(left, right);
                self.compared(right, left);
            }
            Node::Binary(Binary::In, _, list) => self.json(list, ParameterKind::List),
            Node::Member { object, property, .. } => match property.node {
                Node::Int(_) => self.json(object, ParameterKind::List),
                Node::Str(_) => self.json(object, ParameterKind::Map),
                _ => {}
            },
            Node::Predicate { arguments, .. } => {
                if let Some(list) = arguments.first() {
                    self.json(list, ParameterKind::List);
                }
            }
            Node::Call { callee, arguments } => {
                if let Some(first) = arguments.first() {
                    self.argument(callee, first);
                }
            }
            _ => {}
        }
        for part in parts(&expression.node) {
            self.expression(part);
        }
    }

    fn compared(&mut self, variable: &'a Expression, value: &Expression) {
        let Node::Str(text) = &value.node else {
            return;
        };
        let kind = match text.as_str() {
            "" => return,
            "true" | "false" => ParameterKind::Bool,
            "[]" => ParameterKind::List,
            "{}" => ParameterKind::Map,
            _ => ParameterKind::String,
        };
        self.is(variable, kind);
    }

    fn argument(&mut self, callee: &Expression, argument: &'a Expression) {
        match function(callee).map(|function| function.id) {
            Some(Id::IsTruthy | Id::IsFalsy) => self.is(argument, ParameterKind::Bool),
            Some(Id::Atoi) => self.is(argument, ParameterKind::Number),
            Some(Id::DetectorsForHosts) => self.is(argument, ParameterKind::List),
            Some(Id::Unmarshal) => self.shows(argument, Evidence::Json),
            None if matches!(&callee.node, Node::Name(name) if name == "int" || name == "float") => {
                self.is(argument, ParameterKind::Number);
            }
            _ => {}
        }
    }

    /// The JSON in a variable is used as that.
    fn json(&mut self, expression: &'a Expression, kind: ParameterKind) {
        if let Node::Call { callee, arguments } = &expression.node
            && function(callee).is_some_and(|function| function.id == Id::Unmarshal)
            && let Some(argument) = arguments.first()
        {
            self.is(argument, kind);
        }
    }

    fn is(&mut self, expression: &'a Expression, kind: ParameterKind) {
        self.shows(expression, Evidence::Is(kind));
    }

    fn shows(&mut self, expression: &'a Expression, evidence: Evidence) {
        if let Node::Name(name) = &expression.node {
            self.0.entry(name).or_default().insert(evidence);
        }
    }
}

fn function(callee: &Expression) -> Option<&'static Function> {
    match &callee.node {
        Node::Name(name) => plain(name),
        Node::Member { object, property, .. } => match (&object.node, &property.node) {
            (Node::Name(namespace), Node::Str(name)) => member(namespace, name),
            _ => None,
        },
        _ => None,
    }
}

fn parts(node: &Node) -> Vec<&Expression> {
    match node {
        Node::Nil
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_)
        | Node::Str(_)
        | Node::Pointer(_)
        | Node::Name(_) => Vec::new(),
        Node::Array(items) | Node::Sequence(items) | Node::Predicate { arguments: items, .. } => {
            items.iter().collect()
        }
        Node::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Node::Member { object, property, .. } => vec![object, property],
        Node::Slice { object, from, to } => std::iter::once(object)
            .chain(from)
            .chain(to)
            .map(AsRef::as_ref)
            .collect(),
        Node::Unary(_, operand) | Node::Closure(operand) => vec![operand],
        Node::Binary(_, left, right) => vec![left, right],
        Node::Conditional(condition, yes, no) => vec![condition, yes, no],
        Node::Call { callee, arguments } => std::iter::once(callee.as_ref()).chain(arguments).collect(),
        Node::Let { value, body, .. } => vec![value, body],
    }
}
