//! The production repository, as a bundle in `../shared`: read through Git objects, decoded file by file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;
use std::process::Command;

use partita_artefact::ir::{Edition, Layers};
use partita_compiler::compile::{Request, compile};
use partita_compiler::decode;
use partita_compiler::diagnostic::{Diagnostic, SourceMap};
use partita_compiler::render;
use partita_compiler::source::{Repositories, Repository, Snapshot};
use support::production;

fn errors(snapshot: &Snapshot<'_>, folder: &str) -> (usize, Vec<String>) {
    let paths = snapshot.list(folder, ".yaml").unwrap();
    let mut found = Vec::new();
    for path in &paths {
        let file = snapshot.read(path).unwrap().unwrap();
        let mut sources = SourceMap::default();
        let id = sources.add(
            partita_artefact::ir::Source {
                path: path.clone(),
                ..Default::default()
            },
            file.text,
        );
        let text = &sources.get(id).unwrap().text;
        let diagnostics = if folder == "tasks" {
            decode::task_class(text, id, Edition::Aliecs).diagnostics
        } else {
            decode::workflow(text, id, Edition::Aliecs).diagnostics
        };
        let errors: Vec<Diagnostic> = diagnostics.into_iter().filter(Diagnostic::is_error).collect();
        if !errors.is_empty() {
            found.push(render::full(&errors, &sources, false));
        }
    }
    (paths.len(), found)
}

#[test]
fn every_template_of_the_head_decodes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clone) = production(folder.path()) else {
        return;
    };
    let repository = Repository::open("production", &clone).unwrap();
    let snapshot = repository.snapshot(None).unwrap();
    for root in ["workflows", "tasks"] {
        let (count, errors) = errors(&snapshot, root);
        assert!(count > 0, "no file in {root}");
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        eprintln!("{root}: {count} files decode");
    }
}

/// Every distinct file of the history. libyaml, from which the reference's parser was made, refuses the same
/// one workflow and 16 task templates; the others repeat a key (4 and 2) or are a list (1).
/// A minute in a debug build.
#[test]
#[ignore = "reads 22,000 files; run it after changes to the loader"]
fn the_history_is_accepted_and_refused_like_by_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clone) = production(folder.path()) else {
        return;
    };
    let output = Command::new("git")
        .arg("-C")
        .arg(&clone)
        .args(["rev-list", "--objects", "--all"])
        .output()
        .unwrap();
    let listing = String::from_utf8(output.stdout).unwrap();
    let git = gix::open(&clone).unwrap();
    let mut counts = [[0usize; 2]; 2];
    for line in listing.lines() {
        let Some((id, path)) = line.split_once(' ') else {
            continue;
        };
        if Path::new(path)
            .extension()
            .is_none_or(|extension| extension != "yaml")
        {
            continue;
        }
        let kind = usize::from(path.starts_with("tasks/"));
        if kind == 0 && !path.starts_with("workflows/") {
            continue;
        }
        let id = gix::ObjectId::from_hex(id.as_bytes()).unwrap();
        let text = String::from_utf8(git.find_blob(id).unwrap().take_data()).unwrap();
        let diagnostics = match kind {
            0 => decode::workflow(&text, 0, Edition::Aliecs).diagnostics,
            _ => decode::task_class(&text, 0, Edition::Aliecs).diagnostics,
        };
        let refused = diagnostics.iter().find(|d| d.is_error());
        counts[kind][usize::from(refused.is_some())] += 1;
        if let Some(diagnostic) = refused {
            eprintln!(
                "{id} {path}: {}[{}] {:?}",
                diagnostic.code.as_str(),
                diagnostic.message,
                diagnostic.primary
            );
        }
    }
    eprintln!(
        "workflow templates: {} accepted, {} refused",
        counts[0][0], counts[0][1]
    );
    eprintln!(
        "task templates: {} accepted, {} refused",
        counts[1][0], counts[1][1]
    );
    assert_eq!(counts, [[1714, 5], [18759, 19]]);
}

#[test]
fn the_head_compiles_from_objects() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clone) = production(folder.path()) else {
        return;
    };
    let mut repositories = Repositories::default();
    repositories
        .add(Repository::open("production", &clone).unwrap())
        .unwrap();
    for (workflow, user) in [
        ("readout-dataflow", vec![("hosts", "[\"localhost\"]")]),
        ("readout-dataflow", vec![]),
    ] {
        let user = user
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let given = Layers {
            user,
            ..Layers::default()
        };
        let request = Request {
            workflow: workflow.to_owned(),
            given,
            ..Request::default()
        };
        let outcome = compile(&request, &repositories);
        eprintln!("{}", render::concise(&outcome.diagnostics, &outcome.sources));
        let artefact = outcome.artefact.expect("an artefact");
        eprintln!(
            "{} modules, {} classes, {} parameters, {} of them required",
            artefact.modules.len(),
            artefact.classes.len(),
            artefact.parameters.len(),
            artefact
                .parameters
                .iter()
                .filter(|parameter| parameter.required)
                .count()
        );
    }
}
