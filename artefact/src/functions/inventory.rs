//! Hosts, detectors and readout cards (reference: template-language.md 9.5).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::evaluate::{Value, World, json};

/// What the store says of a readout card.
#[derive(Deserialize)]
struct Card {
    #[serde(default)]
    serial: String,
    #[serde(default)]
    endpoint: String,
}

pub(super) fn detector(host: &str, world: &dyn World) -> Result<String, String> {
    world
        .detector(host)
        .ok_or_else(|| format!("detector not found for host {host}"))
}

/// The detectors of a JSON list of hosts, as a sorted JSON list. One unknown host spoils the answer.
pub(super) fn detectors(hosts: &str, world: &dyn World) -> Result<String, String> {
    let hosts = texts(hosts).map_err(|message| format!("DetectorsForHosts function: {message}"))?;
    let detectors = hosts
        .iter()
        .map(|host| detector(host, world))
        .collect::<Result<BTreeSet<_>, _>>()?;
    list(&detectors)
}

/// A JSON list of texts. The messages are those of the reference's library, since they flow on as values.
fn texts(text: &str) -> Result<Vec<String>, String> {
    let misfit = |value: &Value<'_>, wanted: &str| {
        let kind = match value {
            Value::Map(_) => "object",
            Value::List(_) => "array",
            Value::Float(_) => "number",
            other => other.kind(),
        };
        format!("json: cannot unmarshal {kind} into Go value of type {wanted}")
    };
    let value = json::decode(text).map_err(|error| match text.trim().chars().next() {
        None => "unexpected end of JSON input".to_owned(),
        Some('n') => misspelt(text.trim(), "null"),
        Some('t') => misspelt(text.trim(), "true"),
        Some('f') => misspelt(text.trim(), "false"),
        Some(c) if !matches!(c, '[' | '{' | '"') => {
            format!("invalid character '{c}' looking for beginning of value")
        }
        Some(_) => error,
    })?;
    match &value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => list
            .items
            .iter()
            .map(|item| match item {
                Value::Str(text) => Ok(text.clone().into_owned()),
                Value::Nil => Ok(String::new()),
                other => Err(misfit(other, "string")),
            })
            .collect(),
        other => Err(misfit(other, "[]string")),
    }
}

fn misspelt(text: &str, literal: &str) -> String {
    let differs = text
        .chars()
        .zip(literal.chars())
        .find(|(found, wanted)| found != wanted);
    match (differs, text.chars().nth(literal.len())) {
        (Some((found, wanted)), _) => {
            format!("invalid character '{found}' in literal {literal} (expecting '{wanted}')")
        }
        (None, Some(more)) => format!("invalid character '{more}' after top-level value"),
        (None, None) => "unexpected end of JSON input".to_owned(),
    }
}

fn list(items: &BTreeSet<String>) -> Result<String, String> {
    serde_json::to_string(items).map_err(|error| error.to_string())
}

fn cards_of(host: &str, world: &dyn World) -> Result<BTreeMap<String, Card>, String> {
    let key = match host {
        "" => "o2/hardware/flps/cards".to_owned(),
        host => format!("o2/hardware/flps/{host}/cards"),
    };
    let text = world
        .configuration(&key)
        .ok_or_else(|| format!("no value for key {key}"))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Serial numbers as a JSON list. The reference lists them in random order, we sort.
pub(super) fn cards(host: &str, world: &dyn World) -> Result<String, String> {
    cards_of(host, world)
        .map(|cards| {
            cards
                .into_values()
                .map(|card| card.serial)
                .collect::<BTreeSet<_>>()
        })
        .and_then(|serials| {
            if serials.is_empty() {
                Ok("null".to_owned())
            } else {
                list(&serials)
            }
        })
}

/// Endpoints of one card, separated by spaces, sorted.
pub(super) fn endpoints(host: &str, serial: &str, world: &dyn World) -> Result<String, String> {
    let cards = cards_of(host, world)?;
    let endpoints: BTreeSet<String> = cards
        .into_values()
        .filter(|card| card.serial == serial)
        .map(|card| card.endpoint)
        .collect();
    Ok(endpoints.into_iter().collect::<Vec<_>>().join(" "))
}
