//! Explanations as programs read them (docs/explain.md).

use serde_json::{Map, Value, json};

use super::text::place;
use super::{Absence, Cause, Definition, Explanation, Origin, Overview, Step};
use crate::ir::{Artefact, Span};

impl Explanation {
    /// As a program reads it.
    pub fn json(&self, artefact: &Artefact) -> Value {
        let mut object = Map::new();
        object.insert("role".to_owned(), self.role.as_str().into());
        let kind = if self.subject.starts_with('.') {
            "field"
        } else {
            "variable"
        };
        object.insert(kind.to_owned(), self.subject.trim_start_matches('.').into());
        if let Some(value) = &self.value {
            outcome(&mut object, value);
        }
        let definitions = self.definitions.iter().map(|one| definition(artefact, one));
        object.insert("definitions".to_owned(), definitions.collect());
        if !self.notes.is_empty() {
            object.insert("notes".to_owned(), self.notes.clone().into());
        }
        Value::Object(object)
    }
}

impl Overview {
    /// As a program reads it.
    pub fn json(&self, artefact: &Artefact) -> Value {
        let all = |list: &[Explanation]| -> Value { list.iter().map(|one| one.json(artefact)).collect() };
        json!({
            "role": self.role,
            "at": place(artefact, self.span),
            "variables": all(&self.variables),
            "fields": all(&self.fields),
        })
    }
}

impl Absence {
    /// As a program reads it.
    pub fn json(&self, artefact: &Artefact) -> Value {
        let causes: Value = self.causes.iter().map(|one| cause(artefact, one)).collect();
        json!({ "role": self.role, "absent": causes })
    }
}

fn cause(artefact: &Artefact, cause: &Cause) -> Value {
    let mut object = Map::new();
    object.insert("role".to_owned(), cause.role.as_str().into());
    object.insert("at".to_owned(), place(artefact, cause.span).into());
    object.insert("reason".to_owned(), cause.reason.as_str().into());
    if let Some((span, text)) = &cause.written {
        object.insert("written".to_owned(), text.as_str().into());
        object.insert("written_at".to_owned(), place(artefact, *span).into());
    }
    put_list(
        &mut object,
        "steps",
        cause.steps.iter().map(|one| step(artefact, one)),
    );
    put_list(
        &mut object,
        "below",
        cause.below.iter().map(|one| self::cause(artefact, one)),
    );
    Value::Object(object)
}

fn definition(artefact: &Artefact, definition: &Definition) -> Value {
    let mut object = Map::new();
    object.insert("layer".to_owned(), definition.layer.name().into());
    let (by, who) = match &definition.origin {
        Origin::Given { compiled: true } => ("compile", None),
        Origin::Given { compiled: false } => ("given", None),
        Origin::Role(path) => ("role", Some(path)),
        Origin::Include(path) => ("include", Some(path)),
        Origin::Iterator(path) => ("iterator", Some(path)),
        Origin::Class(identity) => ("task", Some(identity)),
        Origin::Core => ("core", None),
        Origin::Deployment => ("deployment", None),
    };
    object.insert("by".to_owned(), by.into());
    if let Some(who) = who {
        object.insert("of".to_owned(), who.as_str().into());
    }
    if let Some(span) = definition.span.filter(|span| *span != Span::default()) {
        object.insert("at".to_owned(), place(artefact, span).into());
    }
    if let Some(written) = &definition.written {
        object.insert("written".to_owned(), written.as_str().into());
    }
    outcome(&mut object, &definition.value);
    object.insert("wins".to_owned(), definition.wins.into());
    if !definition.why.is_empty() {
        object.insert("why".to_owned(), definition.why.into());
    }
    put_list(
        &mut object,
        "steps",
        definition.steps.iter().map(|one| step(artefact, one)),
    );
    Value::Object(object)
}

fn step(artefact: &Artefact, step: &Step) -> Value {
    let mut object = Map::new();
    object.insert("expression".to_owned(), step.source.as_str().into());
    outcome(&mut object, &step.outcome);
    if let Some(origin) = &step.origin {
        object.insert("from".to_owned(), definition(artefact, origin));
    }
    put_list(
        &mut object,
        "steps",
        step.parts.iter().map(|one| self::step(artefact, one)),
    );
    Value::Object(object)
}

fn outcome(object: &mut Map<String, Value>, outcome: &Result<String, String>) {
    match outcome {
        Ok(value) => object.insert("value".to_owned(), value.as_str().into()),
        Err(message) => object.insert("error".to_owned(), message.as_str().into()),
    };
}

fn put_list(object: &mut Map<String, Value>, name: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        object.insert(name.to_owned(), items.into());
    }
}
