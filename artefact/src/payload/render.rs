//! The output of a parsed payload.

use std::borrow::Cow;
use std::collections::BTreeMap;

use partita_stdlib::{Function, Kind};

use super::lexer::Place;
use super::parser::Loader;
use super::tree::{Expression, For, Include, Included, Node, Operator, Part, PartKind, Template, Variable};
use super::value::{contains, equal, float, integer, is_true, kind, length, negated, text};
use super::{Error, MAX_INCLUDE_DEPTH, MAX_STEPS, MAX_TEXT, Scene, filters};
use crate::edition::Edition;
use crate::evaluate::{self, Context, Key, Value};

/// Namespaces whose functions payloads can call (`template-language.md` 9.4).
const NAMESPACES: [&str; 4] = ["strings", "json", "uid", "util"];

pub(super) fn render(template: &Template, scene: Scene<'_>, folder: &str) -> Result<String, Error> {
    let mut renderer = Renderer {
        context: Context {
            variables: scene.variables,
            place: evaluate::Place::Task,
            world: scene.world,
            edition: scene.edition,
            within: 0,
        },
        folder,
        out: String::new(),
        steps: 0,
        includes: 0,
    };
    let mut scope = Scope::new(scene.edition);
    renderer.template(template, &mut scope)?;
    Ok(renderer.out)
}

/// What tags define; it hides the variables around the payload.
#[derive(Clone)]
struct Scope<'a> {
    names: BTreeMap<String, Value<'a>>,
    autoescape: bool,
    /// Only these names: the payload was included with `only`.
    closed: bool,
}

impl Scope<'_> {
    fn new(edition: Edition) -> Self {
        Self {
            names: BTreeMap::new(),
            autoescape: !edition.payloads_are_plain_text(),
            closed: false,
        }
    }
}

struct Renderer<'a> {
    context: Context<'a>,
    folder: &'a str,
    out: String,
    steps: usize,
    includes: usize,
}

type Done<T> = Result<T, Error>;

fn failed(place: Place, message: impl Into<String>) -> Error {
    Error::new("execution", message).at(place)
}

impl<'a> Renderer<'a> {
    fn template(&mut self, template: &Template, scope: &mut Scope<'a>) -> Done<()> {
        self.nodes(&template.nodes, scope)
            .map_err(|error| error.of(&template.path))
    }

    fn nodes(&mut self, nodes: &[Node], scope: &mut Scope<'a>) -> Done<()> {
        nodes.iter().try_for_each(|node| self.node(node, scope))
    }

