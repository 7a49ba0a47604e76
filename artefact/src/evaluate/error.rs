use crate::ir::Span;
use crate::limits::evaluation::MAX_MESSAGE;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}{}", in_expression(expression))]
pub struct EvaluateError {
    /// What kind of mistake it is.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
    /// What to do about it, if that can be guessed.
    pub hint: Option<String>,
    /// Text of the expression, as written.
    pub expression: String,
    /// Byte offset in that text.
    pub at: u32,
    /// Where the field begins that holds the expression.
    pub span: Span,
}

/// Kinds of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It cannot be parsed.
    Syntax,
    /// A name that nothing defines.
    UnknownName,
    /// An operation on kinds that do not fit, found before the run.
    Type,
    /// It failed while it ran.
    Runtime,
    /// A store has not what it asks for.
    Store,
    /// It is too large or takes too long.
    Limit,
}

fn in_expression(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        String::new()
    } else {
        format!(" in `{text}`")
    }
}

/// A mistake at a place in one expression, before the field around it is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) at: u32,
}

#[allow(
    clippy::unnecessary_box_returns,
    reason = "every step carries it boxed, see `Step`"
)]
impl Fault {
    pub(crate) fn new(kind: ErrorKind, at: u32, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            kind,
            message: message.into(),
            hint: None,
            at,
        })
    }

    pub(crate) fn kind(at: u32, message: impl Into<String>) -> Box<Self> {
        Self::new(ErrorKind::Type, at, message)
    }

    pub(crate) fn run(at: u32, message: impl Into<String>) -> Box<Self> {
        Self::new(ErrorKind::Runtime, at, message)
    }

    pub(crate) fn limit(at: u32, message: impl Into<String>) -> Box<Self> {
        Self::new(ErrorKind::Limit, at, message)
    }

    pub(crate) fn hint(mut self: Box<Self>, hint: Option<String>) -> Box<Self> {
        self.hint = hint;
        self
    }

    pub(crate) fn locate(self, expression: &str, span: Span) -> EvaluateError {
        EvaluateError {
            kind: self.kind,
            message: cut(self.message),
            hint: self.hint,
            expression: expression.to_owned(),
            at: self.at,
            span,
        }
    }
}

/// A message may quote a value of any length.
fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Result of a step of an evaluation; boxed, since mistakes are rare and steps are many.
pub(crate) type Step<T> = Result<T, Box<Fault>>;
