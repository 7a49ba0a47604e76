//! Expressions: from text to [`Expression`] (grammar: `grammar/expression.pest`).

mod literal;
mod nesting;
mod operators;
mod parser;
mod tree;

use crate::limits::expression::{MAX_LENGTH, MAX_NODES};
use partita_artefact::expression::Expression;
use partita_grammar::expression::{ExpressionParser, Rule};
use pest::Parser as _;
use pest::error::InputLocation;

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct SyntaxError {
    /// Byte offset in the text.
    pub at: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that can be guessed.
    pub hint: Option<String>,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at: offset(at),
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Parses the text between `{{` and `}}`.
pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError::new(
            0,
            format!("an expression may have {MAX_LENGTH} bytes at most"),
        ));
    }
    nesting::check(text)?;
    parser::Parser::expression(text)
        .map(|tree| tree.expression)
        // The grammar knows best where a text no longer follows it.
        .map_err(|mistake| match ExpressionParser::parse(Rule::expression, text) {
            Err(stuck) => explain(text, &stuck),
            Ok(_) => mistake,
        })
}

/// Lengths are limited, so every offset fits.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The grammar knows where it got stuck; people want to know what stood there.
fn explain(text: &str, error: &pest::error::Error<Rule>) -> SyntaxError {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else {
        let error = SyntaxError::new(at, "unexpected end of expression");
        return match text.trim() {
            "" => error.hint("an expression cannot be empty"),
            trimmed if trimmed.ends_with(['\'', '"']) => error,
            trimmed if ends_in_a_bare_pipe(trimmed) => error.hint(PIPE),
            _ => error.hint("a bracket, an operand or a branch is missing"),
        };
    };
    if first == '\'' || first == '"' || first == '`' {
        return SyntaxError::new(at, "this text does not end")
            .hint("it must end on the same line, and `}}` ends the whole expression even inside text");
    }
    let word: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let token = if word.is_empty() { first.to_string() } else { word };
    let error = SyntaxError::new(at, format!("unexpected `{token}`"));
    match suggestion(text.get(..at).unwrap_or_default(), rest, &token) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

const PIPE: &str = "a pipe needs a call: `text | upper()`";

fn ends_in_a_bare_pipe(text: &str) -> bool {
    text.rsplit_once('|').is_some_and(|(before, last)| {
        !before.ends_with('|') && last.trim().chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

fn suggestion(before: &str, rest: &str, token: &str) -> Option<&'static str> {
    Some(match token {
        "=" => "compare with `==`",
        "if" | "else" => "write `condition ? this : that`",
        "~" => "join texts with `+`",
        "#" => "`#` stands for the element inside a predicate such as `filter(list, # > 1)`",
        "{" => "to build a map inside another, put spaces between the braces: `{ {` and `} }`",
        ">" if before.trim_end().ends_with('<') => "compare with `!=`",
        "|" if rest.starts_with("||") => return None,
        "|" => PIPE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
