//! What is compiled, and with what: the options that `check`, `compile` and `run` have in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use partita_artefact::ir::{Artefact, Layers};
use serde_json::Value;

use crate::failure::Failure;

/// Largest file read for an option, in bytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Where workflows come from, and the values they are given.
#[derive(Debug, clap::Args)]
pub(crate) struct Inputs {
    /// Repository to read: a folder or a Git repository, optionally under an identifier of its own and at a revision
    /// other than what is there; can be given several times, the first is the default
    #[arg(long = "repo", value_name = "[ID=]PATH[@REVISION]")]
    pub(crate) repositories: Vec<String>,
    /// User variable; beats every default and var of the workflow
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// JSON object of user variables; `--set` beats it
    #[arg(long, value_name = "FILE")]
    pub(crate) vars: Option<PathBuf>,
    /// JSON with the layers `defaults`, `vars` and `user_vars` of the environment
    #[arg(long, value_name = "FILE")]
    pub(crate) environment: Option<PathBuf>,
    /// Snapshot of the configuration store (YAML)
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) configuration: Option<PathBuf>,
    /// What DPL commands make, on top of the repository's own partita.lock
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Integrated services that are present
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) services: Vec<String>,
}

impl Inputs {
    /// Whether anything is said about values.
    pub(crate) fn any(&self) -> bool {
        let files = [&self.vars, &self.environment, &self.configuration];
        !self.set.is_empty() || !self.services.is_empty() || files.iter().any(|file| file.is_some())
    }

    /// The variables given, all layers.
    pub(crate) fn layers(&self) -> Result<Layers, Failure> {
        let mut layers = Layers::default();
        if let Some(path) = &self.environment {
            let mut object = json_object(path)?;
            layers.defaults = take_layer(&mut object, "defaults", path)?;
            layers.vars = take_layer(&mut object, "vars", path)?;
            layers.user = take_layer(&mut object, "user_vars", path)?;
            if let Some(key) = object.keys().next() {
                return Err(Failure::Usage(format!(
                    "{}: unknown layer `{key}`: expected `defaults`, `vars` and `user_vars`",
                    path.display()
                )));
            }
        }
        layers
            .user
            .extend(user_variables(self.vars.as_deref(), &self.set)?);
        Ok(layers)
    }
}

/// The values of `--vars` and `--set`; the latter win.
pub(crate) fn user_variables(
    vars: Option<&Path>,
    set: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = BTreeMap::new();
    if let Some(path) = vars {
        let object = json_object(path)?.into_iter();
        variables.extend(object.map(|(name, value)| (name, as_text(value))));
    }
    variables.extend(assignments(set)?);
    Ok(variables)
}

/// The values of `--set NAME=VALUE`; a later one beats an earlier one.
pub(crate) fn assignments(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    set.iter()
        .map(|assignment| match assignment.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(Failure::Usage(format!("--set {assignment}: expected NAME=VALUE"))),
        })
        .collect()
}

/// The variables around the root role of an environment: those of the artefact, and these on top.
pub(crate) fn given(artefact: &Artefact, later: &Layers) -> Result<Layers, Failure> {
    artefact.with_variables(later).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| format!("{error}: {}", error.hint()))
            .collect();
        Failure::Usage(lines.join("\n"))
    })
}

/// Reads a text file named by an option.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::Surroundings(format!("cannot read {}: {error}", path.display()));
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST_FILE {
        return Err(Failure::Usage(format!(
            "{}: {size} bytes, more than {LARGEST_FILE}",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn json_object(path: &Path) -> Result<serde_json::Map<String, Value>, Failure> {
    match serde_json::from_str(&read_text(path)?) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Failure::Usage(format!(
            "{}: expected a JSON object",
            path.display()
        ))),
        Err(error) => Err(Failure::Usage(format!("{}: not JSON: {error}", path.display()))),
    }
}

fn take_layer(
    object: &mut serde_json::Map<String, Value>,
    layer: &str,
    path: &Path,
) -> Result<BTreeMap<String, String>, Failure> {
    match object.remove(layer) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => Ok(map
            .into_iter()
            .map(|(name, value)| (name, as_text(value)))
            .collect()),
        Some(_) => Err(Failure::Usage(format!(
            "{}: `{layer}` must be an object",
            path.display()
        ))),
    }
}

/// Every variable is text; other JSON values keep their JSON form, as with the existing client.
fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Inputs {
        Inputs {
            repositories: Vec::new(),
            set: Vec::new(),
            vars: None,
            environment: None,
            configuration: None,
            lock: None,
            services: Vec::new(),
        }
    }

    #[test]
    fn later_options_beat_earlier_layers() {
        let folder = tempfile::tempdir().unwrap();
        let environment = folder.path().join("environment.json");
        std::fs::write(
            &environment,
            r#"{"defaults":{"a":"1"},"user_vars":{"b":"1","c":"1","d":"1"}}"#,
        )
        .unwrap();
        let vars = folder.path().join("vars.json");
        std::fs::write(&vars, r#"{"c":["x"],"d":"2"}"#).unwrap();
        let inputs = Inputs {
            set: vec!["d=3=3".into()],
            vars: Some(vars),
            environment: Some(environment),
            ..inputs()
        };
        let layers = inputs.layers().unwrap();
        assert_eq!(layers.defaults["a"], "1");
        assert_eq!(
            layers.user.values().map(String::as_str).collect::<Vec<_>>(),
            ["1", r#"["x"]"#, "3=3"]
        );
    }

    #[test]
    fn what_is_not_an_assignment_is_refused() {
        for text in ["novalue", "=x"] {
            let inputs = Inputs {
                set: vec![text.into()],
                ..inputs()
            };
            assert!(matches!(inputs.layers(), Err(Failure::Usage(_))), "{text}");
        }
    }

    #[test]
    fn an_unknown_layer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.json");
        std::fs::write(&path, r#"{"uservars":{}}"#).unwrap();
        let Err(Failure::Usage(text)) = (Inputs {
            environment: Some(path),
            ..inputs()
        })
        .layers() else {
            panic!("accepted")
        };
        assert!(text.contains("uservars"), "{text}");
    }
}
