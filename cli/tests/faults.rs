//! What a person sees when a task goes wrong: the state that is documented, at once, and one chain of causes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::process::Output;

use support::{Home, repository, stderr};

/// A task template around a stand-in that misbehaves.
fn task(name: &str, mode: &str, command: &str) -> String {
    format!(
        "name: {name}\ncontrol:\n  mode: {mode}\nwants:\n  cpu: 0.01\n  memory: 3\ncommand:\n  shell: true\n  value: {command}\n"
    )
}

/// Runs a workflow with a healthy critical task `good` and a task `bad`.
fn run_with(bad: &str, mode: &str, critical: bool, extra: &[&str]) -> (Home, Output) {
    let home = Home::new();
    let workflow = format!(
        "name: test\nroles:\n  - name: good\n    task:\n      load: good\n  - name: bad\n    task:\n      load: bad\n      critical: {critical}\n"
    );
    let repository = repository(
        home.path(),
        &workflow,
        &[
            ("good", &task("good", "direct", "partita stand-in idle")),
            ("bad", &task("bad", mode, bad)),
        ],
    );
    let output = home
        .partita()
        .args(["run", "test", "--repo"])
        .arg(repository)
        .args(if extra.contains(&"--for") {
            &[][..]
        } else {
            &["--for", "500ms"]
        })
        .args(extra)
        .output()
        .unwrap();
    assert_eq!(home.survivors(), Vec::<String>::new(), "nothing lives on");
    (home, output)
}

/// The run failed, and its last words name all of these.
fn assert_told(output: &Output, expected: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for word in expected {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn a_task_that_ends_at_once_says_why() {
    let (_home, output) = run_with("\"echo no such detector >&2; exit 7\"", "direct", true, &[]);
    assert_told(&output, &["test.bad", "localhost", "7", "no such detector"]);
}

#[test]
fn a_program_that_is_not_there_says_so() {
    let (_home, output) = run_with("/no/such/program", "direct", true, &[]);
    assert_told(&output, &["test.bad", "/no/such/program"]);
}

#[test]
fn a_task_that_dies_in_running_ends_the_run() {
    let (_home, output) = run_with(
        "partita stand-in misbehave die-in RUNNING",
        "direct",
        true,
        &["--for", "60s"],
    );
    assert_told(&output, &["test.bad", "localhost", "ERROR"]);
}

#[test]
fn a_task_that_exits_with_zero_in_running_is_noticed() {
    let (_home, output) = run_with(
        "partita stand-in misbehave exit-zero-in-running",
        "direct",
        true,
        &["--for", "60s"],
    );
    assert_told(&output, &["test.bad", "localhost", "0"]);
}

#[test]
fn a_task_that_hangs_in_a_transition_meets_its_deadline() {
    let (_home, output) = run_with(
        "partita stand-in misbehave hang-in CONFIGURE",
        "direct",
        true,
        &["--set", "configure_timeout=500ms"],
    );
    assert_told(&output, &["test.bad", "CONFIGURE", "500ms"]);
}

#[test]
fn a_task_that_never_answers_meets_its_deadline() {
    let (_home, output) = run_with(
        "partita stand-in misbehave never-answer",
        "direct",
        true,
        &["--set", "deploy_timeout=500ms"],
    );
    assert_told(&output, &["test.bad", "500ms"]);
}

#[test]
fn a_task_that_refuses_a_transition_is_named() {
    let (_home, output) = run_with(
        "partita stand-in misbehave fail-transition START",
        "direct",
        true,
        &[],
    );
    assert_told(&output, &["test.bad", "START"]);
}

#[test]
fn a_failure_that_is_not_critical_is_shown_and_harms_nothing() {
    let (_home, output) = run_with("partita stand-in misbehave die-in RUNNING", "direct", false, &[]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("test.bad"), "the failure is shown:\n{text}");
}

#[test]
fn a_task_that_ignores_signals_and_forks_is_gone_all_the_same() {
    for bad in [
        "partita stand-in misbehave ignore-sigterm",
        "partita stand-in misbehave fork-children",
    ] {
        let (_home, output) = run_with(bad, "direct", true, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}
