//! Findings in SARIF 2.1.0, which code scanning services read (OASIS, Static Analysis Results Interchange Format).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Findings;
use super::place::Place;
use crate::diagnostic::{Code, Diagnostic, Label, Level, SourceMap};

/// The schema that the log follows.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log with one run. `version`: that of the program that found them.
pub fn sarif<'d>(findings: impl Into<Findings<'d>>, sources: &SourceMap, version: &str) -> Value {
    let findings = findings.into();
    let rules: Vec<Value> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = findings
        .told()
        .iter()
        .map(|diagnostic| result(diagnostic, sources))
        .collect();
    let mut run = json!({
        "tool": { "driver": { "name": "partita", "version": version, "rules": rules } },
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    if let (Some(members), Some(rest)) = (run.as_object_mut(), findings.rest()) {
        let notification = json!({ "level": "warning", "message": { "text": rest } });
        members.insert(
            "invocations".to_owned(),
            json!([{ "executionSuccessful": true, "toolExecutionNotifications": [notification] }]),
        );
    }
    json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.summary() },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level(code.level()) },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Off => "none",
    }
}

fn result(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let text = match &diagnostic.hint {
        Some(hint) => format!("{} ({hint})", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let located = |label: &Label| location(label, sources);
    let locations: Vec<Value> = diagnostic.primary.iter().filter_map(located).collect();
    let related: Vec<Value> = diagnostic.secondary.iter().filter_map(located).collect();
    let index = Code::ALL.iter().position(|code| *code == diagnostic.code);
    json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": index,
        "level": level(diagnostic.level),
        "message": { "text": text },
        "locations": locations,
        "relatedLocations": related,
    })
}

fn location(label: &Label, sources: &SourceMap) -> Option<Value> {
    let place = Place::of(label, sources)?;
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(place.path) },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endColumn": place.end_column,
            },
        },
    });
    if !label.message.is_empty()
        && let Some(members) = location.as_object_mut()
    {
        members.insert("message".to_owned(), json!({ "text": label.message }));
    }
    Some(location)
}

/// A path as a relative URI (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
