use super::{Outcome, wrong_kind, wrong_number};
use crate::duration;
use crate::evaluate::value::Value;
use crate::evaluate::{Time, World, base64, format, json, operators};

pub(super) fn call<'a>(name: &str, arguments: &[Value<'a>], world: &dyn World) -> Outcome<'a> {
    match (name, arguments) {
        ("type", [value]) => Ok(Value::text(kind(value))),
        ("int", [value]) => int(value),
        ("float", [value]) => float(value),
        ("string", [value]) => format::plain_text(value).map(Value::text),
        ("toJSON", [value]) => json::encode_indented(value).map(Value::text),
        ("fromJSON", [Value::Str(text)]) => json::decode(text),
        ("toBase64", [Value::Str(text)]) => Ok(Value::text(base64::encode(text.as_bytes()))),
        ("fromBase64", [Value::Str(text)]) => {
            let bytes = base64::decode(text).ok_or_else(|| format!("`{text}` is not base64"))?;
            Ok(Value::text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        ("now", []) => world.now().map(Value::Time).ok_or_else(|| {
            "now() has no answer here: the result of a compilation must not depend on the time".to_owned()
        }),
        ("duration", [Value::Str(text)]) => parse_duration(text),
        ("date", [Value::Str(text)]) => Time::parse(text)
            .map(Value::Time)
            .ok_or_else(|| format!("`{text}` is not a date")),
        ("date", [Value::Str(_), ..]) => Err(
            "date takes no layout and no time zone here: write 2006-01-02 15:04:05 or RFC 3339".to_owned(),
        ),
        ("timezone", [_]) => Err("time zones are not supported: dates are in UTC".to_owned()),
        (_, [value, ..]) => Err(wrong_kind(name, value)),
        _ => Err(wrong_number(name, arguments.len())),
    }
}

/// What `type()` calls a value.
fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) | Value::Namespace(_) => "map",
        Value::Function(_) => "func",
        Value::Duration(_) => "time.Duration",
        Value::Time(_) => "time.Time",
        Value::Role(_) => "unknown",
    }
}

fn int<'a>(value: &Value<'a>) -> Outcome<'a> {
    match value {
        Value::Str(text) => text
            .parse::<i64>()
            .map(Value::Int)
            .map_err(|_| format!("`{text}` is not a whole number")),
        Value::Duration(nanoseconds) => Ok(Value::Int(*nanoseconds)),
        other => operators::integer(other).map(Value::Int),
    }
}

#[allow(clippy::cast_precision_loss, reason = "the reference converts the same way")]
fn float<'a>(value: &Value<'a>) -> Outcome<'a> {
    match value {
        Value::Int(i) => Ok(Value::Float(*i as f64)),
        Value::Float(f) => Ok(Value::Float(*f)),
        Value::Str(text) => text
            .parse::<f64>()
            .map(Value::Float)
            .map_err(|_| format!("`{text}` is not a number")),
        other => Err(wrong_kind("float", other)),
    }
}

fn parse_duration<'a>(text: &str) -> Outcome<'a> {
    let (text, negative) = match text.strip_prefix('-') {
        Some(size) => (size, true),
        None => (text, false),
    };
    let size = duration::parse(text).map_err(|error| error.to_string())?;
    let nanoseconds = i64::try_from(size.as_nanos()).map_err(|_| format!("`{text}` is too long"))?;
    Ok(Value::Duration(if negative { -nanoseconds } else { nanoseconds }))
}

/// Methods without arguments of times and durations; `None` if there is no such method.
#[allow(clippy::cast_precision_loss, reason = "the reference converts the same way")]
pub(in crate::evaluate) fn method<'a>(object: &Value<'a>, name: &str) -> Option<Value<'a>> {
    if let Value::Duration(nanoseconds) = object {
        let float = *nanoseconds as f64;
        return Some(match name {
            "Hours" => Value::Float(float / 3.6e12),
            "Minutes" => Value::Float(float / 6e10),
            "Seconds" => Value::Float(float / 1e9),
            "Milliseconds" => Value::Int(nanoseconds / 1_000_000),
            "Microseconds" => Value::Int(nanoseconds / 1_000),
            "Nanoseconds" => Value::Int(*nanoseconds),
            "String" => Value::text(crate::evaluate::time::duration_text(*nanoseconds)),
            _ => return None,
        });
    }
    let Value::Time(time) = object else { return None };
    let (civil, (seconds, nanoseconds)) = (time.civil(), time.split());
    Some(match name {
        "Year" => Value::Int(civil.year),
        "Month" => Value::text(*MONTHS.get(usize::try_from(civil.month - 1).ok()?)?),
        "Day" => Value::Int(civil.day),
        "Hour" => Value::Int(civil.hour),
        "Minute" => Value::Int(civil.minute),
        "Second" => Value::Int(civil.second),
        "Unix" => Value::Int(seconds),
        "UnixMilli" => Value::Int(seconds * 1_000 + nanoseconds / 1_000_000),
        "String" => Value::text(time.to_string()),
        _ => return None,
    })
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
