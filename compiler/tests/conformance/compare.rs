//! Comparison by the rules of `check_conformance.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

/// Fields for which absent, null and empty are the same.
const EMPTY: [&str; 15] = [
    "defaults",
    "vars",
    "constraints",
    "connect",
    "bind",
    "roles",
    "include_defaults",
    "include_vars",
    "properties",
    "bind_map",
    "limits",
    "trigger",
    "await",
    "return",
    "empty_iterators",
];
/// Fields that only have to be there.
const PRESENCE: [&str; 3] = ["command_error", "properties_error", "bind_map_error"];

/// How often each field agreed and differed.
#[derive(Default)]
pub(crate) struct Tally {
    fields: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    /// Compares a case; returns what differs.
    pub(crate) fn case(&mut self, expected: &Value, produced: &Value) -> Vec<String> {
        let mut differences = Vec::new();
        let failed = |value: &Value| value.get("error").is_some();
        match (failed(expected), failed(produced)) {
            (true, true) => {
                self.count("error", true);
                let same = expected["stage"] == produced["stage"];
                self.count("stage", same);
                if !same {
                    differences.push(format!("stage {} {}", expected["stage"], produced["stage"]));
                }
            }
            (false, false) => {
                for field in ["bind_map", "bind_map_error"] {
                    self.field(
                        &mut differences,
                        "",
                        field,
                        expected.get(field),
                        produced.get(field),
                    );
                }
                self.role(&mut differences, &expected["root"], &produced["root"]);
            }
            (fails, _) => {
                self.count("error", false);
                let (what, error) = if fails {
                    ("should fail", expected)
                } else {
                    ("fails", produced)
                };
                differences.push(format!("{what}: {}", short(&error["error"])));
            }
        }
        differences
    }

    fn role(&mut self, differences: &mut Vec<String>, expected: &Value, produced: &Value) {
        let none = Map::new();
        let fields = |role: &Value| role.as_object().cloned().unwrap_or_else(|| none.clone());
        let (e, p) = (fields(expected), fields(produced));
        let path = e
            .get("path")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let optional = |name: &&String| EMPTY.contains(&name.as_str()) || PRESENCE.contains(&name.as_str());
        let names: BTreeSet<&String> = e.keys().chain(p.keys().filter(optional)).collect();
        for name in names {
            if name == "roles" || name == "stack" && !p.contains_key("stack") {
                continue;
            }
            self.field(differences, &path, name, e.get(name), p.get(name));
        }
        let roles = |fields: &Map<String, Value>| {
            fields
                .get("roles")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let (expected, produced) = (roles(&e), roles(&p));
        let called = |roles: &[Value]| roles.iter().map(|role| role["name"].clone()).collect::<Vec<_>>();
        let same = called(&expected) == called(&produced);
        self.count("roles", same);
        if same {
            for (expected, produced) in expected.iter().zip(&produced) {
                self.role(differences, expected, produced);
            }
        } else {
            let (e, p) = (called(&expected).into(), called(&produced).into());
            differences.push(format!(
                "{path}: roles\n           expected {}\n           produced {}",
                short(&e),
                short(&p)
            ));
        }
    }

    fn field(
        &mut self,
        differences: &mut Vec<String>,
        path: &str,
        name: &str,
        e: Option<&Value>,
        p: Option<&Value>,
    ) {
        let same = if PRESENCE.contains(&name) {
            e.is_some() == p.is_some()
        } else if EMPTY.contains(&name) {
            equal(&filled(e), &filled(p))
        } else {
            e.is_some() == p.is_some() && equal(e.unwrap_or(&Value::Null), p.unwrap_or(&Value::Null))
        };
        self.count(name, same);
        if !same {
            let (e, p) = innermost(filled(e), filled(p));
            differences.push(format!(
                "{path}: {name}\n           expected {}\n           produced {}",
                short(&e),
                short(&p)
            ));
        }
    }

    fn count(&mut self, field: &str, same: bool) {
        let (agree, differ) = self.fields.entry(field.to_owned()).or_default();
        *if same { agree } else { differ } += 1;
    }
}

/// What is in a field; nothing counts as null.
fn filled(value: Option<&Value>) -> Value {
    match value {
        Some(Value::Array(items)) if items.is_empty() => Value::Null,
        Some(Value::Object(fields)) if fields.is_empty() => Value::Null,
        Some(Value::String(text)) if text.is_empty() => Value::Null,
        Some(value) if value.as_i64() == Some(0) => Value::Null,
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// Numbers by value, all else as it is.
fn equal(e: &Value, p: &Value) -> bool {
    match (e, p) {
        (Value::Number(e), Value::Number(p)) => e.as_f64() == p.as_f64(),
        (Value::Array(e), Value::Array(p)) => e.len() == p.len() && e.iter().zip(p).all(|(e, p)| equal(e, p)),
        (Value::Object(e), Value::Object(p)) => {
            e.len() == p.len() && e.iter().all(|(name, e)| p.get(name).is_some_and(|p| equal(e, p)))
        }
        _ => e == p,
    }
}

/// The first parts that differ.
fn innermost(e: Value, p: Value) -> (Value, Value) {
    match (&e, &p) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            let part = |fields: &Map<String, Value>, name: &String| {
                fields
                    .get(name)
                    .map(|value| Value::Object(Map::from_iter([(name.clone(), value.clone())])))
            };
            let differs = names.into_iter().find(|name| a.get(*name) != b.get(*name));
            differs.map_or((e.clone(), p.clone()), |name| {
                (
                    part(a, name).unwrap_or_default(),
                    part(b, name).unwrap_or_default(),
                )
            })
        }
        (Value::Array(a), Value::Array(b)) => {
            let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
            (
                a.get(at).cloned().unwrap_or_default(),
                b.get(at).cloned().unwrap_or_default(),
            )
        }
        _ => (e, p),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:>8} {:>8}", "field", "agree", "differ")?;
        for (field, (agree, differ)) in &self.fields {
            writeln!(f, "{field:<20} {agree:>8} {differ:>8}")?;
        }
        Ok(())
    }
}