    fn step(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Error::new(
                "execution",
                format!("takes more than {MAX_STEPS} steps"),
            ));
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Done<()> {
        if self.out.len() + text.len() > MAX_TEXT {
            return Err(Error::new(
                "execution",
                format!("gives more than {MAX_TEXT} bytes"),
            ));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn node(&mut self, node: &Node, scope: &mut Scope<'a>) -> Done<()> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text),
            Node::Output(expression) => {
                let value = self.value(expression, scope)?;
                let escape = scope.autoescape && matches!(value, Value::Str(_)) && !expression.is_safe();
                self.output(&value, escape)
            }
            Node::FirstOf(candidates) => {
                for candidate in candidates {
                    let value = self.value(candidate, scope)?;
                    if is_true(&value) {
                        return self.output(&value, scope.autoescape && !candidate.is_safe());
                    }
                }
                Ok(())
            }
            Node::If(branches, otherwise) => {
                for (condition, nodes) in branches {
                    if is_true(&self.value(condition, scope)?) {
                        return self.nodes(nodes, scope);
                    }
                }
                self.nodes(otherwise, scope)
            }
            Node::IfEqual {
                sides,
                negated,
                same,
                different,
            } => {
                let (left, right) = (self.value(&sides.0, scope)?, self.value(&sides.1, scope)?);
                let equal = equal(&left, &right).map_err(|message| Error::new("execution", message))?;
                self.nodes(if equal == *negated { different } else { same }, scope)
            }
            Node::For(tag) => self.repeat(tag, scope),
            Node::Set(name, expression) => {
                let value = self.value(expression, scope)?;
                scope.names.insert(name.clone(), value);
                Ok(())
            }
            Node::With(names, body) => {
                let mut inside = scope.clone();
                for (name, expression) in names {
                    inside.names.insert(name.clone(), self.value(expression, scope)?);
                }
                self.nodes(body, &mut inside)
            }
            Node::Autoescape(autoescape, body) => {
                let mut inside = scope.clone();
                inside.autoescape = *autoescape;
                self.nodes(body, &mut inside)
            }
            Node::Include(tag) => self.include(tag, scope),
        }
    }

    fn output(&mut self, value: &Value<'a>, escape: bool) -> Done<()> {
        let text = text(value);
        if escape {
            self.write(&filters::escaped(&text))
        } else {
            self.write(&text)
        }
    }

    fn repeat(&mut self, tag: &For, scope: &Scope<'a>) -> Done<()> {
        let mut inside = scope.clone();
        let parent = scope.names.get("forloop").cloned();
        let over = self.value(&tag.over, &inside)?;
        let items = ordered(&over, tag.reversed, tag.sorted);
        let count = items.len();
        for (index, (key, value)) in items.into_iter().enumerate() {
            inside.names.insert(tag.key.clone(), key);
            if let (Some(name), Some(value)) = (&tag.value, value) {
                inside.names.insert(name.clone(), value);
            }
            let position = position(index, count, parent.clone());
            inside.names.insert("forloop".to_owned(), position);
            self.nodes(&tag.body, &mut inside)?;
        }
        if count == 0 {
            self.nodes(&tag.empty, &mut inside)?;
        }
        Ok(())
    }

    fn include(&mut self, tag: &Include, scope: &Scope<'a>) -> Done<()> {
        let mut inside = Scope {
            closed: scope.closed || tag.only,
            ..Scope::new(self.context.edition)
        };
        if !tag.only {
            inside.names.clone_from(&scope.names);
            inside.names.remove("forloop");
        }
        for (name, expression) in &tag.with {
            inside.names.insert(name.clone(), self.value(expression, scope)?);
        }
        let (name, if_exists) = match &tag.file {
            Included::Nothing => return Ok(()),
            Included::Template(template) => return self.template(template, &mut inside),
            Included::Named { name, if_exists } => (text(&self.value(name, scope)?), *if_exists),
        };
        if name.is_empty() {
            let message = "Filename for 'include'-tag evaluated to an empty string.";
            return Err(Error::new("execution", message));
        }
        if self.includes >= MAX_INCLUDE_DEPTH {
            return Err(Error::new(
                "execution",
                "too many includes, or an include of itself",
            ));
        }
        let mut loader = Loader::new(self.context.world, self.folder);
        let path = loader.resolve(&name);
        match loader.load(&path) {
            Ok(template) => {
                self.includes += 1;
                let done = self.template(&template, &mut inside);
                self.includes -= 1;
                done
            }
            Err(error) if if_exists && error.sender == "fromfile" => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn value(&mut self, expression: &Expression, scope: &Scope<'a>) -> Done<Value<'a>> {
        self.step()?;
        Ok(match expression {
            Expression::Int(number) => Value::Int(*number),
            Expression::Float(number) => Value::Float(*number),
            Expression::Bool(truth) => Value::Bool(*truth),
            Expression::Str(text) => Value::text(text.clone()),
            Expression::Variable(variable) => self.variable(variable, scope)?,
            Expression::Filtered(operand, chain) => {
                let mut value = self.value(operand, scope)?;
                for filter in chain {
                    let argument = match &filter.argument {
                        Some(argument) => self.value(argument, scope)?,
                        None => Value::Nil,
                    };
                    value = filters::apply(filter.name, value, &argument)
                        .map_err(|message| failed(filter.place, message))?;
                    if length(&value) > MAX_TEXT {
                        return Err(failed(filter.place, format!("gives more than {MAX_TEXT} bytes")));
                    }
                }
                value
            }
            Expression::Not(operand) => negated(&self.value(operand, scope)?),
            Expression::Negative(operand, place) => match self.value(operand, scope)? {
                Value::Int(number) => Value::Int(number.wrapping_neg()),
                Value::Float(number) => Value::Float(-number),
                _ => return Err(failed(*place, "Negative sign on a non-number expression")),
            },
            Expression::Binary(operator, sides) => self.binary(*operator, sides, scope)?,
        })
    }

    fn binary(
        &mut self,
        operator: Operator,
        (left, right): &(Expression, Expression),
        scope: &Scope<'a>,
    ) -> Done<Value<'a>> {
        let left = self.value(left, scope)?;
        let decided = match operator {
            Operator::And => !is_true(&left),
            Operator::Or => is_true(&left),
            _ => false,
        };
        if decided {
            return Ok(Value::Bool(operator == Operator::Or));
        }
        let right = self.value(right, scope)?;
        let value = applied(operator, &left, &right).map_err(|message| Error::new("execution", message))?;
        if length(&value) > MAX_TEXT {
            return Err(Error::new(
                "execution",
                format!("gives more than {MAX_TEXT} bytes"),
            ));
        }
        Ok(value)
    }

    fn variable(&mut self, variable: &Variable, scope: &Scope<'a>) -> Done<Value<'a>> {
        let fail = |message: String| failed(variable.place, message).near(&variable.name);
        let mut value = self.named(&variable.name, scope);
        value = self.called(value, variable.call.as_deref(), variable, scope)?;
        for part in &variable.parts {
            if value.is_nil() {
                return Ok(Value::Nil);
            }
            value = self.part(&value, part, variable, scope)?.map_err(fail)?;
            value = self.called(value, part.call.as_deref(), variable, scope)?;
        }
        Ok(value)
    }

    /// What a name means: a tag's, else the library's, else the variable around the payload.
    fn named(&self, name: &str, scope: &Scope<'a>) -> Value<'a> {
        if let Some(value) = scope.names.get(name) {
            return value.clone();
        }
        if scope.closed {
            return Value::Nil;
        }
        if let Some(namespace) = NAMESPACES.iter().find(|namespace| **namespace == name) {
            return Value::Namespace(namespace);
        }
        let callable =
            partita_stdlib::plain(name).filter(|function| NAMESPACES.contains(&function.namespace));
        if let Some(alias) = callable.and_then(|function| function.alias) {
            return Value::Function(alias);
        }
        let variables = self.context.variables;
        match variables.get(name) {
            Some(text) => Value::Str(Cow::Borrowed(text)),
            None => Value::Nil,
        }
    }

    /// One step into a value; a mistake is a message.
    fn part(
        &mut self,
        value: &Value<'a>,
        part: &Part,
        variable: &Variable,
        scope: &Scope<'a>,
    ) -> Done<Result<Value<'a>, String>> {
        let at = |index: i64| {
            let index = usize::try_from(index).ok();
            match value {
                Value::List(list) => index.and_then(|index| list.items.get(index)).cloned(),
                Value::Str(text) => index
                    .and_then(|index| text.as_bytes().get(index))
                    .map(|byte| Value::Int(i64::from(*byte))),
                _ => None,
            }
            .unwrap_or(Value::Nil)
        };
        let no_index = || {
            let kind = kind(value);
            Err(format!(
                "can't access an index on type {kind} (variable {})",
                variable.text()
            ))
        };
        Ok(match (&part.kind, value) {
            (PartKind::Index(index), Value::Str(_) | Value::List(_)) => {
                Ok(at(i64::try_from(*index).unwrap_or(i64::MAX)))
            }
            (PartKind::Name(name), Value::Map(_) | Value::Namespace(_)) => Ok(member(value, name)),
            (PartKind::Name(_), _) => {
                let kind = kind(value);
                let text = variable.text();
                Err(format!(
                    "can't access a field by name on type {kind} (variable {text})"
                ))
            }
            (PartKind::Subscript(index), Value::Str(_) | Value::List(_)) => {
                let index = self.value(index, scope)?;
                Ok(at(integer(&index)))
            }
            (PartKind::Subscript(name), Value::Map(_) | Value::Namespace(_)) => {
                match self.value(name, scope)? {
                    Value::Str(name) => Ok(member(value, &name)),
                    _ => Ok(Value::Nil),
                }
            }
            (PartKind::Index(_) | PartKind::Subscript(_), _) => no_index(),
        })
    }

    /// A function is called wherever it stands, with or without brackets.
    fn called(
        &mut self,
        value: Value<'a>,
        call: Option<&[Expression]>,
        variable: &Variable,
        scope: &Scope<'a>,
    ) -> Done<Value<'a>> {
        let fail = |message: String| failed(variable.place, message).near(&variable.name);
        let function = match (&value, call) {
            (Value::Function(name), _) => declared(name),
            (Value::Nil, _) | (_, None) => return Ok(value),
            (other, Some(_)) => {
                let kind = kind(other);
                return Err(fail(format!(
                    "'{}' is not a function (it is {kind})",
                    variable.text()
                )));
            }
        };
        let Some(function) = function else {
            return Ok(Value::Nil);
        };
        let arguments = call.unwrap_or_default();
        let (wanted, given) = (function.parameters.len(), arguments.len());
        if wanted != given {
            return Err(fail(format!(
                "function input argument count ({wanted}) of '{}' must be equal to the calling argument count ({given})",
                variable.text()
            )));
        }
        let mut values = Vec::with_capacity(given);
        for (index, (argument, wanted)) in arguments.iter().zip(function.parameters).enumerate() {
            let value = self.value(argument, scope)?;
            if !fits(*wanted, &value) {
                return Err(fail(format!(
                    "function input argument {index} of '{}' must be of type {} or *pongo2.Value (not {})",
                    variable.text(),
                    type_name(*wanted),
                    if value.is_nil() { "<nil>" } else { kind(&value) },
                )));
            }
            values.push(value);
        }
        crate::functions::call(function, &values, &self.context).map_err(fail)
    }
}

fn fits(wanted: Kind, value: &Value<'_>) -> bool {
    matches!(
        (wanted, value),
        (Kind::Any, _)
            | (Kind::Str, Value::Str(_))
            | (Kind::Int, Value::Int(_))
            | (Kind::Bool, Value::Bool(_))
    )
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "interface {}",
        Kind::Str => "string",
        Kind::StrPointer => "*string",
        Kind::Int => "int",
        Kind::Bool => "bool",
        Kind::Role => "role",
    }
}

/// Functions travel by their alias, or by their name if they have none.
fn declared(name: &str) -> Option<&'static Function> {
    let callable = |function: &&Function| NAMESPACES.contains(&function.namespace);
    let mut functions = partita_stdlib::FUNCTIONS.iter().filter(callable);
    functions.find(|function| function.alias.unwrap_or(function.name) == name)
}

fn member<'a>(value: &Value<'a>, name: &str) -> Value<'a> {
    match value {
        Value::Map(map) => {
            let key = Key::Str(Cow::Borrowed(name));
            map.entries
                .iter()
                .find(|(other, _)| **other == key)
                .map_or(Value::Nil, |(_, value)| value.clone())
        }
        Value::Namespace(namespace) => match partita_stdlib::member(namespace, name) {
            Some(function) => Value::Function(function.alias.unwrap_or(function.name)),
            None => Value::Nil,
        },
        _ => Value::Nil,
    }
}

