//! With what exists: tasks on the existing library, and the existing debugger against our tasks.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "the peers are found by the environment")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use partita_occ::client::{Client, Order};
use partita_occ::codec::Codec;
use partita_occ::server::{Mode, Options, Task, serve_on};
use partita_occ::{Event, State};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant};

/// The path of a peer; without it the test says so and does nothing.
fn peer(name: &str) -> Option<PathBuf> {
    let cache = std::env::var("PEERS_CACHE")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("HOME").map(|home| PathBuf::from(home).join(".cache/peers")));
    let path = cache.ok()?.join("bin").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: no {}; build it with ../shared/peers/peers build {name}",
        path.display()
    );
    None
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("its address")
}

/// Connects to a process that is starting.
async fn connect(address: SocketAddr, process: &mut Child) -> Client {
    let deadline = soon();
    loop {
        if let Ok(client) = Client::connect(address, Codec::Protobuf, deadline).await
            && client
                .get_state(deadline)
                .await
                .is_ok_and(|report| report.task_state() == State::Standby)
        {
            return client;
        }
        assert!(Instant::now() < deadline, "it never answered");
        assert!(
            process.try_wait().expect("it can be asked").is_none(),
            "it has ended"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn drive(program: &str) {
    let Some(path) = peer(program) else { return };
    let address = free_address().await;
    let mut process = Command::new(path)
        .env("OCC_CONTROL_PORT", address.port().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let client = connect(address, &mut process).await;
    let mut state = State::Standby;
    for (event, destination) in [
        (Event::Configure, State::Configured),
        (Event::Start, State::Running),
        (Event::Stop, State::Configured),
        (Event::Start, State::Running),
        (Event::Stop, State::Configured),
        (Event::Reset, State::Standby),
        (Event::Exit, State::Done),
    ] {
        let arguments = [("runNumber".to_owned(), "500001".to_owned())];
        let order = Order {
            event,
            source: state,
            destination,
            arguments: &arguments,
            deadline: soon(),
            settle: Duration::from_secs(5),
        };
        let outcome = client.transition(&order).await;
        assert!(
            outcome.error.is_none() && outcome.state == destination,
            "{event}: {outcome:?}"
        );
        state = destination;
    }
}

#[tokio::test]
async fn we_drive_the_light_task() {
    drive("occ-light").await;
}

#[tokio::test]
async fn we_drive_a_task_on_the_existing_library() {
    drive("occ-noop").await;
}

struct Idle;
impl Task for Idle {}

/// Runs the debugger with `arguments` against an idle task of ours.
async fn debug(mode: Mode, sessions: &[(&[&str], &str)]) {
    let Some(peanut) = peer("peanut") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let options = Options::at(mode, address);
    let server = tokio::spawn(async move { serve_on(listener, Idle, &options).await });
    for (arguments, expected) in sessions {
        let flag = if mode == Mode::Direct { "direct" } else { "fmq" };
        let output = Command::new(&peanut)
            .args(["-addr", &address.to_string(), "-mode", flag])
            .args(*arguments)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}{errors}");
        assert!(text.contains(expected), "{arguments:?}: {text}{errors}");
    }
    server.abort();
}

#[tokio::test]
async fn the_existing_debugger_drives_our_direct_task() {
    debug(
        Mode::Direct,
        &[
            (&["get-state"], "STANDBY"),
            (
                &[
                    "transition",
                    "STANDBY",
                    "CONFIGURED",
                    "chans.a.0.address=ipc://@a",
                ],
                "CONFIGURED",
            ),
            (&["direct-step", "CONFIGURED", "START", "runNumber=3"], "RUNNING"),
            (&["transition", "RUNNING", "CONFIGURED"], "CONFIGURED"),
            (&["transition", "CONFIGURED", "STANDBY"], "STANDBY"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_existing_debugger_drives_our_device() {
    debug(
        Mode::Fairmq,
        &[
            (&["get-state"], "IDLE"),
            (
                &[
                    "transition",
                    "STANDBY",
                    "CONFIGURED",
                    "chans.a.0.address=ipc://@a",
                ],
                "CONFIGURED",
            ),
            (&["fmq-step", "READY", "RUN"], "RUNNING"),
            (&["transition", "RUNNING", "CONFIGURED"], "CONFIGURED"),
            (&["transition", "CONFIGURED", "STANDBY"], "STANDBY"),
        ],
    )
    .await;
}
