//! The text around expressions: `{{`, an expression, `}}` (reference: template-language.md 4.1).

use partita_artefact::ir::{Code, Edition, Part, Span, Template};

use super::expression;

/// Splits a field into literal texts and expressions. Never fails: what cannot be parsed becomes
/// [`Part::Malformed`], since a field that is never evaluated may hold anything.
///
/// An expression ends at the first `}}`, even inside a string literal; there is no escape.
pub fn parse(text: &str, span: Span) -> Template {
    parse_in(Edition::Aliecs, text, span)
}

/// As [`parse`], in any edition of the language.
pub fn parse_in(edition: Edition, text: &str, span: Span) -> Template {
    let end_of = if edition.expressions_may_hold_braces() {
        balanced_end
    } else {
        |text: &str| text.find("}}")
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let Some((inside, following)) = end_of(after).and_then(|end| cut(after, end)) else {
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

/// What stands before and after the two braces at `end`.
fn cut(text: &str, end: usize) -> Option<(&str, &str)> {
    Some((text.get(..end)?, text.get(end + "}}".len()..)?))
}

/// The first `}}` that stands neither in quotes nor closes a brace of the expression itself.
fn balanced_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            // Only raw texts have no escapes.
            (Some(b'"' | b'\''), b'\\') => at += 1,
            (Some(end), byte) if byte == end => quote = None,
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'{') => open += 1,
            (None, b'}') if open > 0 => open -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn code(text: &str) -> Part {
    match expression::parse(text) {
        Ok(expression) => Part::Expression(Code::new(text, expression)),
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
    fn braces_and_quotes_inside_do_not_end_an_expression_of_2026() {
        let shape = |text| {
            let parts = parse_in(Edition::E2026, text, Span::default()).parts;
            let source = |part: &Part| match part {
                Part::Text(text) => format!("text {text}"),
                Part::Expression(code) => format!("code {}", code.text),
                Part::Malformed { text, .. } => format!("bad {text}"),
            };
            parts.iter().map(source).collect::<Vec<_>>()
        };
        assert_eq!(shape("{{ '}}' }}"), ["code  '}}' "]);
        assert_eq!(shape(r"{{ '\'}}' }} x"), [r"code  '\'}}' ", "text  x"]);
        assert_eq!(shape("{{ {'a': {'b': 1}}.a }}"), ["code  {'a': {'b': 1}}.a "]);
        assert_eq!(shape("{{ a }}}"), ["code  a ", "text }"]);
        assert_eq!(shape("{{ '}}"), ["bad  '}}"]);
    }

    #[test]
    fn an_open_end_spoils_the_field() {
        assert_eq!(shape("{{ a }} {{"), ["bad "]);
    }
}
