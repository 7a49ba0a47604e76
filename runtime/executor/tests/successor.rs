//! An executor is killed, and another takes over what it has left.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use partita_executor as _;
use partita_occ::server::{Failure, Mode, Options, Run, Task, run};
use partita_proto::executor::{ControlMode, HookReport, Kill, Phase, TaskSpec, Trigger};
use support::{Bench, From, PATIENCE, To, alive, pid_in, shell};

/// A file for which the task waits in START; without it this program is a test.
const START: &str = "PARTITA_TEST_START";

struct Waiting(PathBuf);

impl Task for Waiting {
    async fn start(&mut self, _: &Run) -> Result<(), Failure> {
        println!("starting");
        std::fs::write(self.0.with_extension("entered"), "").expect("file");
        there(&self.0).await;
        Ok(())
    }
}

async fn there(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "this is the command line of a task")]
fn the_task_itself() {
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(file) = variable(START) {
        let options = Options::new(Mode::Direct, std::iter::empty(), variable).expect("options");
        run(Waiting(file.into()), &options).expect("served");
    }
}

fn waiting(task_id: &str, file: &Path) -> TaskSpec {
    let program = std::env::current_exe().expect("this program");
    let text = format!("exec {} --exact the_task_itself --nocapture", program.display());
    let mut spec = shell(task_id, ControlMode::Direct, &text);
    spec.env = vec![format!("{START}={}", file.display())];
    spec
}

const CONFIGURE: [&str; 2] = ["STANDBY", "CONFIGURED"];
const RUN: [&str; 2] = ["CONFIGURED", "RUNNING"];
const HALT: [&str; 2] = ["RUNNING", "CONFIGURED"];

fn end(task: &str, now: bool) -> To {
    To::Kill(Kill {
        command_id: format!("end {task}"),
        task_ids: vec![task.to_owned()],
        now,
    })
}

fn trigger(command: &str, task: &str) -> To {
    To::Trigger(Trigger {
        command_id: command.to_owned(),
        task_ids: vec![task.to_owned()],
        timeout_ms: 0,
    })
}

