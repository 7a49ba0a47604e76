//! Checking a repository from the outside: every mistake that no variable can make right is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use support::{Home, examples, production, stderr, stdout};

fn check(home: &Home, repository: &Path, extra: &[&str]) -> Output {
    home.partita()
        .arg("check")
        .arg(repository)
        .args(extra)
        .output()
        .unwrap()
}

fn written(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn the_example_has_no_mistake() {
    let home = Home::new();
    let output = check(&home, &examples().join("flp"), &[]);
    let told = stdout(&output);
    assert!(told.ends_with(": nothing wrong\n"), "{told}");
    assert_eq!(stderr(&output), "");
}

/// Each file has a mistake of its own, but for the good ones.
const BROKEN: &[(&str, &str)] = &[
    (
        "partita.toml",
        "[variables]\nname = \"what the part is for\"\nsometimes = \"whether it is there\"\n",
    ),
    (
        "workflows/good.yaml",
        "name: good\nroles:\n  - name: part\n    include: part\n  - name: one\n    task: {load: good}\n",
    ),
    // Only included: its root may be called as it likes.
    ("workflows/part.yaml", "name: \"any {{ name }}\"\nroles: []\n"),
    ("workflows/misnamed.yaml", "name: other\nroles: []\n"),
    (
        "workflows/notyaml.yaml",
        "name: notyaml\nroles:\n- name: a\n  - b\n",
    ),
    ("workflows/shape.yaml", "name: shape\nroles: {}\n"),
    (
        "workflows/sub/missing.yaml",
        "name: sub/missing\nroles:\n  - name: a\n    include: goood\n  - name: b\n    task: {load: gooood}\n\
         \x20 - name: c\n    enabled: \"{{ sometimes }}\"\n    include: nowhere\n\
         \x20 - name: d\n    include: example.org/other/workflows/there@v1\n",
    ),
    (
        "workflows/unparsable.yaml",
        "name: unparsable\nvars: {x: \"{{ 1 + }}\"}\nroles: []\n",
    ),
    (
        "tasks/good.yaml",
        "name: good\ncontrol: {mode: direct}\ncommand: {value: sleep}\n",
    ),
    ("tasks/misnamed.yaml", "name: other\ncontrol: {mode: direct}\n"),
    ("tasks/mode.yaml", "name: mode\ncontrol: {mode: indirect}\n"),
];

#[test]
fn every_mistake_of_a_broken_repository_is_named() {
    let home = Home::new();
    let repository = home.path().join("broken");
    written(&repository, BROKEN);
    let concise = check(&home, &repository, &["--format", "concise"]);
    assert_eq!(concise.status.code(), Some(1));
    assert_eq!(stderr(&concise), "", "the answer is on standard output");
    insta::assert_snapshot!(String::from_utf8(concise.stdout).unwrap());

    let full = check(&home, &repository, &[]);
    assert_eq!(full.status.code(), Some(1));
    let told = String::from_utf8(full.stdout).unwrap();
    assert!(told.contains("1 | name: other\n"), "the lines are shown:\n{told}");
}

#[test]
fn the_working_folder_is_what_is_checked_by_default() {
    let home = Home::new();
    written(home.path(), &[("tasks/t.yaml", "name: u\n")]);
    let output = home.partita().arg("check").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("tasks/t.yaml"), "{told}");
}

#[test]
fn what_is_no_repository_of_workflows_is_said() {
    let home = Home::new();
    let empty = home.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let output = check(&home, &empty, &[]);
    assert_eq!(output.status.code(), Some(1), "an empty folder is not right");

    let absent = check(&home, &home.path().join("absent"), &[]);
    assert_eq!(absent.status.code(), Some(3));
    assert!(
        stderr(&absent).contains("cannot be opened"),
        "{}",
        stderr(&absent)
    );

    let revision = check(&home, &empty, &["--rev", "main"]);
    assert_eq!(revision.status.code(), Some(3));
    assert!(
        stderr(&revision).contains("not a Git repository"),
        "{}",
        stderr(&revision)
    );
}

#[test]
fn a_code_is_explained() {
    let home = Home::new();
    let explain = |code: &str| {
        let mut command = home.partita();
        command.args(["check", "--explain", code]).output().unwrap()
    };
    let told = stdout(&explain("not-found"));
    assert!(told.starts_with("# not-found\n"), "{told}");
    let unknown = explain("not-fuond");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        stderr(&unknown).contains("did you mean `not-found`?"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn tools_read_every_format() {
    let home = Home::new();
    let repository = home.path().join("broken");
    written(&repository, BROKEN);
    for format in ["json", "sarif"] {
        let output = check(&home, &repository, &["--format", format]);
        assert_eq!(output.status.code(), Some(1));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(value.is_object(), "{format}");
    }
    let github = check(&home, &repository, &["--format", "github"]);
    let told = String::from_utf8(github.stdout).unwrap();
    assert!(
        told.contains("::error file=workflows/shape.yaml,line=2,"),
        "{told}"
    );
}

#[test]
fn a_folder_without_git_has_no_history() {
    let home = Home::new();
    written(home.path(), BROKEN);
    let output = check(&home, home.path(), &["--history"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("not a Git repository"),
        "{}",
        stderr(&output)
    );
    let sarif = check(&home, home.path(), &["--history", "--format", "sarif"]);
    assert_eq!(sarif.status.code(), Some(2));
}

#[test]
fn the_head_of_production_has_no_error() {
    let home = Home::new();
    let Some(clone) = production(home.path()) else {
        return;
    };
    let told = stdout(&check(&home, &clone, &["--rev", "HEAD", "--format", "concise"]));
    assert!(!told.contains(" error["), "{told}");
    assert!(told.contains("10 workflows and 12 task templates"), "{told}");
}
