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
    /// A configuration payload whose values are escaped for HTML (9.4).
    Escaped,
}

/// What `"`, `'`, `<` and `>` become in a payload.
const ESCAPED: [&str; 4] = ["&quot;", "&#39;", "&lt;", "&gt;"];

impl Surprise {
    /// What is odd about the text that a template made, if it does not stand in the template itself.
    pub fn of(template: &Template, text: &str, edition: Edition) -> Option<Self> {
        let made = |odd: &str| {
            let written = |part: &Part| matches!(part, Part::Text(text) if text.contains(odd));
            text.contains(odd) && !template.parts.iter().any(written)
        };
        let failed = !edition.failing_functions_are_errors() && (made("{\"error\":\"") || made("[\"error: "));
        if failed {
            Some(Self::Error)
        } else if !edition.nil_has_no_text() && made("<nil>") {
            Some(Self::Nil)
        } else if !edition.values_print_as_json() && reads(template, "json") && has_exponent(text) {
            Some(Self::Exponent)
        } else if !edition.payloads_are_plain_text()
            && reads(template, "config")
            && ESCAPED.into_iter().any(made)
        {
            Some(Self::Escaped)
        } else {
            None
        }
    }

    /// What to say of such a text.
    pub fn message(self, text: &str) -> String {
        match self {
            Self::Nil => format!("a missing value is written as `<nil>`: `{text}`"),
            Self::Exponent => format!("a number is written in exponent form: `{text}`"),
            Self::Error => format!("the text of an error is used as a value: `{text}`"),
            Self::Escaped => format!("the payload has values escaped for HTML: `{text}`"),
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Nil => "define what is missing, or write `… ?? ''`",
            Self::Exponent => "write the number with `json.Marshal(…)`",
            Self::Error => "the role goes on with this text: ask only for what exists",
            Self::Escaped => "write `{{ name|safe }}` in the payload",
        }
    }
}

/// An expression of it has that word in it.
fn reads(template: &Template, word: &str) -> bool {
    let reads =
        |part: &Part| matches!(part, Part::Expression(code) if code.text.to_lowercase().contains(word));
    template.parts.iter().any(reads)
}

/// A digit, `e+`, two digits.
fn has_exponent(text: &str) -> bool {
    let window =
        |w: &[u8]| matches!(w, [a, b'e', b'+', c, d] if [a, c, d].iter().all(|b| b.is_ascii_digit()));
    text.as_bytes().windows(5).any(window)
}
