//! The load of a case: the compiler, then instantiation.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use partita_artefact::codec;
use partita_artefact::evaluate::Snapshot;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::show::DRY_UID;
use partita_compiler::compile::{Outcome, Request, compile};
use partita_compiler::source::{Repositories, Repository};
use partita_compiler::{configuration, render};

use crate::case::Case;

/// Why a case does not load.
pub(crate) struct Failure {
    pub(crate) text: String,
    /// `load`: templates; `classes`: task templates.
    pub(crate) stage: &'static str,
}

/// Configuration stores by path: reading one takes longer than most cases.
pub(crate) type Stores = BTreeMap<String, BTreeMap<String, String>>;

pub(crate) fn load(root: &Path, case: &Case, stores: &mut Stores) -> Result<(Artefact, Instance), Failure> {
    let folder = root.join(&case.repo.path);
    let mut repositories = Repositories::default();
    let repository = Repository::open(&case.repo.id, &folder).unwrap();
    repositories.add(repository.at(&case.repo.revision)).unwrap();
    let outcome = pinned(&mut request(root, case, stores), case, &repositories);
    let artefact = outcome.artefact.clone().ok_or_else(|| failure(&outcome))?;
    // What is run has always been written and read.
    let file = codec::encode(&artefact).unwrap();
    let artefact = codec::decode(&file).unwrap();
    let tree = instantiate(
        &artefact,
        &artefact.given,
        &Snapshot::new(&artefact, || DRY_UID.to_owned()),
    );
    let instance = tree.map_err(|errors| Failure {
        text: errors.iter().map(ToString::to_string).collect(),
        stage: "load",
    })?;
    Ok((artefact, instance))
}

fn request(root: &Path, case: &Case, stores: &mut Stores) -> Request {
    let mut read = |path: &String| {
        let store = stores
            .entry(path.clone())
            .or_insert_with(|| store(&root.join(path)));
        store.clone()
    };
    // A revision in the request is ignored there.
    let workflow = case
        .workflow
        .split_once('@')
        .map_or(case.workflow.as_str(), |(name, _)| name);
    Request {
        workflow: workflow.to_owned(),
        given: Layers {
            defaults: case.environment.defaults.clone(),
            vars: case.environment.vars.clone(),
            user: case.environment.user_vars.clone(),
        },
        configuration: case.config.as_ref().map(&mut read).unwrap_or_default(),
        services: case.plugins.clone(),
        closed: true,
        ..Request::default()
    }
}

/// Compiles, and pins what the case says that DPL commands make, as long as there are more of them.
fn pinned(request: &mut Request, case: &Case, repositories: &Repositories) -> Outcome {
    loop {
        let outcome = compile(request, repositories);
        let mut new = false;
        for command in &outcome.unpinned {
            let made = match &command.uri {
                Some(uri) => case.dpl.uri.get(uri),
                None => case.dpl.command.get(&command.command),
            };
            if let Some(workflow) = made {
                let before = request
                    .pins
                    .workflows
                    .insert(command.name.clone(), workflow.clone());
                new |= before.is_none();
            }
        }
        // In the data, configuration URIs in commands are not looked up.
        for path in missing_payloads(&outcome) {
            let key = format!("o2/components/{path}");
            new |= request.configuration.insert(key, String::new()).is_none();
        }
        if !new {
            return outcome;
        }
    }
}

fn missing_payloads(outcome: &Outcome) -> Vec<String> {
    let messages = outcome.diagnostics.iter().map(|diagnostic| &diagnostic.message);
    let path = |message: &String| {
        let (_, uri) = message.split_once("the payload `")?;
        let (uri, _) = uri.split_once('`')?;
        let (_, path) = uri.split_once("components/")?;
        Some(path.split_once('?').map_or(path, |(path, _)| path).to_owned())
    };
    messages.filter_map(path).collect()
}

fn failure(outcome: &Outcome) -> Failure {
    let mut errors = outcome.diagnostics.clone();
    errors.retain(partita_compiler::diagnostic::Diagnostic::is_error);
    let text = render::concise(&errors, &outcome.sources);
    let of_class = |line: &str| line.starts_with("tasks/") || line.contains("task template");
    let stage = if text.lines().all(of_class) {
        "classes"
    } else {
        "load"
    };
    Failure { text, stage }
}

/// The configuration store in a file.
pub(crate) fn store(path: &Path) -> BTreeMap<String, String> {
    configuration::parse(&fs::read_to_string(path).unwrap()).unwrap()
}
