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
    let leaves = text.matches("test.bad: ").count();
    assert_eq!(leaves, 1, "one chain, told once:\n{text}");
}

#[test]
fn a_task_that_ends_at_once_says_why() {
    let (_home, output) = run_with("\"echo no such detector >&2; exit 7\"", "direct", true, &[]);
    assert_told(
        &output,
        &[
            "ended before it reached STANDBY (exit code 7)",
            "localhost",
            "no such detector",
        ],
    );
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
    assert_told(
        &output,
        &[
            "ended while RUNNING (exit code 1)",
            "localhost",
            "dying in RUNNING",
            "ERROR",
        ],
    );
}

#[test]
fn a_task_that_exits_with_zero_in_running_is_noticed() {
    let (_home, output) = run_with(
        "partita stand-in misbehave exit-zero-in-running",
        "direct",
        true,
        &["--for", "60s"],
    );
    assert_told(
        &output,
        &["ended while RUNNING (exit code 0)", "localhost", "ERROR"],
    );
}

#[test]
fn a_task_that_hangs_in_a_transition_meets_its_deadline() {
    let (_home, output) = run_with(
        "partita stand-in misbehave hang-in CONFIGURE",
        "direct",
        true,
        &["--set", "configure_timeout=500ms"],
    );
    assert_told(
        &output,
        &[
            "test.bad: gave no answer to CONFIGURE within configure_timeout of 500ms",
            "hanging in CONFIGURE",
        ],
    );
}

#[test]
fn a_task_that_never_answers_meets_its_deadline() {
    let (_home, output) = run_with(
        "partita stand-in misbehave never-answer",
        "direct",
        true,
        &["--set", "deploy_timeout=500ms"],
    );
    assert_told(
        &output,
        &["test.bad: did not reach STANDBY within deploy_timeout of 500ms"],
    );
}

#[test]
fn a_task_that_refuses_a_transition_is_named() {
    let (_home, output) = run_with(
        "partita stand-in misbehave fail-transition START",
        "direct",
        true,
        &[],
    );
    assert_told(
        &output,
        &["test.bad: START failed", "failing in START, as ordered"],
    );
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

#[test]
fn a_task_that_never_stops_writing_harms_nothing() {
    for (command, mode) in [
        ("yes", "basic"),
        ("yes & exec partita stand-in idle", "direct"),
        (
            "head -c 100000000 /dev/zero; exec partita stand-in idle",
            "direct",
        ),
    ] {
        let (_home, output) = run_with(command, mode, true, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}

#[test]
fn a_daemon_that_a_task_leaves_behind_is_gone_all_the_same() {
    let bad = "setsid sleep 86400 & exec partita stand-in idle";
    let (_home, output) = run_with(bad, "direct", true, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_basic_task_that_fails_in_running_ends_the_run_and_one_that_is_done_does_not() {
    let (_home, output) = run_with("\"echo oops >&2; exit 3\"", "basic", true, &["--for", "60s"]);
    assert_told(&output, &["failed (exit code 3)", "| oops"]);
    let (_home, output) = run_with("\"true\"", "basic", true, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_device_that_fails_inside_its_shell_says_so() {
    let bad = "\"echo opening; partita stand-in misbehave die-in RUNNING 9 -P OCClite --control-port $OCC_CONTROL_PORT; exit $? #\"";
    let (_home, output) = run_with(bad, "fairmq", true, &["--for", "60s"]);
    assert_told(&output, &["ended while RUNNING (exit code 9)", "| opening"]);
}

#[test]
fn an_internal_error_ends_the_run() {
    let (_home, output) = run_with(
        "partita stand-in misbehave internal-error",
        "direct",
        true,
        &["--for", "60s"],
    );
    assert_told(
        &output,
        &["reports an internal error", "internal error, as ordered"],
    );
}

/// A healthy task and a hook at `trigger`.
fn hook(command: &str, trigger: &str, critical: bool) -> Output {
    let home = Home::new();
    let workflow = format!(
        "name: test\nroles:\n  - name: good\n    task:\n      load: good\n  - name: bad\n    task:\n      load: bad\n      trigger: {trigger}\n      timeout: 300ms\n      critical: {critical}\n"
    );
    let tasks = [
        ("good", task("good", "direct", "partita stand-in idle")),
        ("bad", task("bad", "basic", command)),
    ];
    let tasks = tasks.each_ref().map(|(name, text)| (*name, text.as_str()));
    let repository = repository(home.path(), &workflow, &tasks);
    let output = home
        .partita()
        .args(["run", "test", "--for", "100ms", "--repo"])
        .arg(repository)
        .output()
        .unwrap();
    assert_eq!(home.survivors(), Vec::<String>::new(), "nothing lives on");
    output
}

#[test]
fn a_critical_hook_that_fails_or_hangs_is_told_with_its_moment() {
    for trigger in [
        "before_CONFIGURE",
        "enter_RUNNING",
        "after_STOP_ACTIVITY",
        "DESTROY",
    ] {
        let output = hook("\"echo no card; exit 4\"", trigger, true);
        assert_told(
            &output,
            &[
                &format!("test.bad: hook at {trigger} failed (exit code 4)"),
                "| no card",
            ],
        );
    }
    let output = hook("\"echo waiting; sleep 86400\"", "before_START_ACTIVITY", true);
    assert_told(
        &output,
        &[
            "hook at before_START_ACTIVITY did not end within its timeout of 300ms",
            "| waiting",
        ],
    );
}

#[test]
fn a_hook_that_is_not_critical_is_told_and_harms_nothing() {
    let output = hook("\"exit 4\"", "before_CONFIGURE", false);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("hook at before_CONFIGURE failed (exit code 4)"),
        "{text}"
    );
}

#[test]
fn a_host_that_is_named_twice_is_asked_wrongly() {
    let (_home, output) = run_with("partita stand-in idle", "direct", true, &["--hosts", "a,a"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("host `a` is named twice"), "{text}");
}
