//! The local cluster with real executors. `harness = false`: this program plays executor too.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, though without the harness by which clippy would know it for one"
)]

use std::ffi::OsString;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::time::Duration;

use partita_core::cause::{Cause, Exit};
use partita_core::cluster::{Cluster, ClusterEvent};
use partita_core::local::{Life, Local, LocalConfig};
use partita_proto::executor::{Launch, TaskSpec, TaskUpdate, exit::How, from_executor, to_executor};
use tokio::sync::mpsc;

mod support;

const SECRET: &str = "it is me";

fn config(directory: PathBuf, executor: Vec<OsString>) -> LocalConfig {
    LocalConfig {
        log_directory: None,
        hosts: vec!["host1".to_owned()],
        executor,
        directory,
        life: Life::Session {
            patience: Some(Duration::from_secs(1)),
        },
        farewell: Duration::from_secs(30),
    }
}

fn executor() -> Vec<OsString> {
    vec![support::myself(), "executor".into()]
}

fn start(directory: &Path) -> (Box<Local>, mpsc::UnboundedReceiver<ClusterEvent>) {
    let (events, news) = mpsc::unbounded_channel();
    let local = Local::start(config(directory.to_owned(), executor()), "core", SECRET, &events);
    (Box::new(local.expect("a cluster")), news)
}

fn launch(cluster: &Local, script: &str) {
    let task = TaskSpec {
        task_id: "task".to_owned(),
        name: "flp.task".to_owned(),
        value: script.to_owned(),
        shell: true,
        start_timeout_ms: 60_000,
        ..TaskSpec::default()
    };
    cluster.send("host1", to_executor::Body::Launch(Launch { tasks: vec![task] }));
}

async fn update(
    news: &mut mpsc::UnboundedReceiver<ClusterEvent>,
    wanted: impl Fn(&TaskUpdate) -> bool,
) -> TaskUpdate {
    loop {
        match news.recv().await.expect("more news") {
            ClusterEvent::Said {
                body: from_executor::Body::Update(update),
                ..
            } if wanted(&update) => return update,
            ClusterEvent::HostLost { cause, .. } => panic!("{cause}"),
            _ => {}
        }
    }
}

async fn loss(news: &mut mpsc::UnboundedReceiver<ClusterEvent>) -> Cause {
    loop {
        if let ClusterEvent::HostLost { host, cause } = news.recv().await.expect("more news") {
            assert_eq!(host, "host1");
            return cause;
        }
    }
}

/// Processes that have `text` in the environment with which they were started.
fn with_environment(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let environments = all.filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
    environments
        .filter(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        .count()
}

fn parent(pid: u32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    line.expect("a parent").trim().parse().expect("a number")
}

async fn an_executor_is_killed_with_all_it_has_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("session");
    let (cluster, mut news) = start(&directory);
    let mode = std::fs::metadata(&directory).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else can attach");
    let ready = folder.path().join("ready");
    let fifo = Command::new("mkfifo").arg(&ready).status();
    assert!(fifo.expect("mkfifo").success());
    let script = format!(
        "setsid sleep 1000 & sleep 1000 & echo > {}; wait",
        ready.display()
    );
    launch(&cluster, &script);
    let pid = update(&mut news, |update| update.pid != 0).await.pid;
    let opened = tokio::task::spawn_blocking(|| std::fs::read(ready)).await;
    opened.expect("no panic").expect("the task has started its own");
    let mark = directory.canonicalize().expect("there").join("host1");
    let mark = mark.display().to_string();
    // Executor, shell and what it started; one that is just becoming another program shows no environment.
    while with_environment(&mark) < 4 {
        tokio::task::yield_now().await;
    }
    let executor = rustix::process::Pid::from_raw(parent(pid)).expect("a pid");
    rustix::process::kill_process(executor, rustix::process::Signal::KILL).expect("it lives");
    let cause = loss(&mut news).await;
    assert_eq!(cause.exit, Some(Exit::Signal(9)), "{cause}");
    assert_eq!(with_environment(&mark), 0);
    cluster.shut_down().await;
    assert!(!directory.exists());
}

async fn the_path_of_the_folder_may_be_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("long".repeat(40)).join("session");
    let (cluster, mut news) = start(&directory);
    launch(&cluster, "exit 3");
    let ended = update(&mut news, |update| update.exit.is_some()).await;
    assert_eq!(ended.exit.expect("it ended").how, Some(How::Code(3)));
    cluster.shut_down().await;
    assert!(!directory.exists());
}

async fn only_those_with_the_secret_attach() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cluster, mut news) = start(&folder.path().join("session"));
    let stranger = Command::new(support::myself())
        .args(["executor", "--host", "host1", "--core"])
        .arg(format!("unix:{}/session/core", folder.path().display()))
        .arg("--directory")
        .arg(folder.path())
        .env("PARTITA_EXECUTOR_SECRET", "it is you")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    let ended = tokio::task::spawn_blocking(|| stranger.wait_with_output());
    let ended = ended.await.expect("no panic").expect("it ends");
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && words.contains("secret"), "{words}");
    launch(&cluster, "exit 0");
    update(&mut news, |update| update.exit.is_some()).await;
    cluster.shut_down().await;
}

