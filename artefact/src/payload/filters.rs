//! The filters that payloads use.

use std::fmt::Write as _;

use super::value::{float, integer, is_true, length, text};
use crate::evaluate::{ListKind, Value, case};

const FILTERS: [&str; 27] = [
    "add",
    "addslashes",
    "capfirst",
    "cut",
    "default",
    "default_if_none",
    "divisibleby",
    "e",
    "escape",
    "first",
    "float",
    "floatformat",
    "integer",
    "join",
    "last",
    "length",
    "length_is",
    "linebreaksbr",
    "lower",
    "make_list",
    "safe",
    "slice",
    "split",
    "upper",
    "urlencode",
    "wordcount",
    "yesno",
];

/// Filters of pongo2 that are not done here.
const OTHERS: [&str; 24] = [
    "center",
    "date",
    "escapejs",
    "get_digit",
    "iriencode",
    "linebreaks",
    "linenumbers",
    "ljust",
    "phone2numeric",
    "pluralize",
    "random",
    "removetags",
    "rjust",
    "stringformat",
    "striptags",
    "time",
    "title",
    "truncatechars",
    "truncatechars_html",
    "truncatewords",
    "truncatewords_html",
    "urlize",
    "urlizetrunc",
    "wordwrap",
];

/// The filter of that name.
pub(super) fn find(name: &str) -> Result<&'static str, String> {
    match FILTERS.iter().find(|known| **known == name) {
        Some(known) => Ok(known),
        None if OTHERS.contains(&name) => Err(format!("filter '{name}' is not supported in payloads")),
        None => Err(format!("Filter '{name}' does not exist.")),
    }
}

/// `value|name:argument`; an argument that is not there is nil.
pub(super) fn apply<'a>(name: &str, value: Value<'a>, argument: &Value<'a>) -> Result<Value<'a>, String> {
    let number = |value: &Value<'_>| matches!(value, Value::Int(_) | Value::Float(_));
    Ok(match name {
        "escape" | "e" => Value::text(escaped(&text(&value))),
        "lower" => Value::text(case::lower(&text(&value))),
        "upper" => Value::text(case::upper(&text(&value))),
        "capfirst" => Value::text(capitalised(&text(&value))),
        "add" if number(&value) && number(argument) => match (&value, argument) {
            (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(*b)),
            (a, b) => Value::Float(float(a) + float(b)),
        },
        "add" => Value::text(text(&value) + &text(argument)),
        "addslashes" => {
            let slashed = text(&value).replace('\\', "\\\\").replace('"', "\\\"");
            Value::text(slashed.replace('\'', "\\'"))
        }
        "cut" => Value::text(text(&value).replace(&text(argument), "")),
        "default" if !is_true(&value) => argument.clone(),
        "default_if_none" if value.is_nil() => argument.clone(),
        "default" | "default_if_none" | "safe" => value,
        "divisibleby" => Value::Bool(match integer(argument) {
            0 => false,
            divisor => integer(&value).wrapping_rem(divisor) == 0,
        }),
        "first" | "last" => end(&value, name == "first"),
        "float" => Value::Float(float(&value)),
        "integer" => Value::Int(integer(&value)),
        "floatformat" => formatted(&value, argument),
        "join" => joined(value, &text(argument)),
        "length" => Value::Int(i64::try_from(length(&value)).unwrap_or(i64::MAX)),
        "length_is" => Value::Bool(i64::try_from(length(&value)) == Ok(integer(argument))),
        "linebreaksbr" => Value::text(text(&value).replace('\n', "<br />")),
        "make_list" => strings(text(&value).chars().map(String::from)),
        "slice" => slice(&value, &text(argument))?,
        "split" => split(&text(&value), &text(argument)),
        "urlencode" => Value::text(encoded(&text(&value))),
        "wordcount" => {
            let words = text(&value).split_whitespace().count();
            Value::Int(i64::try_from(words).unwrap_or(i64::MAX))
        }
        "yesno" => yes_or_no(&value, &text(argument))?,
        other => return Err(format!("Filter '{other}' does not exist.")),
    })
}

