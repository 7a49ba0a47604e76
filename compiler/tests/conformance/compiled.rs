//! The load of a case by the compiler itself.

use std::path::Path;

use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::Artefact;
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::{Repositories, Repository};

use crate::case::Case;
use crate::load::{Failure, Loaded, given, name, world};

pub(crate) fn load(root: &Path, case: &Case) -> Result<Loaded, Failure> {
    let world = world(root, case);
    let mut repositories = Repositories::default();
    repositories
        .add(Repository::open(&case.repo.id, &root.join(&case.repo.path)).unwrap())
        .unwrap();
    let request = Request {
        workflow: name(case).to_owned(),
        given: given(case),
        configuration: world.configuration.clone(),
        services: case.plugins.clone(),
        edition: None,
        closed: true,
    };
    // The compiler knows more stages than the reference, and stops at none.
    let failure = |text: String| Failure { text, stage: None };
    let outcome = compile(&request, &repositories);
    let errors = outcome
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.clone());
    let artefact = outcome
        .artefact
        .ok_or_else(|| failure(errors.take(3).collect::<Vec<_>>().join("; ")))?;
    let artefact = pinned(artefact, &case.repo.revision);
    match instantiate(&artefact, &request.given, &world) {
        Ok(instance) => Ok((artefact, instance, world)),
        Err(errors) => Err(failure(errors.iter().map(ToString::to_string).collect())),
    }
}

/// The files of a case belong to no commit here; puts the revision that they are said to have where the compiler would.
fn pinned(mut artefact: Artefact, revision: &str) -> Artefact {
    let pin = |identity: &str| {
        let path = identity.split_once('@').map_or(identity, |(path, _)| path);
        format!("{path}@{revision}")
    };
    artefact.root = pin(&artefact.root);
    artefact.classes = artefact
        .classes
        .into_iter()
        .map(|(identity, class)| (pin(&identity), class))
        .collect();
    artefact.modules = artefact
        .modules
        .into_iter()
        .map(|(identity, module)| (pin(&identity), module))
        .collect();
    for module in artefact.modules.values_mut() {
        revision.clone_into(&mut module.revision);
    }
    artefact
}
