//! A real client and a real task, over a real socket, in both modes.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends")]

use std::net::SocketAddr;

use partita_occ::client::{CallError, Client, Order, Outcome, TransitionError};
use partita_occ::codec::Codec;
use partita_occ::server::{Failure, Iteration, Mode, Options, Properties, Run, ServeError, Task, serve_on};
use partita_occ::{Event, State, fairmq};
use partita_proto::occ::{DeviceEventType, StateChangeTrigger};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use tonic::Code;

/// Writes down what it is asked to do, and does what its orders say.
struct Recorder {
    notes: UnboundedSender<String>,
    /// Method that fails.
    fails: &'static str,
    /// Method that never ends.
    hangs: &'static str,
    /// How the second iteration of each run ends.
    iterations: u32,
    ending: Option<&'static str>,
}

impl Recorder {
    async fn note(&self, method: &str, detail: String) -> Result<(), Failure> {
        self.notes
            .send(format!("{method} {detail}").trim_end().to_owned())
            .expect("the test listens");
        if self.hangs == method {
            std::future::pending::<()>().await;
        }
        if self.fails == method {
            Err(Failure::new("as ordered"))
        } else {
            Ok(())
        }
    }
}

impl Task for Recorder {
    async fn configure(&mut self, properties: &Properties) -> Result<(), Failure> {
        self.note("configure", format!("{properties:?}")).await
    }
    async fn bind(&mut self) -> Result<(), Failure> {
        self.note("bind", String::new()).await
    }
    async fn connect(&mut self) -> Result<(), Failure> {
        self.note("connect", String::new()).await
    }
    async fn init_task(&mut self) -> Result<(), Failure> {
        self.note("init_task", String::new()).await
    }
    async fn start(&mut self, run: &Run) -> Result<(), Failure> {
        self.iterations = 0;
        self.note("start", run.number.to_string()).await
    }
    async fn stop(&mut self, _: &Run) -> Result<(), Failure> {
        self.note("stop", String::new()).await
    }
    async fn reset_task(&mut self) -> Result<(), Failure> {
        self.note("reset_task", String::new()).await
    }
    async fn reset(&mut self) -> Result<(), Failure> {
        self.note("reset", String::new()).await
    }
    async fn recover(&mut self) -> Result<(), Failure> {
        self.note("recover", String::new()).await
    }
    async fn exit(&mut self) -> Result<(), Failure> {
        self.note("exit", String::new()).await
    }
    async fn iterate_running(&mut self) -> Iteration {
        self.iterations += 1;
        match (self.iterations, self.ending) {
            (1, _) => Iteration::Continue,
            (_, Some("end")) => Iteration::EndOfStream,
            (_, Some(text)) => Iteration::Error(Failure::new(text)),
            (_, None) => std::future::pending().await,
        }
    }
}

struct Bench {
    client: Client,
    notes: UnboundedReceiver<String>,
    server: JoinHandle<Result<(), ServeError>>,
}

#[derive(Default)]
struct Orders {
    fails: &'static str,
    hangs: &'static str,
    ending: Option<&'static str>,
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

async fn bench(mode: Mode, orders: Orders) -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (sender, notes) = unbounded_channel();
    let Orders { fails, hangs, ending } = orders;
    let task = Recorder {
        notes: sender,
        fails,
        hangs,
        iterations: 0,
        ending,
    };
    let options = Options::at(mode, address);
    let server = tokio::spawn(async move { serve_on(listener, task, &options).await });
    let codec = match mode {
        Mode::Direct => Codec::Protobuf,
        Mode::Fairmq => Codec::Json,
    };
    let client = Client::connect(address, codec, soon()).await.expect("it listens");
    Bench {
        client,
        notes,
        server,
    }
}

impl Bench {
    async fn run(
        &self,
        event: Event,
        source: State,
        destination: State,
        arguments: &[(&str, &str)],
    ) -> Outcome {
        let arguments: Vec<(String, String)> = arguments
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let order = Order {
            event,
            source,
            destination,
            arguments: &arguments,
            deadline: soon(),
            settle: Duration::from_secs(5),
        };
        self.client.transition(&order).await
    }

