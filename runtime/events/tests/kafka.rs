//! The way to Kafka, against a broker in this process: everything arrives, in order, whatever the broker does.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/broker.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod broker;
#[path = "support/window.rs"]
mod window;
#[path = "support/world.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::{Broker, Kept, Log, Mood};
use partita_core::environment::{Numbered, Request, Transition};
use partita_events::kafka::{KafkaConfig, KafkaFigures, Publisher};
use partita_events::message::messages;
use prost::Message as _;
use window::Window;
use world::World;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn config(address: &str, folder: &Path) -> KafkaConfig {
    let mut config = KafkaConfig::new(vec![address.to_owned()], folder.join("kafka"));
    config.retry = (Duration::from_millis(1), Duration::from_millis(20));
    config.batch = 2_000;
    config
}

/// What happens in two environments with runs, one after the other.
fn life() -> Vec<Numbered> {
    let mut all = Vec::new();
    for environment in ["2kYq", "3xPz"] {
        let mut world = World::new(&[("host1", "<id2>"), ("host2", "<id3>")]);
        world.ask(Request::Create { auto: false });
        for _ in 0..3 {
            world.ask(Request::Transition(Transition::Start));
            world.ask(Request::Transition(Transition::Stop));
        }
        for seen in world.seen {
            let number = all.len() as u64 + 1;
            let environment = environment.to_owned();
            all.push(Numbered {
                number,
                environment,
                ..seen
            });
        }
    }
    all
}

/// Values by topic and key, in order.
type Rows = BTreeMap<(String, String), Vec<Vec<u8>>>;

fn wanted(seen: &[Numbered]) -> Rows {
    let mut rows = Rows::new();
    for message in seen.iter().flat_map(messages) {
        let place = (message.topic.name().to_owned(), message.key.clone());
        rows.entry(place).or_default().push(message.event.encode_to_vec());
    }
    rows
}

/// What the broker has, without the events of the core itself.
fn got(log: &Mutex<Log>) -> Rows {
    let mut rows = Rows::new();
    for ((topic, _), kept) in &log.lock().expect("no panic").kept {
        for Kept { key, value, .. } in kept {
            if topic != "aliecs.core" {
                let place = (topic.clone(), key.clone());
                rows.entry(place).or_default().push(value.clone());
            }
        }
    }
    rows
}

/// Without what came again: the same rows from some place before on, in the same order.
fn once(rows: Rows) -> Rows {
    let without = |values: Vec<Vec<u8>>| {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for value in values {
            if !kept.contains(&value) {
                kept.push(value);
            }
        }
        kept
    };
    rows.into_iter()
        .map(|(place, values)| (place, without(values)))
        .collect()
}

/// Until it stands as is wanted.
async fn until(publisher: &Publisher, what: impl Fn(KafkaFigures) -> bool) {
    let reached = async {
        while !what(publisher.figures()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let late = tokio::time::timeout(PATIENCE, reached).await.is_err();
    assert!(!late, "it stands at {:?}", publisher.figures());
}

fn said(window: &Window, seen: &[Numbered]) {
    for seen in seen {
        window.say(seen.clone());
    }
}

#[tokio::test]
async fn all_events_arrive_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Broker::start("127.0.0.1:0", Arc::default()).await;
    let (window, life) = (Window::new(10_000), life());
    said(&window, &life);
    let publisher = Publisher::start(config(&broker.address, folder.path()), window, 7).expect("a spool");
    let last = life.len() as u64;
    until(&publisher, |figures| {
        figures.taken == last && figures.waiting == 0
    })
    .await;
    assert_eq!(got(&broker.log), wanted(&life));
    let starts: Vec<Kept> = broker.log.lock().expect("no panic").kept[&("aliecs.core".to_owned(), 0)].clone();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0].time, 7);
    assert_eq!(publisher.figures().lost, 0);
}

