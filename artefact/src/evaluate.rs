//! Evaluation of expressions and of the text around them (reference: template-language.md sections 4 and 5).
//!
//! An expression is checked as a whole before it runs, as the reference does: a name that nothing defines is a
//! mistake even in the branch that is not taken. Nothing here parses source text, and nothing panics on input.

mod base64;
mod builtins;
pub(crate) mod case;
mod check;
mod error;
mod format;
pub(crate) mod json;
mod names;
mod nature;
mod operators;
mod outline;
mod run;
mod time;
mod trace;
mod value;
mod world;

use crate::edition::Edition;
use crate::expression::Node;
use crate::ir::{Code, Part, Template};
use crate::limits::evaluation::{MAX_DEPTH, MAX_LIST, MAX_STEPS, MAX_TEXT, MAX_WITHIN};

pub use check::{Finding, Harm, findings};
pub use error::{ErrorKind, EvaluateError};
pub(crate) use error::{Fault, Step};
pub(crate) use format::plain_text;
pub use outline::Learnt;
pub use time::Time;
pub use trace::{Part as TracedPart, Trace, trace};
pub use value::{Key, List, ListKind, Map, Value};
pub use world::{Missed, Snapshot, World, runtime_key};

/// Everything an expression can see.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The variable stack.
    pub variables: &'a dyn Variables,
    /// Where the expression stands.
    pub place: Place<'a>,
    /// The world outside.
    pub world: &'a dyn World,
    /// What the language means where it stands.
    pub edition: Edition,
    /// How many texts that came into being only now are being evaluated around it: none around what a file holds.
    pub within: usize,
}

impl<'a> Context<'a> {
    /// The same for a text that came into being only now. Such texts can lead back to themselves, through the
    /// configuration store or the commands in `jit/`.
    pub(crate) fn inside(self, place: Place<'a>) -> Result<Self, String> {
        if self.within >= MAX_WITHIN {
            return Err(format!(
                "it is the {MAX_WITHIN}th text within others: do they lead back to themselves?"
            ));
        }
        Ok(Self {
            place,
            within: self.within + 1,
            ..self
        })
    }
}

/// A stack of variables, all of them text.
pub trait Variables {
    /// Value of a variable.
    fn get(&self, name: &str) -> Option<&str>;
    /// Names of all variables, for suggestions.
    fn names(&self) -> Vec<String>;
}

impl Variables for std::collections::BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<&str> {
        std::collections::BTreeMap::get(self, name).map(String::as_str)
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// A role as `This()` and `Parent()` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleName<'a> {
    /// Its name.
    pub name: &'a str,
    /// Names from the root down, joined by dots.
    pub path: &'a str,
}

/// The files among which an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Home<'a> {
    /// Identifier of their repository.
    pub repository: &'a str,
    /// Their revision.
    pub revision: &'a str,
}

/// Where an expression stands; it decides which functions exist (template-language.md 4.6).
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A field of a role.
    Role {
        /// Where the role is written.
        home: Home<'a>,
        /// The role itself; only in stages 4 and 5.
        this: Option<RoleName<'a>>,
        /// Its ancestors, nearest first.
        ancestors: &'a [RoleName<'a>],
    },
    /// `range`, `begin` or `end` of an iterator.
    Range,
    /// A field of a task template's command.
    Task,
    /// A property of a task.
    Properties,
    /// `call.func` and `call.return`, at the trigger.
    Call,
    /// A command that makes a DPL workflow.
    Dpl {
        /// Where the role is written that needs it.
        home: Home<'a>,
    },
}

/// Whether the language itself has a function of this name. A variable of the same name hides it.
pub fn is_builtin(name: &str) -> bool {
    builtins::exists(name)
}

/// Text of a field: its texts and the values of its expressions, joined.
pub fn evaluate(template: &Template, context: &Context<'_>) -> Result<String, EvaluateError> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Expression(code) => {
                run::run(code, context, &mut text)
                    .and_then(|()| bounded(&text, code))
                    .map_err(|fault| fault.locate(&code.text, template.span))?;
            }
            Part::Malformed { text, message } => {
                return Err(Fault::new(ErrorKind::Syntax, 0, message).locate(text, template.span));
            }
        }
    }
    Ok(text)
}

/// A text that holds another one twice has twice its length, and one that holds that twice four times.
fn bounded(text: &str, code: &Code) -> Step<()> {
    if text.len() > MAX_TEXT {
        let message = format!("makes the text longer than {MAX_TEXT} bytes");
        return Err(Fault::limit(code.expression.at, message));
    }
    Ok(())
}

/// The same, but what fails stays as it is written.
pub(crate) fn evaluate_partly(template: &Template, context: &Context<'_>) -> String {
    let parts = template.parts.iter().map(|part| {
        let alone = Template {
            span: template.span,
            parts: vec![part.clone()],
        };
        evaluate(&alone, context).unwrap_or_else(|_| alone.source())
    });
    parts.collect()
}

/// The same for a text that came into being only now. One that holds expressions must be known to the world, since
/// nothing here parses them; the error is a text, because it flows on as one.
pub(crate) fn evaluate_text(text: &str, context: &Context<'_>) -> Result<String, String> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let Some(template) = context.world.template(text) else {
        context.world.miss(Missed::Text(text.to_owned()));
        return Err(format!(
            "`{text}` came into being only now, and there is no parser here"
        ));
    };
    evaluate(template, context).map_err(|error| error.to_string())
}

/// Value of one expression; the error has no span of its own.
pub fn evaluate_expression<'a>(code: &'a Code, context: &'a Context<'a>) -> Result<Value<'a>, EvaluateError> {
    run::value(code, context).map_err(|fault| fault.locate(&code.text, crate::ir::Span::default()))
}

/// Service and method of an expression that is nothing but `service.Method()`: the form of `call.func`.
pub fn as_service_call(code: &Code) -> Option<(String, String)> {
    let Node::Call { callee, arguments } = &code.expression.node else {
        return None;
    };
    let Node::Member {
        object,
        property,
        optional: false,
    } = &callee.node
    else {
        return None;
    };
    match (&object.node, &property.node) {
        (Node::Name(service), Node::Str(method)) if arguments.is_empty() => {
            Some((service.clone(), method.clone()))
        }
        _ => None,
    }
}
