use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use super::{Time, Variables};

/// What expressions can see of the world outside their variables.
///
/// Errors are texts: the functions that read stores turn them into values, as the reference does
/// (template-language.md 5.2).
pub trait World {
    /// Value of a full key of the configuration store: `o2/components/…`, `o2/hardware/…`, `o2/runtime/…`. A folder
    /// without content is a key that ends with a slash, as in Consul.
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
    fn dpl(&self, request: &Dpl<'_>, variables: &dyn Variables) -> Result<String, String> {
        let _ = variables;
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

    /// A configuration payload with its expressions evaluated (`config.GetLegacy`): needs a parser.
    fn legacy_payload(
        &self,
        path: &str,
        payload: String,
        variables: &dyn Variables,
    ) -> Result<String, String> {
        let _ = (payload, variables);
        Err(format!(
            "{path} cannot be processed here: expressions in configuration payloads need a parser"
        ))
    }

    /// The detector that a host belongs to: the first one with the host in its inventory.
    fn detector(&self, host: &str) -> Option<String> {
        self.configuration_keys(DETECTORS)
            .iter()
            .filter_map(|key| member_of_detector(key))
            .find(|(_, member)| *member == host)
            .map(|(detector, _)| detector.to_owned())
    }

    /// A variable of the store itself: `o2/runtime/aliecs/vars` over `o2/runtime/aliecs/defaults`.
    fn base_variable(&self, name: &str) -> Option<String> {
        ["vars", "defaults"]
            .iter()
            .find_map(|layer| self.configuration(&format!("o2/runtime/aliecs/{layer}/{name}")))
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

const DETECTORS: &str = "o2/hardware/detectors/";

/// Detector and host of an inventory key `o2/hardware/detectors/<detector>/flps/<host>/…` of exactly seven parts. A
/// folder without content ends with a slash, so its last part is empty.
fn member_of_detector(key: &str) -> Option<(&str, &str)> {
    let mut parts = key.strip_prefix(DETECTORS)?.split('/');
    let detector = parts.next()?;
    let _flps = parts.next()?;
    let host = parts.next()?;
    parts.next()?;
    if parts.next().is_some() {
        None
    } else {
        Some((detector, host))
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
    /// Host to detector; made when first asked for, as production asks hundreds of times.
    detectors: OnceLock<BTreeMap<&'a str, &'a str>>,
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
            detectors: OnceLock::new(),
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

    fn detector(&self, host: &str) -> Option<String> {
        let detectors = self.detectors.get_or_init(|| {
            let mut hosts = BTreeMap::new();
            for key in self.configuration.keys() {
                if let Some((detector, host)) = member_of_detector(key) {
                    hosts.entry(host).or_insert(detector);
                }
            }
            hosts
        });
        detectors.get(host).map(|detector| (*detector).to_owned())
    }

    fn uid(&self) -> String {
        (self.uid)()
    }

    /// A snapshot has no store behind it: the value is accepted and forgotten.
    fn runtime_set(&self, _component: &str, _key: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }
}
