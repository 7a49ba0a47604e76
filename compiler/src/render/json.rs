//! Findings as JSON for tools. The form is documented in `docs/check.md` and only grows.

use serde_json::{Value, json};

use super::place::Place;
use crate::diagnostic::{Diagnostic, Label, SourceMap};

/// One object with all findings and their number.
pub fn json(diagnostics: &[Diagnostic], sources: &SourceMap) -> Value {
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count();
    let findings: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| finding(diagnostic, sources))
        .collect();
    json!({
        "findings": findings,
        "errors": errors,
        "warnings": diagnostics.len() - errors,
    })
}

/// One finding.
pub fn finding(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let primary = diagnostic.primary.as_ref().map(|label| place(label, sources));
    let others: Vec<Value> = diagnostic
        .secondary
        .iter()
        .map(|label| place(label, sources))
        .collect();
    json!({
        "code": diagnostic.code.as_str(),
        "level": diagnostic.level.as_str(),
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "place": primary,
        "others": others,
    })
}

fn place(label: &Label, sources: &SourceMap) -> Value {
    match Place::of(label, sources) {
        None => Value::Null,
        Some(place) => json!({
            "repository": place.repository,
            "path": place.path,
            "line": place.line,
            "column": place.column,
            "end_column": place.end_column,
            "message": label.message,
        }),
    }
}