    async fn reach(&self, event: Event, source: State, destination: State) {
        let outcome = self.run(event, source, destination, &[("runNumber", "7")]).await;
        assert!(
            outcome.error.is_none(),
            "{event}: {}",
            outcome.error.expect("an error")
        );
        assert_eq!(outcome.state, destination);
    }

    async fn notes(&mut self, count: usize) -> Vec<String> {
        let mut notes = Vec::new();
        for _ in 0..count {
            notes.push(self.notes.recv().await.expect("one more"));
        }
        assert!(
            self.notes.try_recv().is_err(),
            "more than {count} after {notes:?}"
        );
        notes
    }
}

async fn whole_life(mode: Mode, pushed: &str) {
    let mut bench = bench(mode, Orders::default()).await;
    let report = bench.client.get_state(soon()).await.expect("an answer");
    assert_eq!(report.task_state(), State::Standby);
    assert_eq!(report.pid, i32::try_from(std::process::id()).expect("small"));

    let properties = [("chans.a.0.sndBufSize", "4"), ("environment_id", "2rE")];
    let outcome = bench
        .run(Event::Configure, State::Standby, State::Configured, &properties)
        .await;
    assert!(
        outcome.error.is_none() && outcome.state == State::Configured,
        "{outcome:?}"
    );
    bench.reach(Event::Start, State::Configured, State::Running).await;
    bench.reach(Event::Stop, State::Running, State::Configured).await;
    bench.reach(Event::Reset, State::Configured, State::Standby).await;
    bench
        .reach(Event::Configure, State::Standby, State::Configured)
        .await;
    let again = r#"configure {"runNumber": Text("7")}"#;
    let expected = [
        pushed,
        "bind",
        "connect",
        "init_task",
        "start 7",
        "stop",
        "reset_task",
        "reset",
        again,
        "bind",
        "connect",
        "init_task",
    ];
    assert_eq!(bench.notes(12).await, expected);

    if mode == Mode::Direct {
        bench.reach(Event::Reset, State::Configured, State::Standby).await;
        bench.reach(Event::Exit, State::Standby, State::Done).await;
    } else {
        bench.reach(Event::Exit, State::Configured, State::Done).await;
    }
    assert_eq!(bench.notes(3).await, ["reset_task", "reset", "exit"]);
    bench.server.await.expect("no panic").expect("it ends by itself");
    assert!(matches!(
        bench.client.get_state(soon()).await,
        Err(CallError::Closed { .. })
    ));
}

#[tokio::test]
async fn a_direct_task_lives() {
    let pushed = r#"configure {"chans.a.0.sndBufSize": Text("4"), "environment_id": Text("2rE")}"#;
    whole_life(Mode::Direct, pushed).await;
}

#[tokio::test]
async fn a_device_lives() {
    let pushed = r#"configure {"chans.a.0.sndBufSize": Number(4), "environment_id": Text("2rE")}"#;
    whole_life(Mode::Fairmq, pushed).await;
}

#[tokio::test]
async fn a_failure_of_a_direct_task_leads_to_error_and_recover_leads_out() {
    let bench = bench(
        Mode::Direct,
        Orders {
            fails: "start",
            ..Orders::default()
        },
    )
    .await;
    bench
        .reach(Event::Configure, State::Standby, State::Configured)
        .await;
    let outcome = bench
        .run(Event::Start, State::Configured, State::Running, &[])
        .await;
    assert_eq!(outcome.state, State::Error);
    let error = outcome.error.expect("an error");
    assert!(
        matches!(&error, TransitionError::Answered { reply, .. } if reply.trigger() == StateChangeTrigger::DeviceError)
    );
    assert_eq!(
        error.to_string(),
        "START failed: the task ended in ERROR instead of RUNNING; its own log says why"
    );
    bench.reach(Event::Recover, State::Error, State::Standby).await;
}

