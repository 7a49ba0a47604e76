//! Parameters that differ: what a person is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::ir::{Artefact, Parameter};

/// A parameter that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterChange {
    /// Its name.
    pub name: String,
    /// What of it.
    pub part: ParameterPart,
    /// As it was.
    pub before: Option<String>,
    /// As it is.
    pub after: Option<String>,
}

/// What of a parameter changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterPart {
    /// It must be given now.
    Required,
    /// It is new; `after` is its default.
    Added,
    /// It is gone; `before` was its default.
    Removed,
    /// Its default.
    Default,
    /// What a form shows of it.
    Form,
}

impl ParameterPart {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Default => "default",
            Self::Form => "form",
        }
    }
}

pub(super) fn changes(before: &Artefact, after: &Artefact) -> Vec<ParameterChange> {
    let by_name = |artefact: &'_ Artefact| -> BTreeMap<String, Parameter> {
        let parameters = artefact.parameters.iter();
        parameters
            .map(|parameter| (parameter.name.clone(), parameter.clone()))
            .collect()
    };
    let (a, b) = (by_name(before), by_name(after));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut changes = Vec::new();
    // What is given is no longer asked for; what it does shows in the roles.
    let given = |name: &String| {
        [before, after]
            .iter()
            .any(|side| side.given.user.contains_key(name))
    };
    for name in names.into_iter().filter(|name| !given(name)) {
        let mut change = |part, before: Option<String>, after: Option<String>| {
            changes.push(ParameterChange {
                name: name.clone(),
                part,
                before,
                after,
            });
        };
        match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) => {
                if a.required != b.required {
                    change(
                        ParameterPart::Required,
                        Some(a.required.to_string()),
                        Some(b.required.to_string()),
                    );
                }
                if a.default != b.default {
                    change(ParameterPart::Default, a.default.clone(), b.default.clone());
                }
                if a.spec != b.spec {
                    change(ParameterPart::Form, form(a), form(b));
                }
            }
            (None, Some(b)) if b.required => {
                change(ParameterPart::Required, None, Some("true".to_owned()));
            }
            (None, Some(b)) => change(ParameterPart::Added, None, b.default.clone()),
            (Some(a), None) => change(ParameterPart::Removed, a.default.clone(), None),
            (None, None) => {}
        }
    }
    changes
}

/// The whole form in one text, so that its words can be compared.
fn form(parameter: &Parameter) -> Option<String> {
    let spec = parameter.spec.as_deref()?;
    let mut text = format!("{} ({}", spec.label, spec.kind);
    for (name, value) in [
        ("widget", spec.widget.clone()),
        ("panel", spec.panel.clone()),
        ("index", spec.index.to_string()),
        ("rows", spec.rows.to_string()),
        ("values", spec.values.join(" ")),
        ("visible if", spec.visible_if.clone()),
        ("enabled if", spec.enabled_if.clone()),
    ] {
        if !value.is_empty() && value != "0" {
            let _ = write!(text, ", {name}: {value}");
        }
    }
    text.push(')');
    if !spec.description.is_empty() {
        let _ = write!(text, " {}", spec.description);
    }
    Some(text)
}
