//! The compiler, as clients of the daemon ask for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use partita_api::{
    Added, Compiled, Diagnostic, Repositories, Repository, Severity, Template, TemplateQuery, Unavailable,
    Wanted, Workflows,
};
use partita_artefact::ir::Layers;
use partita_artefact::store::Store;
use partita_compiler::compile::{Outcome, Request, Session};
use partita_compiler::diagnostic::Level;
use partita_compiler::source::Location;
use partita_compiler::{configuration, render};
use partita_services::{Service as _, TestPlugin};

use super::ledger::{self, AS_IT_STANDS, Ledger};
use super::{clone, templates};
use crate::failure::Failure;
use crate::inputs::read_text;

/// Where the store keeps which hosts a detector has.
const DETECTORS: &str = "o2/hardware/detectors/";

/// Repositories, a store, and a configuration.
pub(super) struct Compiler {
    ledger: Mutex<Ledger>,
    store: Store,
    services: Vec<String>,
    configuration_file: Option<PathBuf>,
    configuration: Mutex<BTreeMap<String, String>>,
    session: Mutex<Session>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Compiler {
    /// A compiler with what a core is started with.
    pub(super) fn new(
        ledger: Ledger,
        store: Store,
        configuration_file: Option<PathBuf>,
        services: &[String],
    ) -> Result<Self, Failure> {
        let test = TestPlugin.name().to_owned();
        let others = services.iter().filter(|name| **name != test).cloned();
        let compiler = Self {
            ledger: Mutex::new(ledger),
            store,
            services: others.chain([test.clone()]).collect(),
            configuration_file,
            configuration: Mutex::default(),
            session: Mutex::default(),
        };
        *locked(&compiler.configuration) = compiler.read_configuration()?;
        Ok(compiler)
    }

    fn read_configuration(&self) -> Result<BTreeMap<String, String>, Failure> {
        match &self.configuration_file {
            None => Ok(BTreeMap::new()),
            Some(path) => configuration::parse(&read_text(path)?)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display()))),
        }
    }

    fn outcome(&self, wanted: &Wanted) -> Result<Outcome, Unavailable> {
        let (repositories, workflow) = {
            let ledger = locked(&self.ledger);
            (ledger.repositories()?, named(&ledger, &wanted.workflow)?)
        };
        let configuration = locked(&self.configuration).clone();
        let user = Layers {
            user: wanted.variables.clone(),
            ..Layers::default()
        };
        let request = Request {
            workflow,
            given: configuration::environment(&configuration).with(&user),
            configuration,
            services: self.services.clone(),
            closed: wanted.closed,
            ..Request::default()
        };
        Ok(locked(&self.session).compile(&request, &repositories))
    }
}

/// The name of a workflow for the compiler: one that is wanted as it stands has no revision there.
fn named(ledger: &Ledger, workflow: &str) -> Result<String, Unavailable> {
    let location =
        Location::parse(workflow, "workflows").map_err(|error| Unavailable::Asked(error.to_string()))?;
    let repository = match &location.repository {
        Some(name) => name.as_str(),
        None => ledger.default().unwrap_or_default(),
    };
    let entry = ledger.entries().find(|(name, _)| *name == repository);
    let Some((_, entry)) = entry else {
        let known: Vec<&str> = ledger.entries().map(|(name, _)| name).collect();
        return Err(Unavailable::Unknown(match known.as_slice() {
            [] => "there is no repository: add one".to_owned(),
            known => format!(
                "workflow comes from an unknown repository `{repository}`; known: {}",
                known.join(", ")
            ),
        }));
    };
    let stands = entry.origin.is_none() && location.revision.as_deref() == Some(AS_IT_STANDS);
    let name = location.name.strip_suffix(".yaml").unwrap_or(&location.name);
    let revision = location
        .revision
        .filter(|_| !stands)
        .map(|revision| format!("@{revision}"))
        .unwrap_or_default();
    Ok(format!("{repository}/workflows/{name}{revision}"))
}

