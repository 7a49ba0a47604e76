use std::borrow::Cow;

use super::{Outcome, wrong_kind, wrong_number};
use crate::evaluate::value::{ListKind, Value};
use crate::evaluate::{MAX_LIST, MAX_TEXT, case, operators};

pub(super) fn call<'a>(name: &str, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (texts, number) = sort_out(name, arguments)?;
    let limit = number.map(operators::integer).transpose()?;
    Ok(match (name, texts.as_slice()) {
        ("trim", [text]) => Value::text(text.trim().to_owned()),
        ("trim", [text, set]) => Value::text(text.trim_matches(|c| set.contains(c)).to_owned()),
        ("trimPrefix", [text, rest @ ..]) => {
            let prefix = rest.first().copied().unwrap_or(" ");
            Value::text(text.strip_prefix(prefix).unwrap_or(text).to_owned())
        }
        ("trimSuffix", [text, rest @ ..]) => {
            let suffix = rest.first().copied().unwrap_or(" ");
            Value::text(text.strip_suffix(suffix).unwrap_or(text).to_owned())
        }
        ("upper", [text]) => Value::text(case::upper(text)),
        ("lower", [text]) => Value::text(case::lower(text)),
        ("split", [text, separator]) => strings(split(text, separator, limit, false)?),
        ("splitAfter", [text, separator]) => strings(split(text, separator, limit, true)?),
        ("replace", [text, from, to]) => Value::text(replace(text, from, to, limit)?),
        ("repeat", [text]) => Value::text(repeat(text, limit.unwrap_or(0))?),
        ("indexOf", [text, part]) => place(text.find(part)),
        ("lastIndexOf", [text, part]) => place(text.rfind(part)),
        ("hasPrefix", [text, part]) => Value::Bool(text.starts_with(part)),
        ("hasSuffix", [text, part]) => Value::Bool(text.ends_with(part)),
        _ => return Err(wrong_number(name, arguments.len())),
    })
}

/// Texts first, then perhaps a number: the order in which these built-ins take them.
fn sort_out<'v, 'a>(
    name: &str,
    arguments: &'v [Value<'a>],
) -> Result<(Vec<&'v str>, Option<&'v Value<'a>>), String> {
    let most = match name {
        "replace" => 3,
        "repeat" => 1,
        _ => 2,
    };
    let mut texts = Vec::with_capacity(most);
    for value in arguments.iter().take(most) {
        match value {
            Value::Str(text) => texts.push(text.as_ref()),
            other => return Err(wrong_kind(name, other)),
        }
    }
    Ok((texts, arguments.get(most)))
}

fn strings<'a>(parts: Vec<String>) -> Value<'a> {
    Value::list_of(
        ListKind::Str,
        parts
            .into_iter()
            .map(|part| Value::Str(Cow::Owned(part)))
            .collect(),
    )
}

fn place<'a>(at: Option<usize>) -> Value<'a> {
    Value::Int(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

/// Parts of a text; at most `limit` of them, none for 0, all below 0. An empty separator splits into characters.
fn split(text: &str, separator: &str, limit: Option<i64>, keep: bool) -> Result<Vec<String>, String> {
    let most = match limit {
        Some(0) => return Ok(Vec::new()),
        Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let parts_at_most = text.matches(separator).count().min(most);
    if i64::try_from(parts_at_most).is_ok_and(|parts| parts > MAX_LIST) {
        return Err(format!("a list may have {MAX_LIST} elements at most"));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    if separator.is_empty() {
        while let Some(c) = rest.chars().next() {
            let (head, tail) = rest.split_at(c.len_utf8());
            if parts.len() + 1 == most {
                break;
            }
            parts.push(head.to_owned());
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(rest.to_owned());
        }
        return Ok(parts);
    }
    while parts.len() + 1 < most {
        let Some((head, tail)) = rest.split_once(separator) else {
            break;
        };
        parts.push(if keep {
            format!("{head}{separator}")
        } else {
            head.to_owned()
        });
        rest = tail;
    }
    parts.push(rest.to_owned());
    Ok(parts)
}

fn replace(text: &str, from: &str, to: &str, limit: Option<i64>) -> Result<String, String> {
    let times = limit.and_then(|limit| usize::try_from(limit).ok());
    let places = text.matches(from).count().min(times.unwrap_or(usize::MAX));
    if text.len().saturating_add(places.saturating_mul(to.len())) > MAX_TEXT {
        return Err(format!("a text may have {MAX_TEXT} bytes at most"));
    }
    Ok(match times {
        Some(times) => text.replacen(from, to, times),
        None => text.replace(from, to),
    })
}

fn repeat(text: &str, times: i64) -> Result<String, String> {
    if times > MAX_LIST {
        return Err(format!("repeat takes at most {MAX_LIST}"));
    }
    let times = usize::try_from(times).map_err(|_| format!("repeat does not take {times}"))?;
    if text.len().saturating_mul(times) > MAX_TEXT {
        return Err(format!("a text may have {MAX_TEXT} bytes at most"));
    }
    Ok(text.repeat(times))
}
