use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Time, Variables};
use crate::ir::{Artefact, Pins, Template};

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

    /// A text that came into being only now, parsed when the artefact was made.
    fn template(&self, text: &str) -> Option<&Template> {
        let _ = text;
        None
    }

    /// The command in a file of `jit/`, by its identity.
    fn command(&self, identity: &str) -> Option<&str> {
        let _ = identity;
        None
    }

    /// Whether there is a workflow template of that identity.
    fn has_workflow(&self, identity: &str) -> bool {
        let _ = identity;
        false
    }

    /// What DPL commands make, pinned.
    fn pins(&self) -> Option<&Pins> {
        None
    }

    /// Takes note of what an expression asked for and did not find, so that whoever makes an artefact can supply it.
    fn miss(&self, missed: Missed) {
        let _ = missed;
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

/// What an expression asked for and the artefact does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// A text that holds expressions and is not among [`Artefact::texts`].
    Text(String),
    /// A command that is not among [`Artefact::commands`].
    Command(String),
    /// A workflow template that is not among [`Artefact::modules`].
    Workflow(String),
    /// The result of a DPL command that is not among [`Artefact::pins`].
    Pin {
        /// Its name.
        name: String,
        /// The command, evaluated.
        command: String,
        /// The file in `jit/` that holds it, if any.
        uri: Option<String>,
    },
}

/// A world that is fully written down: what an artefact holds, and identifiers from the caller.
pub struct Snapshot<'a> {
    artefact: &'a Artefact,
    uid: Box<dyn Fn() -> String + Send + Sync + 'a>,
    /// Host to detector; made when first asked for, as production asks hundreds of times.
    detectors: OnceLock<BTreeMap<&'a str, &'a str>>,
    missed: Mutex<BTreeSet<Missed>>,
    now: Option<Time>,
    /// Values written to the store since.
    stored: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Snapshot<'a> {
    /// The world as `artefact` knows it; `uid` makes unique identifiers.
    pub fn new(artefact: &'a Artefact, uid: impl Fn() -> String + Send + Sync + 'a) -> Self {
        Self {
            artefact,
            uid: Box::new(uid),
            detectors: OnceLock::new(),
            missed: Mutex::default(),
            now: None,
            stored: None,
        }
    }

    /// The same at a known time; otherwise time is not known.
    #[must_use]
    pub fn at(self, now: Time) -> Self {
        Self {
            now: Some(now),
            ..self
        }
    }

    /// The same with values that were written to the store since: they hide those of the artefact.
    #[must_use]
    pub fn over(self, stored: &'a BTreeMap<String, String>) -> Self {
        Self {
            stored: Some(stored),
            ..self
        }
    }

    /// What was asked for so far and is not there.
    pub fn missed(self) -> BTreeSet<Missed> {
        self.missed.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("artefact", &self.artefact.root)
            .finish_non_exhaustive()
    }
}

impl World for Snapshot<'_> {
    fn configuration(&self, key: &str) -> Option<String> {
        let stored = self.stored.and_then(|stored| stored.get(key));
        stored.or_else(|| self.artefact.configuration.get(key)).cloned()
    }

    fn configuration_keys(&self, prefix: &str) -> Vec<String> {
        self.artefact
            .configuration
            .range(prefix.to_owned()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    fn services(&self) -> &[String] {
        &self.artefact.services
    }

    fn template(&self, text: &str) -> Option<&Template> {
        self.artefact.texts.get(text)
    }

    fn command(&self, identity: &str) -> Option<&str> {
        self.artefact.commands.get(identity).map(String::as_str)
    }

    fn has_workflow(&self, identity: &str) -> bool {
        self.artefact.modules.contains_key(identity)
    }

    fn pins(&self) -> Option<&Pins> {
        Some(&self.artefact.pins)
    }

    fn miss(&self, missed: Missed) {
        let mut all = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(missed);
    }

    fn detector(&self, host: &str) -> Option<String> {
        let detectors = self.detectors.get_or_init(|| {
            let mut hosts = BTreeMap::new();
            for key in self.artefact.configuration.keys() {
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

    fn now(&self) -> Option<Time> {
        self.now
    }

    /// A snapshot has no store behind it: the value is accepted and forgotten.
    fn runtime_set(&self, _component: &str, _key: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }
}