impl Workflows for Compiler {
    fn compile(&self, wanted: &Wanted) -> Result<Compiled, Unavailable> {
        let outcome = self.outcome(wanted)?;
        let kept = outcome.artefact.as_ref().map(|artefact| {
            let digest = self.store.put(artefact)?;
            self.store.set_name(&artefact.root, &digest)?;
            Ok::<_, partita_artefact::store::StoreError>(digest)
        });
        let digest = kept
            .transpose()
            .map_err(|error| Unavailable::Surroundings(error.to_string()))?;
        let findings = outcome
            .diagnostics
            .iter()
            .filter(|found| found.level != Level::Off);
        let diagnostic = |found: &partita_compiler::diagnostic::Diagnostic| Diagnostic {
            severity: if found.is_error() {
                Severity::Error
            } else {
                Severity::Warning
            },
            code: found.code.as_str().to_owned(),
            message: found.message.clone(),
            place: place(found, &outcome),
            text: render::frames(std::slice::from_ref(found), &outcome.sources, false),
        };
        Ok(Compiled {
            digest,
            diagnostics: findings.map(diagnostic).collect(),
        })
    }

    fn templates(&self, query: &TemplateQuery) -> Result<Vec<Template>, Unavailable> {
        let configuration = locked(&self.configuration).clone();
        templates::list(&locked(&self.ledger), &configuration, query)
    }

    fn repositories(&self, revisions: bool) -> Result<Repositories, Unavailable> {
        let ledger = locked(&self.ledger);
        let repository = |(name, entry): (&str, &ledger::Entry)| {
            Ok(Repository {
                name: name.to_owned(),
                default_revision: entry.default_revision.clone(),
                revisions: if revisions {
                    ledger::revisions(name, entry)?
                } else {
                    Vec::new()
                },
            })
        };
        Ok(Repositories {
            list: ledger
                .entries()
                .map(repository)
                .collect::<Result<_, Unavailable>>()?,
            default: ledger.default().unwrap_or_default().to_owned(),
            global_default_revision: ledger.global_default_revision().to_owned(),
        })
    }

    fn add_repository(&self, location: &str, default_revision: &str) -> Result<Added, Unavailable> {
        locked(&self.ledger).add(location, default_revision)
    }

    fn remove_repository(&self, index: usize) -> Result<Option<String>, Unavailable> {
        locked(&self.ledger).remove(index)
    }

    fn refresh_repositories(&self, index: Option<usize>) -> Result<(), Unavailable> {
        let copies: Vec<(String, PathBuf)> = {
            let ledger = locked(&self.ledger);
            let wanted = match index {
                Some(index) => vec![ledger.at(index)?],
                None => ledger.entries().collect(),
            };
            let copies = wanted.into_iter().filter(|(_, entry)| entry.origin.is_some());
            copies
                .map(|(name, entry)| (name.to_owned(), entry.folder.clone()))
                .collect()
        };
        let configuration = self
            .read_configuration()
            .map_err(|error| Unavailable::Surroundings(error.to_string()))?;
        *locked(&self.configuration) = configuration;
        // What cannot be fetched must not keep others from it.
        let failed: Vec<String> = copies
            .iter()
            .filter_map(|(name, folder)| clone::refresh(name, folder).err())
            .map(|error| error.to_string())
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Unavailable::Surroundings(failed.join("; ")))
        }
    }

    fn set_default_repository(&self, index: usize) -> Result<(), Unavailable> {
        locked(&self.ledger).set_default(index)
    }

    fn set_global_default_revision(&self, revision: &str) -> Result<(), Unavailable> {
        locked(&self.ledger).set_global_default_revision(revision)
    }

    fn set_default_revision(&self, index: usize, revision: &str) -> Result<Option<Vec<String>>, Unavailable> {
        locked(&self.ledger).set_default_revision(index, revision)
    }

    fn detectors(&self) -> BTreeMap<String, Vec<String>> {
        let configuration = locked(&self.configuration);
        let mut detectors: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let below = configuration.range(DETECTORS.to_owned()..);
        for (key, _) in below.take_while(|(key, _)| key.starts_with(DETECTORS)) {
            let mut parts = key.trim_start_matches(DETECTORS).split('/');
            let Some(detector) = parts.next().filter(|name| !name.is_empty()) else {
                continue;
            };
            let hosts = detectors.entry(detector.to_owned()).or_default();
            if parts.next() == Some("flps")
                && let Some(host) = parts.next().filter(|name| !name.is_empty())
                && !hosts.iter().any(|known| known == host)
            {
                hosts.push(host.to_owned());
            }
        }
        detectors
    }
}

/// `path:line:column`
fn place(found: &partita_compiler::diagnostic::Diagnostic, outcome: &Outcome) -> String {
    let Some(label) = &found.primary else {
        return String::new();
    };
    let path = outcome
        .sources
        .get(label.span.source)
        .map(|source| source.source.path.clone());
    format!(
        "{}:{}:{}",
        path.unwrap_or_default(),
        label.span.line,
        label.span.column
    )
}
