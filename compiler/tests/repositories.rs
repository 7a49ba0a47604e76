//! Several repositories, with real Git: where names are looked up, and at which revision.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;

use partita_artefact::ir::Edition;
use partita_compiler::compile::{Outcome, Request, compile};
use partita_compiler::source::Repositories;
use support::{git, request};
use tempfile::TempDir;

const TASK: &str = "name: t\ncommand:\n  value: run\n";

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn commit(folder: &Path) -> bool {
    git(folder, &["add", "."]) && git(folder, &["commit", "-qm", "all"])
}

fn workflow(name: &str, role: &str) -> String {
    format!("name: {name}\nroles:\n  - name: one\n    {role}\n")
}

/// Two repositories. In the first, branch `old` includes the same names as `master`, in another version.
struct Two {
    here: TempDir,
    there: TempDir,
}

impl Two {
    fn new() -> Option<Self> {
        let two = Self {
            here: tempfile::tempdir().unwrap(),
            there: tempfile::tempdir().unwrap(),
        };
        for folder in [two.here.path(), two.there.path()] {
            if !git(folder, &["init", "-q", "-b", "master"]) {
                return None;
            }
            write(folder, "tasks/t.yaml", TASK);
        }
        let here = two.here.path();
        write(here, "workflows/top.yaml", &workflow("top", "include: sub"));
        write(
            here,
            "workflows/sub.yaml",
            &workflow("sub", "task: {load: t}").replace("one", "old"),
        );
        commit(here);
        git(here, &["branch", "old"]);
        git(here, &["tag", "v1"]);
        write(
            here,
            "workflows/sub.yaml",
            &workflow("sub", "task: {load: t}").replace("one", "new"),
        );
        write(
            here,
            "workflows/over.yaml",
            &workflow("over", "include: host/o/there/workflows/far@dev"),
        );
        write(
            here,
            "workflows/bare.yaml",
            &workflow("bare", "include: host/o/there/workflows/far"),
        );
        write(
            here,
            "workflows/gone.yaml",
            &workflow("gone", "include: host/o/nowhere/workflows/far@dev"),
        );
        commit(here);
        let there = two.there.path();
        write(there, "workflows/far.yaml", &workflow("far", "include: near"));
        write(there, "workflows/near.yaml", &workflow("near", "task: {load: t}"));
        commit(there);
        git(there, &["branch", "dev"]);
        write(
            there,
            "workflows/near.yaml",
            &workflow("near", "task: {load: t}").replace("one", "later"),
        );
        commit(there);
        Some(two)
    }

    fn compile(&self, workflow: &str, edition: Edition) -> Outcome {
        let specifications = [("host/o/here", &self.here), ("host/o/there", &self.there)]
            .map(|(identifier, folder)| format!("{identifier}={}", folder.path().display()));
        let repositories = Repositories::open(&specifications).unwrap();
        let request = Request {
            edition: Some(edition),
            ..request(workflow, &[])
        };
        compile(&request, &repositories)
    }
}

/// The names of the roles that tasks have, which tell the versions apart.
fn leaves(outcome: &Outcome) -> Vec<String> {
    let artefact = outcome
        .artefact
        .as_ref()
        .unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics));
    let modules = artefact.modules.values();
    let names = modules.filter_map(|module| match &module.root.body {
        partita_artefact::ir::Body::Aggregator(roles) => Some(roles[0].name.source()),
        _ => None,
    });
    let mut names: Vec<String> = names.filter(|name| name != "one").collect();
    names.sort();
    names
}

fn text(outcome: &Outcome) -> String {
    let messages = outcome
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.clone());
    messages.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_unqualified_include_stays_in_its_revision() {
    let Some(two) = Two::new() else { return };
    assert_eq!(leaves(&two.compile("top", Edition::Aliecs)), ["new"]);
    for old in ["top@old", "top@v1", "host/o/here/workflows/top@old"] {
        let outcome = two.compile(old, Edition::Aliecs);
        assert_eq!(leaves(&outcome), ["old"], "{old}");
        let artefact = outcome.artefact.unwrap();
        let revisions: Vec<_> = artefact.modules.values().map(|module| &module.revision).collect();
        assert!(
            revisions
                .iter()
                .all(|revision| revision.len() == 40 && *revision == revisions[0])
        );
        assert!(
            artefact
                .classes
                .keys()
                .all(|class| class.ends_with(revisions[0].as_str()))
        );
    }
}

#[test]
fn an_include_of_another_repository_takes_its_revision_and_what_it_includes_stays_there() {
    let Some(two) = Two::new() else { return };
    let outcome = two.compile("over", Edition::Aliecs);
    let artefact = outcome.artefact.unwrap();
    let far = &artefact.modules["host/o/there/workflows/far@dev"];
    assert_eq!(far.revision.len(), 40);
    let near = format!("host/o/there/workflows/near@{}", far.revision);
    assert!(
        artefact.modules.contains_key(&near),
        "{:?}",
        artefact.modules.keys()
    );
    let task = format!("host/o/there/tasks/t@{}", far.revision);
    assert_eq!(artefact.classes.keys().collect::<Vec<_>>(), [&task]);
}

#[test]
fn without_a_revision_another_repository_is_asked_for_its_own_default() {
    let Some(two) = Two::new() else { return };
    // The reference asks it for a commit of the including repository.
    let refused = two.compile("bare", Edition::Aliecs);
    assert!(refused.artefact.is_none());
    assert!(
        text(&refused).contains("is not a commit of repository `host/o/there`"),
        "{}",
        text(&refused)
    );
    let outcome = two.compile("bare", Edition::E2026);
    assert_eq!(leaves(&outcome), ["later"]);
    let artefact = outcome.artefact.unwrap();
    assert_eq!(artefact.revisions.len(), 2);
}

#[test]
fn what_is_not_known_is_said_with_what_is() {
    let Some(two) = Two::new() else { return };
    let gone = two.compile("gone", Edition::Aliecs);
    let said = text(&gone);
    assert!(
        said.contains("`host/o/nowhere` is not known; known: host/o/here, host/o/there"),
        "{said}"
    );
    let revision = text(&two.compile("top@nosuch", Edition::Aliecs));
    assert!(
        revision.contains("revision `nosuch` is not a commit of repository `host/o/here`"),
        "{revision}"
    );
    let twice = text(&two.compile("top@a@b", Edition::Aliecs));
    assert!(twice.contains("more than one revision"), "{twice}");
}

#[test]
fn a_default_revision_can_be_given() {
    let Some(two) = Two::new() else { return };
    let specification = format!("host/o/here={}@old", two.here.path().display());
    let repositories = Repositories::open(&[specification]).unwrap();
    assert_eq!(leaves(&compile(&request("top", &[]), &repositories)), ["old"]);
    // A folder that is not in Git is said to be from a revision.
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "workflows/w.yaml",
        &workflow("w", "task: {load: t}"),
    );
    write(folder.path(), "tasks/t.yaml", TASK);
    let specification = format!("r={}@abc", folder.path().display());
    let repositories = Repositories::open(&[specification]).unwrap();
    let artefact = compile(&request("w", &[]), &repositories).artefact.unwrap();
    assert_eq!(artefact.root, "r/workflows/w@abc");
    assert_eq!(artefact.sources[0].revision, "abc");
    assert!(!artefact.sources[0].dirty);
}
