//! The link to the core, broken in every way.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use partita_proto::executor::{ControlMode, Phase, Trigger};
use support::{Bench, From, To, alive, end, executor, pid_in, shell};

fn trigger(command: &str, task: &str) -> To {
    To::Trigger(Trigger {
        command_id: command.to_owned(),
        task_ids: vec![task.to_owned()],
        timeout_ms: 0,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_happens_while_the_core_is_away_is_told_once_it_is_back() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![
        shell("h", ControlMode::Hook, "echo x >> runs"),
        shell(
            "t",
            ControlMode::Direct,
            "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; exit 7",
        ),
    ]);
    let pid = pid_in(&bench.path("pid")).await;
    bench.update("t", Phase::Starting).await;
    bench.go_away();
    // Said while nobody listens; it is carried out once, when the core is back.
    bench.send(trigger("1", "h"));
    assert!(alive(pid), "a task does not depend on the core");
    std::fs::write(bench.path("go"), "").expect("file");
    bench.come_back();
    let hello = bench.hello().await;
    assert!(
        hello.received > 0 && hello.tasks.iter().any(|task| task.task_id == "h"),
        "{hello:?}"
    );
    let report = bench.wait("report", |body| match body {
        From::HookReport(report) => Some(report.clone()),
        _ => None,
    });
    assert!(report.await.ok);
    assert_eq!(
        bench.update("t", Phase::Ended).await.reason,
        "ended before it reached STANDBY"
    );
    assert_eq!(std::fs::read_to_string(bench.path("runs")).expect("file"), "x\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_breaks_lose_and_double_nothing() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![shell("h", ControlMode::Hook, "echo x >> runs")]);
    for round in 0..30 {
        let command = round.to_string();
        bench.send(trigger(&command, "h"));
        if round % 3 == 0 {
            bench.cut();
            bench.hello().await;
        }
        let report = bench.wait(&command, |body| match body {
            From::HookReport(report) if report.command_id == command => Some(report.ok),
            _ => None,
        });
        assert!(report.await);
    }
    assert_eq!(
        std::fs::read_to_string(bench.path("runs")).expect("file").len(),
        60
    );
    assert!(
        !bench.aside.iter().any(|body| matches!(body, From::HookReport(_))),
        "a report came twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_executor_whose_core_stays_away_ends_its_tasks_and_itself() {
    let mut bench = Bench::new(&["--core-patience-ms", "100"]).await;
    bench.launch(vec![shell("t", ControlMode::Direct, "echo $$ > pid; sleep 1000")]);
    let pid = pid_in(&bench.path("pid")).await;
    bench.go_away();
    assert_eq!(bench.ended().await.code(), Some(3));
    assert!(!alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tasks_die_with_their_executor_only_where_that_is_wanted() {
    for (arguments, survives) in [(&[][..], true), (&["--die-with-executor"][..], false)] {
        let mut bench = Bench::new(arguments).await;
        bench.launch(vec![shell(
            "t",
            ControlMode::Direct,
            "echo $$ > pid; exec sleep 1000",
        )]);
        let pid = pid_in(&bench.path("pid")).await;
        bench.executor.kill().expect("there");
        bench.executor.wait().expect("ends");
        if survives {
            assert!(alive(pid));
            let raw = i32::try_from(pid)
                .ok()
                .and_then(rustix::process::Pid::from_raw)
                .expect("pid");
            rustix::process::kill_process(raw, rustix::process::Signal::KILL).expect("there");
        }
        while alive(pid) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_may_write_when_its_executor_has_died() {
    let mut bench = Bench::new(&[]).await;
    let text = "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; echo still here; echo $$ > written";
    bench.launch(vec![shell("t", ControlMode::Direct, text)]);
    let pid = pid_in(&bench.path("pid")).await;
    bench.executor.kill().expect("there");
    bench.executor.wait().expect("ends");
    std::fs::write(bench.path("go"), "").expect("file");
    assert_eq!(pid_in(&bench.path("written")).await, pid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_core_that_refuses_is_not_asked_again() {
    let bench = Bench::new(&[]).await;
    let mut stranger = executor(bench.directory.path(), "wrong", &[]);
    assert_eq!(end(&mut stranger).await.code(), Some(3));
}
