//! What `graph` draws of the example detector.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

use std::path::Path;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::Layers;
use partita_artefact::show::DRY_UID;
use partita_compiler::compile::{Request, compile};
use partita_compiler::graph::{Expand, Graph, dot, mermaid, svg};
use partita_compiler::source::{Repositories, Repository};

fn example(hosts: &str) -> Instance {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/flp"));
    let mut repositories = Repositories::default();
    repositories.add(Repository::open("flp", path).unwrap()).unwrap();
    let user = [("hosts".to_owned(), hosts.to_owned())].into();
    let request = Request {
        workflow: "readout".to_owned(),
        given: Layers {
            user,
            ..Layers::default()
        },
        ..Request::default()
    };
    let outcome = compile(&request, &repositories);
    let artefact = outcome
        .artefact
        .unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics));
    let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
    instantiate(&artefact, &artefact.given, &world).unwrap()
}

#[test]
fn hosts_of_equal_structure_are_one_box() {
    let instance = example(r#"["flp001","flp002","flp003"]"#);
    let graph = Graph::of(&instance, "readout", &Expand::Nothing);
    insta::assert_snapshot!("mermaid", mermaid(&graph));
    insta::assert_snapshot!("dot", dot(&graph));
    insta::assert_snapshot!("svg", svg(&graph));
}

/// Without variables the workflow is drawn as it is written.
#[test]
fn an_open_artefact_is_drawn_as_it_is_written() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/flp"));
    let mut repositories = Repositories::default();
    repositories.add(Repository::open("flp", path).unwrap()).unwrap();
    let request = Request {
        workflow: "readout".to_owned(),
        ..Request::default()
    };
    let artefact = compile(&request, &repositories).artefact.unwrap();
    let graph = Graph::of_open(&artefact, "readout");
    insta::assert_snapshot!("open_mermaid", mermaid(&graph));
    insta::assert_snapshot!("open_dot", dot(&graph));
    assert!(svg(&graph).contains("× each of {{ hosts }}"));
}

#[test]
fn what_is_expanded_stands_apart() {
    let instance = example(r#"["flp001","flp002","flp003"]"#);
    let one = Expand::Roles(vec!["readout.host-flp002.stfsender".to_owned()]);
    insta::assert_snapshot!("one_apart", mermaid(&Graph::of(&instance, "readout", &one)));
    let all = Graph::of(&instance, "readout", &Expand::All);
    assert!(
        all.items.iter().all(|item| item.paths.len() == 1),
        "no box is for several"
    );
    let collapsed = Graph::of(&instance, "readout", &Expand::Nothing);
    assert_eq!(
        all.counts(),
        collapsed.counts(),
        "whoever is collapsed is counted"
    );
    let connections = |graph: &Graph| graph.flows.iter().map(|flow| flow.count).sum::<usize>();
    assert_eq!(connections(&all), connections(&collapsed));
}

#[test]
fn the_same_tree_is_the_same_picture() {
    let draw = || svg(&Graph::of(&example(r#"["a","b"]"#), "readout", &Expand::Nothing));
    assert_eq!(draw(), draw());
}
