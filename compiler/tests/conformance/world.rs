//! The world of a case: its configuration store, fixed identifiers, and tables in place of DPL programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use partita_artefact::evaluate::{Dpl, Snapshot, World};
use partita_artefact::show::DRY_UID;

use crate::case;

pub(crate) struct CaseWorld {
    configuration: BTreeMap<String, String>,
    services: Vec<String>,
    dpl: case::Dpl,
    jit: PathBuf,
}

impl CaseWorld {
    pub(crate) fn new(
        configuration: BTreeMap<String, String>,
        services: Vec<String>,
        dpl: case::Dpl,
        repository: &Path,
    ) -> Self {
        Self {
            configuration,
            services,
            dpl,
            jit: repository.join("jit"),
        }
    }

    fn snapshot(&self) -> Snapshot<'_> {
        Snapshot::new(&self.configuration, &self.services, || DRY_UID.to_owned())
    }
}

impl World for CaseWorld {
    fn configuration(&self, key: &str) -> Option<String> {
        self.configuration.get(key).cloned()
    }

    fn configuration_keys(&self, prefix: &str) -> Vec<String> {
        self.snapshot().configuration_keys(prefix)
    }

    fn services(&self) -> &[String] {
        &self.services
    }

    fn uid(&self) -> String {
        DRY_UID.to_owned()
    }

    fn runtime_set(&self, _component: &str, _key: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }

    fn dpl(&self, request: &Dpl<'_>) -> Result<String, String> {
        let there = |uri: &str| self.jit.join(uri).is_file();
        let run = |table: &BTreeMap<String, String>, key: &str| {
            table
                .get(key)
                .cloned()
                .ok_or_else(|| format!("the DPL program of `{key}` fails"))
        };
        match *request {
            Dpl::Command("none") | Dpl::Uri("none") | Dpl::UriOrTemplate("none") => Err("none".to_owned()),
            Dpl::Command(command) => run(&self.dpl.command, command),
            Dpl::UriOrTemplate(uri) if !there(uri) => Ok(uri.to_owned()),
            Dpl::Uri(uri) if !there(uri) => Err(format!("there is no jit/{uri}")),
            Dpl::Uri(uri) | Dpl::UriOrTemplate(uri) => run(&self.dpl.uri, uri),
        }
    }
}