async fn what_is_no_executor_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("session");
    let (events, mut news) = mpsc::unbounded_channel();
    let absent = config(directory.clone(), vec!["/no/such/executor".into()]);
    let error = Local::start(absent, "core", SECRET, &events).expect_err("no program");
    assert!(error.to_string().contains("/no/such/executor"), "{error}");
    assert!(!directory.exists());

    let mut odd = config(directory.clone(), executor());
    odd.hosts = vec!["../host1".to_owned()];
    let error = Local::start(odd, "core", SECRET, &events).expect_err("no name");
    assert!(error.to_string().contains("../host1"), "{error}");
    assert!(!directory.exists());

    let script = "echo cannot execute >&2; exit 5";
    let ends = config(directory, vec!["/bin/sh".into(), "-c".into(), script.into()]);
    let cluster = Box::new(Local::start(ends, "core", SECRET, &events).expect("a cluster"));
    let cause = loss(&mut news).await;
    assert_eq!(cause.exit, Some(Exit::Code(5)));
    assert_eq!(cause.last_lines, ["cannot execute"]);
    cluster.shut_down().await;
}

fn start_lasting(directory: &Path, core: &str) -> (Box<Local>, mpsc::UnboundedReceiver<ClusterEvent>) {
    let (events, news) = mpsc::unbounded_channel();
    let mut config = config(directory.to_owned(), executor());
    config.life = Life::Lasting;
    let local = Local::start(config, core, SECRET, &events);
    (Box::new(local.expect("a cluster")), news)
}

/// The inventory of the next executor that attaches.
async fn attached(news: &mut mpsc::UnboundedReceiver<ClusterEvent>) -> Vec<TaskUpdate> {
    loop {
        match news.recv().await.expect("more news") {
            ClusterEvent::Attached { inventory, .. } => return inventory,
            ClusterEvent::HostLost { cause, .. } => panic!("{cause}"),
            _ => {}
        }
    }
}

fn executor_of(directory: &Path) -> u32 {
    let text = std::fs::read_to_string(directory.join("host1.pid")).expect("its number");
    let pid = text.split(' ').next().expect("a number");
    pid.parse().expect("a number")
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
}

async fn executors_and_tasks_outlive_core_and_executor() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("cluster");
    let (cluster, mut news) = start_lasting(&directory, "core1");
    attached(&mut news).await;
    let mode = std::fs::metadata(directory.join("secret"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (events, _unheard) = mpsc::unbounded_channel();
    let mut second = config(directory.clone(), executor());
    second.life = Life::Lasting;
    let error = Local::start(second, "other", "another", &events).expect_err("in use");
    assert!(error.to_string().contains("another core"), "{error}");
    launch(&cluster, "sleep 1000");
    let pid = update(&mut news, |update| update.pid != 0).await.pid;
    let first = executor_of(&directory);

    // The core goes and comes: the same executor, the same task. What no core acknowledged is said again.
    cluster.leave().await;
    drop(news);
    let (cluster, mut news) = start_lasting(&directory, "core2");
    let inventory = attached(&mut news).await;
    assert_eq!((inventory.len(), inventory[0].pid), (1, pid));
    assert_eq!(executor_of(&directory), first);
    assert_eq!(update(&mut news, |update| update.pid != 0).await.pid, pid);

    // The executor dies: a successor has the same task.
    kill(first);
    loop {
        if let ClusterEvent::Away { cause, .. } = news.recv().await.expect("more news")
            && cause.what.contains("ended")
        {
            break;
        }
    }
    let inventory = attached(&mut news).await;
    assert_eq!((inventory.len(), inventory[0].pid), (1, pid));
    assert_ne!(executor_of(&directory), first);

    // Both at once.
    cluster.leave().await;
    drop(news);
    kill(executor_of(&directory));
    let (cluster, mut news) = start_lasting(&directory, "core3");
    let inventory = attached(&mut news).await;
    assert_eq!((inventory.len(), inventory[0].pid), (1, pid));
    cluster.shut_down().await;
    let mark = directory.canonicalize().expect("there").join("host1");
    assert_eq!(with_environment(&mark.display().to_string()), 0);
    assert!(!directory.join("host1.pid").exists());
}

async fn a_host_is_lost_when_no_successor_attaches() {
    let folder = tempfile::tempdir().expect("a folder");
    let (events, mut news) = mpsc::unbounded_channel();
    let script = "exit 5";
    let mut ends = config(
        folder.path().join("cluster"),
        vec!["/bin/sh".into(), "-c".into(), script.into()],
    );
    ends.life = Life::Lasting;
    let cluster = Box::new(Local::start(ends, "core", SECRET, &events).expect("a cluster"));
    let cause = loss(&mut news).await;
    assert_eq!(cause.exit, Some(Exit::Code(5)), "{cause}");
    cluster.shut_down().await;
}

type Test = Pin<Box<dyn Future<Output = ()>>>;

fn main() {
    if support::play_role() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let limit = Duration::from_mins(1);
    let tests: [(&str, Test); 6] = [
        (
            "executors_and_tasks_outlive_core_and_executor",
            Box::pin(executors_and_tasks_outlive_core_and_executor()),
        ),
        (
            "a_host_is_lost_when_no_successor_attaches",
            Box::pin(a_host_is_lost_when_no_successor_attaches()),
        ),
        (
            "an_executor_is_killed_with_all_it_has_started",
            Box::pin(an_executor_is_killed_with_all_it_has_started()),
        ),
        (
            "the_path_of_the_folder_may_be_long",
            Box::pin(the_path_of_the_folder_may_be_long()),
        ),
        (
            "only_those_with_the_secret_attach",
            Box::pin(only_those_with_the_secret_attach()),
        ),
        (
            "what_is_no_executor_is_told_and_leaves_nothing",
            Box::pin(what_is_no_executor_is_told_and_leaves_nothing()),
        ),
    ];
    for (name, test) in tests {
        let done = runtime.block_on(async { tokio::time::timeout(limit, test).await });
        assert!(done.is_ok(), "{name} did not end within {limit:?}");
        println!("test {name} ... ok");
    }
}
