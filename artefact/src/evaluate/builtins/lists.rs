use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Outcome, wrong_kind, wrong_number};
use crate::evaluate::operators::{compare, equal, fetch, float, integer, map_key, place};
use crate::evaluate::value::{Key, List, ListKind, Map, Value};
use crate::evaluate::{MAX_LIST, MAX_TEXT};
use crate::limits::evaluation::MAX_COMPARISONS;

/// Deepest nesting that `flatten` takes apart.
const MAX_NESTING: usize = 200;

pub(super) fn call<'a>(name: &str, arguments: &[Value<'a>]) -> Outcome<'a> {
    match (name, arguments) {
        ("len", [value]) => length(value),
        ("first", [value]) => Ok(fetch(value, &Value::Int(0)).unwrap_or(Value::Nil)),
        ("last", [value]) => Ok(fetch(value, &Value::Int(-1)).unwrap_or(Value::Nil)),
        ("get", [object, property]) => get(object, property),
        ("take", [Value::List(list), Value::Int(number)]) => {
            let number = usize::try_from(*number).map_err(|_| format!("take does not take {number}"))?;
            let items = list.items.iter().take(number).cloned().collect();
            Ok(Value::List(Arc::new(List {
                kind: list.kind,
                items,
            })))
        }
        ("keys", [Value::Map(map)]) => Ok(Value::list(map.entries.keys().map(Key::value).collect())),
        ("values", [Value::Map(map)]) => Ok(Value::list(map.entries.values().cloned().collect())),
        ("toPairs", [Value::Map(map)]) => {
            let pair = |(key, value): (&Key<'a>, &Value<'a>)| {
                Value::list_of(ListKind::Pair, vec![key.value(), value.clone()])
            };
            Ok(Value::list_of(
                ListKind::Pairs,
                map.entries.iter().map(pair).collect(),
            ))
        }
        ("fromPairs", [Value::List(list)]) => from_pairs(list),
        ("reverse", [Value::List(list)]) => Ok(Value::list(list.items.iter().rev().cloned().collect())),
        ("uniq", [Value::List(list)]) => Ok(Value::list(unique(&list.items)?)),
        ("flatten", [Value::List(list)]) => {
            let mut items = Vec::new();
            flatten(list, &mut items, 0)?;
            Ok(Value::list(items))
        }
        ("concat", [_, ..]) => concat(arguments),
        ("join", [list, rest @ ..]) if rest.len() <= 1 => join(list, rest.first()),
        ("sort", [Value::List(list), rest @ ..]) if rest.len() <= 1 => {
            let pairs = list
                .items
                .iter()
                .map(|item| (item.clone(), item.clone()))
                .collect();
            sort_by(pairs, rest.first())
        }
        (_, [value, ..]) => Err(wrong_kind(name, value)),
        _ => Err(wrong_number(name, arguments.len())),
    }
}

/// Characters of a text, elements of a list or map.
fn length<'a>(value: &Value<'a>) -> Outcome<'a> {
    let length = match value {
        Value::Str(text) => text.chars().count(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.len(),
        other => return Err(wrong_kind("len", other)),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// Like a member, but nil instead of an error where there is none.
fn get<'a>(object: &Value<'a>, property: &Value<'a>) -> Outcome<'a> {
    match object {
        Value::List(list) => {
            let index = integer(property)?;
            Ok(place(index, list.items.len())
                .and_then(|place| list.items.get(place))
                .cloned()
                .unwrap_or(Value::Nil))
        }
        Value::Str(text) => {
            let index = integer(property)?;
            let byte = place(index, text.len()).and_then(|place| text.as_bytes().get(place));
            Ok(byte.map_or(Value::Nil, |byte| Value::Int(i64::from(*byte))))
        }
        Value::Map(map) => {
            let key = map_key(property, map.any_key)?;
            Ok(key
                .and_then(|key| map.entries.get(&key).cloned())
                .unwrap_or(Value::Nil))
        }
        _ => Ok(Value::Nil),
    }
}

fn from_pairs<'a>(list: &List<'a>) -> Outcome<'a> {
    let mut entries = BTreeMap::new();
    for item in &list.items {
        let Value::List(pair) = item else {
            return Err(wrong_kind("fromPairs", item));
        };
        let [key, value] = pair.items.as_slice() else {
            return Err(format!("a pair has two elements, not {}", pair.items.len()));
        };
        let key = Key::of(key).ok_or_else(|| format!("a {} cannot be a key", key.kind()))?;
        entries.insert(key, value.clone());
    }
    Ok(Value::Map(Arc::new(Map {
        any_key: true,
        entries,
    })))
}

