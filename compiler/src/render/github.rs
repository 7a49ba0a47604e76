//! Findings as GitHub's workflow commands: a job that prints them marks the lines of a pull request.

use super::Findings;
use super::place::Place;
use crate::diagnostic::{Diagnostic, SourceMap};

/// Each finding as `::error file=…,line=…,col=…::message`.
pub fn github<'d>(findings: impl Into<Findings<'d>>, sources: &SourceMap) -> String {
    let findings = findings.into();
    let rest = findings.rest().map(|rest| format!("::notice::{rest}\n"));
    let commands = findings.told().iter();
    commands
        .map(|diagnostic| command(diagnostic, sources))
        .chain(rest)
        .collect()
}

fn command(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let label = diagnostic.primary.as_ref();
    let place = label
        .and_then(|label| Place::of(label, sources))
        .map_or_else(String::new, |place| {
            format!(
                "file={},line={},col={},endColumn={},",
                property(place.path),
                place.line,
                place.column,
                place.end_column
            )
        });
    let level = diagnostic.level.as_str();
    let title = property(diagnostic.code.as_str());
    let hint = diagnostic
        .hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    let message = data(&format!("{}{hint}", diagnostic.message));
    format!("::{level} {place}title={title}::{message}\n")
}

/// Text of a command, which ends at a line end.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Value of a property, which also ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
