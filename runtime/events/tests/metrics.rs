//! What the metrics say after a life, read by a strict reader of each format.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/world.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use partita_core::environment::{DestroyOptions, Request, Transition};
use partita_events::kafka::KafkaFigures;
use partita_events::metrics::{Format, MetricsServer, Surroundings, Tally, influx, openmetrics};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::World;

/// A life until the end of its first run; the environment is still there.
fn tally() -> Tally {
    let mut world = World::new(&[("host1", "<id2>"), ("host 2", "<id3>")]);
    world.ask(Request::Create { auto: false });
    world.ask(Request::Transition(Transition::Start));
    world.ask(Request::Transition(Transition::Stop));
    world.ask(Request::Transition(Transition::Stop));
    let mut tally = Tally::default();
    for seen in &world.seen {
        tally.count(seen);
    }
    // What is said again changes nothing.
    for seen in &world.seen {
        tally.count(seen);
    }
    tally
}

fn surroundings() -> Surroundings {
    Surroundings {
        journal_bytes: Some(4096),
        journal_syncs: Some((12, 0.25)),
        executors: Some(2),
        audience: Some((3, 1)),
        kafka: Some(KafkaFigures {
            published: 7,
            ..KafkaFigures::default()
        }),
    }
}

/// Labels in braces: `name="value"`, separated by commas; `\\`, `\"` and `\n` are escapes.
fn labels(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("a label");
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(valid), "{name}");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at + 1,
                (_, '\\') => match chars.next().expect("an escape").1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    other => panic!("escape {other}"),
                },
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} twice");
        rest = &after[end..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}

/// Reads `OpenMetrics` 1.0, and gives samples by name and labels. Checks what the standard demands of a family: that it is
/// declared once and before its samples, which come together, have the suffixes of their kind, and only once; and of a
/// histogram that its buckets grow up to the count.
fn read(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").expect("the end is marked");
    let (mut samples, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut kind) = (String::new(), String::new());
    let mut last_bucket = 0.0;
    for line in body.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, is) = declared.split_once(' ').expect("name and kind");
            assert!(seen.insert(name.to_owned()), "{name} is declared twice");
            assert!(["gauge", "counter", "histogram"].contains(&is));
            (family, kind) = (name.to_owned(), is.to_owned());
            continue;
        }
        if let Some(unit) = line.strip_prefix("# UNIT ") {
            let (name, unit) = unit.split_once(' ').expect("name and unit");
            assert_eq!(name, family);
            assert!(name.ends_with(&format!("_{unit}")), "{name} ends with its unit");
            continue;
        }
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(help.starts_with(&format!("{family} ")));
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a sample");
        let value: f64 = value.parse().expect("a number");
        let (name, inside) = match series.split_once('{') {
            Some((name, inside)) => (name, inside.strip_suffix('}').expect("a closing brace")),
            None => (series, ""),
        };
        let suffix = name.strip_prefix(&family).expect("samples follow their family");
        let allowed: &[&str] = match kind.as_str() {
            "gauge" => &[""],
            "counter" => &["_total"],
            _ => &["_bucket", "_count", "_sum"],
        };
        assert!(allowed.contains(&suffix), "{name} is a {kind}");
        assert!(kind == "gauge" || value >= 0.0);
        let labels = labels(inside);
        match suffix {
            "_bucket" => {
                assert!(labels["le"] == "+Inf" || labels["le"].parse::<f64>().is_ok());
                assert!(value >= last_bucket, "buckets grow");
                last_bucket = value;
            }
            "_count" => {
                assert!(
                    (value - last_bucket).abs() < f64::EPSILON,
                    "the last bucket holds all"
                );
                last_bucket = 0.0;
            }
            _ => {}
        }
        let key = format!("{name} {labels:?}");
        assert!(samples.insert(key.clone(), value).is_none(), "{key} twice");
    }
    samples
}

