//! What a list of workflow templates tells of each, without compiling any (`template-language.md` 10).

use std::collections::BTreeMap;

use partita_artefact::ir::{Edition, Module, Variable, VariableSpec};

use crate::compile::walk;
use crate::decode;
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::settings;
use crate::source::{Snapshot, SourceError};

/// Where workflow templates are, and how their files end.
const FOLDER: &str = "workflows";
const SUFFIX: &str = ".yaml";

/// A workflow template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its name: the path below `workflows/`, without `.yaml`.
    pub name: String,
    /// Its name carries `!public`.
    pub public: bool,
    /// What it says of itself, if that is public.
    pub description: String,
    /// Its public variables, by name. Of several of one name it is the first.
    pub variables: BTreeMap<String, PublicVariable>,
}

/// A variable that carries `!public`.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicVariable {
    /// Its value as written.
    pub value: String,
    /// It stands among the `defaults`, so a variable of the configuration store beats it.
    pub is_default: bool,
    /// What a GUI should know about it.
    pub spec: VariableSpec,
}

/// The templates of a revision, by name, and what is wrong with those that cannot be read. Included files are not
/// followed.
///
/// # Errors
///
/// The repository cannot be read.
pub fn list(snapshot: &Snapshot<'_>) -> Result<(Vec<Template>, Vec<String>), SourceError> {
    let mut sources = SourceMap::default();
    let (settings, _) = settings::read(snapshot, &mut sources)?;
    let mut templates = Vec::new();
    let mut wrong = Vec::new();
    for entry in snapshot.entries(FOLDER, SUFFIX)? {
        match template(snapshot, &entry, settings.edition) {
            Ok(template) => templates.extend(template),
            Err(reason) => wrong.push(format!("{}: {reason}", entry.path)),
        }
    }
    templates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((templates, wrong))
}

fn template(
    snapshot: &Snapshot<'_>,
    entry: &crate::source::Entry,
    edition: Edition,
) -> Result<Option<Template>, String> {
    let Some(file) = snapshot.file(entry).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let decoded = decode::workflow(&file.text, 0, edition);
    let Some(module) = decoded.value else {
        let first = decoded.diagnostics.into_iter().find(Diagnostic::is_error);
        return Err(first.map_or_else(|| "it cannot be read".to_owned(), |found| found.message));
    };
    let name = entry
        .path
        .strip_prefix(FOLDER)
        .and_then(|path| path.strip_prefix('/'));
    let name = name.and_then(|path| path.strip_suffix(SUFFIX));
    Ok(name.map(|name| of(name, &module)))
}

fn of(name: &str, module: &Module) -> Template {
    let mut variables = BTreeMap::new();
    for role in walk::roles(&module.root) {
        for (list, is_default) in [(&role.defaults, true), (&role.vars, false)] {
            for (name, variable) in list.iter().filter_map(|variable| public(variable, is_default)) {
                variables.entry(name).or_insert(variable);
            }
        }
    }
    Template {
        name: name.to_owned(),
        public: module.public,
        description: module.description.clone().unwrap_or_default(),
        variables,
    }
}

fn public(variable: &Variable, is_default: bool) -> Option<(String, PublicVariable)> {
    let spec = variable.spec.as_deref()?.clone();
    let value = variable.value.source();
    let public = PublicVariable {
        value,
        is_default,
        spec,
    };
    Some((variable.name.clone(), public))
}
