//! The world of a case: its configuration store, fixed identifiers, and tables in place of DPL programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use partita_artefact::evaluate::{Context, Dpl, Place, Snapshot, Variables, World, evaluate};
use partita_artefact::ir::{Edition, Span};
use partita_artefact::show::DRY_UID;
use partita_compiler::syntax::template;

use crate::case;

pub(crate) struct CaseWorld {
    pub(crate) configuration: BTreeMap<String, String>,
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

    /// Expressions in a command see what its caller sees.
    fn evaluate(&self, command: &str, variables: &dyn Variables) -> Result<String, String> {
        let place = Place::Role {
            this: None,
            ancestors: &[],
        };
        let context = Context {
            variables,
            place,
            world: self,
            edition: Edition::Aliecs,
        };
        let template = template::parse(command, Span::default());
        evaluate(&template, &context).map_err(|error| error.to_string())
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

    fn dpl(&self, request: &Dpl<'_>, variables: &dyn Variables) -> Result<String, String> {
        let run = |table: &BTreeMap<String, String>, key: &str| {
            table
                .get(key)
                .cloned()
                .ok_or_else(|| format!("the DPL program of `{key}` fails"))
        };
        match *request {
            Dpl::Command("none") | Dpl::Uri("none") | Dpl::UriOrTemplate("none") => Err("none".to_owned()),
            Dpl::Command(command) => run(&self.dpl.command, &self.evaluate(command, variables)?),
            Dpl::Uri(uri) | Dpl::UriOrTemplate(uri) => match fs::read_to_string(self.jit.join(uri)) {
                Ok(command) => {
                    self.evaluate(&command, variables)?;
                    run(&self.dpl.uri, uri)
                }
                Err(_) if matches!(request, Dpl::UriOrTemplate(_)) => Ok(uri.to_owned()),
                Err(error) => Err(format!("jit/{uri}: {error}")),
            },
        }
    }
}
