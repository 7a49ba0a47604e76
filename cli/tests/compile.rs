//! Compiling from the outside: the same input gives the same bytes, and the name proves them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{Home, examples, repository, stderr, stdout};

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

fn hash(text: &str) -> String {
    text.lines()
        .last()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap()
        .to_owned()
}

#[test]
fn folder_user_locale_and_time_zone_do_not_matter() {
    let mut hashes = Vec::new();
    for (folder, locale, zone, user) in [
        ("one", "C", "UTC", "alice"),
        ("two/deeper", "tr_TR.UTF-8", "Asia/Kathmandu", "bob"),
    ] {
        let home = Home::new();
        let place = home.path().join(folder);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        copy(&examples().join("flp"), &place);
        let output = home
            .partita()
            .args(["compile", "readout", "--repo"])
            .arg(&place)
            .args(["--set", r#"hosts=["b","a"]"#, "--out", "artefact"])
            .env("LC_ALL", locale)
            .env("TZ", zone)
            .env("USER", user)
            .output()
            .unwrap();
        let hash = hash(&stdout(&output));
        let sum = Command::new("sha256sum")
            .arg(home.path().join("artefact"))
            .output()
            .unwrap();
        assert_eq!(
            stdout(&sum).split_whitespace().next().unwrap(),
            hash,
            "the name is the file's own digest"
        );
        hashes.push(hash);
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn several_errors_are_reported_at_once_with_their_places() {
    let home = Home::new();
    let repository = repository(
        home.path(),
        "name: test\ndefaults:\n  detector: TST\nroles:\n  - name: one-{{ detectr }}\n    task:\n      load: idle\n  \
         - name: two\n    enabled: \"{{ detector == \"\n    task:\n      load: idle\n  - name: three\n    vars:\n      x: \"{{ nothing_at_all }}\"\n    task:\n      load: idle\n  - name: four\n    task:\n      load: missing\n",
        &[(
            "idle",
            "name: idle\ncontrol:\n  mode: direct\ncommand:\n  value: idle\n",
        )],
    );
    let output = home
        .partita()
        .args(["compile", "test", "--closed", "--repo"])
        .arg(&repository)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "stdout holds nothing but a result");
    let text = stderr(&output);
    for expected in [
        "detectr",
        "detector",
        "nothing_at_all",
        "missing",
        "workflows/test.yaml",
    ] {
        assert!(text.contains(expected), "no `{expected}` in:\n{text}");
    }
}

#[test]
fn an_unknown_workflow_is_an_answer_not_a_crash() {
    let home = Home::new();
    let output = home
        .partita()
        .args(["compile", "nonesuch", "--repo"])
        .arg(examples().join("flp"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nonesuch"), "{}", stderr(&output));
}

#[test]
fn a_repository_that_is_not_there_is_the_surroundings_failing() {
    let home = Home::new();
    let output = home
        .partita()
        .args(["compile", "readout", "--repo", "/nonexistent"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}
