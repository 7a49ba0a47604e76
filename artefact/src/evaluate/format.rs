//! Values as text: Go's `%v`, and Go's JSON for lists (template-language.md 4.4).

use std::fmt::Write as _;

use super::json;
use super::value::{Key, ListKind, Value};
use crate::edition::Edition;

/// Text that a field gets. An error only for values whose text would mean nothing to anybody.
pub(super) fn field(value: &Value<'_>, edition: Edition, out: &mut String) -> Result<(), String> {
    match value {
        Value::Nil | Value::Role(None) if edition.nil_has_no_text() => {
            Err("there is nothing to write: the value is nil".to_owned())
        }
        Value::List(_) | Value::Map(_) if edition.values_print_as_json() => {
            out.push_str(&json::encode(value)?);
            Ok(())
        }
        Value::Float(f) if edition.values_print_as_json() => {
            out.push_str(&number(*f, edition));
            Ok(())
        }
        Value::List(list) if matches!(list.kind, ListKind::Any | ListKind::Str) => {
            out.push_str(&json::encode(value)?);
            Ok(())
        }
        _ => plain(value, out),
    }
}

/// `%v`.
pub(crate) fn plain(value: &Value<'_>, out: &mut String) -> Result<(), String> {
    match value {
        Value::Nil | Value::Role(None) => out.push_str("<nil>"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => write_to(out, i),
        Value::Float(f) => out.push_str(&float(*f)),
        Value::Str(text) => out.push_str(text),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                plain(item, out)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                plain(&key.value(), out)?;
                out.push(':');
                plain(item, out)?;
            }
            out.push(']');
        }
        Value::Role(Some(role)) => {
            let _ = write!(out, "&{{{} {}}}", role.name, role.path);
        }
        Value::Duration(nanoseconds) => out.push_str(&super::time::duration_text(*nanoseconds)),
        Value::Time(time) => write_to(out, time),
        Value::Namespace(name) if partita_stdlib::NAMESPACES.contains(name) || *name == "$env" => {
            return Err(format!(
                "{name} is an object of functions and has no text of its own"
            ));
        }
        Value::Namespace(_) => out.push_str("map[]"),
        Value::Function(name) => return Err(format!("{name} is a function and is not called here")),
    }
    Ok(())
}

/// `%v` of one value.
pub(crate) fn plain_text(value: &Value<'_>) -> Result<String, String> {
    let mut text = String::new();
    plain(value, &mut text)?;
    Ok(text)
}

fn write_to(out: &mut String, value: &impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// Fewest digits that round-trip; exponent form below 1e-4 and from 1e6 on.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (digits, exponent) = scientific(value);
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}

/// `1.2345e8` as (`1.2345`, 8).
fn scientific(value: f64) -> (String, i32) {
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => (digits.to_owned(), exponent.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

/// A number as text.
pub(crate) fn number(value: f64, edition: Edition) -> String {
    let written = edition.values_print_as_json().then(|| json_float(value));
    written.flatten().unwrap_or_else(|| float(value))
}

/// A number in JSON: exponent form only below 1e-6 or from 1e21 on.
pub(crate) fn json_float(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let (digits, exponent) = scientific(value);
        let sign = if exponent < 0 { '-' } else { '+' };
        return Some(format!("{digits}e{sign}{}", exponent.abs()));
    }
    Some(format!("{value}"))
}

/// Key of a JSON object; `None` where JSON has no such key.
pub(crate) fn json_key<'k>(key: &'k Key<'_>) -> Option<&'k str> {
    if let Key::Str(text) = key {
        Some(text)
    } else {
        None
    }
}
