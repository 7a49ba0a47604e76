//! Stateful tasks under control: real ones (C++ library, Go), and ours with one fault each.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::time::Duration;

use partita_executor as _;
use partita_occ::server::{Failure, Iteration, Mode, Options, Properties, Run, Task, run};
use partita_proto::executor::{
    ControlMode, DeviceEventKind, Exit, Kill, Phase, TaskSpec, TaskUpdate, exit::How,
};
use support::{Bench, From, To, alive, direct, peer, shell};

const SOON: Duration = Duration::from_secs(10);
/// Says which fault the task has; without it this program is a test.
const FAULT: &str = "PARTITA_TEST_FAULT";

struct Faulty(String);

impl Faulty {
    async fn perhaps(&self, place: &str) -> Result<(), Failure> {
        match self.0.strip_prefix(place) {
            Some(" hangs") => std::future::pending().await,
            Some(" fails") => Err(Failure::new("as told")),
            Some(" dies") => {
                eprintln!("dying in {place}");
                std::process::exit(5)
            }
            _ => Ok(()),
        }
    }
}

impl Task for Faulty {
    async fn configure(&mut self, properties: &Properties) -> Result<(), Failure> {
        if properties
            .get("environment_id")
            .map(ToString::to_string)
            .as_deref()
            != Some("e")
        {
            return Err(Failure::new("properties have not arrived"));
        }
        self.perhaps("configure").await
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        self.perhaps("connect").await
    }

    async fn start(&mut self, _: &Run) -> Result<(), Failure> {
        self.perhaps("start").await
    }

    async fn exit(&mut self) -> Result<(), Failure> {
        self.perhaps("exit").await
    }

    async fn iterate_running(&mut self) -> Iteration {
        match self.0.as_str() {
            "run ends" => Iteration::EndOfStream,
            "run fails" => Iteration::Error(Failure::new("as told")),
            "run leaves" if std::path::Path::new("go").exists() => std::process::exit(0),
            "run leaves" => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Iteration::Continue
            }
            _ => std::future::pending().await,
        }
    }
}

/// The task that this program is when the executor starts it.
#[test]
#[allow(clippy::disallowed_methods, reason = "this is the command line of a task")]
fn the_task_itself() {
    let Ok(fault) = std::env::var(FAULT) else { return };
    let (mode, fault) = match fault.strip_prefix("device ") {
        Some(fault) => (Mode::Fairmq, fault),
        None => (Mode::Direct, fault.as_str()),
    };
    let environment = |name: &str| std::env::var(name).ok();
    let options = Options::new(mode, [], environment).expect("port");
    run(Faulty(fault.to_owned()), &options).expect("serves");
}

fn faulty(task_id: &str, fault: &str) -> TaskSpec {
    let program = std::env::current_exe().expect("this test");
    let device = fault.starts_with("device");
    let mode = if device {
        ControlMode::Fairmq
    } else {
        ControlMode::Direct
    };
    // The `#` hides the `--control-port` that devices are given from the test harness.
    let text = format!("exec {} --exact the_task_itself --nocapture #", program.display());
    let mut spec = shell(task_id, mode, &text);
    spec.env = vec![format!("{FAULT}={fault}")];
    spec
}

fn kill(task: &str) -> To {
    To::Kill(Kill {
        command_id: format!("kill {task}"),
        task_ids: vec![task.to_owned()],
        now: false,
    })
}

