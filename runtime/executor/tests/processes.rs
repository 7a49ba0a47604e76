//! Processes under supervision: starts, ends, what is left, and that nothing is.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::time::Duration;

use partita_proto::executor::{
    ControlMode, DeviceEventKind, Exit, HookReport, Kill, Output, Phase, Shutdown, Trigger, exit::How,
};
use support::{Bench, From, To, alive, pid_in, shell};

const SOON: Duration = Duration::from_secs(10);

#[allow(clippy::unnecessary_wraps, reason = "as it stands in the messages")]
fn code(code: i32) -> Option<Exit> {
    Some(Exit {
        how: Some(How::Code(code)),
    })
}

fn kill(task: &str) -> To {
    To::Kill(Kill {
        command_id: format!("kill {task}"),
        task_ids: vec![task.to_owned()],
        now: false,
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

fn trigger(command: &str, task: &str, timeout_ms: u32) -> To {
    To::Trigger(Trigger {
        command_id: command.to_owned(),
        task_ids: vec![task.to_owned()],
        timeout_ms,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_that_ends_at_once_says_why() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell(
        "t",
        ControlMode::Direct,
        "echo to stdout; echo cannot open card >&2; exit 3",
    )]);
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(
        (update.state.as_str(), update.exit, update.requested),
        ("ERROR", code(3), false)
    );
    assert_eq!(update.reason, "ended before it reached STANDBY");
    let mut lines = update.last_lines;
    lines.sort();
    assert_eq!(lines, ["cannot open card", "to stdout"]);
    assert!(update.ended_unix_ms > 0 && update.control_port >= 30_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_program_that_is_not_there_says_so() {
    let mut bench = Bench::new(&[]).await;
    let mut spec = shell("t", ControlMode::Direct, "/no/such/program");
    spec.shell = false;
    bench.launch(vec![spec, shell("s", ControlMode::Direct, "/no/such/program")]);
    let update = bench.update("t", Phase::Ended).await;
    assert!(
        update.reason.contains("`/no/such/program` could not be started"),
        "{}",
        update.reason
    );
    assert_eq!(update.exit, None);
    let update = bench.update("s", Phase::Ended).await;
    assert_eq!(update.exit, code(127));
    assert!(
        update.last_lines.iter().any(|line| line.contains("not found")),
        "{:?}",
        update.last_lines
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_that_never_answers_is_given_up_and_ended() {
    let mut bench = Bench::new(&[]).await;
    let mut spec = shell("t", ControlMode::Direct, "echo waiting; sleep 1000");
    spec.start_timeout_ms = 50;
    bench.launch(vec![spec]);
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(update.state, "ERROR");
    assert_eq!(
        (update.reason.as_str(), update.late),
        ("did not reach STANDBY", true)
    );
    assert_eq!(update.exit, None, "our own signal is no news");
    assert_eq!(update.last_lines, ["waiting"]);
    assert!(!alive(update.pid));
}

/// A shell that hides its children: one in its own session, one in its own group without the environment, one that
/// has lost its parent; all of them deaf to polite signals.
const HIDERS: &str = r#"trap '' TERM INT
setsid sh -c 'trap "" TERM INT; echo $$ > session; while :; do sleep 1000; done' &
(sh -c 'trap "" TERM INT; echo $$ > orphan; while :; do sleep 1000; done' &)
env -i setsid sh -c 'trap "" TERM INT; echo $$ > bare; while :; do sleep 1000; done' &
while :; do sleep 1000; done"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn kill_finds_all_that_a_task_has_hidden() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell("t", ControlMode::Direct, HIDERS)]);
    bench.update("t", Phase::Starting).await;
    let mut pids = Vec::new();
    for name in ["session", "orphan", "bare"] {
        pids.push(pid_in(&bench.path(name)).await);
    }
    bench.send(kill("t"));
    let update = bench.update("t", Phase::Ended).await;
    assert!(update.requested && update.state == "DONE", "{update:?}");
    assert!(update.reason.contains("SIGKILL was needed"), "{}", update.reason);
    for pid in pids {
        assert!(!alive(pid), "{pid} is left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_dead_task_leaves_is_ended_before_it_counts_as_ended() {
    let mut bench = Bench::new(&[]).await;
    let text =
        "(setsid sh -c 'echo $$ > child; exec sleep 1000' &) ; while [ ! -s child ]; do :; done; kill -9 $$";
    bench.launch(vec![shell("t", ControlMode::Direct, text)]);
    let child = pid_in(&bench.path("child")).await;
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(
        update.exit,
        Some(Exit {
            how: Some(How::Signal(9))
        })
    );
    assert_eq!(update.reason, "ended before it reached STANDBY");
    assert!(!alive(child));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_basic_task_runs_between_start_and_stop() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell(
        "b",
        ControlMode::Basic,
        "echo $$ > pid; sleep 1000 & sleep 1000",
    )]);
    assert_eq!(bench.update("b", Phase::Active).await.state, "STANDBY");
    bench.transition("c", &["b"], "CONFIGURE", ["STANDBY", "CONFIGURED"], SOON);
    assert!(bench.result("c", "b").await.ok);
    bench.transition("s", &["b"], "START", ["CONFIGURED", "RUNNING"], SOON);
    assert_eq!(bench.result("s", "b").await.state, "RUNNING");
    let pid = pid_in(&bench.path("pid")).await;
    bench.transition("s2", &["b"], "START", ["CONFIGURED", "RUNNING"], SOON);
    assert_eq!(bench.result("s2", "b").await.error, "its process still runs");
    bench.transition("p", &["b"], "STOP", ["RUNNING", "CONFIGURED"], SOON);
    let result = bench.result("p", "b").await;
    assert_eq!((result.ok, result.state.as_str()), (true, "CONFIGURED"));
    assert!(!alive(pid));
    bench.send(kill("b"));
    assert!(bench.update("b", Phase::Ended).await.requested);
    assert!(
        !bench
            .aside
            .iter()
            .any(|body| matches!(body, From::DeviceEvent(_))),
        "it did not end by itself"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_basic_task_that_ends_by_itself_is_an_event() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell("b", ControlMode::Basic, "echo bye; exit 4")]);
    bench.transition("s", &["b"], "START", ["CONFIGURED", "RUNNING"], SOON);
    assert!(bench.result("s", "b").await.ok);
    let event = bench.wait("event", |body| match body {
        From::DeviceEvent(event) => Some(event.clone()),
        _ => None,
    });
    let event = event.await;
    assert_eq!(
        (event.kind(), event.exit),
        (DeviceEventKind::BasicTaskTerminated, code(4))
    );
    assert_eq!(event.last_lines, ["bye"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hook_reports_once_for_each_trigger() {
    let mut bench = Bench::new(&[]).await;
    let spec = shell("h", ControlMode::Hook, "echo out; echo err >&2; test -e flag");
    bench.launch(vec![spec]);
    bench.send(trigger("1", "h", 0));
    let report = hook(&mut bench, "1").await;
    assert_eq!(
        (report.ok, report.exit, report.error.as_str()),
        (false, code(1), "failed")
    );
    assert_eq!(
        (report.stdout.as_str(), report.stderr.as_str()),
        ("out\n", "err\n")
    );
    std::fs::write(bench.path("flag"), "").expect("file");
    bench.send(trigger("2", "h", 0));
    assert!(hook(&mut bench, "2").await.ok);
    std::fs::remove_file(bench.path("flag")).expect("file");
    bench.send(trigger("2", "h", 0));
    assert!(
        hook(&mut bench, "2").await.ok,
        "a command sent again is not carried out again"
    );
    bench.send(trigger("3", "nobody", 0));
    assert_eq!(
        hook(&mut bench, "3").await.error,
        "there is no such task on this host"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hook_that_takes_too_long_is_killed_with_all_its_children() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell(
        "h",
        ControlMode::Hook,
        "setsid sleep 1000 & echo $! > child; echo begun; wait",
    )]);
    bench.send(trigger("1", "h", 300));
    let report = hook(&mut bench, "1").await;
    let child = pid_in(&bench.path("child")).await;
    assert_eq!(
        report.error,
        "did not end within its timeout of 300ms, and was killed with all that it had started"
    );
    assert_eq!((report.ok, report.stdout.as_str()), (false, "begun\n"));
    bench.send(kill("h"));
    bench.update("h", Phase::Ended).await;
    assert!(!alive(child));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_has_its_environment_and_nobody_elses_secret() {
    let mut bench = Bench::new(&[]).await;
    let mut spec = shell("h", ControlMode::Hook, "env;");
    spec.arguments = vec!["echo".to_owned(), "$0".to_owned(), "two  blanks".to_owned()];
    spec.env = vec!["GIVEN=a=b".to_owned()];
    spec.stdout = Output::Stdout.into();
    bench.launch(vec![spec]);
    bench.send(trigger("1", "h", 0));
    let stdout = hook(&mut bench, "1").await.stdout;
    assert!(
        stdout.contains("GIVEN=a=b\n") && stdout.contains("PARTITA_TASK_ID=h\n"),
        "{stdout}"
    );
    assert!(!stdout.contains("SECRET"), "{stdout}");
    assert!(stdout.ends_with("/bin/sh two blanks\n"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_runs_as_its_user_with_the_groups_of_that_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can run tasks as others");
        return;
    }
    let mut bench = Bench::new(&[]).await;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bench.directory.path(), open).expect("mode");
    let mut spec = shell("h", ControlMode::Hook, "id -un; id -gn; id -Gn");
    spec.user = "nobody".to_owned();
    let mut unknown = spec.clone();
    unknown.task_id = "u".to_owned();
    unknown.user = "nobody-at-all".to_owned();
    bench.launch(vec![spec, unknown]);
    bench.send(trigger("1", "h", 0));
    assert_eq!(hook(&mut bench, "1").await.stdout, "nobody\nnogroup\nnogroup\n");
    bench.send(trigger("2", "u", 0));
    assert_eq!(
        hook(&mut bench, "2").await.error,
        "user `nobody-at-all` is not known on this host"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn shutdown_ends_all_tasks_and_then_the_executor() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![
        shell("a", ControlMode::Direct, "echo $$ > a; sleep 1000"),
        shell("b", ControlMode::Basic, "echo $$ > b; sleep 1000"),
    ]);
    bench.transition("s", &["b"], "START", ["CONFIGURED", "RUNNING"], SOON);
    let pids = [pid_in(&bench.path("a")).await, pid_in(&bench.path("b")).await];
    bench.send(To::Shutdown(Shutdown {}));
    for task in ["a", "b"] {
        assert!(bench.update(task, Phase::Ended).await.requested);
    }
    assert!(bench.ended().await.success());
    assert!(!pids.into_iter().any(alive));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sigterm_ends_all_tasks_and_then_the_executor() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell("a", ControlMode::Direct, HIDERS)]);
    let pid = pid_in(&bench.path("bare")).await;
    let executor = rustix::process::Pid::from_child(&bench.executor);
    rustix::process::kill_process(executor, rustix::process::Signal::TERM).expect("there");
    let update = bench.update("a", Phase::Ended).await;
    assert!(!update.requested, "it was not the core that asked");
    let told = "was ended, as its executor got SIGTERM";
    assert!(update.reason.starts_with(told), "{}", update.reason);
    assert!(bench.ended().await.success());
    assert!(!alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_that_never_stops_writing_keeps_nobody_else_from_his_turn() {
    let mut bench = Bench::new(&[]).await;
    let mut spec = shell("t", ControlMode::Direct, "yes");
    spec.start_timeout_ms = 50;
    bench.launch(vec![spec]);
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(update.reason, "did not reach STANDBY");
    assert!(update.last_lines.iter().any(|line| line == "y"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_noisy_task_is_not_held_up_and_its_last_lines_are_kept() {
    let mut bench = Bench::new(&[]).await;
    let text =
        "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; head -c 100000 /dev/zero; exit 1";
    bench.launch(vec![shell("t", ControlMode::Direct, text)]);
    let update = bench.update("t", Phase::Ended).await;
    assert!(update.last_lines.len() <= 20, "{}", update.last_lines.len());
    assert!(update.last_lines.iter().map(String::len).sum::<usize>() <= 8 << 10);
    assert!(
        update.last_lines.iter().any(|line| line == "line 19999"),
        "{:?}",
        update.last_lines
    );
}
