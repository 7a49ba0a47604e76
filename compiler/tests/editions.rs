//! The edition of the language: chosen by each repository for its own files, kept in the artefact.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use partita_artefact::codec;
use partita_artefact::ir::Edition;
use support::{compile_files, request};

const WORKFLOW: (&str, &str) = (
    "workflows/w.yaml",
    "name: w\nroles:\n  - name: a\n    task: {load: t}\n",
);
const TASK: (&str, &str) = ("tasks/t.yaml", "name: t\ncommand: {value: sleep}\n");

#[test]
fn a_repository_without_settings_means_what_the_reference_means() {
    let artefact = compile_files(&[WORKFLOW, TASK], &request("w", &[]))
        .artefact
        .unwrap();
    assert_eq!(artefact.edition, Edition::Aliecs);
}

#[test]
fn settings_choose_the_edition_of_every_file_and_are_a_source() {
    let files = [WORKFLOW, TASK, ("partita.toml", "edition = \"2026\"\n")];
    let artefact = compile_files(&files, &request("w", &[])).artefact.unwrap();
    let read = codec::decode(&codec::encode(&artefact).unwrap()).unwrap();
    assert_eq!(read, artefact);
    assert_eq!(artefact.edition, Edition::E2026);
    assert!(
        artefact
            .modules
            .values()
            .all(|module| module.edition == Edition::E2026)
    );
    assert!(
        artefact
            .classes
            .values()
            .all(|class| class.edition == Edition::E2026)
    );
    assert!(
        artefact
            .sources
            .iter()
            .any(|source| source.path == "partita.toml")
    );
}
