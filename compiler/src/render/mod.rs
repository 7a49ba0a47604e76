//! Findings as people and tools read them: `full` with the lines they are about, `concise` with one line each, and JSON,
//! GitHub and SARIF for tools.

mod concise;
mod full;
mod github;
mod json;
mod place;
mod sarif;

use crate::diagnostic::{Diagnostic, SourceMap};
use crate::limits::findings::TOLD;

pub use concise::{concise, line};
pub use full::frames;
pub use github::github;
pub use json::{finding, json};
pub use sarif::sarif;

/// Findings to be written: the first [`TOLD`] one by one, of the rest the number.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'d> {
    all: &'d [Diagnostic],
    /// What was found besides and is not in the list.
    untold: usize,
}

impl<'d> Findings<'d> {
    /// These, and so many more that nothing else is known of.
    pub fn and_more(all: &'d [Diagnostic], untold: usize) -> Self {
        Self { all, untold }
    }

    fn told(self) -> &'d [Diagnostic] {
        self.all.get(..TOLD).unwrap_or(self.all)
    }

    fn more(self) -> usize {
        self.all.len() - self.told().len() + self.untold
    }

    /// `... and 7 more`; `None` if all are told.
    fn rest(self) -> Option<String> {
        (self.more() > 0).then(|| format!("... and {} more", self.more()))
    }

    fn rest_line(self) -> String {
        self.rest().map_or_else(String::new, |rest| rest + "\n")
    }
}

impl<'d> From<&'d [Diagnostic]> for Findings<'d> {
    fn from(all: &'d [Diagnostic]) -> Self {
        Self::and_more(all, 0)
    }
}

impl<'d> From<&'d Vec<Diagnostic>> for Findings<'d> {
    fn from(all: &'d Vec<Diagnostic>) -> Self {
        Self::and_more(all, 0)
    }
}

impl<'d, const N: usize> From<&'d [Diagnostic; N]> for Findings<'d> {
    fn from(all: &'d [Diagnostic; N]) -> Self {
        Self::and_more(all, 0)
    }
}

/// Each finding with a frame of the source it is about, and a last line that counts them.
pub fn full<'d>(findings: impl Into<Findings<'d>>, sources: &SourceMap, colour: bool) -> String {
    let findings = findings.into();
    frames(findings, sources, colour) + &count(findings)
}

/// How many findings of each level: `2 errors, 1 warning`, with a line end; empty without any.
pub fn count<'d>(findings: impl Into<Findings<'d>>) -> String {
    let diagnostics = findings.into().all;
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
