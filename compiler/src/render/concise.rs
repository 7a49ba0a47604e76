//! Findings with one line each.

use super::Findings;
use crate::diagnostic::{Diagnostic, SourceMap};

/// Each finding on one line: `path:line:column: error[code]: message (hint)`.
pub fn concise<'d>(findings: impl Into<Findings<'d>>, sources: &SourceMap) -> String {
    let findings = findings.into();
    let lines = findings.told().iter();
    lines
        .map(|diagnostic| line(diagnostic, sources))
        .chain([findings.rest_line()])
        .collect()
}

/// One finding, with a line end.
pub fn line(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let place = diagnostic.primary.as_ref().map_or_else(String::new, |label| {
        let path = sources
            .get(label.span.source)
            .map_or("?", |file| file.source.path.as_str());
        format!("{path}:{}:{}: ", label.span.line, label.span.column)
    });
    let hint = diagnostic
        .hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    let level = diagnostic.level.as_str();
    format!(
        "{place}{level}[{}]: {}{hint}\n",
        diagnostic.code.as_str(),
        diagnostic.message
    )
}
