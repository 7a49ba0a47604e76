//! Findings as people and tools read them: `full` with the lines they are about, `concise` with one line each, and JSON,
//! GitHub and SARIF for tools.

mod concise;
mod full;
mod github;
mod json;
mod place;
mod sarif;

use crate::diagnostic::{Diagnostic, SourceMap};

pub use concise::{concise, line};
pub use full::frames;
pub use github::github;
pub use json::{finding, json};
pub use sarif::sarif;

/// Each finding with a frame of the source it is about, and a last line that counts them.
pub fn full(diagnostics: &[Diagnostic], sources: &SourceMap, colour: bool) -> String {
    frames(diagnostics, sources, colour) + &count(diagnostics)
}

/// How many findings of each level: `2 errors, 1 warning`, with a line end; empty without any.
pub fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    match (errors, warnings) {
        (0, 0) => String::new(),
        (0, w) => plural(w, "warning") + "\n",
        (e, 0) => plural(e, "error") + "\n",
        (e, w) => format!("{}, {}\n", plural(e, "error"), plural(w, "warning")),
    }
}

/// `1 error`, `2 errors`.
pub fn plural(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
