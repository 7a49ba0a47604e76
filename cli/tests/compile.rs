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

#[test]
fn what_was_given_is_bound_and_what_is_open_is_listed() {
    let home = Home::new();
    let run = |arguments: &[&str]| home.partita().args(arguments).output().unwrap();
    let flp = examples().join("flp");
    let flp = flp.to_str().unwrap();
    let compiled = run(&["compile", "readout", "--repo", flp, "--set", "rate=7"]);
    let open = hash(&stdout(&compiled));

    let table = stdout(&run(&["show", &open, "--params"]));
    assert!(
        table.contains(
            "hosts               list    instance   [\"localhost\"]\n    Hosts; in General; Machines"
        ),
        "{table}"
    );
    assert!(!table.contains("\nrate "), "{table}");
    let list = stdout(&run(&["show", &open, "--params", "--json"]));
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let mut parameters = list.as_array().unwrap().iter();
    let monitoring = parameters
        .find(|parameter| parameter["name"] == "monitoring_enabled")
        .unwrap();
    assert_eq!(monitoring["type"], "bool");
    assert_eq!(monitoring["public"]["widget"], "checkBox");
    assert_eq!(monitoring["used"][0]["path"], "workflows/readout.yaml");

    let refused = run(&["show", &open, "--set", "rate=8"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("variable `rate` is `7` in this artefact since it was compiled"),
        "{}",
        stderr(&refused)
    );
    assert!(run(&["show", &open, "--set", "rate=7"]).status.success());

    let compiled = run(&["compile", "readout", "--repo", flp, "--closed"]);
    let closed = hash(&stdout(&compiled));
    assert_eq!(
        stdout(&run(&["show", &closed, "--params"])),
        "closed: nothing more may be given\n"
    );
    let refused = run(&["run", &closed, "--set", "rate=8"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--closed"), "{}", stderr(&refused));
}
