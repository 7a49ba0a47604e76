//! Figures of the core for people's dashboards: counted from observations, joined with what other parts know of
//! themselves, and written as `OpenMetrics` or as `InfluxDB` lines when somebody asks.

mod influx;
mod openmetrics;
mod serve;
mod tally;

pub use serve::{Format, MetricsServer, ServeError};
pub use tally::Tally;

use crate::kafka::KafkaFigures;

/// What a figure is (`OpenMetrics` 1.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows.
    Counter,
    /// Counts how long things took, by upper bounds.
    Histogram,
}

/// Figures of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name, with the unit at its end and without the suffix of its kind.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it means, one line.
    pub help: &'static str,
    /// `seconds`, `bytes`, or empty.
    pub unit: &'static str,
    /// One for each combination of labels.
    pub samples: Vec<Sample>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What it is of.
    pub labels: Vec<(&'static str, String)>,
    /// How much.
    pub value: Value,
}

/// How much.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// How many took how long.
    Histogram {
        /// Upper bounds in seconds, and how many took no longer than each.
        buckets: Vec<(f64, u64)>,
        /// How many there were.
        count: u64,
        /// How long they took together, in seconds.
        sum: f64,
    },
}

/// What other parts of the core know of themselves.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Bytes of the journal on disk; `None`: there is none.
    pub journal_bytes: Option<u64>,
    /// How often the journal was synced, and how long that took together, in seconds.
    pub journal_syncs: Option<(u64, f64)>,
    /// Executors that are attached.
    pub executors: Option<u64>,
    /// Who listens to events, and who was too slow so far.
    pub audience: Option<(u64, u64)>,
    /// How Kafka is.
    pub kafka: Option<KafkaFigures>,
}

/// Number as it can be written; above 2⁵³ the last digits are lost.
#[allow(clippy::cast_precision_loss, reason = "a dashboard needs no more")]
fn number(count: u64) -> Value {
    Value::Number(count as f64)
}

fn plain(name: &'static str, kind: Kind, help: &'static str, unit: &'static str, value: Value) -> Family {
    let labels = Vec::new();
    Family {
        name,
        kind,
        help,
        unit,
        samples: vec![Sample { labels, value }],
    }
}

impl Surroundings {
    fn families(&self) -> Vec<Family> {
        let mut families = Vec::new();
        let mut gauge =
            |name, help, unit, value| families.push(plain(name, Kind::Gauge, help, unit, number(value)));
        if let Some(bytes) = resident() {
            gauge(
                "partita_memory_resident_bytes",
                "Memory of the core.",
                "bytes",
                bytes,
            );
        }
        if let Some(executors) = self.executors {
            gauge("partita_executors", "Executors that are attached.", "", executors);
        }
        if let Some(bytes) = self.journal_bytes {
            gauge("partita_journal_bytes", "Journal on disk.", "bytes", bytes);
        }
        if let Some((listening, _)) = self.audience {
            gauge("partita_subscribers", "Who listens to events.", "", listening);
        }
        if let Some(kafka) = self.kafka {
            gauge(
                "partita_kafka_away",
                "1: the last try to reach Kafka failed.",
                "",
                kafka.away.into(),
            );
            gauge(
                "partita_kafka_waiting_bytes",
                "Events on disk that Kafka has not taken.",
                "bytes",
                kafka.waiting,
            );
        }
        let mut counter =
            |name, help, unit, value| families.push(plain(name, Kind::Counter, help, unit, value));
        if let Some((syncs, seconds)) = self.journal_syncs {
            counter(
                "partita_journal_syncs",
                "Syncs of the journal.",
                "",
                number(syncs),
            );
            let help = "Time in syncs of the journal.";
            counter(
                "partita_journal_sync_seconds",
                help,
                "seconds",
                Value::Number(seconds),
            );
        }
        if let Some((_, cut)) = self.audience {
            counter(
                "partita_subscribers_cut",
                "Subscribers that were too slow.",
                "",
                number(cut),
            );
        }
        if let Some(kafka) = self.kafka {
            counter(
                "partita_kafka_published",
                "Messages that Kafka has taken.",
                "",
                number(kafka.published),
            );
            counter(
                "partita_kafka_lost",
                "Messages that Kafka will never get.",
                "",
                number(kafka.lost),
            );
            counter(
                "partita_kafka_failures",
                "Tries to reach Kafka that failed.",
                "",
                number(kafka.failures),
            );
        }
        families
    }
}

/// Memory of this process in bytes (`proc_pid_status(5)`).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Everything as `OpenMetrics` text.
pub fn openmetrics(tally: &Tally, surroundings: &Surroundings) -> String {
    let families = tally.families().into_iter().chain(surroundings.families());
    openmetrics::write(families)
}

/// Everything as `InfluxDB` lines. `now`: milliseconds since 1970.
pub fn influx(tally: &Tally, surroundings: &Surroundings, now: u64) -> String {
    let families = tally.families().into_iter().chain(surroundings.families());
    influx::write(families, tally, now)
}
