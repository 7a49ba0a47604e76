//! The same evaluation, watched: what every part of every expression of a field gave.

use super::format::plain_text;
use super::value::Value;
use super::{Context, ErrorKind, EvaluateError, Fault, Step, json, run};
use crate::expression::{Expression, Node, quote};
use crate::ir::{Part as Written, Template};

/// Most parts that are kept of one field: a predicate over a long list has as many as it has steps.
const MOST_PARTS: usize = 2_000;

/// How a field came to its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What [`super::evaluate`] gives, by the same steps.
    pub text: Result<String, EvaluateError>,
    /// The expressions that were reached, in order.
    pub expressions: Vec<Part>,
    /// There were too many parts: some are not listed.
    pub cut: bool,
}

/// An expression or a part of one, and what it gave. Literals, and names of functions, are not listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The part as text, written by our rules: its blanks may not be the author's.
    pub source: String,
    /// Its value as it would stand in an expression, or why it has none.
    pub outcome: Result<String, String>,
    /// It is nothing but this variable.
    pub variable: Option<String>,
    /// What it was made of, in the order of evaluation. A branch that was not taken is not there.
    pub parts: Vec<Part>,
}

/// Evaluates a field and keeps every step.
pub fn trace(template: &Template, context: &Context<'_>) -> Trace {
    let mut recorder = Recorder::default();
    let text = follow(template, context, &mut recorder);
    Trace {
        text,
        cut: recorder.kept > MOST_PARTS,
        expressions: recorder.done,
    }
}

fn follow(
    template: &Template,
    context: &Context<'_>,
    recorder: &mut Recorder,
) -> Result<String, EvaluateError> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Written::Text(literal) => text.push_str(literal),
            Written::Expression(code) => {
                let before = recorder.done.len();
                let written = run::watched(code, context, Some(recorder)).and_then(|value| {
                    super::format::field(&value, context.edition, &mut text)
                        .map_err(|message| Fault::run(code.expression.at, message))
                });
                if let Err(fault) = written {
                    // Refused before it ran: then nothing was seen of it.
                    if recorder.done.len() == before {
                        recorder.refused(&code.expression, &fault.message);
                    }
                    return Err(fault.locate(&code.text, template.span));
                }
            }
            Written::Malformed { text, message } => {
                return Err(Fault::new(ErrorKind::Syntax, 0, message).locate(text, template.span));
            }
        }
    }
    Ok(text)
}

/// Keeps what a run tells it.
#[derive(Default)]
pub(super) struct Recorder {
    /// Parts of the expressions that are being evaluated, innermost last.
    open: Vec<Vec<Part>>,
    done: Vec<Part>,
    kept: usize,
}

impl Recorder {
    pub(super) fn enter(&mut self, _: &Expression) {
        self.open.push(Vec::new());
    }

    pub(super) fn leave(
        &mut self,
        expression: &Expression,
        variable: Option<&String>,
        value: &Step<Value<'_>>,
    ) {
        let parts = self.open.pop().unwrap_or_default();
        if is_plain(expression, value) && !self.open.is_empty() {
            return;
        }
        self.keep(Part {
            source: expression.to_string(),
            outcome: match value {
                Ok(value) => Ok(literal(value)),
                Err(fault) => Err(fault.message.clone()),
            },
            variable: variable.cloned(),
            parts,
        });
    }

    fn refused(&mut self, expression: &Expression, message: &str) {
        self.keep(Part {
            source: expression.to_string(),
            outcome: Err(message.to_owned()),
            variable: None,
            parts: Vec::new(),
        });
    }

    fn keep(&mut self, part: Part) {
        self.kept += 1;
        match self.open.last_mut() {
            None => self.done.push(part),
            Some(parts) if self.kept <= MOST_PARTS => parts.push(part),
            Some(_) => {}
        }
    }
}

/// Says nothing that its text does not say.
fn is_plain(expression: &Expression, value: &Step<Value<'_>>) -> bool {
    let literal = matches!(
        expression.node,
        Node::Nil | Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Str(_)
    );
    literal || matches!(value, Ok(Value::Namespace(_) | Value::Function(_)))
}

/// A value as a reader of expressions would write it.
fn literal(value: &Value<'_>) -> String {
    match value {
        Value::Nil | Value::Role(None) => "nil".to_owned(),
        Value::Str(text) => quote(text),
        Value::List(_) | Value::Map(_) => json::encode(value)
            .or_else(|_| plain_text(value))
            .unwrap_or_else(|message| message),
        Value::Role(Some(role)) => format!("role {}", role.path),
        Value::Namespace(name) | Value::Function(name) => (*name).to_owned(),
        _ => plain_text(value).unwrap_or_else(|message| message),
    }
}