fn send_signal(update: &TaskUpdate, signal: rustix::process::Signal) {
    let pid = i32::try_from(update.pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("pid");
    rustix::process::kill_process(pid, signal).expect("there");
}

async fn state(bench: &mut Bench, task: &str, state: &str) -> TaskUpdate {
    bench
        .wait(&format!("{task} in {state}"), |body| match body {
            From::Update(update) if update.task_id == task && update.state == state => Some(update.clone()),
            _ => None,
        })
        .await
}

const WAYS: [(&str, [&str; 2]); 6] = [
    ("CONFIGURE", ["STANDBY", "CONFIGURED"]),
    ("START", ["CONFIGURED", "RUNNING"]),
    ("STOP", ["RUNNING", "CONFIGURED"]),
    ("RESET", ["CONFIGURED", "STANDBY"]),
    ("CONFIGURE", ["STANDBY", "CONFIGURED"]),
    ("START", ["CONFIGURED", "RUNNING"]),
];

/// Brings a task that is up to RUNNING.
async fn to_running(bench: &mut Bench, task: &str) -> TaskUpdate {
    let update = bench.update(task, Phase::Active).await;
    for (event, way) in &WAYS[..2] {
        let id = format!("{event} {task}");
        bench.transition(&id, &[task], event, *way, SOON);
        let result = bench.result(&id, task).await;
        assert!(result.ok, "{result:?}");
    }
    update
}

async fn whole_life(spec: TaskSpec) {
    let mut bench = Bench::new(&[]).await;
    let task = spec.task_id.clone();
    bench.launch(vec![spec]);
    let update = bench.update(&task, Phase::Active).await;
    assert_eq!(update.state, "STANDBY");
    assert!(alive(update.pid));
    for (number, (event, way)) in WAYS.iter().enumerate() {
        let id = format!("{number}");
        bench.transition(&id, &[&task], event, *way, SOON);
        let result = bench.result(&id, &task).await;
        assert!(result.ok && result.state == way[1], "{event}: {result:?}");
    }
    bench.send(kill(&task));
    let update = bench.update(&task, Phase::Ended).await;
    assert_eq!(
        (update.state.as_str(), update.requested, update.reason.as_str()),
        ("DONE", true, "")
    );
    assert_eq!(
        update.exit,
        Some(Exit {
            how: Some(How::Code(0))
        })
    );
    assert!(!alive(update.pid));
    assert!(
        !bench
            .aside
            .iter()
            .any(|body| matches!(body, From::DeviceEvent(_))),
        "an ending that was asked for is no event: {:?}",
        bench.aside
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn our_task_lives_its_whole_life() {
    whole_life(faulty("t", "none")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn our_device_lives_its_whole_life() {
    whole_life(faulty("t", "device none")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_go_task_lives_its_whole_life() {
    if let Some(program) = peer("occ-light") {
        whole_life(direct("t", &program)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_on_the_existing_library_lives_its_whole_life() {
    if let Some(program) = peer("occ-noop") {
        whole_life(direct("t", &program)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_that_hangs_is_answered_for_and_holds_up_nobody() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![
        faulty("good", "none"),
        faulty("fails", "configure fails"),
        faulty("hangs", "configure hangs"),
    ]);
    for task in ["good", "fails", "hangs"] {
        bench.update(task, Phase::Active).await;
    }
    let all = ["good", "fails", "hangs", "nobody"];
    bench.transition(
        "c",
        &all,
        "CONFIGURE",
        ["STANDBY", "CONFIGURED"],
        Duration::from_millis(300),
    );
    assert_eq!(
        bench.result("c", "nobody").await.error,
        "there is no such task on this host"
    );
    assert!(bench.result("c", "good").await.ok);
    let failed = bench.result("c", "fails").await;
    assert_eq!((failed.ok, failed.state.as_str()), (false, "ERROR"));
    let hanging = bench.result("c", "hangs").await;
    assert_eq!((hanging.ok, hanging.state.as_str()), (false, "UNKNOWN"));
    assert_eq!(hanging.error, "gave no answer to CONFIGURE");
    // Asked again, it can say.
    assert_eq!(state(&mut bench, "hangs", "STANDBY").await.phase(), Phase::Active);
    for task in ["good", "fails", "hangs"] {
        bench.send(kill(task));
        assert!(bench.update(task, Phase::Ended).await.requested);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_does_one_thing_at_a_time_and_each_once() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![faulty("t", "start hangs")]);
    bench.update("t", Phase::Active).await;
    let configure =
        |bench: &Bench| bench.transition("c", &["t"], "CONFIGURE", ["STANDBY", "CONFIGURED"], SOON);
    configure(&bench);
    assert!(bench.result("c", "t").await.ok);
    configure(&bench);
    assert!(
        bench.result("c", "t").await.ok,
        "from memory; the task itself would refuse"
    );
    bench.transition("s", &["t"], "START", ["CONFIGURED", "RUNNING"], SOON);
    bench.transition("r", &["t"], "RESET", ["CONFIGURED", "STANDBY"], SOON);
    let refused = bench.result("r", "t").await;
    assert_eq!(
        (refused.ok, refused.error.as_str()),
        (false, "it is still busy with START")
    );
    bench.transition("x", &["t"], "EXPLODE", ["CONFIGURED", "STANDBY"], SOON);
    assert_eq!(
        bench.result("x", "t").await.error,
        "`EXPLODE` is not the name of an event of a task"
    );
    bench.send(kill("t"));
    assert_eq!(
        bench.result("s", "t").await.error,
        "it is being ended, so START was given up"
    );
    assert!(bench.update("t", Phase::Ended).await.requested);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_death_in_a_transition_answers_it() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![faulty("t", "configure dies")]);
    bench.update("t", Phase::Active).await;
    bench.transition("c", &["t"], "CONFIGURE", ["STANDBY", "CONFIGURED"], SOON);
    let result = bench.result("c", "t").await;
    assert_eq!((result.ok, result.state.as_str()), (false, "ERROR"));
    assert_eq!(result.error, "exited with code 5 during CONFIGURE");
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(
        (update.requested, update.reason.as_str()),
        (false, "ended during CONFIGURE")
    );
    assert!(
        update.last_lines.iter().any(|line| line == "dying in configure"),
        "{:?}",
        update.last_lines
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn deaths_in_a_run_are_told_with_their_signal_or_code() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![faulty("killed", "none"), faulty("leaves", "run leaves")]);
    let update = to_running(&mut bench, "killed").await;
    send_signal(&update, rustix::process::Signal::KILL);
    let update = bench.update("killed", Phase::Ended).await;
    assert_eq!((update.state.as_str(), update.requested), ("ERROR", false));
    assert_eq!(update.reason, "ended while RUNNING");
    to_running(&mut bench, "leaves").await;
    std::fs::write(bench.path("go"), "").expect("file");
    let update = bench.update("leaves", Phase::Ended).await;
    assert_eq!(
        (update.state.as_str(), update.reason.as_str()),
        ("DONE", "ended while RUNNING")
    );
    bench.transition("late", &["leaves"], "STOP", ["RUNNING", "CONFIGURED"], SOON);
    let late = bench.result("late", "leaves").await;
    assert_eq!(late.error, "it ended while RUNNING");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_task_does_by_itself_is_told() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![
        faulty("ends", "run ends"),
        faulty("fails", "run fails"),
        faulty("device", "device run fails"),
    ]);
    for (task, kind) in [
        ("ends", Some(DeviceEventKind::EndOfStream)),
        ("fails", Some(DeviceEventKind::TaskInternalError)),
        ("device", None),
    ] {
        to_running(&mut bench, task).await;
        if let Some(kind) = kind {
            bench
                .wait(&format!("{kind:?} of {task}"), |body| match body {
                    From::DeviceEvent(event) if event.task_id == task && event.kind() == kind => Some(()),
                    _ => None,
                })
                .await;
        }
        if task != "ends" {
            assert_eq!(
                state(&mut bench, task, "ERROR").await.reason,
                "went from RUNNING to ERROR by itself"
            );
        }
        bench.send(kill(task));
        assert!(bench.update(task, Phase::Ended).await.requested);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_device_that_cannot_connect_is_led_back_to_standby() {
    let mut bench = Bench::new(&[]).await;
    bench.launch(vec![faulty("t", "device connect fails")]);
    bench.update("t", Phase::Active).await;
    bench.transition("c", &["t"], "CONFIGURE", ["STANDBY", "CONFIGURED"], SOON);
    let result = bench.result("c", "t").await;
    assert!(!result.ok && result.error.contains("CONNECT"), "{result:?}");
    bench.send(kill("t"));
    assert!(bench.update("t", Phase::Ended).await.requested);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_frozen_task_is_killed_all_the_same() {
    let mut bench = Bench::new(&[]).await;
    let mut spec = faulty("t", "none");
    spec.kill.as_mut().expect("given").transition_ms = 100;
    bench.launch(vec![spec]);
    let update = to_running(&mut bench, "t").await;
    send_signal(&update, rustix::process::Signal::STOP);
    bench.send(kill("t"));
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(
        update.reason,
        "no answer to STOP within 100ms; SIGKILL was needed, as it did not heed SIGTERM and SIGINT"
    );
    assert!(update.requested && !alive(update.pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_that_ignores_exit_is_told_to_end() {
    let mut bench = Bench::new(&[]).await;
    let mut spec = faulty("t", "exit hangs");
    spec.kill.as_mut().expect("given").transition_ms = 100;
    bench.launch(vec![spec]);
    bench.update("t", Phase::Active).await;
    bench.send(kill("t"));
    let update = bench.update("t", Phase::Ended).await;
    assert_eq!(update.reason, "no answer to EXIT within 100ms");
    assert_eq!(
        update.exit,
        Some(Exit {
            how: Some(How::Signal(15))
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ports_are_held_until_the_end_and_two_executors_do_not_share_them() {
    let (mut one, mut two) = (Bench::new(&[]).await, Bench::new(&[]).await);
    let mut held = Vec::new();
    for bench in [&mut one, &mut two] {
        let mut spec = faulty("t", "none");
        spec.bind_ports_wanted = 3;
        bench.launch(vec![spec]);
        let update = bench.update("t", Phase::Active).await;
        held.push(update.control_port);
        assert!(
            update.bind_ports.iter().all(|port| (9000..30_000).contains(port)),
            "{update:?}"
        );
        held.extend(update.bind_ports);
    }
    let taken = |port: &u32| {
        let address = std::net::SocketAddr::from(([0, 0, 0, 0], u16::try_from(*port).expect("port")));
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("socket");
        socket.bind(&address.into()).is_err()
    };
    let mut different = held.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 8, "{held:?}");
    assert!(held.iter().all(taken));
    one.send(kill("t"));
    one.update("t", Phase::Ended).await;
    // The control port itself may still be in TIME_WAIT.
    assert!(!held[1..4].iter().any(taken), "given back");
    assert!(held[4..].iter().all(taken));
}