#[tokio::test]
async fn a_failure_of_a_device_names_the_step() {
    let bench = bench(
        Mode::Fairmq,
        Orders {
            fails: "connect",
            ..Orders::default()
        },
    )
    .await;
    let outcome = bench
        .run(Event::Configure, State::Standby, State::Configured, &[])
        .await;
    assert_eq!(outcome.state, State::Error);
    let error = outcome.error.expect("an error").to_string();
    assert_eq!(
        error,
        "CONNECT failed: the task ended in ERROR instead of DEVICE READY; its own log says why"
    );
    let outcome = bench.run(Event::Recover, State::Error, State::Standby, &[]).await;
    assert!(matches!(outcome.error, Some(TransitionError::Impossible { .. })));
}

#[tokio::test]
async fn a_transition_that_hangs_ends_with_its_deadline() {
    for (mode, found) in [(Mode::Direct, "CONFIGURED"), (Mode::Fairmq, "READY")] {
        let bench = bench(
            mode,
            Orders {
                hangs: "start",
                ..Orders::default()
            },
        )
        .await;
        bench
            .reach(Event::Configure, State::Standby, State::Configured)
            .await;
        let order = Order {
            event: Event::Start,
            source: State::Configured,
            destination: State::Running,
            arguments: &[],
            deadline: Instant::now() + Duration::from_millis(20),
            settle: Duration::from_secs(5),
        };
        let outcome = bench.client.transition(&order).await;
        assert_eq!(
            outcome.state,
            State::Configured,
            "the state can be asked for meanwhile"
        );
        let Some(TransitionError::Call {
            call: CallError::Deadline { .. },
            found: state,
            ..
        }) = outcome.error
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(state, found);
    }
}

#[tokio::test]
async fn a_device_that_hangs_between_two_states_is_in_no_known_state() {
    let bench = bench(
        Mode::Fairmq,
        Orders {
            hangs: "connect",
            ..Orders::default()
        },
    )
    .await;
    let order = Order {
        event: Event::Configure,
        source: State::Standby,
        destination: State::Configured,
        arguments: &[],
        // Enough for the steps before it on any machine.
        deadline: Instant::now() + Duration::from_secs(1),
        settle: Duration::from_secs(5),
    };
    let outcome = bench.client.transition(&order).await;
    assert_eq!(outcome.state, State::Unknown);
    let error = outcome.error.expect("an error").to_string();
    assert!(
        error.starts_with("CONNECT failed:") && error.ends_with("it is in CONNECTING"),
        "{error}"
    );
}

#[tokio::test]
async fn a_task_that_dies_in_a_transition_is_noticed_at_once() {
    let mut bench = bench(
        Mode::Direct,
        Orders {
            hangs: "start",
            ..Orders::default()
        },
    )
    .await;
    bench
        .reach(Event::Configure, State::Standby, State::Configured)
        .await;
    bench.notes(4).await;
    let client = bench.client.clone();
    let mut events = client.event_stream();
    let order = Order {
        event: Event::Start,
        source: State::Configured,
        destination: State::Running,
        arguments: &[],
        deadline: soon(),
        settle: Duration::from_secs(5),
    };
    let death = async {
        bench.notes(1).await;
        bench.server.abort();
    };
    let (event, outcome, ()) = tokio::join!(biased; events.next(), client.transition(&order), death);
    assert!(matches!(event, Some(Err(CallError::Closed { .. }))), "{event:?}");
    assert!(events.next().await.is_none(), "an error is told once");
    let broken = matches!(
        outcome.error,
        Some(TransitionError::Call {
            call: CallError::Closed { .. },
            ..
        })
    );
    assert!(broken && outcome.state == State::Unknown);
    assert!(client.is_closed());
}

#[tokio::test]
async fn who_does_not_answer_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("its address");
    let client = Client::connect(address, Codec::Json, soon())
        .await
        .expect("it listens");
    let answer = client.get_state(Instant::now() + Duration::from_millis(20)).await;
    assert!(matches!(answer, Err(CallError::Deadline { .. })), "{answer:?}");
}

