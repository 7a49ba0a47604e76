//! A configuration store of which nothing is known: it has whatever it is asked for.

use partita_artefact::evaluate::{Missed, Snapshot, World};
use partita_artefact::ir::{Artefact, Pins, Template};

use super::STAND_IN;

/// The world of an artefact; where that has no configuration, one that has an answer to everything.
pub(super) struct Assumed<'a> {
    snapshot: Snapshot<'a>,
    known: bool,
}

impl<'a> Assumed<'a> {
    pub(super) fn new(artefact: &'a Artefact) -> Self {
        Self {
            snapshot: Snapshot::new(artefact, || "uid".to_owned()),
            known: !artefact.configuration.is_empty(),
        }
    }
}

impl World for Assumed<'_> {
    fn configuration(&self, key: &str) -> Option<String> {
        if self.known {
            return self.snapshot.configuration(key);
        }
        // The one value that must have a shape.
        let cards = key
            .ends_with("/cards")
            .then_some(r#"{"0": {"serial": "1", "endpoint": "0"}}"#);
        Some(cards.unwrap_or(STAND_IN).to_owned())
    }

    fn configuration_keys(&self, prefix: &str) -> Vec<String> {
        self.snapshot.configuration_keys(prefix)
    }

    fn services(&self) -> &[String] {
        self.snapshot.services()
    }

    fn uid(&self) -> String {
        self.snapshot.uid()
    }

    fn runtime_set(&self, component: &str, key: &str, value: &str) -> Result<(), String> {
        self.snapshot.runtime_set(component, key, value)
    }

    fn template(&self, text: &str) -> Option<&Template> {
        self.snapshot.template(text)
    }

    fn command(&self, identity: &str) -> Option<&str> {
        self.snapshot.command(identity)
    }

    fn has_workflow(&self, identity: &str) -> bool {
        self.snapshot.has_workflow(identity)
    }

    fn pins(&self) -> Option<&Pins> {
        self.snapshot.pins()
    }

    fn miss(&self, missed: Missed) {
        self.snapshot.miss(missed);
    }

    fn detector(&self, host: &str) -> Option<String> {
        if self.known {
            self.snapshot.detector(host)
        } else {
            Some(STAND_IN.to_owned())
        }
    }
}
