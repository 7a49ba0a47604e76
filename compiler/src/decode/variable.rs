//! `defaults`, `vars` and `properties`, and what a GUI should know about a variable (section 10).

use partita_artefact::ir::{Variable, VariableSpec};

use super::Decoder;
use super::fields::Fields;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{Content, Node, scalar};
use partita_artefact::similar::closest;

const PUBLIC: &str = "!public";
const KINDS: [&str; 5] = ["string", "number", "bool", "list", "map"];
const WIDGETS: [&str; 7] = [
    "editBox",
    "slider",
    "listBox",
    "dropDownBox",
    "comboBox",
    "radioButtonBox",
    "checkBox",
];
const SPEC_KEYS: [&str; 11] = [
    "value",
    "type",
    "label",
    "description",
    "panel",
    "widget",
    "values",
    "index",
    "rows",
    "visibleif",
    "enabledif",
];

/// The node carries the tag that shows it to GUIs.
pub(super) fn is_public(node: &Node) -> bool {
    node.tag.as_deref() == Some(PUBLIC)
}

/// Functions and namespaces hide variables of their name (4.2).
fn is_library(name: &str) -> bool {
    partita_stdlib::plain(name).is_some() || partita_stdlib::NAMESPACES.contains(&name)
}

/// A mapping that says its value.
fn has_value(node: &Node) -> bool {
    matches!(&node.content, Content::Mapping(entries)
        if entries.iter().any(|(key, _)| key.source_text() == Some("value")))
}

impl Decoder {
    /// `defaults` or `vars` of a role: scalars by their source text, `!public` mappings by their `value`; other
    /// shapes are dropped, so the variable is not defined (2.4).
    pub(super) fn role_variables(&mut self, fields: &Fields<'_>, key: &str) -> Vec<Variable> {
        let Some(map) = self.mapping(fields, key) else {
            return Vec::new();
        };
        let mut variables = Vec::new();
        for (name, value) in map.iter() {
            let Some(name) = self.variable_name(key, name) else {
                continue;
            };
            let anything = self.edition.variables_of_any_shape_count();
            if value.alias && !anything {
                self.dropped(
                    &name,
                    value,
                    "an alias is dropped here",
                    "repeat the value instead of `*…`",
                );
            } else if let Some(text) = value.source_text() {
                let value = self.parse_template(text, value.place);
                variables.push(Variable {
                    name,
                    value,
                    spec: None,
                });
            } else if is_public(value) && matches!(value.content, Content::Mapping(_)) {
                variables.extend(self.public(name, value));
            } else if anything && value.tag.is_none() && has_value(value) {
                // Written like a specification, but not to be shown.
                let variable = self.public(name, value);
                variables.extend(variable.map(|variable| Variable {
                    spec: None,
                    ..variable
                }));
            } else {
                self.dropped_collection(&name, value);
            }
        }
        variables
    }

    /// `defaults`, `vars` or `properties` of a task template: scalars only, null is the empty text (2.6).
    pub(super) fn class_variables(&mut self, fields: &Fields<'_>, key: &str) -> Vec<Variable> {
        let Some(map) = self.mapping(fields, key) else {
            return Vec::new();
        };
        let mut variables = Vec::new();
        for (name, value) in map.iter() {
            let Some(name) = self.variable_name(key, name) else {
                continue;
            };
            let text = self.read(&name, value, scalar::text(value)).unwrap_or_default();
            let value = self.parse_template(&text, value.place);
            variables.push(Variable {
                name,
                value,
                spec: None,
            });
        }
        variables
    }

    fn variable_name(&mut self, key: &str, name: &Node) -> Option<String> {
        let text = name.source_text();
        if let Some(text) = text.filter(|text| key != "properties" && is_library(text)) {
            let message = format!("no expression can read `{text}`: the library has that name");
            self.report(
                Diagnostic::of(Code::HiddenName, message)
                    .at(self.label(name))
                    .hint("choose another name"),
            );
        }
        if text.is_none() {
            self.wrong_type(
                name,
                format!("`{key}`: a name must be text, found {}", name.describe()),
            );
        }
        text.map(str::to_owned)
    }

    fn public(&mut self, name: String, node: &Node) -> Option<Variable> {
        let fields = self.fields(node, &format!("variable `{name}`"))?;
        self.check_keys(&fields, &format!("variable `{name}`"), &SPEC_KEYS);
        let written = fields.get("value");
        let value = match written.map(|node| (node, node.source_text())) {
            None => self.literal("", node.place),
            Some((value, Some(text))) => self.parse_template(text, value.place),
            Some((value, None)) => {
                let message = format!(
                    "variable `{name}`: `value` must be text, found {}",
                    value.describe()
                );
                let error = Diagnostic::error(Code::WrongType, message).at(self.label(value));
                self.report(error.hint("write a list as JSON in quotes: '[\"a\", \"b\"]'"));
                return None;
            }
        };
        let spec = Some(Box::new(self.spec(&name, &fields)));
        Some(Variable { name, value, spec })
    }

