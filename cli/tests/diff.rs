//! Differences and histories from the outside.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{Home, examples, stderr, stdout};

/// The example repository, changed as a person might: one task logs more, and readout is slower.
fn changed(home: &Home) -> PathBuf {
    let repository = home.path().join("flp");
    let status = Command::new("cp")
        .arg("-r")
        .arg(examples().join("flp"))
        .arg(&repository)
        .status()
        .unwrap();
    assert!(status.success());
    replace(
        &repository.join("tasks/stfbuilder.yaml"),
        "--severity=info",
        "--severity=debug",
    );
    replace(
        &repository.join("workflows/readout.yaml"),
        "rate: \"200\"",
        "rate: \"150\"",
    );
    repository
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn compiled(home: &Home, repository: &Path, out: &str) -> String {
    let hosts = r#"hosts=["flp1","flp2","flp3","flp4"]"#;
    let output = home
        .partita()
        .args(["compile", "readout", "--set", hosts, "--out", out, "--repo"])
        .arg(repository)
        .output()
        .unwrap();
    stdout(&output).trim().to_owned()
}

fn diff(home: &Home, arguments: &[&str]) -> Output {
    home.partita().arg("diff").args(arguments).output().unwrap()
}

#[test]
fn it_says_what_changed_and_what_that_costs() {
    let home = Home::new();
    let before = compiled(&home, &examples().join("flp"), "before");
    compiled(&home, &changed(&home), "after");
    let prefix = &before["sha256:".len()..][..12];
    insta::assert_snapshot!("text", stdout(&diff(&home, &[prefix, "after"])));
    insta::assert_snapshot!(
        "markdown",
        stdout(&diff(&home, &["before", "after", "--format", "markdown"]))
    );
    let json = stdout(&diff(&home, &["before", "after", "--format", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["cost"], "restart");
    assert_eq!(json["roles"]["after"], 33);
    insta::assert_json_snapshot!("json", json["changes"][0]);
}

#[test]
fn the_exit_code_says_whether_there_is_a_difference_if_asked_to() {
    let home = Home::new();
    compiled(&home, &examples().join("flp"), "before");
    compiled(&home, &changed(&home), "after");
    let code = |arguments: &[&str]| diff(&home, arguments).status.code();
    assert_eq!(code(&["before", "after"]), Some(0));
    assert_eq!(code(&["before", "after", "--exit-code"]), Some(1));
    let same = diff(&home, &["before", "before", "--exit-code"]);
    assert_eq!(stdout(&same), "no difference in 33 roles\n");
    let unknown = diff(&home, &["before", "nonesuch"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("nonesuch"), "{}", stderr(&unknown));
}

#[test]
fn a_work_tree_is_compared_with_a_commit_and_the_history_is_told() {
    let home = Home::new();
    let repository = home.path().join("flp");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(examples().join("flp"))
        .arg(&repository)
        .status()
        .unwrap();
    assert!(copied.success());
    let git = |arguments: &[&str]| {
        let status = home
            .command("git")
            .current_dir(&repository)
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(arguments)
            .env("GIT_AUTHOR_DATE", "2026-11-22T12:00:00+00:00")
            .env("GIT_COMMITTER_DATE", "2026-11-22T12:00:00+00:00")
            .status()
            .unwrap();
        assert!(status.success());
    };
    git(&["init", "--quiet", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "--quiet", "-m", "First"]);
    replace(
        &repository.join("tasks/monitor.yaml"),
        "control:",
        "# Watch.\ncontrol:",
    );
    git(&["commit", "--quiet", "-am", "Only a comment"]);
    replace(
        &repository.join("tasks/stfbuilder.yaml"),
        "--severity=info",
        "--severity=debug",
    );
    git(&["commit", "--quiet", "-am", "Log more"]);
    replace(
        &repository.join("workflows/readout.yaml"),
        "timeout: 5s",
        "timeout: 9s",
    );

    let told = stdout(&diff(&home, &["readout@main", "readout", "--repo", "flp"]));
    assert!(told.contains("timeout  [-5s-]{+9s+}"), "{told}");
    assert!(
        told.ends_with("1 role changed at no cost; 11 of 12 roles unchanged\n"),
        "{told}"
    );

    let log = |extra: &[&str]| {
        let mut command = home.partita();
        command.args(["log", "readout", "--repo", "flp"]).args(extra);
        stdout(&command.output().unwrap())
    };
    let text = log(&[]);
    let lines: Vec<&str> = text.lines().map(|line| &line[8..]).collect();
    assert_eq!(
        lines,
        [
            "  2026-11-22  Ann  Log more  1 task restarts, 1 reconfigures; 10 of 12 roles unchanged",
            "  2026-11-22  Ann  First  compiles: 12 roles"
        ]
    );
    assert_eq!(log(&["-n", "1"]).lines().count(), 1);
    let json: serde_json::Value = serde_json::from_str(log(&["--format", "json", "-n", "1"]).trim()).unwrap();
    assert_eq!(json["effect"], "changed");
    assert_eq!(json["diff"]["cost"], "restart");
}

#[test]
fn one_role_is_shown_in_full() {
    let home = Home::new();
    compiled(&home, &examples().join("flp"), "artefact");
    let output = home
        .partita()
        .args(["show", "artefact", "--role", "readout.host-flp2.readout"])
        .output()
        .unwrap();
    insta::assert_snapshot!("role", stdout(&output));
}