#[tokio::test]
async fn what_the_state_does_not_allow_is_refused_at_once() {
    for (mode, state, forbidden) in [(Mode::Direct, "STANDBY", "START"), (Mode::Fairmq, "IDLE", "RUN")] {
        let bench = bench(mode, Orders::default()).await;
        let reply = bench
            .client
            .raw_transition(state, forbidden, &[], soon())
            .await
            .expect("an answer");
        assert!(!reply.ok);
        assert_eq!(
            (reply.trigger(), reply.state.as_str()),
            (StateChangeTrigger::DeviceIntentional, state)
        );
        for (source, event) in [("RUNNING", "STOP"), (state, "PAUSE")] {
            let refused = bench.client.raw_transition(source, event, &[], soon()).await;
            assert!(
                matches!(
                    &refused,
                    Err(CallError::Refused {
                        code: Code::InvalidArgument,
                        ..
                    })
                ),
                "{event}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn events_tell_of_ends_and_failures_in_every_run() {
    for mode in [Mode::Direct, Mode::Fairmq] {
        let bench = bench(
            mode,
            Orders {
                ending: Some("end"),
                ..Orders::default()
            },
        )
        .await;
        let mut events = bench.client.event_stream();
        bench
            .reach(Event::Configure, State::Standby, State::Configured)
            .await;
        for _ in 0..2 {
            // The subscription is on its way before START, on the same connection.
            let started = bench.reach(Event::Start, State::Configured, State::Running);
            let (event, ()) = tokio::join!(biased; events.next(), started);
            assert_eq!(
                event.expect("an event").expect("no error"),
                DeviceEventType::EndOfStream
            );
            bench.reach(Event::Stop, State::Running, State::Configured).await;
        }
    }
    for (mode, error) in [
        (Mode::Direct, State::Error.name()),
        (Mode::Fairmq, fairmq::State::Error.name()),
    ] {
        let bench = bench(
            mode,
            Orders {
                ending: Some("broken"),
                ..Orders::default()
            },
        )
        .await;
        let mut events = bench.client.event_stream();
        bench
            .reach(Event::Configure, State::Standby, State::Configured)
            .await;
        let started = bench.reach(Event::Start, State::Configured, State::Running);
        let (event, ()) = tokio::join!(biased; events.next(), started);
        assert_eq!(
            event.expect("an event").expect("no error"),
            DeviceEventType::TaskInternalError
        );
        assert_eq!(
            bench.client.get_state(soon()).await.expect("an answer").state,
            error
        );
        if mode == Mode::Fairmq {
            assert!(
                events.next().await.is_none(),
                "a device in ERROR has nothing more to say"
            );
        }
    }
}

#[tokio::test]
async fn states_are_streamed_until_the_end() {
    let bench = bench(Mode::Direct, Orders::default()).await;
    let mut states = bench.client.state_stream();
    let moves = async {
        bench
            .reach(Event::Configure, State::Standby, State::Configured)
            .await;
        bench.reach(Event::Exit, State::Configured, State::Done).await;
    };
    let seen = async {
        let mut seen = Vec::new();
        while let Some(state) = states.next().await {
            seen.push(state.expect("no error").state);
        }
        seen
    };
    let (seen, ()) = tokio::join!(biased; seen, moves);
    assert_eq!(seen, ["CONFIGURED", "DONE"]);

    let device = self::bench(Mode::Fairmq, Orders::default()).await;
    let refused = device.client.state_stream().next().await;
    assert!(matches!(
        refused,
        Some(Err(CallError::Refused {
            code: Code::Unimplemented,
            ..
        }))
    ));
}

#[tokio::test]
async fn where_nobody_listens_the_answer_is_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = listener.local_addr().expect("its address");
    drop(listener);
    for _ in 0..1000 {
        let refused = Client::connect(address, Codec::Protobuf, soon()).await;
        assert!(
            matches!(refused, Err(partita_occ::client::ConnectError::Io { .. })),
            "{refused:?}"
        );
    }
}
