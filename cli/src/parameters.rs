//! What `partita show --params` prints: what may and must still be given to an artefact.

use std::fmt::Write as _;

use partita_artefact::ir::{Artefact, Binding, Parameter, ParameterKind, Span, VariableSpec};
use serde_json::{Value, json};

/// Longest default in the table, characters.
const DEFAULT: usize = 48;

/// A line each, and below it what a person who gives the value should know.
pub(crate) fn table(artefact: &Artefact) -> String {
    if artefact.closed {
        return "closed: nothing more may be given\n".to_owned();
    }
    if artefact.parameters.is_empty() {
        return "nothing may be given\n".to_owned();
    }
    let rows: Vec<[String; 4]> = artefact
        .parameters
        .iter()
        .map(|parameter| {
            [
                parameter.name.clone(),
                kind(parameter.kind).to_owned(),
                binding(parameter.bound).to_owned(),
                default(parameter),
            ]
        })
        .collect();
    let head = ["NAME", "TYPE", "NEEDED AT", "DEFAULT"].map(str::to_owned);
    let width = |column: usize| {
        let texts = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        texts.map(|text| text.chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let line = |[name, kind, needed, default]: &[String; 4]| {
        let [a, b, c] = widths;
        let line = format!("{name:a$}  {kind:b$}  {needed:c$}  {default}");
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&head);
    for (row, parameter) in rows.iter().zip(&artefact.parameters) {
        text.push_str(&line(row));
        if let Some(spec) = &parameter.spec {
            text.push_str(&hints(spec));
        }
        if let Some(first) = parameter.used.first() {
            let more = match parameter.used.len() - 1 {
                0 => String::new(),
                more => format!(" and at {more} more places"),
            };
            let _ = writeln!(text, "    read at {}{more}", place(artefact, first.span));
        }
    }
    text
}

/// The same for programs.
pub(crate) fn list(artefact: &Artefact) -> Value {
    let parameter = |parameter: &Parameter| {
        let used = parameter.used.iter().map(|used| {
            json!({
                "path": path(artefact, used.span),
                "line": used.span.line,
                "column": used.span.column,
                "needed": binding(used.bound),
            })
        });
        let mut value = json!({
            "name": parameter.name,
            "type": kind(parameter.kind),
            "needed": binding(parameter.bound),
            "required": parameter.required,
            "used": used.collect::<Vec<_>>(),
        });
        let default = parameter.default.as_deref().map(Value::from);
        let public = parameter.spec.as_deref().map(public);
        let rest = [("default", default), ("public", public)];
        if let Value::Object(object) = &mut value {
            object.extend(
                rest.into_iter()
                    .filter_map(|(key, value)| Some((key.to_owned(), value?))),
            );
        }
        value
    };
    artefact.parameters.iter().map(parameter).collect()
}

fn public(spec: &VariableSpec) -> Value {
    json!({
        "type": spec.kind,
        "label": spec.label,
        "description": spec.description,
        "widget": spec.widget,
        "panel": spec.panel,
        "values": spec.values,
        "index": spec.index,
        "rows": spec.rows,
        "visibleif": spec.visible_if,
        "enabledif": spec.enabled_if,
    })
}

fn default(parameter: &Parameter) -> String {
    let Some(default) = &parameter.default else {
        let text = if parameter.required {
            "(must be given)"
        } else {
            "(none)"
        };
        return text.to_owned();
    };
    let line = default.replace('\n', "\\n");
    let mut text: String = line.chars().take(DEFAULT).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    text
}

/// What a GUI would show of it.
fn hints(spec: &VariableSpec) -> String {
    let values = match spec.values.as_slice() {
        [] => String::new(),
        values => format!("one of {}", values.join(", ")),
    };
    let panel = match spec.panel.as_str() {
        "" => String::new(),
        panel => format!("in {panel}"),
    };
    let parts = [&spec.label, &panel, &values, &spec.description];
    let parts: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("    {}\n", parts.join("; ").replace('\n', " "))
}

fn kind(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::String => "string",
        ParameterKind::Number => "number",
        ParameterKind::Bool => "bool",
        ParameterKind::List => "list",
        ParameterKind::Map => "map",
    }
}

fn binding(bound: Binding) -> &'static str {
    match bound {
        Binding::Compile => "compile",
        Binding::Instance => "instance",
        Binding::Deploy => "deploy",
        Binding::Run => "run",
    }
}

fn path(artefact: &Artefact, span: Span) -> &str {
    let source = usize::try_from(span.source).ok();
    let source = source.and_then(|index| artefact.sources.get(index));
    source.map_or("?", |source| source.path.as_str())
}

/// `path:line:column`
pub(crate) fn place(artefact: &Artefact, span: Span) -> String {
    format!("{}:{}:{}", path(artefact, span), span.line, span.column)
}
