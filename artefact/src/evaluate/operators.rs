//! Operators on values (expr-lang v1.17.7, `vm/runtime`).

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::value::{Key, ListKind, Value};
use super::{MAX_LIST, MAX_TEXT, Time};
use crate::edition::Edition;
use crate::expression::Binary;
use crate::limits::evaluation::MAX_PATTERN;

type Outcome<'a> = Result<Value<'a>, String>;

/// Applies an operator that always needs both operands.
pub(super) fn apply<'a>(operator: Binary, left: Value<'a>, right: Value<'a>) -> Outcome<'a> {
    match operator {
        Binary::Equal => Ok(Value::Bool(equal(&left, &right))),
        Binary::NotEqual => Ok(Value::Bool(!equal(&left, &right))),
        Binary::Less | Binary::Greater | Binary::LessOrEqual | Binary::GreaterOrEqual => {
            order(operator, &left, &right)
        }
        Binary::In => contained(&left, &right).map(Value::Bool),
        Binary::Matches | Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
            text(operator, &left, &right).map(Value::Bool)
        }
        Binary::Range => range(&left, &right),
        Binary::Add => add(left, right),
        Binary::Subtract => subtract(&left, &right),
        Binary::Multiply => multiply(&left, &right),
        Binary::Divide => floats(operator, &left, &right, |a, b| a / b),
        Binary::Power => floats(operator, &left, &right, f64::powf),
        Binary::Remainder => remainder(&left, &right),
        Binary::And | Binary::Or | Binary::Coalesce => Err(misfit(operator, &left, &right)),
    }
}

fn misfit(operator: Binary, left: &Value<'_>, right: &Value<'_>) -> String {
    format!(
        "`{}` does not work on {} and {}",
        operator.symbol(),
        left.kind(),
        right.kind()
    )
}

#[allow(clippy::cast_precision_loss, reason = "the reference converts the same way")]
pub(super) fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// Truncates, as the reference does where a whole number is wanted.
#[allow(
    clippy::cast_possible_truncation,
    reason = "saturates, and lists are far shorter"
)]
pub(super) fn integer(value: &Value<'_>) -> Result<i64, String> {
    match value {
        Value::Int(i) => Ok(*i),
        Value::Float(f) => Ok(*f as i64),
        other => Err(format!("a {} is not a whole number", other.kind())),
    }
}

/// Equality of the language: numbers by value, lists element by element, other kinds never equal.
#[allow(clippy::float_cmp, reason = "equality of the language is exact")]
pub(super) fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| equal(a, b))
        }
        (a, b) if a.is_nil() && b.is_nil() => true,
        (a, b) => match (float(a), float(b)) {
            (Some(a), Some(b)) => a == b,
            // Inside maps the reference compares exactly: 1 is not 1.0 there.
            _ => a == b,
        },
    }
}

/// Whether `a` comes before `b`; an error if they have no order.
pub(super) fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) | (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (a, b) => float(a)?.partial_cmp(&float(b)?),
    }
}

/// Whether two texts can be put in order.
pub(super) fn ordered_texts(edition: Edition) -> Result<(), String> {
    if edition.texts_have_no_order() {
        return Err("texts have no order".to_owned());
    }
    Ok(())
}

fn order<'a>(operator: Binary, left: &Value<'_>, right: &Value<'_>) -> Outcome<'a> {
    let ordering = match compare(left, right) {
        Some(ordering) => ordering,
        // NaN is neither before nor after anything.
        None if float(left).is_some() && float(right).is_some() => return Ok(Value::Bool(false)),
        None => return Err(misfit(operator, left, right)),
    };
    Ok(Value::Bool(match operator {
        Binary::Less => ordering.is_lt(),
        Binary::Greater => ordering.is_gt(),
        Binary::LessOrEqual => ordering.is_le(),
        _ => ordering.is_ge(),
    }))
}

