//! Truth, equality, numbers and text as pongo2 has them: not those of the expression language.

use crate::evaluate::{Key, ListKind, Value};

/// Text in the output. Lists and maps have none worth having, and neither has the reference.
pub(super) fn text(value: &Value<'_>) -> String {
    match value {
        Value::Nil | Value::Role(None) => String::new(),
        Value::Str(text) => text.clone().into_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(number) | Value::Duration(number) => number.to_string(),
        Value::Float(number) => format!("{number:.6}"),
        Value::List(list) if list.kind == ListKind::Str => "<[]string Value>".to_owned(),
        Value::List(_) => "<[]interface {} Value>".to_owned(),
        Value::Map(_) | Value::Namespace(_) => "<map[string]interface {} Value>".to_owned(),
        other => format!("<{} Value>", other.kind()),
    }
}

pub(super) fn is_true(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::List(list) => !list.items.is_empty(),
        Value::Map(map) => !map.entries.is_empty(),
        Value::Namespace(_) => true,
        _ => false,
    }
}

/// `not`: a number stays a number.
pub(super) fn negated<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Int(number) => Value::Int(i64::from(*number == 0)),
        Value::Float(number) => Value::Float(if *number == 0.0 { 1.1 } else { 0.0 }),
        other => Value::Bool(!is_true(other)),
    }
}

pub(super) fn equal(left: &Value<'_>, right: &Value<'_>) -> Result<bool, String> {
    match (left, right) {
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
            Err(format!("runtime error: comparing uncomparable {}s", left.kind()))
        }
        _ => Ok(left == right),
    }
}

pub(super) fn contains(whole: &Value<'_>, part: &Value<'_>) -> Result<bool, String> {
    Ok(match whole {
        Value::Str(whole) => whole.contains(&text(part)),
        Value::List(list) => {
            for item in &list.items {
                if equal(part, item)? {
                    return Ok(true);
                }
            }
            false
        }
        Value::Map(map) => match part {
            Value::Str(name) => map.entries.contains_key(&Key::Str(name.clone())),
            _ => false,
        },
        _ => false,
    })
}

pub(super) fn integer(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(number) => *number,
        other => truncated(float(other)),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "what is out of range saturates; the reference's result depends on the machine"
)]
fn truncated(number: f64) -> i64 {
    number as i64
}

#[allow(clippy::cast_precision_loss, reason = "as the reference")]
pub(super) fn float(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Str(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Characters or elements.
pub(super) fn length(value: &Value<'_>) -> usize {
    match value {
        Value::Str(text) => text.chars().count(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.len(),
        _ => 0,
    }
}

/// Name of its kind in messages.
pub(super) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Float(_) => "float64",
        Value::List(_) => "slice",
        Value::Namespace(_) => "map",
        Value::Function(_) => "func",
        other => other.kind(),
    }
}
