//! Events on Kafka (`wire.md` 4.2): at least once, and in order for each environment.
//!
//! What is said goes to a spool on disk first, from there to the broker, one batch after the other, and is forgotten when
//! all replicas that are in step have it. While the broker is away the spool grows up to its limit; then nothing more
//! is taken, and what comes later is taken from what the core keeps, when there is room again. Only what the core no
//! longer keeps by then is lost, and that is said and counted.

mod client;
mod record;
mod spool;
mod wire;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::message::{Message, core_started, messages};
use crate::source::{Cut, Following, Source};
use client::Client;
pub use client::KafkaError;
use record::Record;
use spool::Spool;

/// How long to wait when the disk fails.
const DISK_RETRY: Duration = Duration::from_secs(1);

/// Where events go, and how patiently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Brokers to begin with, `HOST:PORT`.
    pub brokers: Vec<String>,
    /// Folder for what waits.
    pub spool: PathBuf,
    /// How much may wait, in bytes.
    pub spool_limit: u64,
    /// How much goes in one request, in bytes; a broker takes 1 MiB unless told otherwise.
    pub batch: usize,
    /// How long to wait before the next try: at first, and at most.
    pub retry: (Duration, Duration),
    /// How the core is called in the event of its start.
    pub framework: String,
}

impl KafkaConfig {
    /// With the usual limits: 1 GiB on disk, 512 KiB in one request, and a try after 100 ms up to 5 s.
    pub fn new(brokers: Vec<String>, spool: PathBuf) -> Self {
        Self {
            brokers,
            spool,
            spool_limit: 1 << 30,
            batch: 512 << 10,
            retry: (Duration::from_millis(100), Duration::from_secs(5)),
            framework: "local".to_owned(),
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KafkaFigures {
    /// Last number that was taken from the core.
    pub taken: u64,
    /// Last number that the broker has.
    pub acknowledged: u64,
    /// Messages that the broker has taken.
    pub published: u64,
    /// Bytes on disk that wait.
    pub waiting: u64,
    /// Observations that were lost because too much waited for too long, and messages that the broker will never take.
    pub lost: u64,
    /// Tries that failed.
    pub failures: u64,
    /// The last try has failed.
    pub away: bool,
}

#[derive(Debug)]
struct Shared {
    spool: Mutex<Spool>,
    figures: Mutex<KafkaFigures>,
    /// There is something to send, or room again.
    news: Notify,
    room: Notify,
}

impl Shared {
    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures(&self) -> MutexGuard<'_, KafkaFigures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to Kafka. Dropping it stops it; what waits stays on disk.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Publisher {
    /// Begins with what waits on disk, and goes on with what comes after that. `now`: milliseconds since 1970, for
    /// the event of the core's start.
    pub fn start(config: KafkaConfig, source: impl Source, now: u64) -> io::Result<Self> {
        let mut spool = Spool::open(&config.spool, config.spool_limit)?;
        let started = core_started(now, &config.framework);
        let number = spool.last();
        spool.append(number, &[record(number, &started)])?;
        let shared = Arc::new(Shared {
            spool: Mutex::new(spool),
            figures: Mutex::default(),
            news: Notify::new(),
            room: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(collect(Arc::clone(&shared), source));
        tasks.spawn(deliver(Arc::clone(&shared), config));
        Ok(Self {
            shared,
            _tasks: tasks,
        })
    }

    /// How it stands.
    pub fn figures(&self) -> KafkaFigures {
        let spool = self.shared.spool();
        KafkaFigures {
            taken: spool.last(),
            acknowledged: spool.acknowledged(),
            waiting: spool.waiting(),
            ..*self.shared.figures()
        }
    }
}

fn record(number: u64, message: &Message) -> Record {
    Record {
        number,
        topic: message.topic.name().to_owned(),
        key: message.key.clone(),
        time: message.event.timestamp,
        value: message.event.encode_to_vec(),
    }
}

/// From the core to the spool.
async fn collect(shared: Arc<Shared>, source: impl Source) {
    loop {
        let last = shared.spool().last();
        match source.follow(Some(last + 1)) {
            Ok(following) => match fill(&shared, following).await {
                Ok(Cut::Ended) => return,
                // It waited for room for too long: what is lost is seen when it begins anew.
                Ok(_) => {}
                Err(error) => {
                    // What was not written is asked for again.
                    tracing::error!(%error, "cannot write what is to go to Kafka");
                    sleep(DISK_RETRY).await;
                }
            },
            Err(Cut::Missed { oldest, .. }) => {
                // A spool that has never held anything begins with what there is.
                if last > 0 {
                    let missing = oldest.saturating_sub(last + 1);
                    shared.figures().lost += missing;
                    tracing::error!(
                        missing,
                        from = last + 1,
                        to = oldest - 1,
                        "lost for Kafka: too much was waiting"
                    );
                }
                shared.spool().skip_to(oldest.saturating_sub(1));
            }
            Err(Cut::Future { newest, .. }) => {
                tracing::warn!(
                    last,
                    newest,
                    "what waits for Kafka is of another core: this one's events follow it"
                );
                shared.spool().go_back_to(newest);
            }
            Err(Cut::Ended) => return,
        }
    }
}

/// Until the core ends, or what is wanted is no longer kept.
async fn fill(shared: &Shared, mut following: impl Following) -> io::Result<Cut> {
    loop {
        while shared.spool().is_full() {
            shared.room.notified().await;
        }
        match following.next().await {
            Ok(seen) => {
                let records: Vec<Record> = messages(&seen)
                    .iter()
                    .map(|message| record(seen.number, message))
                    .collect();
                shared.spool().append(seen.number, &records)?;
                shared.news.notify_one();
            }
            Err(cut) => return Ok(cut),
        }
    }
}

/// From the spool to the broker.
async fn deliver(shared: Arc<Shared>, config: KafkaConfig) {
    let mut client = Client::new(config.brokers.clone());
    let mut wait = config.retry.0;
    loop {
        let batch = shared.spool().batch(config.batch);
        let (records, mark) = match batch {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                shared.news.notified().await;
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "cannot read what is to go to Kafka");
                sleep(DISK_RETRY).await;
                continue;
            }
        };
        let count = records.len() as u64;
        match client.send(records).await {
            Ok(hopeless) => {
                for (record, code) in &hopeless {
                    let (number, topic, bytes) = (record.number, &record.topic, record.value.len());
                    tracing::error!(number, topic, bytes, code, "lost for Kafka: no broker takes this");
                }
                let hopeless = hopeless.len() as u64;
                {
                    let mut figures = shared.figures();
                    if figures.away {
                        tracing::info!(brokers = ?config.brokers, "Kafka takes events again");
                    }
                    figures.away = false;
                    figures.lost += hopeless;
                    figures.published += count - hopeless;
                }
                wait = config.retry.0;
                let noted = shared.spool().acknowledge(mark);
                if let Err(error) = noted {
                    tracing::warn!(%error, "what Kafka has got may be sent again after a restart");
                }
                shared.room.notify_one();
            }
            Err(error) => {
                {
                    let mut figures = shared.figures();
                    figures.failures += 1;
                    // Once is enough: it may be away for long.
                    if !std::mem::replace(&mut figures.away, true) {
                        tracing::warn!(%error, "Kafka takes no events; they are kept on disk");
                    }
                }
                sleep(wait).await;
                wait = (wait * 2).min(config.retry.1);
            }
        }
    }
}