pub(super) fn contained(needle: &Value<'_>, hay: &Value<'_>) -> Result<bool, String> {
    match hay {
        Value::Nil | Value::Role(None) => Ok(false),
        Value::List(list) => Ok(list.items.iter().any(|item| equal(item, needle))),
        Value::Map(map) => {
            Ok(map_key(needle, map.any_key)?.is_some_and(|key| map.entries.contains_key(&key)))
        }
        Value::Role(Some(_)) => match needle {
            Value::Str(name) => Ok(matches!(name.as_ref(), "Name" | "Path")),
            other => Err(format!("a {} is not the name of a member", other.kind())),
        },
        _ => Err(misfit(Binary::In, needle, hay)),
    }
}

/// The key that looks a value up in a map; `None` where nothing can be found.
pub(super) fn map_key<'a>(value: &Value<'a>, any_key: bool) -> Result<Option<Key<'a>>, String> {
    match (any_key, value) {
        (false, Value::Nil) => Ok(Some(Key::Str("".into()))),
        (false, Value::Str(text)) => Ok(Some(Key::Str(text.clone()))),
        (false, other) => Err(format!("a {} is not a key of this map", other.kind())),
        (true, value) => Ok(Key::of(value)),
    }
}

fn text(operator: Binary, left: &Value<'_>, right: &Value<'_>) -> Result<bool, String> {
    if left.is_nil() || right.is_nil() {
        return Ok(false);
    }
    let (Value::Str(a), Value::Str(b)) = (left, right) else {
        return Err(misfit(operator, left, right));
    };
    Ok(match operator {
        Binary::Contains => a.contains(b.as_ref()),
        Binary::StartsWith => a.starts_with(b.as_ref()),
        Binary::EndsWith => a.ends_with(b.as_ref()),
        _ => pattern(b)?.is_match(a),
    })
}

/// A regular expression.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(MAX_PATTERN)
        .build()
        .map_err(|error| format!("`{text}` is not a pattern: {error}"))
}

fn range<'a>(left: &Value<'_>, right: &Value<'_>) -> Outcome<'a> {
    let (from, to) = (integer(left)?, integer(right)?);
    if to.saturating_sub(from) >= MAX_LIST {
        return Err(format!("{from}..{to} has more than {MAX_LIST} elements"));
    }
    Ok(Value::list_of(
        ListKind::Int,
        (from..=to).map(Value::Int).collect(),
    ))
}

fn add<'a>(left: Value<'a>, right: Value<'a>) -> Outcome<'a> {
    Ok(match (left, right) {
        (Value::Str(mut a), Value::Str(b)) => {
            if a.len() + b.len() > MAX_TEXT {
                return Err(format!("a text may have {MAX_TEXT} bytes at most"));
            }
            a += b;
            Value::Str(a)
        }
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(b)),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(a.wrapping_add(b)),
        (Value::Time(t), Value::Duration(d)) | (Value::Duration(d), Value::Time(t)) => Value::Time(Time {
            nanoseconds: t.nanoseconds + i128::from(d),
        }),
        (a, b) => match (float(&a), float(&b)) {
            (Some(a), Some(b)) => Value::Float(a + b),
            _ => return Err(misfit(Binary::Add, &a, &b)),
        },
    })
}

fn subtract<'a>(left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    Ok(match (left, right) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_sub(*b)),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(a.wrapping_sub(*b)),
        (Value::Time(t), Value::Duration(d)) => Value::Time(Time {
            nanoseconds: t.nanoseconds - i128::from(*d),
        }),
        (Value::Time(a), Value::Time(b)) => {
            let between = a.nanoseconds - b.nanoseconds;
            Value::Duration(i64::try_from(between).unwrap_or(if between < 0 { i64::MIN } else { i64::MAX }))
        }
        (a, b) => match (float(a), float(b)) {
            (Some(a), Some(b)) => Value::Float(a - b),
            _ => return Err(misfit(Binary::Subtract, a, b)),
        },
    })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as the reference converts"
)]
fn multiply<'a>(left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    Ok(match (left, right) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_mul(*b)),
        (Value::Duration(a), Value::Duration(b) | Value::Int(b)) | (Value::Int(a), Value::Duration(b)) => {
            Value::Duration(a.wrapping_mul(*b))
        }
        (Value::Duration(d), Value::Float(f)) | (Value::Float(f), Value::Duration(d)) => {
            Value::Duration((*d as f64 * f) as i64)
        }
        (a, b) => match (float(a), float(b)) {
            (Some(a), Some(b)) => Value::Float(a * b),
            _ => return Err(misfit(Binary::Multiply, a, b)),
        },
    })
}

