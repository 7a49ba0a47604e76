//! The way to Kafka, against a real broker that is killed and started again meanwhile. It needs Java and what
//! `../shared/peers/peers build kafka` has made; without that it says so and passes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/broker.rs"]
#[allow(dead_code, reason = "only its reader is used here")]
mod broker;
#[path = "support/window.rs"]
mod window;
#[path = "support/world.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod world;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use broker::{Bytes, Kept, parse};
use partita_core::environment::{Numbered, Request, Transition};
use partita_events::kafka::{KafkaConfig, KafkaFigures, Publisher};
use partita_events::message::messages;
use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use window::Window;
use world::World;

/// Longer than a broker takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// The program that `peers` has built.
#[allow(
    clippy::disallowed_methods,
    reason = "this is where a test finds what is around it"
)]
fn program() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let cache = std::env::var_os("PEERS_CACHE").map_or(home.join(".cache/peers"), PathBuf::from);
    let program = cache.join("bin/kafka");
    let java = Command::new("java")
        .arg("-version")
        .stderr(Stdio::null())
        .status();
    (program.is_file() && java.is_ok_and(|status| status.success())).then_some(program)
}

/// A broker in a folder, which it keeps when it is killed.
struct Broker {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Broker {
    fn new(program: PathBuf, folder: &Path) -> Self {
        let ports: Vec<u16> = [(); 2]
            .map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .iter()
            .map(|listener| listener.local_addr().expect("a port").port())
            .collect();
        let (port, controller, logs) = (ports[0], ports[1], folder.join("logs"));
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             controller.listener.names=CONTROLLER\nlog.dirs={}\noffsets.topic.replication.factor=1\nnum.partitions=2\n",
            logs.display()
        );
        std::fs::write(folder.join("properties"), properties).expect("a file");
        let broker = Self {
            program,
            folder: folder.to_owned(),
            port,
            child: None,
        };
        let format = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "MkU3OEVBNTcwNTJENDM2Qg",
            "-c",
            "properties",
        ];
        assert!(broker.command(&format).status().expect("to run").success());
        broker
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let log = |name| {
            File::options()
                .create(true)
                .append(true)
                .open(self.folder.join(name))
                .expect("a log")
        };
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder);
        command.stdout(log("out")).stderr(log("err"));
        command
    }

    fn start(&mut self) {
        self.child = Some(
            self.command(&["kafka.Kafka", "properties"])
                .spawn()
                .expect("to start"),
        );
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Everything in one partition, read as a consumer does (Fetch 4).
    async fn read(&self, topic: &str, partition: i32) -> Vec<Kept> {
        let mut kept = Vec::new();
        loop {
            let mut body = Vec::new();
            body.extend([-1_i32, 100, 1, 64 << 20].map(i32::to_be_bytes).concat());
            body.push(0);
            body.extend(1_i32.to_be_bytes());
            body.extend(i16::try_from(topic.len()).expect("short").to_be_bytes());
            body.extend(topic.as_bytes());
            body.extend([1, partition].map(i32::to_be_bytes).concat());
            body.extend((kept.len() as u64).to_be_bytes());
            body.extend((64_i32 << 20).to_be_bytes());
            let head = [1_i16, 4, 0, 7, -1].map(i16::to_be_bytes).concat();
            let length = u32::try_from(head.len() + body.len()).expect("short");
            let mut stream = TcpStream::connect(self.address()).await.expect("the broker");
            stream
                .write_all(&[&length.to_be_bytes()[..], &head, &body].concat())
                .await
                .expect("to be heard");
            let length = usize::try_from(stream.read_i32().await.expect("an answer")).expect("a length");
            let mut answer = vec![0; length];
            stream.read_exact(&mut answer).await.expect("an answer");
            let mut reader = Bytes(&answer);
            let (_correlation, _throttled, topics) = (reader.i32(), reader.i32(), reader.i32());
            assert_eq!((topics, reader.text().as_str(), reader.i32()), (1, topic, 1));
            let (_partition, error) = (reader.i32(), reader.i16());
            if error == 3 {
                return kept;
            }
            assert_eq!(error, 0, "{topic}/{partition}");
            let (end, _stable, aborted) = (reader.i64(), reader.i64(), reader.i32());
            assert!(aborted <= 0);
            let length = usize::try_from(reader.i32()).expect("a length");
            let records = parse(reader.take(length));
            kept.extend(records);
            if kept.len() >= usize::try_from(end).expect("an offset") {
                return kept;
            }
        }
    }
}

fn life(runs: usize) -> Vec<Numbered> {
    let mut world = World::new(&[("host1", "<id2>"), ("host2", "<id3>")]);
    world.ask(Request::Create { auto: false });
    for _ in 0..runs {
        world.ask(Request::Transition(Transition::Start));
        world.ask(Request::Transition(Transition::Stop));
    }
    world.seen
}

async fn until(publisher: &Publisher, what: impl Fn(KafkaFigures) -> bool) {
    let reached = async {
        while !what(publisher.figures()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let late = tokio::time::timeout(PATIENCE, reached).await.is_err();
    assert!(!late, "it stands at {:?}", publisher.figures());
}

#[tokio::test]
async fn a_real_broker_that_is_killed_misses_nothing() {
    let Some(program) = program() else {
        eprintln!("SKIPPED: there is no Kafka (`../shared/peers/peers build kafka`) or no Java");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut broker = Broker::new(program, folder.path());
    let (window, life) = (Window::new(100_000), life(200));
    let third = life.len() / 3;
    let mut config = KafkaConfig::new(vec![broker.address()], folder.path().join("spool"));
    config.batch = 20_000;
    // It is not there yet.
    let publisher = Publisher::start(config, window.clone(), 7).expect("a spool");
    let say = |seen: &[Numbered]| seen.iter().for_each(|seen| window.say(seen.clone()));
    say(&life[..third]);
    until(&publisher, |figures| {
        figures.taken == third as u64 && figures.away
    })
    .await;
    broker.start();
    until(&publisher, |figures| figures.published > 0).await;
    // It is killed while it takes events.
    say(&life[third..2 * third]);
    broker.kill();
    until(&publisher, |figures| figures.away).await;
    say(&life[2 * third..]);
    broker.start();
    until(&publisher, |figures| {
        figures.taken == life.len() as u64 && figures.waiting == 0
    })
    .await;

    let mut wanted: BTreeMap<(&str, String), Vec<Vec<u8>>> = BTreeMap::new();
    for message in life.iter().flat_map(messages) {
        let place = (message.topic.name(), message.key.clone());
        wanted
            .entry(place)
            .or_default()
            .push(message.event.encode_to_vec());
    }
    let (mut messages, mut again) = (0, 0);
    for ((topic, key), wanted) in wanted {
        let mut got = Vec::new();
        for partition in 0..2 {
            got.extend(
                broker
                    .read(topic, partition)
                    .await
                    .into_iter()
                    .filter(|kept| kept.key == key),
            );
        }
        let mut once: Vec<Vec<u8>> = Vec::new();
        let all = got.len();
        let mut seen = std::collections::BTreeSet::new();
        for kept in got {
            if seen.insert(kept.value.clone()) {
                once.push(kept.value);
            }
        }
        assert_eq!(once, wanted, "{topic} {key}");
        messages += once.len();
        again += all - once.len();
    }
    println!(
        "{messages} messages, {again} of them again, {:?}",
        publisher.figures()
    );
}