async fn hook(bench: &mut Bench, command: &str) -> HookReport {
    bench
        .wait(command, |body| match body {
            From::HookReport(report) if report.command_id == command => Some(report.clone()),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_running_task_goes_on_under_the_successor() {
    let mut bench = Bench::new(&[]).await;
    let go = bench.path("go");
    std::fs::write(&go, "").expect("file");
    bench.launch(vec![waiting("t", &go)]);
    let before = bench.update("t", Phase::Active).await;
    bench.transition("1", &["t"], "CONFIGURE", CONFIGURE, PATIENCE);
    assert!(bench.result("1", "t").await.ok);
    bench.transition("2", &["t"], "START", RUN, PATIENCE);
    assert!(bench.result("2", "t").await.ok);
    for round in 0..3 {
        bench.kill_executor();
        assert!(alive(before.pid), "a task does not depend on its executor");
        let hello = bench.succeed().await;
        let task = hello
            .tasks
            .iter()
            .find(|task| task.task_id == "t")
            .expect("known");
        assert_eq!(
            (task.pid, task.control_port, task.phase(), task.state.as_str()),
            (before.pid, before.control_port, Phase::Active, "RUNNING")
        );
        // It is steered as before, at once.
        let (stop, start) = (format!("stop {round}"), format!("start {round}"));
        bench.transition(&stop, &["t"], "STOP", HALT, PATIENCE);
        let result = bench.result(&stop, "t").await;
        assert!(result.ok, "{result:?}");
        bench.transition(&start, &["t"], "START", RUN, PATIENCE);
        assert!(bench.result(&start, "t").await.ok);
    }
    bench.send(end("t", false));
    let ended = bench.update("t", Phase::Ended).await;
    assert!(ended.requested && !alive(before.pid), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_command_under_way_is_answered_by_the_successor() {
    let mut bench = Bench::new(&[]).await;
    let go = bench.path("go");
    bench.launch(vec![waiting("t", &go)]);
    bench.update("t", Phase::Active).await;
    bench.transition("1", &["t"], "CONFIGURE", CONFIGURE, PATIENCE);
    assert!(bench.result("1", "t").await.ok);
    bench.transition("2", &["t"], "START", RUN, PATIENCE);
    there(&bench.path("go.entered")).await;
    bench.kill_executor();
    bench.succeed().await;
    std::fs::write(&go, "").expect("file");
    let result = bench.result("2", "t").await;
    assert_eq!(
        (result.ok, result.state.as_str()),
        (true, "RUNNING"),
        "{result:?}"
    );
    // The same for one that ends while nobody looks.
    std::fs::remove_file(&go).expect("file");
    bench.transition("3", &["t"], "STOP", HALT, PATIENCE);
    assert!(bench.result("3", "t").await.ok);
    std::fs::remove_file(bench.path("go.entered")).expect("file");
    bench.transition("4", &["t"], "START", RUN, PATIENCE);
    there(&bench.path("go.entered")).await;
    bench.kill_executor();
    std::fs::write(&go, "").expect("file");
    bench.succeed().await;
    let result = bench.result("4", "t").await;
    assert_eq!(
        (result.ok, result.state.as_str()),
        (true, "RUNNING"),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_ends_while_no_executor_lives_is_told() {
    let mut bench = Bench::new(&[]).await;
    let text = "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done";
    bench.launch(vec![
        shell("t", ControlMode::Direct, text),
        shell("left", ControlMode::Direct, "(trap '' TERM; echo $BASHPID; while :; do sleep 0.01; done) & echo $! > child; echo $$ > leader; while [ ! -e go ]; do sleep 0.01; done"),
    ]);
    let pid = pid_in(&bench.path("pid")).await;
    let (leader, child) = (
        pid_in(&bench.path("leader")).await,
        pid_in(&bench.path("child")).await,
    );
    bench.kill_executor();
    std::fs::write(bench.path("go"), "").expect("file");
    while alive(pid) || alive(leader) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(alive(child));
    bench.succeed().await;
    let ended = bench.update("t", Phase::Ended).await;
    assert!(
        !ended.requested && ended.exit.is_none_or(|exit| exit.how.is_none()),
        "{ended:?}"
    );
    assert!(ended.reason.contains("no executor was there"), "{}", ended.reason);
    let ended = bench.update("left", Phase::Ended).await;
    assert!(
        !alive(child),
        "what is left of a task is ended with it: {ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_writes_while_no_executor_lives() {
    let mut bench = Bench::new(&[]).await;
    let text = "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; head -c 1048576 /dev/zero; echo $$ > written; exec sleep 1000";
    bench.launch(vec![shell("t", ControlMode::Direct, text)]);
    let pid = pid_in(&bench.path("pid")).await;
    bench.kill_executor();
    std::fs::write(bench.path("go"), "").expect("file");
    bench.succeed().await;
    assert_eq!(pid_in(&bench.path("written")).await, pid);
    bench.send(end("t", true));
    let ended = bench.update("t", Phase::Ended).await;
    assert!(ended.requested && ended.reason.contains("at once"), "{ended:?}");
    assert!(!alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hook_runs_once_over_the_death_of_its_executor() {
    let mut bench = Bench::new(&[]).await;
    let text = "echo x >> runs; echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done";
    bench.launch(vec![shell("h", ControlMode::Hook, text)]);
    bench.send(trigger("1", "h"));
    let pid = pid_in(&bench.path("pid")).await;
    bench.kill_executor();
    bench.succeed().await;
    assert!(alive(pid));
    bench.send(trigger("1", "h"));
    std::fs::write(bench.path("go"), "").expect("file");
    let report = hook(&mut bench, "1").await;
    assert!(
        !report.ok && report.error.contains("no executor was there"),
        "{report:?}"
    );
    assert_eq!(std::fs::read_to_string(bench.path("runs")).expect("file"), "x\n");
    bench.send(trigger("2", "h"));
    assert!(hook(&mut bench, "2").await.ok);
    bench.launch(vec![shell("h", ControlMode::Hook, text)]);
    assert_eq!(
        std::fs::read_to_string(bench.path("runs")).expect("file"),
        "x\nx\n"
    );
}