#[test]
fn a_life_adds_up() {
    let samples = read(&openmetrics(&tally(), &surroundings()));
    let value = |key: &str| {
        *samples
            .get(key)
            .unwrap_or_else(|| panic!("there is no {key}: {samples:#?}"))
    };
    let close =
        |key: &str, wanted: f64| assert!((value(key) - wanted).abs() < 1e-9, "{key} is {}", value(key));
    close(r#"partita_environments {"state": "CONFIGURED"}"#, 1.0);
    close(r#"partita_environments {"state": "RUNNING"}"#, 0.0);
    close(r#"partita_tasks {"host": "host 2", "state": "CONFIGURED"}"#, 1.0);
    close(
        r#"partita_transition_seconds_count {"result": "success", "transition": "STOP_ACTIVITY"}"#,
        1.0,
    );
    close(
        r#"partita_transition_seconds_count {"result": "success", "transition": "CONFIGURE"}"#,
        1.0,
    );
    close("partita_runs_total {}", 1.0);
    close("partita_executors {}", 2.0);
    close("partita_journal_bytes {}", 4096.0);
    close("partita_journal_sync_seconds_total {}", 0.25);
    close("partita_subscribers_cut_total {}", 1.0);
    close("partita_kafka_published_total {}", 7.0);
    assert!(value("partita_memory_resident_bytes {}") > 1e6);
}

#[test]
fn what_is_gone_is_no_longer_counted() {
    let mut world = World::new(&[("host1", "<id2>")]);
    world.ask(Request::Create { auto: false });
    world.ask(Request::Destroy(DestroyOptions::default()));
    let mut tally = Tally::default();
    world.seen.iter().for_each(|seen| tally.count(seen));
    let samples = read(&openmetrics(&tally, &Surroundings::default()));
    assert!(!samples.keys().any(|key| key.starts_with("partita_tasks")));
    let gone = r#"partita_transition_seconds_count {"result": "success", "transition": "DESTROY"}"#;
    assert!((samples[gone] - 1.0).abs() < f64::EPSILON);
    let environments = samples
        .iter()
        .filter(|(key, _)| key.starts_with("partita_environments"));
    assert!(environments.map(|(_, value)| value).sum::<f64>() < 0.5);
}

/// A line of the `InfluxDB` protocol: measurement, tags, fields, time.
fn line(line: &str) -> (String, BTreeMap<String, String>, BTreeMap<String, String>, u64) {
    let (mut parts, mut part, mut chars) = (Vec::new(), String::new(), line.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => part.extend(['\\', chars.next().expect("an escape")]),
            ' ' => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    let [series, fields, time] = <[String; 3]>::try_from(parts).expect("three parts");
    let pairs = |text: &str| -> BTreeMap<String, String> {
        let escaped = text
            .replace("\\,", "\u{1}")
            .replace("\\=", "\u{2}")
            .replace("\\ ", " ");
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').expect("a pair");
            assert!(!name.is_empty() && !value.is_empty());
            (name.to_owned(), value.replace('\u{1}', ",").replace('\u{2}', "="))
        };
        escaped
            .split(',')
            .filter(|text| !text.is_empty())
            .map(pair)
            .collect()
    };
    let (name, tags) = series.split_once(',').unwrap_or((&series, ""));
    let fields = pairs(&fields);
    for value in fields.values() {
        assert!(
            value.strip_suffix('i').unwrap_or(value).parse::<f64>().is_ok(),
            "{value}"
        );
    }
    (
        name.to_owned(),
        pairs(tags),
        fields,
        time.parse().expect("nanoseconds"),
    )
}

#[test]
fn lines_hold_transitions_under_the_names_that_dashboards_know() {
    let tally = tally();
    let text = influx(&tally, &surroundings(), 1_700_000_000_000);
    let lines: Vec<_> = text.lines().map(line).collect();
    let stop = lines
        .iter()
        .find(|(name, tags, ..)| name == "transition" && tags["transition"] == "STOP_ACTIVITY")
        .expect("a transition");
    assert_eq!(
        (stop.1["env"].as_str(), stop.1["result"].as_str()),
        ("<id1>", "success")
    );
    assert_eq!(stop.2["count"], "1i");
    assert!(stop.3 > 1_600_000_000_000_000_000);
    let tasks = lines
        .iter()
        .find(|(name, tags, ..)| name == "partita_tasks" && tags["host"] == "host 2");
    assert_eq!(tasks.expect("tasks").2["value"], "1");
    // Two who ask see the same, but for the memory, which is read each time.
    let without_memory = |text: &str| -> Vec<String> {
        let kept = text.lines().filter(|line| !line.starts_with("partita_memory"));
        kept.map(str::to_owned).collect()
    };
    let again = influx(&tally, &surroundings(), 1_700_000_000_000);
    assert_eq!(without_memory(&text), without_memory(&again));
}

async fn get(address: std::net::SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the endpoint");
    let request = format!("{head} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("to be heard");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn the_endpoint_serves_both() {
    let text = |format| match format {
        Format::OpenMetrics => "open\n# EOF\n".to_owned(),
        Format::Influx => "influx\n".to_owned(),
    };
    let server = MetricsServer::start("127.0.0.1:0", text).await.expect("a port");
    let answer = get(server.address(), "GET /metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains("application/openmetrics-text; version=1.0.0"),
        "{answer}"
    );
    assert!(answer.ends_with("open\n# EOF\n"), "{answer}");
    assert!(
        get(server.address(), "GET /ecsmetrics")
            .await
            .ends_with("influx\n")
    );
    assert!(get(server.address(), "GET /").await.starts_with("HTTP/1.1 404"));
    assert!(
        get(server.address(), "POST /metrics")
            .await
            .starts_with("HTTP/1.1 405")
    );
    let taken = server.address().to_string();
    assert!(MetricsServer::start(&taken, text).await.is_err());
}
