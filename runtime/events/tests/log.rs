//! Logs say what happens with fields, and no secret.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/world.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod world;

use std::io;
use std::sync::{Arc, Mutex};

use partita_core::environment::{Life, Observation, Request, TaskReport, Transition};
use partita_events::log::log;
use serde_json::Value;
use world::World;

const SECRET: &str = "correct-horse-battery-staple";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn logs_have_fields_and_no_secrets() {
    let mut world = World::new(&[("host1", "<id2>")]);
    world.ask(Request::Create { auto: false });
    world.ask(Request::Transition(Transition::Start));
    let last_lines = vec![format!("connecting with password {SECRET}")];
    world.report(
        0,
        TaskReport {
            life: Life::Ended,
            last_lines,
            ..TaskReport::default()
        },
    );
    let mut holds_it = false;
    for seen in &mut world.seen {
        if let Observation::Created { variables, .. } = &mut seen.observation {
            variables.insert("db_password".to_owned(), SECRET.to_owned());
        }
        holds_it |= format!("{seen:?}").contains(SECRET);
    }
    assert!(holds_it, "there is something to be kept secret");
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || world.seen.iter().for_each(log));
    let bytes = lines.0.lock().expect("no panic").clone();
    let text = String::from_utf8(bytes).expect("text");
    assert!(!text.contains(SECRET), "{text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let about = |wanted: &str| {
        let line = lines
            .iter()
            .find(|line| line["fields"]["message"].as_str() == Some(wanted));
        line.unwrap_or_else(|| panic!("no line says {wanted}: {text}"))["fields"].clone()
    };
    assert_eq!(about("task")["role"], "light.host-host1.task-0");
    assert_eq!(about("task")["task"], "<id2>");
    assert_eq!(about("transition begins")["environment"], "<id1>");
    assert_eq!(about("run begins, or begins to end")["run"], 42);
    let lost = lines
        .iter()
        .find(|line| line["level"] == "ERROR" && line["fields"]["host"] == "host1");
    assert_eq!(lost.expect("a lost task")["fields"]["task"], "<id2>");
}
