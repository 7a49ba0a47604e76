//! One environment's life as the existing core published it (`../shared/conformance/events`), and ours: topic by topic
//! the same messages, with the same fields, in the same order, less the noise that the README there names.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/json.rs"]
mod json;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use json::as_json;
use partita_core::aggregate::State as TaskState;
use partita_core::cause::Exit;
use partita_core::environment::{DestroyOptions, Life, Request, TaskReport, Transition};
use partita_events::message::{Message, messages};
use serde_json::Value;
use world::{ENVIRONMENT, World};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance/events");

/// Messages by topic and by what their order is kept for: tasks, roles, and all else together.
type Told = BTreeMap<String, Vec<Value>>;

fn sorted(rows: impl Iterator<Item = (String, String, Value)>) -> Told {
    let mut told = Told::new();
    for (topic, key, mut event) in rows {
        let task = event.pointer("/taskEvent/path").and_then(Value::as_str);
        let role = event.pointer("/roleEvent/rolePath").and_then(Value::as_str);
        let place = format!("{topic} {key} {}", task.or(role).unwrap_or_default());
        if let Some(Value::Object(environment)) = event.get_mut("environmentEvent") {
            quiet(environment);
        }
        told.entry(place).or_default().push(event);
    }
    told
}

/// Takes away what differs by nature: noise, what the surroundings are called, and what we know beyond the reference.
fn quiet(event: &mut serde_json::Map<String, Value>) {
    let text = |event: &serde_json::Map<String, Value>, name: &str| {
        event
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let leaves = text(event, "transitionStep").starts_with("leave_");
    if leaves && event.get("error").is_none() {
        event.insert("transitionStatus".to_owned(), serde_json::json!("ONGOING"));
    }
    let error = text(event, "error");
    if let Some((known, _)) = error.split_once(" transitioned to ERROR: ") {
        event.insert(
            "error".to_owned(),
            serde_json::json!(format!("{known} transitioned to ERROR")),
        );
    }
    if event.remove("vars").is_some() {
        event.insert("vars".to_owned(), serde_json::json!("all of them"));
    }
}

fn recorded(name: &str) -> Option<Told> {
    let path = Path::new(RECORDED).join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: there is no {}", path.display());
        return None;
    };
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        (text("topic"), text("key"), row["event"].clone())
    };
    Some(sorted(text.lines().map(row)))
}

fn ours(world: &World) -> Told {
    let told: Vec<Message> = world.seen.iter().flat_map(messages).collect();
    sorted(told.iter().map(|message| {
        let topic = message.topic.name().to_owned();
        (topic, message.key.clone(), as_json(&message.event))
    }))
}

fn compare(recorded: &Told, ours: &Told) {
    let places = |told: &Told| told.keys().cloned().collect::<Vec<_>>();
    assert_eq!(places(recorded), places(ours));
    let mut count = 0;
    for (place, want) in recorded {
        let got = &ours[place];
        for (index, (want, got)) in want.iter().zip(got).enumerate() {
            assert_eq!(want, got, "{place}, message {index}");
        }
        assert_eq!(want.len(), got.len(), "{place}");
        count += want.len();
    }
    assert!(count > 80, "only {count} messages were compared");
}

#[test]
fn a_whole_life_reads_as_recorded() {
    let Some(recorded) = recorded("life.jsonl") else {
        return;
    };
    let mut world = World::new(&[("host2", "<id2>"), ("host1", "<id3>")]);
    world.ask(Request::Create { auto: false });
    for transition in [
        Transition::Start,
        Transition::Stop,
        Transition::Reset,
        Transition::Configure,
    ] {
        world.ask(Request::Transition(transition));
    }
    world.ask(Request::Destroy(DestroyOptions::default()));
    compare(&recorded, &ours(&world));
}

#[test]
fn a_killed_task_reads_as_recorded() {
    let Some(recorded) = recorded("task-killed.jsonl") else {
        return;
    };
    let mut world = World::new(&[("host1", "<id2>")]);
    world.ask(Request::Create { auto: false });
    world.ask(Request::Transition(Transition::Start));
    world.report(
        0,
        TaskReport {
            life: Life::Ended,
            exit: Some(Exit::Signal(9)),
            state: Some(TaskState::Running),
            ..TaskReport::default()
        },
    );
    world.ask(Request::Destroy(DestroyOptions {
        force: true,
        ..DestroyOptions::default()
    }));
    compare(&recorded, &ours(&world));
}

#[test]
fn a_refused_transition_is_told_and_changes_nothing() {
    let mut world = World::new(&[("host1", "<id2>")]);
    world.ask(Request::Create { auto: false });
    let before = world.seen.len();
    world.ask(Request::Transition(Transition::Stop));
    let told: Vec<Value> = world.seen[before..]
        .iter()
        .flat_map(messages)
        .map(|message| as_json(&message.event)["environmentEvent"].clone())
        .collect();
    let texts: Vec<&str> = told
        .iter()
        .filter_map(|event| event["message"].as_str())
        .collect();
    assert_eq!(texts, ["transition starting", "transition impossible"]);
    assert_eq!(told[1]["state"], "CONFIGURED");
    assert_eq!(told[1]["error"], "STOP_ACTIVITY is not possible in CONFIGURED");
    assert_eq!(told[1]["environmentId"], ENVIRONMENT);
}

#[test]
fn numbers_keep_the_order_within_a_millisecond() {
    let mut world = World::new(&[("host1", "<id2>")]);
    world.ask(Request::Create { auto: false });
    let times: Vec<i64> = world
        .seen
        .iter()
        .flat_map(messages)
        .map(|message| message.event.timestamp_nano)
        .collect();
    assert!(times.is_sorted());
    assert!(times.first() < times.last());
}
