//! For programs. The schema is in `docs/diff.md`.

use serde_json::{Value as Json, json};

use crate::behaviour::{Kind, Value};
use crate::diff::{Change, Diff, FieldChange, Match, Of, ParameterChange, Place};

/// Version of the schema. It grows when a field changes its meaning or goes; new fields may come without it.
pub const SCHEMA: u32 = 1;

/// A difference as JSON: every change by itself, worst first.
pub fn json(diff: &Diff) -> Json {
    json!({
        "schema": SCHEMA,
        "of": match diff.of {
            Of::Instances => "instances",
            Of::Templates => "templates",
        },
        "summary": diff.summary(),
        "cost": diff.cost().map(crate::diff::Cost::name),
        "roles": {
            "before": diff.counts.before,
            "after": diff.counts.after,
            "unchanged": diff.counts.unchanged,
        },
        "changes": diff.changes.iter().map(change).collect::<Vec<_>>(),
        "notes": diff.notes,
        "parameters": diff.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Json {
    json!({
        "cost": change.cost.name(),
        "kind": match change.kind {
            Kind::Task => "task",
            Kind::Call => "call",
            Kind::Aggregator => "aggregator",
            Kind::Include => "include",
        },
        "what": change.what,
        "critical": change.critical,
        "before": change.before.as_ref().map(place),
        "after": change.after.as_ref().map(place),
        "match": matched(change.matched),
        "fields": change.fields.iter().map(field).collect::<Vec<_>>(),
    })
}

fn place(place: &Place) -> Json {
    json!({ "path": place.path, "host": place.host, "below": place.below })
}

fn matched(matched: Match) -> Json {
    match matched {
        Match::Path => json!({ "by": "path" }),
        Match::Renamed => json!({ "by": "content" }),
        Match::Moved => json!({ "by": "content but the host" }),
        Match::Similar { percent } => json!({ "by": "similarity", "percent": percent }),
        Match::Alone => Json::Null,
    }
}

fn field(change: &FieldChange) -> Json {
    json!({
        "field": change.field.to_string(),
        "cost": change.cost.name(),
        "reason": change.reason,
        "before": change.before.as_ref().map(value),
        "after": change.after.as_ref().map(value),
    })
}

fn value(value: &Value) -> Json {
    match value {
        Value::One(text) => text.shown.as_str().into(),
        Value::List(_) => value.shown().into(),
    }
}

fn parameter(change: &ParameterChange) -> Json {
    json!({
        "name": change.name,
        "part": change.part.name(),
        "before": change.before,
        "after": change.after,
    })
}
