//! Stand-ins as real processes, driven by the real client: data has to flow, and what is wrong has to show.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends")]

use std::net::TcpListener;
use std::process::Stdio;

use partita_occ::client::{Client, DeviceEvents, Order, Outcome};
use partita_occ::codec::Codec;
use partita_occ::{Event, State};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Duration, Instant};

struct Process {
    child: Child,
    client: Client,
    log: Lines<BufReader<ChildStderr>>,
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A name that no other test uses.
fn unique(name: &str) -> String {
    format!("partita-test-{name}-{}", std::process::id())
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partita-stand-in"));
    command
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn start(program: &str, codec: Codec, arguments: &[&str]) -> Process {
    let port = free_port();
    let mut child = command(program, arguments)
        .env("OCC_CONTROL_PORT", port.to_string())
        .spawn()
        .expect("it starts");
    let log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let deadline = soon();
    loop {
        assert!(
            child.try_wait().expect("it can be asked").is_none(),
            "{program} has ended"
        );
        if let Ok(client) = Client::connect(([127, 0, 0, 1], port).into(), codec, deadline).await
            && client.get_state(deadline).await.is_ok()
        {
            return Process { child, client, log };
        }
        assert!(Instant::now() < deadline, "{program} never answered");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

impl Process {
    async fn order(
        &self,
        event: Event,
        source: State,
        destination: State,
        arguments: &[(String, String)],
    ) -> Outcome {
        let order = Order {
            event,
            source,
            destination,
            arguments,
            deadline: soon(),
            settle: Duration::from_secs(5),
        };
        self.client.transition(&order).await
    }

    async fn reach(&self, event: Event, source: State, destination: State, arguments: &[(String, String)]) {
        let outcome = self.order(event, source, destination, arguments).await;
        assert!(
            outcome.error.is_none() && outcome.state == destination,
            "{event}: {outcome:?}"
        );
    }

    async fn configure(&self, channels: &[Vec<(String, String)>]) {
        self.reach(
            Event::Configure,
            State::Standby,
            State::Configured,
            &channels.concat(),
        )
        .await;
    }

    async fn start_run(&self, run: u32) {
        let arguments = [("runNumber".to_owned(), run.to_string())];
        self.reach(Event::Start, State::Configured, State::Running, &arguments)
            .await;
    }

    async fn stop_run(&self) {
        self.reach(Event::Stop, State::Running, State::Configured, &[])
            .await;
    }

    /// The log up to the first line that has all of `parts` in it.
    async fn log_with(&mut self, parts: &[&str]) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = tokio::time::timeout_at(soon(), self.log.next_line()).await {
            let Some(line) = line.expect("text") else { break };
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {parts:?} in:\n{}", seen.join("\n"));
    }
}

fn channel(name: &str, kind: &str, method: &str, address: &str) -> Vec<(String, String)> {
    let field = |field: &str, value: &str| (format!("chans.{name}.0.{field}"), value.to_owned());
    vec![
        (format!("chans.{name}.numSockets"), "1".to_owned()),
        field("type", kind),
        field("method", method),
        field("address", address),
        field("transport", "shmem"),
        field("rateLogging", "0"),
        field("sndBufSize", "4"),
    ]
}

/// Frames that a line of totals counts.
fn frames(line: &str) -> u64 {
    let (before, _) = line.split_once(" frames").expect("frames");
    let number = before.rsplit(' ').next().expect("a word");
    number.parse().expect("a number")
}

/// `readout` makes data, `stfbuilder` passes it on, `stfsender` takes it, in two runs with RESET between.
async fn chain(bound: [&str; 2], connected: [&str; 2]) {
    let mut readout = start(
        "o2-readout-exe",
        Codec::Protobuf,
        &["consul-ini://x/y", "--stand-in-rate=1000"],
    )
    .await;
    let mut builder = start(
        "/opt/o2/bin/StfBuilder",
        Codec::Json,
        &[
            "--session=default",
            " ",
            "--output-channel-name=buildertosender",
            "--id",
            "x",
            "-P",
            "OCClite",
        ],
    )
    .await;
    let mut sender = start(
        "StfSender",
        Codec::Json,
        &["--input-channel-name=buildertosender", "--stand-alone"],
    )
    .await;

    for run in [500_001, 500_002] {
        // All at once, as a control system does it: a channel waits for its other side.
        tokio::join!(
            sender.configure_one("buildertosender", "pull", "connect", connected[1]),
            async {
                builder
                    .configure(&[
                        channel("readout", "pull", "connect", connected[0]),
                        channel("buildertosender", "push", "bind", bound[1]),
                    ])
                    .await;
            },
            readout.configure_one("readout", "push", "bind", bound[0]),
        );
        // The last in the chain starts first, so nothing is sent in vain.
        for process in [&sender, &builder, &readout] {
            process.start_run(run).await;
        }
        sender
            .log_with(&[&run.to_string(), "data arrives on buildertosender"])
            .await;
        for process in [&readout, &builder, &sender] {
            process.stop_run().await;
        }
        let run = run.to_string();
        let made = frames(&readout.log_with(&[&run, "sent", "on readout"]).await);
        let taken = frames(&builder.log_with(&[&run, "received", "on readout"]).await);
        let arrived = frames(&sender.log_with(&[&run, "received", "on buildertosender"]).await);
        assert!(
            arrived > 0 && arrived <= taken && taken <= made,
            "{made} {taken} {arrived}"
        );
        for process in [&readout, &builder, &sender] {
            process
                .reach(Event::Reset, State::Configured, State::Standby, &[])
                .await;
        }
    }
    for process in [&mut readout, &mut builder, &mut sender] {
        process.reach(Event::Exit, State::Standby, State::Done, &[]).await;
        assert!(process.child.wait().await.expect("it ends").success());
    }
}

impl Process {
    async fn configure_one(&self, name: &str, kind: &str, method: &str, address: &str) {
        self.configure(&[channel(name, kind, method, address)]).await;
    }
}

#[tokio::test]
async fn data_flows_over_ipc() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = format!("ipc://{}", folder.path().join("channel").display());
    let name = format!("ipc://@{}", unique("chain"));
    chain([&name, &path], [&name, &path]).await;
    assert!(!folder.path().join("channel").exists(), "the socket is removed");
}

#[tokio::test]
async fn data_flows_over_tcp() {
    let (first, second) = (free_port(), free_port());
    let bound = [format!("tcp://*:{first}"), format!("tcp://127.0.0.1:{second}")];
    let connected = [
        format!("tcp://localhost:{first}"),
        format!("tcp://127.0.0.1:{second}"),
    ];
    chain([&bound[0], &bound[1]], [&connected[0], &connected[1]]).await;
}

#[tokio::test]
async fn a_publisher_reaches_all_who_subscribe() {
    let address = format!("ipc://@{}", unique("pub"));
    let source = start("readout", Codec::Protobuf, &["--stand-in-rate", "1000"]).await;
    let mut first = start("qc", Codec::Json, &[]).await;
    let mut second = start("qc-direct", Codec::Protobuf, &[]).await;
    source.configure_one("data", "pub", "bind", &address).await;
    for process in [&first, &second] {
        process.configure_one("data", "sub", "connect", &address).await;
        process.start_run(7).await;
    }
    source.start_run(7).await;
    for process in [&mut first, &mut second] {
        process.log_with(&["run 7", "data arrives on data"]).await;
    }
    for process in [&source, &first, &second] {
        process.stop_run().await;
    }
    assert!(frames(&first.log_with(&["received"]).await) > 0);
    assert!(frames(&second.log_with(&["received"]).await) > 0);
}

#[tokio::test]
async fn an_address_where_nobody_is_fails_the_transition() {
    let mut sender = start("stfsender", Codec::Json, &["--stand-in-connect-ms=50"]).await;
    let wrong = channel("data", "pull", "connect", &format!("ipc://@{}", unique("nobody")));
    let outcome = sender
        .order(Event::Configure, State::Standby, State::Configured, &wrong)
        .await;
    assert_eq!(outcome.state, State::Error);
    assert!(
        outcome
            .error
            .expect("an error")
            .to_string()
            .starts_with("CONNECT failed")
    );
    sender
        .log_with(&["CONNECT failed", "channel data", "nobody answers"])
        .await;
}

#[tokio::test]
async fn channels_that_do_not_fit_are_named() {
    let address = format!("ipc://@{}", unique("misfit"));
    let first = start("qc-direct", Codec::Protobuf, &[]).await;
    first.configure_one("first", "pull", "bind", &address).await;
    let mut second = start("qc-direct", Codec::Protobuf, &[]).await;
    let wrong = channel("second", "pull", "connect", &address);
    let outcome = second
        .order(Event::Configure, State::Standby, State::Configured, &wrong)
        .await;
    assert_eq!(outcome.state, State::Error);
    second
        .log_with(&[
            "channel second (pull)",
            "met channel first (pull) of qc[",
            "do not fit",
        ])
        .await;
}

#[tokio::test]
async fn a_named_channel_has_to_be_pushed() {
    let mut builder = start("stfbuilder", Codec::Json, &["--dpl-channel-name=dpl-chan"]).await;
    let other = channel("other", "push", "bind", &format!("ipc://@{}", unique("other")));
    let outcome = builder
        .order(Event::Configure, State::Standby, State::Configured, &other)
        .await;
    assert_eq!(outcome.state, State::Error);
    builder
        .log_with(&["--dpl-channel-name=dpl-chan", "pushed: other"])
        .await;
}

async fn misbehaving(mode: &[&str]) -> Process {
    start("misbehave", Codec::Protobuf, mode).await
}

#[tokio::test]
async fn a_task_dies_where_it_is_told_to() {
    let mut at_start = command("misbehave", &["die-at-start", "7"])
        .spawn()
        .expect("it starts");
    assert_eq!(at_start.wait().await.expect("it ends").code(), Some(7));
    for (mode, code) in [
        (&["die-in", "RUNNING", "3"][..], 3),
        (&["exit-zero-in-running"][..], 0),
    ] {
        let mut process = misbehaving(mode).await;
        process.configure(&[]).await;
        process.start_run(1).await;
        assert_eq!(process.child.wait().await.expect("it ends").code(), Some(code));
    }
}

#[tokio::test]
async fn a_task_fails_hangs_and_ends_its_data_as_it_is_told_to() {
    let process = misbehaving(&["fail-transition", "START"]).await;
    process.configure(&[]).await;
    let outcome = process
        .order(Event::Start, State::Configured, State::Running, &[])
        .await;
    assert_eq!(outcome.state, State::Error);

    let process = misbehaving(&["hang-in", "CONFIGURE"]).await;
    let order = Order {
        event: Event::Configure,
        source: State::Standby,
        destination: State::Configured,
        arguments: &[],
        deadline: Instant::now() + Duration::from_millis(50),
        settle: Duration::from_secs(5),
    };
    assert_eq!(process.client.transition(&order).await.state, State::Standby);

    for (mode, expected) in [
        ("end-of-stream", "EndOfStream"),
        ("internal-error", "TaskInternalError"),
    ] {
        let process = misbehaving(&[mode]).await;
        process.configure(&[]).await;
        let mut events: DeviceEvents = process.client.event_stream();
        let (event, ()) = tokio::join!(biased; events.next(), process.start_run(1));
        assert_eq!(
            format!("{:?}", event.expect("an event").expect("no error")),
            expected
        );
    }
}

#[tokio::test]
async fn a_hook_prints_and_exits() {
    let output = command("hook", &["--code", "4", "run", "500001"])
        .stdout(Stdio::piped())
        .output()
        .await;
    let output = output.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hook: run 500001\n");
    assert_eq!(output.status.code(), Some(4));
    let unknown = command("o2-nothing", &[]).output().await.expect("it runs");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no stand-in for `o2-nothing`"));
}

/// How often the kernel has put a process to sleep, which is how often something woke it up.
fn sleeps(process: &Process) -> u64 {
    let id = process.child.id().expect("it runs");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
        .expect("the line");
    line.trim().parse().expect("a number")
}

#[tokio::test]
async fn an_idle_task_never_wakes_up() {
    let process = start("idle", Codec::Protobuf, &[]).await;
    process.configure(&[]).await;
    process.start_run(1).await;
    // On a busy machine it may take a while until it has gone to sleep after its last answer; one that polls never
    // gets through a window.
    for _ in 0..20 {
        let before = sleeps(&process);
        tokio::time::sleep(Duration::from_millis(300)).await;
        if sleeps(&process) == before {
            return;
        }
    }
    panic!("it woke up in each of 20 windows of 300 ms");
}