fn floats<'a>(
    operator: Binary,
    left: &Value<'_>,
    right: &Value<'_>,
    apply: impl Fn(f64, f64) -> f64,
) -> Outcome<'a> {
    match (float(left), float(right)) {
        (Some(a), Some(b)) => Ok(Value::Float(apply(a, b))),
        _ => Err(misfit(operator, left, right)),
    }
}

fn remainder<'a>(left: &Value<'_>, right: &Value<'_>) -> Outcome<'a> {
    match (left, right) {
        (Value::Int(_), Value::Int(0)) => Err("division by zero".to_owned()),
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_rem(*b))),
        _ => Err(misfit(Binary::Remainder, left, right)),
    }
}

pub(super) fn negate<'a>(value: &Value<'a>) -> Outcome<'a> {
    match value {
        Value::Int(i) => Ok(Value::Int(i.wrapping_neg())),
        Value::Float(f) => Ok(Value::Float(-f)),
        other => Err(format!("a {} has no sign", other.kind())),
    }
}

/// Place in a list of this length that an index means; negative ones count from the end.
pub(super) fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 {
        index.checked_add(length)?
    } else {
        index
    };
    if place < length {
        usize::try_from(place).ok()
    } else {
        None
    }
}

/// `object[property]`; nil where a map has no such key.
pub(super) fn fetch<'a>(object: &Value<'a>, property: &Value<'a>) -> Outcome<'a> {
    match object {
        Value::List(list) => {
            let index = integer(property)?;
            let length = list.items.len();
            place(index, length)
                .and_then(|place| list.items.get(place).cloned())
                .ok_or_else(|| format!("index {index} is out of range: the list has {length} elements"))
        }
        Value::Str(text) => {
            let index = integer(property)?;
            place(index, text.len())
                .and_then(|place| text.as_bytes().get(place))
                .map(|byte| Value::Int(i64::from(*byte)))
                .ok_or_else(|| format!("index {index} is out of range: the text has {} bytes", text.len()))
        }
        Value::Map(map) => {
            let key = map_key(property, map.any_key)?;
            Ok(key
                .and_then(|key| map.entries.get(&key).cloned())
                .unwrap_or(Value::Nil))
        }
        Value::Role(Some(role)) => match property {
            Value::Str(name) if name == "Name" => Ok(Value::text(role.name)),
            Value::Str(name) if name == "Path" => Ok(Value::text(role.path)),
            _ => Err("a role has only Name and Path".to_owned()),
        },
        Value::Role(None) => Err("there is no role above the root".to_owned()),
        other => Err(match property {
            Value::Str(name) => format!("a {} has no member {name}", other.kind()),
            _ => format!("a {} cannot be indexed", other.kind()),
        }),
    }
}

/// `object[from:to]`; bounds outside are moved inside. Text is cut between bytes: a character that is cut in two
/// becomes a replacement character.
pub(super) fn slice<'a>(object: &Value<'a>, from: Option<i64>, to: Option<i64>) -> Outcome<'a> {
    let bounds = |length: usize| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let inside = |bound: i64| {
            if bound < 0 {
                bound.saturating_add(length).max(0)
            } else {
                bound
            }
        };
        let to = inside(to.unwrap_or(length)).min(length);
        let from = inside(from.unwrap_or(0)).min(to);
        (
            usize::try_from(from).unwrap_or(0),
            usize::try_from(to).unwrap_or(0),
        )
    };
    match object {
        Value::Str(text) => {
            let (from, to) = bounds(text.len());
            let bytes = text.as_bytes().get(from..to).unwrap_or_default();
            Ok(Value::text(String::from_utf8_lossy(bytes).into_owned()))
        }
        Value::List(list) => {
            let (from, to) = bounds(list.items.len());
            let items = list.items.get(from..to).unwrap_or_default().to_vec();
            Ok(Value::List(Arc::new(super::value::List {
                kind: list.kind,
                items,
            })))
        }
        other => Err(format!("a {} cannot be sliced", other.kind())),
    }
}