/// As HTML has it: what the output gets unless it is said to be safe.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '>' => escaped.push_str("&gt;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn strings<'a>(items: impl Iterator<Item = String>) -> Value<'a> {
    Value::list_of(ListKind::Str, items.map(Value::text).collect())
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(String::from).unwrap_or_default();
    case::upper(&first) + characters.as_str()
}

fn end<'a>(value: &Value<'a>, first: bool) -> Value<'a> {
    match value {
        Value::Str(text) => {
            let mut characters = text.chars();
            let character = if first {
                characters.next()
            } else {
                characters.next_back()
            };
            Value::text(character.map(String::from).unwrap_or_default())
        }
        Value::List(list) => {
            let item = if first {
                list.items.first()
            } else {
                list.items.last()
            };
            item.cloned().unwrap_or_else(|| Value::text(""))
        }
        _ => Value::text(""),
    }
}

fn joined<'a>(value: Value<'a>, separator: &str) -> Value<'a> {
    let items: Vec<String> = match &value {
        Value::List(list) => list.items.iter().map(text).collect(),
        Value::Str(text) => text.chars().map(String::from).collect(),
        _ => return value,
    };
    Value::text(items.join(separator))
}

fn split<'a>(text: &str, separator: &str) -> Value<'a> {
    if separator.is_empty() {
        strings(text.chars().map(String::from))
    } else {
        strings(text.split(separator).map(str::to_owned))
    }
}

/// `from:to`, each possibly missing or counted from the end.
fn slice<'a>(value: &Value<'a>, range: &str) -> Result<Value<'a>, String> {
    let [from, to] = range.split(':').collect::<Vec<_>>()[..] else {
        return Err(
            "Slice string must have the format 'from:to' [from/to can be omitted, but the ':' is required]"
                .to_owned(),
        );
    };
    let length = i64::try_from(length(value)).unwrap_or(i64::MAX);
    let bound = |text: &str| {
        let number = integer(&Value::text(text.to_owned()));
        if number < 0 {
            (length + number).max(0)
        } else {
            number
        }
    };
    let from = bound(from).min(length);
    let to = match to.trim() {
        "" => length,
        _ => Some(bound(to).max(from))
            .filter(|to| *to <= length)
            .unwrap_or(length),
    };
    let (skip, take) = (
        usize::try_from(from).unwrap_or_default(),
        usize::try_from(to - from).unwrap_or_default(),
    );
    Ok(match value {
        Value::Str(text) => Value::text(text.chars().skip(skip).take(take).collect::<String>()),
        Value::List(list) => {
            let items = list.items.iter().skip(skip).take(take).cloned().collect();
            Value::list_of(list.kind, items)
        }
        other => other.clone(),
    })
}

/// Digits after the point; a negative number of them means at most so many.
fn formatted<'a>(value: &Value<'a>, argument: &Value<'a>) -> Value<'a> {
    let number = float(value);
    let wanted = if argument.is_nil() { -1 } else { integer(argument) };
    let trimmed = wanted <= 0 || !matches!(argument, Value::Int(_) | Value::Float(_));
    if trimmed && number.fract() == 0.0 {
        return Value::Int(integer(value));
    }
    let digits = usize::try_from(wanted.unsigned_abs())
        .unwrap_or_default()
        .min(300);
    Value::text(format!("{number:.digits$}"))
}

fn yes_or_no<'a>(value: &Value<'a>, choices: &str) -> Result<Value<'a>, String> {
    let own: Vec<&str> = choices.split(',').collect();
    let [yes, no, maybe] = match own[..] {
        [""] => ["yes", "no", "maybe"],
        [yes, no] => [yes, no, "maybe"],
        [yes, no, maybe] => [yes, no, maybe],
        [_] => {
            return Err(format!(
                "you must either pass no or at least 2 arguments to the 'yesno'-filter (got: '{choices}')"
            ));
        }
        _ => {
            return Err(format!(
                "you cannot pass more than 3 options to the 'yesno'-filter (got: '{choices}')"
            ));
        }
    };
    Ok(Value::text(if value.is_nil() {
        maybe.to_owned()
    } else if is_true(value) {
        yes.to_owned()
    } else {
        no.to_owned()
    }))
}

/// As in the query of a URL: a space is a plus.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            // Writing to a String cannot fail.
            other => drop(write!(encoded, "%{other:02X}")),
        }
    }
    encoded
}
