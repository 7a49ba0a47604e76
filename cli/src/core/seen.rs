//! The daemon as it is seen from outside: log lines, metrics, Kafka (docs/events.md, docs/metrics.md).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use partita_core::core::Core;
use partita_events::kafka::{KafkaConfig, Publisher};
use partita_events::log::log;
use partita_events::metrics::{Format, MetricsServer, Surroundings, Tally, influx, openmetrics};
use partita_events::source::{Audience, Cut, Following, Source};
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::terminal;

/// Where metrics are served unless told otherwise: the port of the existing core, for this machine only.
const METRICS: &str = "127.0.0.1:8088";
/// In the state folder: what waits for Kafka, and the journal.
const SPOOL: &str = "kafka";
const JOURNAL: &str = "journal";

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

#[derive(Debug, clap::Args)]
pub(super) struct Outside {
    /// Publish events to Kafka, beginning with these brokers; what waits for them is kept in the state folder
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    kafka: Vec<String>,
    /// Where metrics are served, `/metrics` and `/ecsmetrics`; `off`: nowhere [default: 127.0.0.1:8088, if it is free]
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,
    /// How log lines are written; the variable `PARTITA_LOG` filters them
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
}

impl Outside {
    /// Log lines go to standard error, filtered by `PARTITA_LOG`.
    #[allow(
        clippy::disallowed_methods,
        reason = "the command line is where the environment is read"
    )]
    pub(super) fn log(&self) -> Result<(), Failure> {
        let filter = std::env::var("PARTITA_LOG").unwrap_or_else(|_| "info".to_owned());
        let filter = tracing_subscriber::EnvFilter::try_new(&filter)
            .map_err(|error| Failure::Usage(format!("PARTITA_LOG={filter}: {error}")))?;
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => lines.with_ansi(terminal::colours(&std::io::stderr())).init(),
            LogFormat::Json => lines.json().init(),
        }
        Ok(())
    }

    /// Begins to show what `core` does, until what is given back is dropped. The core is not held.
    pub(super) async fn show(
        &self,
        core: &Arc<Core>,
        audience: Arc<Audience>,
        state: &Path,
    ) -> Result<Shown, Failure> {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let source = Arc::downgrade(core);
        let mut tasks = JoinSet::new();
        tasks.spawn(tell(source.clone(), Arc::clone(&tally)));
        let publisher = if self.kafka.is_empty() {
            None
        } else {
            let config = KafkaConfig::new(self.kafka.clone(), state.join(SPOOL));
            let publisher = Publisher::start(config, source, now())
                .map_err(|error| Failure::Surroundings(format!("cannot keep events for Kafka: {error}")))?;
            Some(Arc::new(publisher))
        };
        let (kafka, journal) = (publisher.clone(), state.join(JOURNAL));
        let text = move |format| {
            let surroundings = Surroundings {
                journal_bytes: size(&journal),
                audience: Some((audience.listening(), audience.cut())),
                kafka: kafka.as_ref().map(|publisher| publisher.figures()),
                ..Surroundings::default()
            };
            let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            match format {
                Format::OpenMetrics => openmetrics(&tally, &surroundings),
                Format::Influx => influx(&tally, &surroundings, now()),
            }
        };
        let metrics = match self.metrics.as_deref() {
            Some("off") => None,
            Some(address) => {
                let server = MetricsServer::start(address, text).await;
                Some(server.map_err(|error| {
                    Failure::Surroundings(format!("{error}; `--metrics off` does without"))
                })?)
            }
            None => match MetricsServer::start(METRICS, text).await {
                Ok(server) => Some(server),
                Err(error) => {
                    tracing::warn!(%error, "there are no metrics: --metrics HOST:PORT chooses another place");
                    None
                }
            },
        };
        if let Some(server) = &metrics {
            tracing::info!(address = %server.address(), "metrics");
        }
        Ok(Shown {
            _metrics: metrics,
            _publisher: publisher,
            _tasks: tasks,
        })
    }
}

/// What shows the core. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Shown {
    _metrics: Option<MetricsServer>,
    _publisher: Option<Arc<Publisher>>,
    _tasks: JoinSet<()>,
}

/// Logs and counts whatever happens.
async fn tell(source: Weak<Core>, tally: Arc<Mutex<Tally>>) {
    let count = || tally.lock().unwrap_or_else(PoisonError::into_inner);
    let mut from = None;
    loop {
        let Ok(mut following) = source.follow(from) else {
            return;
        };
        // What is there already; news of it that come meanwhile are counted after.
        if let Some(core) = source.upgrade() {
            for id in core.environments().await.unwrap_or_default().into_keys() {
                if let Ok(snapshot) = core.snapshot(&id).await {
                    count().seed(&snapshot);
                }
            }
        }
        loop {
            match Following::next(&mut following).await {
                Ok(seen) => {
                    log(&seen);
                    count().count(&seen);
                }
                Err(Cut::Missed { wanted, oldest }) => {
                    tracing::warn!(
                        wanted,
                        oldest,
                        "too much happened at once: some of it is not in the log"
                    );
                    from = Some(oldest);
                    break;
                }
                Err(_) => return,
            }
        }
    }
}

/// Bytes of the files of a folder.
fn size(folder: &Path) -> Option<u64> {
    let files = std::fs::read_dir(folder).ok()?;
    let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
    Some(sizes.sum())
}

/// Milliseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "figures say when they were taken")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