    /// Mistakes in what is only for GUIs never stop a workflow.
    fn spec(&mut self, name: &str, fields: &Fields<'_>) -> VariableSpec {
        let kind = self.spec_text(name, fields, "type");
        let widget = self.spec_text(name, fields, "widget");
        self.misspelt(name, fields, ("type", &kind), &KINDS);
        self.misspelt(name, fields, ("widget", &widget), &WIDGETS);
        VariableSpec {
            kind: if KINDS.contains(&kind.as_str()) {
                kind
            } else {
                "string".to_owned()
            },
            label: self.spec_text(name, fields, "label"),
            description: self.spec_text(name, fields, "description"),
            widget: if WIDGETS.contains(&widget.as_str()) {
                widget
            } else {
                "editBox".to_owned()
            },
            panel: self.spec_text(name, fields, "panel"),
            values: self.spec_values(name, fields),
            index: self.spec_number(name, fields, "index"),
            rows: self.spec_number(name, fields, "rows"),
            visible_if: self.spec_text(name, fields, "visibleif"),
            enabled_if: self.spec_text(name, fields, "enabledif"),
        }
    }

    /// Other words than the known ones mean the first of them; GUIs may know more, so only slips are told.
    fn misspelt(&mut self, name: &str, fields: &Fields<'_>, (key, word): (&str, &str), known: &[&str]) {
        if known.contains(&word) {
            return;
        }
        if let Some((node, close)) = fields.get(key).zip(closest(word, known.iter().copied())) {
            let message = format!("variable `{name}`: `{key}` has no value `{word}`");
            let warning = Diagnostic::warning(Code::InvalidValue, message).at(self.label(node));
            self.report(warning.hint(format!("did you mean `{close}`?")));
        }
    }

    fn spec_text(&mut self, name: &str, fields: &Fields<'_>, key: &str) -> String {
        let Some(node) = fields.get(key) else {
            return String::new();
        };
        match scalar::text(node) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => {
                self.ignored(name, key, node, &error.to_string());
                String::new()
            }
        }
    }

    fn spec_number<N: TryFrom<i64> + Default>(&mut self, name: &str, fields: &Fields<'_>, key: &str) -> N {
        let Some(node) = fields.get(key) else {
            return N::default();
        };
        match scalar::int(node) {
            Ok(Some(number)) => N::try_from(number).unwrap_or_else(|_| {
                self.ignored(name, key, node, "out of range");
                N::default()
            }),
            Ok(None) => N::default(),
            Err(error) => {
                self.ignored(name, key, node, &error.to_string());
                N::default()
            }
        }
    }

    fn spec_values(&mut self, name: &str, fields: &Fields<'_>) -> Vec<String> {
        let Some(node) = fields.get("values") else {
            return Vec::new();
        };
        let Content::Sequence(items) = &node.content else {
            self.ignored(name, "values", node, "expected a list");
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| item.source_text().map(str::to_owned))
            .collect()
    }

    fn ignored(&mut self, name: &str, key: &str, node: &Node, why: &str) {
        let message = format!("variable `{name}`: `{key}` is ignored: {why}");
        self.report(Diagnostic::warning(Code::InvalidValue, message).at(self.label(node)));
    }

    fn dropped(&mut self, name: &str, node: &Node, why: &str, hint: &str) {
        let message = format!("variable `{name}` is not defined: {why}");
        let warning = Diagnostic::warning(Code::DroppedVariable, message).at(self.label(node));
        self.report_trap(self.edition.variables_of_any_shape_count(), warning.hint(hint));
    }

    fn dropped_collection(&mut self, name: &str, node: &Node) {
        if !matches!(node.content, Content::Mapping(_)) {
            return self.dropped(
                name,
                node,
                "a list is dropped here",
                "write it as JSON in quotes: '[\"a\", \"b\"]'",
            );
        }
        if node.is_bare_expression() {
            let why = "`{{ … }}` without quotes is a mapping, which is dropped here";
            return self.dropped(name, node, why, "put the expression in quotes: \"{{ … }}\"");
        }
        match node.tag.as_deref() {
            None if has_value(node) => {
                let why = "a mapping without `!public` is dropped here";
                self.dropped(
                    name,
                    node,
                    why,
                    &format!("write `{name}: !public` to define it by its `value`"),
                );
            }
            Some(tag) => {
                let near = closest(tag, [PUBLIC]).is_some();
                let hint = if near {
                    "did you mean `!public`?"
                } else {
                    "only `!public` mappings are read"
                };
                self.dropped(
                    name,
                    node,
                    &format!("a mapping with the tag `{tag}` is dropped here"),
                    hint,
                );
            }
            None => self.dropped(
                name,
                node,
                "a mapping is dropped here",
                "write it as JSON in quotes",
            ),
        }
    }
}
