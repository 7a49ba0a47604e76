//! What another edition of the language would change, as a person reads it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::path::Path;

use support::{Home, examples, production, stderr};

const WORKFLOW: &str = "\
name: readout
defaults:
  rate: {value: 10}
roles:
  - name: \"host-{{ it }}\"
    for: {range: \"{{ hosts }}\", var: it}
    enabled: \"{{ it != 'off' }}\"
    roles:
      - name: reader
        task: {load: reader}
";

const READER: &str = "\
name: reader
control: {mode: direct}
wants: {ports: 5000-5009}
command: {value: \"reader {{ $env?.rate ?? 'slow' }}\"}
";

fn told(repository: &Path, extra: &[&str]) -> (Option<i32>, String) {
    let output = Home::new()
        .partita()
        .args(["check", "--edition", "2026"])
        .arg(repository)
        .args(extra)
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn what_would_change_is_told_as_a_diff() {
    let folder = repository(&[
        ("workflows/readout.yaml", WORKFLOW),
        ("tasks/reader.yaml", READER),
    ]);
    let (code, told) = told(folder.path(), &["--set", "hosts=[\"flp1\",\"off\"]"]);
    insta::assert_snapshot!(told);
    assert_eq!(code, Some(0));
}

#[test]
fn what_becomes_an_error_is_shown_where_it_stands() {
    let misspelt = WORKFLOW.replace("enabled:", "enabld:");
    let folder = repository(&[
        ("workflows/readout.yaml", &misspelt),
        ("tasks/reader.yaml", READER),
    ]);
    let (code, told) = told(folder.path(), &[]);
    insta::assert_snapshot!(told);
    assert_eq!(code, Some(1));
}

#[test]
fn the_example_means_the_same_in_both() {
    let (code, told) = told(&examples().join("flp"), &[]);
    assert_eq!(
        told,
        "edition 2026: no new error; 0 of 2 workflows would change\n"
    );
    assert_eq!(code, Some(0));
}

/// Production's workflows compile in 2026 as they are.
#[test]
fn production_has_no_new_error() {
    let folder = tempfile::tempdir().unwrap();
    let Some(repository) = production(folder.path()) else {
        return;
    };
    let (code, told) = told(&repository, &[]);
    assert!(told.contains("edition 2026: no new error; "), "{told}");
    assert_eq!(code, Some(0));
}

#[test]
fn programs_read_it_as_json() {
    let folder = repository(&[
        ("workflows/readout.yaml", WORKFLOW),
        ("tasks/reader.yaml", READER),
    ]);
    let (status, told_as_text) = told(folder.path(), &["--set", "hosts=[\"on\"]"]);
    let (same, told_as_json) = told(folder.path(), &["--set", "hosts=[\"on\"]", "--format", "json"]);
    assert_eq!(status, same, "{told_as_text}");
    let json: serde_json::Value = serde_json::from_str(&told_as_json).unwrap();
    assert_eq!(json["edition"], "2026");
    assert_eq!(json["changed"], 1);
    assert_eq!(json["workflows"][0]["workflow"], "readout");
    assert!(json["workflows"][0]["tree"].is_object(), "{json:#}");

    let refused = Home::new()
        .partita()
        .args(["check", "--edition", "2026", "--format", "sarif"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
