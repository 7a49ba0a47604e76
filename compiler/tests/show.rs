//! What `show` says about the example detector.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

use std::path::Path;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::show::{DRY_UID, Detail, Dry, instance_tree, json, template_tree};
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::{Repositories, Repository};

fn example() -> Artefact {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/flp"));
    let mut repositories = Repositories::default();
    repositories.add(Repository::open("flp", path).unwrap()).unwrap();
    let request = Request {
        workflow: "readout".to_owned(),
        ..Request::default()
    };
    let outcome = compile(&request, &repositories);
    outcome
        .artefact
        .unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics))
}

#[test]
fn the_example_as_a_tree() {
    let artefact = example();
    let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
    let user = [("environment_id".to_owned(), "2oDvieFrVTi".to_owned())].into();
    let given = artefact.given.clone().with(&Layers {
        user,
        ..Layers::default()
    });
    let instance = instantiate(&artefact, &given, &world).unwrap();
    insta::assert_snapshot!("tree", instance_tree(&instance));
    insta::assert_snapshot!("templates", template_tree(&artefact));

    let dry = Dry::new(&artefact, &instance, &world);
    let whole = json(
        &artefact,
        &instance,
        &Detail {
            stacks: false,
            dry: Some(&dry),
        },
    );
    let failures: Vec<_> = whole
        .to_string()
        .match_indices("_error\":")
        .map(|(at, _)| at)
        .collect();
    assert_eq!(
        failures,
        Vec::<usize>::new(),
        "everything can be deployed: {whole:#}"
    );
}