/// Elements in the order of the loop; a map gives keys with values, a text its characters.
fn ordered<'a>(over: &Value<'a>, reversed: bool, sorted: bool) -> Vec<(Value<'a>, Option<Value<'a>>)> {
    let mut items: Vec<(Value<'a>, Option<Value<'a>>)> = match over {
        Value::Map(map) => {
            let entries = map.entries.iter();
            let mut items: Vec<_> = entries
                .map(|(key, value)| (key.value(), Some(value.clone())))
                .collect();
            if sorted && reversed {
                items.reverse();
            }
            return items;
        }
        Value::List(list) => list.items.iter().map(|item| (item.clone(), None)).collect(),
        Value::Str(text) => {
            let characters = text.chars().map(|c| (Value::text(String::from(c)), None));
            characters.collect()
        }
        _ => Vec::new(),
    };
    if sorted {
        items.sort_by(|(a, _), (b, _)| match (a, b) {
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            _ => text(a).cmp(&text(b)),
        });
    }
    if reversed {
        items.reverse();
    }
    items
}

/// `forloop`
fn position(index: usize, count: usize, parent: Option<Value<'_>>) -> Value<'_> {
    let number = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let fields = [
        ("Counter", number(index + 1)),
        ("Counter0", number(index)),
        ("Revcounter", number(count - index)),
        ("Revcounter0", number(count - index - 1)),
        ("First", Value::Bool(index == 0)),
        ("Last", Value::Bool(index + 1 == count)),
        ("Parentloop", parent.unwrap_or(Value::Nil)),
    ];
    let entries = fields
        .into_iter()
        .map(|(name, value)| (Key::Str(Cow::Borrowed(name)), value));
    Value::map(entries.collect())
}

fn applied<'a>(operator: Operator, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>, String> {
    let floats = matches!(left, Value::Float(_)) || matches!(right, Value::Float(_));
    let compared = |of_floats: fn(&f64, &f64) -> bool, of_integers: fn(&i64, &i64) -> bool| {
        Value::Bool(if floats {
            of_floats(&float(left), &float(right))
        } else {
            of_integers(&integer(left), &integer(right))
        })
    };
    let number = |of_floats: fn(f64, f64) -> f64, of_integers: fn(i64, i64) -> i64| {
        if floats {
            Value::Float(of_floats(float(left), float(right)))
        } else {
            Value::Int(of_integers(integer(left), integer(right)))
        }
    };
    Ok(match operator {
        Operator::And | Operator::Or => Value::Bool(is_true(right)),
        Operator::Equal => Value::Bool(equal(left, right)?),
        Operator::NotEqual => Value::Bool(!equal(left, right)?),
        Operator::Less => compared(f64::lt, i64::lt),
        Operator::LessOrEqual => compared(f64::le, i64::le),
        Operator::Greater => compared(f64::gt, i64::gt),
        Operator::GreaterOrEqual => compared(f64::ge, i64::ge),
        Operator::In => Value::Bool(contains(right, left)?),
        Operator::Add if matches!(left, Value::Str(_)) || matches!(right, Value::Str(_)) => {
            Value::text(text(left) + &text(right))
        }
        Operator::Add => number(|a, b| a + b, i64::wrapping_add),
        Operator::Subtract => number(|a, b| a - b, i64::wrapping_sub),
        Operator::Multiply => number(|a, b| a * b, i64::wrapping_mul),
        Operator::Divide | Operator::Remainder
            if integer(right) == 0 && !(floats && operator == Operator::Divide) =>
        {
            return Err("runtime error: integer divide by zero".to_owned());
        }
        Operator::Divide => number(|a, b| a / b, i64::wrapping_div),
        Operator::Remainder => Value::Int(integer(left).wrapping_rem(integer(right))),
        Operator::Power => Value::Float(float(left).powf(float(right))),
    })
}
