//! Checking every commit: what each broke and mended, and that keeping results changes none of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;

use partita_compiler::check::{Change, check, history};
use partita_compiler::diagnostic::{Diagnostic, SourceMap};
use partita_compiler::render;
use support::{git, repositories, write};

const TASK: &str = "name: reader\ncommand: {value: reader}\n";
const GOOD: &str = "name: one\nroles:\n- name: a\n  task: {load: reader}\n";
const BAD: &str = "name: one\nroles:\n- name: a\n  task: {load: raeder}\n";
/// The same mistake, lower down.
const MOVED: &str =
    "name: one\nroles:\n- name: b\n  task: {load: reader}\n- name: a\n  task: {load: raeder}\n";

fn commit(folder: &Path, summary: &str, files: &[(&str, &str)]) {
    for (path, text) in files {
        write(folder, path, text);
    }
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", summary]);
}

/// Per commit: its message, what appeared, what was mended, and how much is left.
fn told(folder: &Path) -> Vec<(String, Vec<String>, Vec<String>, usize)> {
    let repositories = repositories(folder);
    let mut told = Vec::new();
    let each = |change: &Change, sources: &SourceMap, _| {
        let lines = |findings: &[Diagnostic]| -> Vec<String> {
            let line = |finding| render::line(finding, sources);
            findings.iter().map(line).map(|line| short(&line)).collect()
        };
        told.push((
            change.commit.summary.clone(),
            lines(&change.appeared),
            lines(&change.mended),
            change.left,
        ));
    };
    history(repositories.first().unwrap(), &repositories, None, each).unwrap();
    told
}

/// Up to the code: `workflows/one.yaml:4:16: error[not-found]`.
fn short(line: &str) -> String {
    line.split_once(']').map_or(line, |(head, _)| head).to_owned() + "]"
}

#[test]
fn each_commit_says_what_it_broke_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !git(folder, &["init", "-q"]) {
        return;
    }
    commit(
        folder,
        "good",
        &[("workflows/one.yaml", GOOD), ("tasks/reader.yaml", TASK)],
    );
    commit(folder, "break", &[("workflows/one.yaml", BAD)]);
    commit(folder, "move", &[("workflows/one.yaml", MOVED)]);
    commit(folder, "nothing", &[]);
    // Nothing about the workflow changes but what it reaches.
    commit(
        folder,
        "mend",
        &[("tasks/raeder.yaml", "name: raeder\ncommand: {value: reader}\n")],
    );
    commit(
        folder,
        "off",
        &[
            ("workflows/one.yaml", BAD),
            ("tasks/raeder.yaml", "name: wrong\n"),
            ("partita.toml", "[check]\nname-mismatch = \"off\"\n"),
        ],
    );
    let broken = |place: &str| vec![format!("workflows/one.yaml:{place}: error[not-found]")];
    assert_eq!(
        told(folder),
        [
            ("good".to_owned(), vec![], vec![], 0),
            ("break".to_owned(), broken("4:16"), vec![], 1),
            ("move".to_owned(), vec![], vec![], 1),
            ("nothing".to_owned(), vec![], vec![], 1),
            ("mend".to_owned(), vec![], broken("6:16"), 0),
            ("off".to_owned(), vec![], vec![], 0),
        ]
    );
}

#[test]
fn a_merge_is_compared_with_the_branch_it_was_made_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !git(folder, &["init", "-q"]) {
        return;
    }
    commit(
        folder,
        "good",
        &[("workflows/one.yaml", GOOD), ("tasks/reader.yaml", TASK)],
    );
    git(folder, &["checkout", "-q", "-b", "side"]);
    commit(folder, "break", &[("workflows/one.yaml", BAD)]);
    git(folder, &["checkout", "-q", "main"]);
    commit(folder, "aside", &[("README", "x")]);
    git(folder, &["merge", "-q", "--no-edit", "-m", "merge", "side"]);
    let told = told(folder);
    let appeared: Vec<(&str, usize)> = told.iter().map(|one| (one.0.as_str(), one.1.len())).collect();
    assert_eq!(appeared.last(), Some(&("merge", 1)));
    assert_eq!(appeared.iter().map(|(_, count)| count).sum::<usize>(), 2);
    assert_eq!(appeared.len(), 4);
}

/// The results that are kept are those that each commit gives alone.
#[test]
fn what_is_left_is_what_a_check_of_the_commit_finds() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clone) = support::production(folder.path()) else {
        return;
    };
    let repositories = repositories(&clone);
    let repository = repositories.first().unwrap();
    let commits = repository.history(None).unwrap();
    let last = commits.get(60).unwrap().hash.clone();
    let mut left = 0;
    history(repository, &repositories, Some(&last), |change, _, _| {
        left = change.left;
    })
    .unwrap();
    let report = check(&repositories, Some(&last)).unwrap();
    assert_eq!(left, report.diagnostics.len());
}
