use std::collections::BTreeMap;
use std::fmt;

use super::{Time, Variables};

/// What expressions can see of the world outside their variables.
///
/// Errors are texts: the functions that read stores turn them into values, as the reference does
/// (template-language.md 5.2).
pub trait World {
    /// Value of a full key of the configuration store: `o2/components/…`, `o2/hardware/…`, `o2/runtime/…`.
    fn configuration(&self, key: &str) -> Option<String>;

    /// Full keys of the configuration store that begin with `prefix`, sorted.
    fn configuration_keys(&self, prefix: &str) -> Vec<String>;

    /// Names of the integrated services that are present.
    fn services(&self) -> &[String];

    /// A new unique identifier.
    fn uid(&self) -> String;

    /// A value of the run-time store; by default what the configuration snapshot has under `o2/runtime/`.
    fn runtime_get(&self, component: &str, key: &str) -> Result<String, String> {
        let path = runtime_key(component, key);
        self.configuration(&path)
            .ok_or_else(|| format!("nil response for key {path}"))
    }

    /// Puts a value into the run-time store.
    fn runtime_set(&self, component: &str, key: &str, value: &str) -> Result<(), String>;

    /// Name of the workflow template that a DPL command makes (template-language.md 7.2).
    fn dpl(&self, request: &Dpl<'_>) -> Result<String, String> {
        Err(format!(
            "{request} cannot be run here: workflows from DPL commands need a DPL provider"
        ))
    }

    /// A configuration payload processed as a template (template-language.md 9.4).
    fn payload(&self, path: &str, payload: String, variables: &dyn Variables) -> Result<String, String> {
        let _ = (payload, variables);
        Err(format!(
            "{path} cannot be processed here: configuration payloads need a template engine"
        ))
    }

    /// Writes `text` to a file; only `util.Dump` asks for it.
    fn dump(&self, text: &str, path: &str) -> Result<(), String> {
        let _ = text;
        Err(format!("{path} is not written: expressions must not write files"))
    }

    /// The current time; `None` where time must not matter.
    fn now(&self) -> Option<Time> {
        None
    }

    /// Calls a method of an integrated service, at a trigger ([`super::Place::Call`]). An error fails the call.
    fn call(&self, service: &str, method: &str, variables: &dyn Variables) -> Result<(), String> {
        let _ = variables;
        Err(format!(
            "{service}.{method}() cannot be called here: no service answers"
        ))
    }
}

/// Key of the run-time store of a component, as the store has it.
pub fn runtime_key(component: &str, key: &str) -> String {
    let mut path = String::from("o2/runtime");
    for part in component
        .split('/')
        .chain(key.split('/'))
        .filter(|part| !part.is_empty())
    {
        path.push('/');
        path.push_str(part);
    }
    path
}

/// A request for a workflow made by a DPL command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dpl<'a> {
    /// `dpl.Generate`: the command.
    Command(&'a str),
    /// `dpl.GenerateFromUri`: the file in `jit/` that holds it.
    Uri(&'a str),
    /// `dpl.GenerateFromUriOrFallbackToTemplate`: the same, or the template of that name.
    UriOrTemplate(&'a str),
}

impl fmt::Display for Dpl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dpl::Command(command) => write!(f, "DPL command `{command}`"),
            Dpl::Uri(uri) | Dpl::UriOrTemplate(uri) => write!(f, "DPL command jit/{uri}"),
        }
    }
}

/// A world that is fully written down: the configuration of an artefact, and identifiers from the caller.
pub struct Snapshot<'a> {
    configuration: &'a BTreeMap<String, String>,
    services: &'a [String],
    uid: Box<dyn Fn() -> String + Send + Sync + 'a>,
}

impl<'a> Snapshot<'a> {
    /// A world of these values; `uid` makes unique identifiers.
    pub fn new(
        configuration: &'a BTreeMap<String, String>,
        services: &'a [String],
        uid: impl Fn() -> String + Send + Sync + 'a,
    ) -> Self {
        Self {
            configuration,
            services,
            uid: Box::new(uid),
        }
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("configuration", &self.configuration.len())
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}

impl World for Snapshot<'_> {
    fn configuration(&self, key: &str) -> Option<String> {
        self.configuration.get(key).cloned()
    }

    fn configuration_keys(&self, prefix: &str) -> Vec<String> {
        self.configuration
            .range(prefix.to_owned()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    fn services(&self) -> &[String] {
        self.services
    }

    fn uid(&self) -> String {
        (self.uid)()
    }

    /// A snapshot has no store behind it: the value is accepted and forgotten.
    fn runtime_set(&self, _component: &str, _key: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }
}