fn unique<'a>(items: &[Value<'a>]) -> Result<Vec<Value<'a>>, String> {
    let mut seen: Vec<Value<'a>> = Vec::new();
    let mut comparisons = 0;
    for item in items {
        comparisons += seen.len();
        if comparisons > MAX_COMPARISONS {
            return Err(format!("uniq keeps more than {} different elements", seen.len()));
        }
        if !seen.iter().any(|before| equal(before, item)) {
            seen.push(item.clone());
        }
    }
    Ok(seen)
}

fn flatten<'a>(list: &List<'a>, items: &mut Vec<Value<'a>>, depth: usize) -> Result<(), String> {
    if depth > MAX_NESTING {
        return Err(format!("flatten takes at most {MAX_NESTING} levels"));
    }
    for item in &list.items {
        match item {
            Value::List(inner) => flatten(inner, items, depth + 1)?,
            other => items.push(other.clone()),
        }
    }
    Ok(())
}

fn concat<'a>(arguments: &[Value<'a>]) -> Outcome<'a> {
    let mut items = Vec::new();
    for value in arguments {
        let Value::List(list) = value else {
            return Err(wrong_kind("concat", value));
        };
        items.extend(list.items.iter().cloned());
        if i64::try_from(items.len()).is_ok_and(|length| length > MAX_LIST) {
            return Err(format!("a list may have {MAX_LIST} elements at most"));
        }
    }
    Ok(Value::list(items))
}

fn join<'a>(list: &Value<'a>, glue: Option<&Value<'a>>) -> Outcome<'a> {
    let glue = match glue {
        None => "",
        Some(Value::Str(glue)) => glue.as_ref(),
        Some(other) => return Err(wrong_kind("join", other)),
    };
    let Value::List(list) = list else {
        return Err(wrong_kind("join", list));
    };
    if list.kind == ListKind::Int {
        return Err("join takes texts, not numbers".to_owned());
    }
    let mut text = String::new();
    for (index, item) in list.items.iter().enumerate() {
        let Value::Str(part) = item else {
            return Err(wrong_kind("join", item));
        };
        if index > 0 {
            text.push_str(glue);
        }
        text.push_str(part);
        if text.len() > MAX_TEXT {
            return Err(format!("a text may have {MAX_TEXT} bytes at most"));
        }
    }
    Ok(Value::text(text))
}

/// Items sorted by their keys, ascending unless told `desc`; equal ones keep their order.
pub(in crate::evaluate) fn sort_by<'a>(
    mut pairs: Vec<(Value<'a>, Value<'a>)>,
    order: Option<&Value<'a>>,
) -> Outcome<'a> {
    let descending = match order {
        None => false,
        Some(Value::Str(order)) if order == "asc" => false,
        Some(Value::Str(order)) if order == "desc" => true,
        Some(_) => return Err("the order is asc or desc".to_owned()),
    };
    // Found out before: sorting needs an order between any two.
    for pair in pairs.windows(2) {
        if let [(_, a), (_, b)] = pair
            && compare(a, b).is_none()
            && !(float(a).is_some() && float(b).is_some())
        {
            return Err(format!("a {} and a {} have no order", a.kind(), b.kind()));
        }
    }
    // Among floating-point numbers whole ones count as such, or there would be no order between three of them.
    let floats = pairs.iter().any(|(_, key)| matches!(key, Value::Float(_)));
    pairs.sort_by(|(_, a), (_, b)| {
        let ordering = match (float(a), float(b)) {
            (Some(a), Some(b)) if floats => a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
            _ => compare(a, b).unwrap_or(std::cmp::Ordering::Equal),
        };
        if descending { ordering.reverse() } else { ordering }
    });
    Ok(Value::list(pairs.into_iter().map(|(item, _)| item).collect()))
}
