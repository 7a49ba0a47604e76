use std::borrow::Cow;

use super::value::Value;
use super::{Context, ErrorKind, Fault, Place, Step};
use crate::expression::{Binary, Expression, Node, Unary};
use crate::ir::Code;

/// Evaluates and appends the text of the value.
pub(super) fn run(code: &Code, context: &Context<'_>, out: &mut String) -> Step<()> {
    match value(code, context)? {
        Value::Str(text) => out.push_str(&text),
        Value::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Nil => out.push_str("<nil>"),
        other => {
            return Err(Fault::run(
                0,
                format!("text of a {} is not there yet", other.kind()),
            ));
        }
    }
    Ok(())
}

pub(super) fn value<'a>(code: &'a Code, context: &Context<'a>) -> Step<Value<'a>> {
    Run { context }.eval(&code.expression)
}

struct Run<'a, 'c> {
    context: &'c Context<'a>,
}

impl<'a> Run<'a, '_> {
    fn eval(&self, expression: &'a Expression) -> Step<Value<'a>> {
        let at = expression.at;
        Ok(match &expression.node {
            Node::Nil => Value::Nil,
            Node::Bool(b) => Value::Bool(*b),
            Node::Int(i) => Value::Int(*i),
            Node::Float(f) => Value::Float(*f),
            Node::Str(text) => Value::Str(Cow::Borrowed(text)),
            Node::Name(name) => match self.context.variables.get(name) {
                Some(text) => Value::Str(Cow::Borrowed(text)),
                None => {
                    return Err(Fault::new(
                        ErrorKind::UnknownName,
                        at,
                        format!("unknown name {name}"),
                    ));
                }
            },
            Node::Binary(Binary::Equal, a, b) => Value::Bool(self.eval(a)? == self.eval(b)?),
            Node::Binary(Binary::NotEqual, a, b) => Value::Bool(self.eval(a)? != self.eval(b)?),
            Node::Binary(Binary::And, a, b) => Value::Bool(self.truth(a)? && self.truth(b)?),
            Node::Binary(Binary::Or, a, b) => Value::Bool(self.truth(a)? || self.truth(b)?),
            Node::Binary(Binary::Add, a, b) => match (self.eval(a)?, self.eval(b)?) {
                (Value::Str(a), Value::Str(b)) => Value::Str(a + b),
                _ => return Err(Fault::run(at, "this sum is not there yet")),
            },
            Node::Unary(Unary::Not, a) => Value::Bool(!self.truth(a)?),
            Node::Conditional(c, a, b) => {
                if self.truth(c)? {
                    self.eval(a)?
                } else {
                    self.eval(b)?
                }
            }
            Node::Member { object, property, .. } => match (self.eval(object)?, self.eval(property)?) {
                (Value::Role(Some(role)), Value::Str(name)) if name == "Name" => Value::text(role.name),
                (Value::Role(Some(role)), Value::Str(name)) if name == "Path" => Value::text(role.path),
                _ => return Err(Fault::run(at, "this member is not there yet")),
            },
            Node::Call { callee, arguments } => {
                match (&callee.node, arguments.as_slice(), self.context.place) {
                    (Node::Name(name), [], Place::Role { ancestors, .. }) if name == "Parent" => {
                        Value::Role(ancestors.first().copied())
                    }
                    (Node::Name(name), [], Place::Role { this, .. }) if name == "This" => Value::Role(this),
                    _ => return Err(Fault::run(at, "this call is not there yet")),
                }
            }
            _ => return Err(Fault::run(at, "this operation is not there yet")),
        })
    }

    fn truth(&self, expression: &'a Expression) -> Step<bool> {
        match self.eval(expression)? {
            Value::Bool(b) => Ok(b),
            other => Err(Fault::run(
                expression.at,
                format!("{} is not a bool", other.kind()),
            )),
        }
    }
}
