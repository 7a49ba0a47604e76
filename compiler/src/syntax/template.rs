//! The text around expressions: `{{`, an expression, `}}` (reference: template-language.md 4.1).

use partita_artefact::ir::{Code, Part, Span, Template};

use super::expression;

/// Splits a field into literal texts and expressions. Never fails: what cannot be parsed becomes
/// [`Part::Malformed`], since a field that is never evaluated may hold anything.
///
/// An expression ends at the first `}}`, even inside a string literal; there is no escape.
pub fn parse(text: &str, span: Span) -> Template {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let Some((inside, following)) = after.split_once("}}") else {
            // The reference refuses the whole field, before any of its expressions.
            let message = "`{{` without `}}`".to_owned();
            return Template {
                span,
                parts: vec![Part::Malformed {
                    text: after.to_owned(),
                    message,
                }],
            };
        };
        parts.push(code(inside));
        rest = following;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Template { span, parts }
}

fn code(text: &str) -> Part {
    match expression::parse(text) {
        Ok(expression) => Part::Expression(Code {
            text: text.to_owned(),
            expression,
        }),
        Err(error) => Part::Malformed {
            text: text.to_owned(),
            message: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<String> {
        parse(text, Span::default())
            .parts
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => format!("text {text}"),
                Part::Expression(code) => format!("code {}", code.text),
                Part::Malformed { text, .. } => format!("bad {text}"),
            })
            .collect()
    }

    #[test]
    fn text_and_expressions_alternate() {
        assert_eq!(shape(""), [] as [&str; 0]);
        assert_eq!(shape("plain }} text"), ["text plain }} text"]);
        assert_eq!(
            shape("x{{ a }}y{{b}}"),
            ["text x", "code  a ", "text y", "code b"]
        );
    }

    #[test]
    fn the_first_end_ends_the_expression() {
        assert_eq!(shape("{{ '}}' }}"), ["bad  '", "text ' }}"]);
        assert_eq!(shape("{{ a }}}"), ["code  a ", "text }"]);
    }

    #[test]
    fn an_open_end_spoils_the_field() {
        assert_eq!(shape("{{ a }} {{"), ["bad "]);
    }
}