#[tokio::test]
async fn a_broker_that_goes_and_comes_and_lies_misses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Arc::new(Mutex::new(Log::default()));
    let broker = Broker::start("127.0.0.1:0", Arc::clone(&log)).await;
    let address = broker.address.clone();
    let (window, life) = (Window::new(10_000), life());
    let publisher = Publisher::start(config(&address, folder.path()), window.clone(), 7).expect("a spool");
    let third = life.len() / 3;
    // It takes some and dies before it says so, and refuses some: no leader, too few replicas.
    log.lock().expect("no panic").moods = vec![
        Mood::Takes,
        Mood::TakesAndDies,
        Mood::Refuses(6),
        Mood::Refuses(19),
        Mood::TakesAndDies,
    ];
    said(&window, &life[..third]);
    until(&publisher, |figures| {
        figures.taken == third as u64 && figures.waiting == 0
    })
    .await;
    assert!(publisher.figures().failures >= 4);
    // It is away.
    drop(broker);
    tokio::task::yield_now().await;
    let before = publisher.figures().failures;
    said(&window, &life[third..2 * third]);
    until(&publisher, |figures| {
        figures.failures > before && figures.away && figures.waiting > 0
    })
    .await;
    let broker = Broker::start(&address, Arc::clone(&log)).await;
    said(&window, &life[2 * third..]);
    until(&publisher, |figures| {
        figures.taken == life.len() as u64 && figures.waiting == 0
    })
    .await;
    assert_eq!(once(got(&broker.log)), wanted(&life));
    assert!(!publisher.figures().away);
}

#[tokio::test]
async fn a_restart_of_the_core_goes_on_from_the_last_acknowledged_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Arc::new(Mutex::new(Log::default()));
    let broker = Broker::start("127.0.0.1:0", Arc::clone(&log)).await;
    let address = broker.address.clone();
    let (window, life) = (Window::new(10_000), life());
    let half = life.len() / 2;
    let publisher = Publisher::start(config(&address, folder.path()), window.clone(), 7).expect("a spool");
    said(&window, &life[..half]);
    until(&publisher, |figures| {
        figures.taken == half as u64 && figures.waiting == 0
    })
    .await;
    drop(broker);
    // While the broker is away more happens, and the core dies.
    said(&window, &life[half..half + 20]);
    until(&publisher, |figures| figures.away && figures.waiting > 0).await;
    drop(publisher);
    let requests = log.lock().expect("no panic").requests;
    let broker = Broker::start(&address, Arc::clone(&log)).await;
    let publisher = Publisher::start(config(&address, folder.path()), window.clone(), 8).expect("a spool");
    said(&window, &life[half + 20..]);
    until(&publisher, |figures| {
        figures.taken == life.len() as u64 && figures.waiting == 0
    })
    .await;
    assert_eq!(
        got(&broker.log),
        wanted(&life),
        "nothing is missing, and what had been taken is not sent again"
    );
    assert!(log.lock().expect("no panic").requests > requests);
}

#[tokio::test]
async fn when_the_spool_is_full_the_oldest_stay_and_what_is_lost_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Arc::new(Mutex::new(Log::default()));
    let broker = Broker::start("127.0.0.1:0", Arc::clone(&log)).await;
    let address = broker.address.clone();
    drop(broker);
    let life = life();
    // The core keeps only the last twenty.
    let window = Window::new(20);
    let mut config = config(&address, folder.path());
    config.spool_limit = 4_000;
    window.say(life[0].clone());
    let publisher = Publisher::start(config, window.clone(), 7).expect("a spool");
    let mut next = 1;
    while publisher.figures().waiting < 4_000 {
        window.say(life[next].clone());
        next += 1;
        until(&publisher, |figures| {
            figures.waiting >= 4_000 || figures.taken == next as u64
        })
        .await;
    }
    said(&window, &life[next..]);
    let broker = Broker::start(&address, Arc::clone(&log)).await;
    until(&publisher, |figures| {
        figures.taken == life.len() as u64 && figures.waiting == 0
    })
    .await;
    let lost = publisher.figures().lost;
    assert!(lost > 0);
    let (got, wanted) = (got(&broker.log), wanted(&life));
    for (place, got) in &got {
        let wanted = &wanted[place];
        let mut rest = wanted.iter();
        assert!(
            got.iter().all(|value| rest.any(|wanted| wanted == value)),
            "{place:?} is in order"
        );
    }
    let first = &wanted[&("aliecs.environment".to_owned(), "2kYq".to_owned())][0];
    assert_eq!(
        &got[&("aliecs.environment".to_owned(), "2kYq".to_owned())][0],
        first,
        "the oldest stay"
    );
}

#[tokio::test]
async fn what_no_broker_will_ever_take_is_counted_and_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Arc::new(Mutex::new(Log::default()));
    let broker = Broker::start("127.0.0.1:0", Arc::clone(&log)).await;
    let (window, life) = (Window::new(10_000), life());
    // Too large, together and alone.
    log.lock().expect("no panic").moods = vec![Mood::Refuses(10); 2];
    said(&window, &life);
    let publisher = Publisher::start(config(&broker.address, folder.path()), window, 7).expect("a spool");
    until(&publisher, |figures| {
        figures.taken == life.len() as u64 && figures.waiting == 0
    })
    .await;
    assert!(publisher.figures().lost > 0);
}
