//! Texts that an expression makes and that hardly anybody means.

use crate::edition::Edition;
use crate::ir::{Part, Template};

/// What is odd about a text. Editions that refuse it instead never see one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surprise {
    /// `<nil>` (`template-language.md` 4.4).
    Nil,
    /// A whole number in exponent form (4.4).
    Exponent,
    /// The text of an error as a value (5.2).
    Error,
}

/// What is odd about the text that a template made, if it does not stand in the template itself.
pub(super) fn surprise(template: &Template, text: &str, edition: Edition) -> Option<Surprise> {
    let made = |odd: &str| {
        let written = |part: &Part| matches!(part, Part::Text(text) if text.contains(odd));
        text.contains(odd) && !template.parts.iter().any(written)
    };
    let failed = !edition.failing_functions_are_errors() && (made("{\"error\":\"") || made("[\"error: "));
    if failed {
        Some(Surprise::Error)
    } else if !edition.nil_has_no_text() && made("<nil>") {
        Some(Surprise::Nil)
    } else if !edition.values_print_as_json() && reads_json(template) && has_exponent(text) {
        Some(Surprise::Exponent)
    } else {
        None
    }
}

/// Only numbers out of JSON are written so.
fn reads_json(template: &Template) -> bool {
    let reads =
        |part: &Part| matches!(part, Part::Expression(code) if code.text.to_lowercase().contains("json"));
    template.parts.iter().any(reads)
}

/// A digit, `e+`, two digits.
fn has_exponent(text: &str) -> bool {
    let window =
        |w: &[u8]| matches!(w, [a, b'e', b'+', c, d] if [a, c, d].iter().all(|b| b.is_ascii_digit()));
    text.as_bytes().windows(5).any(window)
}
