//! The whole life of a run from the outside, with real processes: as a person would see it, and interrupted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use support::{Home, examples, repository, stderr, stdout};

/// Files that a run may leave: the artefact in its store, and the counter of run numbers.
fn assert_tidy(home: &Home) {
    assert_eq!(home.survivors(), Vec::<String>::new());
    let foreign: Vec<_> = home
        .files()
        .into_iter()
        .filter(|path| {
            let path = path.to_string_lossy();
            !path.contains("/store/") && !path.ends_with("run_number")
        })
        .collect();
    assert!(foreign.is_empty(), "left behind: {foreign:?}");
}

/// The example, run to its end.
fn run_example(home: &Home, time: &str) -> Output {
    home.partita()
        .arg("run")
        .arg(examples().join("flp/workflows/readout"))
        .args(["--for", time])
        .output()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Starts a run that only a signal ends, and waits until it says that it is running.
fn start(home: &Home, workflow: &Path) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = home
        .partita()
        .arg("run")
        .arg(workflow)
        .args(["--for", "forever"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.lines().last().is_some_and(|line| line.contains("RUNNING")) {
        let before = seen.len();
        lines.read_line(&mut seen).unwrap();
        assert!(seen.len() > before, "ended before it ran:\n{seen}");
    }
    (child, lines)
}

#[test]
fn the_example_runs_and_leaves_nothing_behind() {
    let home = Home::new();
    let output = run_example(&home, "1s");
    let told = stderr(&output);
    stdout(&output);
    for state in ["DEPLOYED", "CONFIGURED", "RUNNING", "DONE"] {
        assert!(told.contains(state), "no {state} in:\n{told}");
    }
    assert_tidy(&home);
}

#[test]
fn an_artefact_runs_by_its_hash() {
    let home = Home::new();
    let compiled = home
        .partita()
        .arg("compile")
        .arg(examples().join("flp/workflows/readout"))
        .output()
        .unwrap();
    let hash = stdout(&compiled).lines().last().unwrap().to_owned();
    let output = home
        .partita()
        .args(["run", &hash, "--for", "200ms"])
        .output()
        .unwrap();
    stdout(&output);
    let prefix = &hash["sha256:".len()..][..10];
    let output = home
        .partita()
        .args(["run", prefix, "--for", "200ms"])
        .output()
        .unwrap();
    stdout(&output);
    assert_tidy(&home);
}

#[test]
fn run_numbers_are_never_used_twice() {
    let home = Home::new();
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let output = run_example(&home, "100ms");
        stdout(&output);
        let told = stderr(&output);
        let number = told.split("run ").filter_map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse::<u32>()
                .ok()
        });
        numbers.push(
            number
                .last()
                .unwrap_or_else(|| panic!("no run number in:\n{told}")),
        );
    }
    assert!(numbers[1] > numbers[0], "{numbers:?}");
}

#[test]
fn signals_stop_the_run_in_order() {
    for name in ["INT", "TERM"] {
        let home = Home::new();
        let (mut child, mut lines) = start(&home, &examples().join("flp/workflows/readout"));
        signal(&child, name);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut lines, &mut rest).unwrap();
        let status = child.wait().unwrap();
        assert!(
            rest.contains("STOP_ACTIVITY") || rest.contains("CONFIGURED"),
            "{name}: the run is stopped in order:\n{rest}"
        );
        assert!(rest.contains("DONE"), "{name}: the environment is ended:\n{rest}");
        assert!(
            status.code().is_some(),
            "{name}: it ends by itself, not by the signal"
        );
        assert_tidy(&home);
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test stands at the edge; only its patience has an end"
)]
fn nothing_outlives_a_killed_command() {
    let home = Home::new();
    let (mut child, _lines) = start(&home, &examples().join("flp/workflows/readout"));
    child.kill().unwrap();
    child.wait().unwrap();
    // The executor notices at once that its core is gone and ends its tasks; the wait is for that, and bounded.
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !home.survivors().is_empty() {
        assert!(
            std::time::Instant::now() < deadline,
            "still alive: {:?}",
            home.survivors()
        );
        std::thread::yield_now();
    }
    // What it could not tidy up any more, the next one does.
    let output = run_example(&home, "100ms");
    stdout(&output);
    assert_tidy(&home);
}

#[test]
fn a_second_signal_does_not_wait_for_what_hangs() {
    let home = Home::new();
    let task = "name: hangs\ncontrol:\n  mode: direct\ncommand:\n  shell: true\n  value: partita stand-in misbehave hang-in STOP\n";
    let workflow = "name: test\nroles:\n  - name: hangs\n    task:\n      load: hangs\n";
    let repository = repository(home.path(), workflow, &[("hangs", task)]);
    let (mut child, mut lines) = start(&home, &repository.join("workflows/test"));
    signal(&child, "INT");
    let mut line = String::new();
    while !line.contains("SIGINT") {
        line.clear();
        assert!(
            lines.read_line(&mut line).unwrap() > 0,
            "it goes on until it is ended by force"
        );
    }
    signal(&child, "INT");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut lines, &mut rest).unwrap();
    assert!(child.wait().unwrap().code().is_some());
    assert!(rest.contains("by force") && rest.contains("DONE"), "{rest}");
    assert!(
        !rest.contains("transition_timeout"),
        "no deadline had to pass:\n{rest}"
    );
    assert_eq!(home.survivors(), Vec::<String>::new());
}
