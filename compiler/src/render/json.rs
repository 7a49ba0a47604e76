//! Findings as JSON for tools. The form is documented in `docs/check.md` and only grows.

use serde_json::{Value, json};

use super::Findings;
use super::place::Place;
use crate::diagnostic::{Diagnostic, Label, SourceMap};

/// One object with all findings and their number.
pub fn json<'d>(findings: impl Into<Findings<'d>>, sources: &SourceMap) -> Value {
    let findings = findings.into();
    let errors = findings
        .all
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count();
    let told = findings.told().iter();
    let told: Vec<Value> = told.map(|diagnostic| finding(diagnostic, sources)).collect();
    let mut value = json!({
        "findings": told,
        "errors": errors,
        "warnings": findings.all.len() - errors,
    });
    if let (Some(members), 1..) = (value.as_object_mut(), findings.more()) {
        members.insert("more".to_owned(), json!(findings.more()));
    }
    value
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
