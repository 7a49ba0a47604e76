//! Talks to brokers: finds who leads a partition, and gives each leader its records, one request at a time so that the
//! order holds.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::record::{Record, partition};
use super::wire::{self, Malformed, code};

/// How long a broker has for an answer. Replicas get a little less, so that it can still say what is wrong.
const ANSWER: Duration = Duration::from_secs(10);
const REPLICAS_MS: i32 = 8_000;

/// Why records are not on Kafka yet, or never will be.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// No broker can be reached.
    #[error("no broker answers at {addresses}: {source}")]
    Unreachable {
        /// Where was tried.
        addresses: String,
        /// What happened at the last one.
        source: io::Error,
    },
    /// A broker broke off.
    #[error("the broker at {address}: {source}")]
    Broken {
        /// Which.
        address: String,
        /// What happened.
        source: io::Error,
    },
    /// It speaks something else.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It cannot now; `https://kafka.apache.org/protocol#protocol_error_codes` lists the codes.
    #[error("the broker refuses {topic} with error code {code}")]
    Refused {
        /// Which topic.
        topic: String,
        /// Its code.
        code: i16,
    },
}

#[derive(Debug)]
struct Connection {
    address: String,
    stream: TcpStream,
    correlation: i32,
}

impl Connection {
    async fn open(address: &str) -> io::Result<Self> {
        let stream = timeout(ANSWER, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self {
            address: address.to_owned(),
            stream,
            correlation: 0,
        })
    }

    /// Sends what `request` makes of the next correlation number, and gives that number with the answer.
    async fn ask(&mut self, request: impl FnOnce(i32) -> Vec<u8>) -> Result<(i32, Vec<u8>), KafkaError> {
        self.correlation = self.correlation.wrapping_add(1);
        let (number, bytes) = (self.correlation, request(self.correlation));
        let answer = timeout(ANSWER, self.exchange(&bytes)).await;
        let answer = answer.unwrap_or_else(|late| Err(late.into()));
        let answer = answer.map_err(|source| KafkaError::Broken {
            address: self.address.clone(),
            source,
        })?;
        Ok((number, answer))
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.write_all(request).await?;
        let length = usize::try_from(self.stream.read_i32().await?).unwrap_or(usize::MAX);
        if length > wire::ANSWER_LIMIT {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

/// A producer.
#[derive(Debug)]
pub(super) struct Client {
    /// Where to begin, `HOST:PORT`.
    bootstrap: Vec<String>,
    connections: BTreeMap<String, Connection>,
    /// Addresses of the leaders of a topic's partitions, by number.
    leaders: BTreeMap<String, Vec<String>>,
}

impl Client {
    pub(super) fn new(bootstrap: Vec<String>) -> Self {
        Self {
            bootstrap,
            connections: BTreeMap::new(),
            leaders: BTreeMap::new(),
        }
    }

    /// Brings all records to their partitions, in order. Those that no broker will ever take are given back. After an
    /// error, which records have arrived is not known: all are to be sent again.
    pub(super) async fn send(&mut self, records: Vec<Record>) -> Result<Vec<(Record, i16)>, KafkaError> {
        let sent = self.try_send(records).await;
        if sent.is_err() {
            // Whatever was known may be wrong now.
            self.connections.clear();
            self.leaders.clear();
        }
        sent
    }

    async fn try_send(&mut self, records: Vec<Record>) -> Result<Vec<(Record, i16)>, KafkaError> {
        let unknown: Vec<&str> = {
            let mut topics: Vec<&str> = records.iter().map(|record| record.topic.as_str()).collect();
            topics.sort_unstable();
            topics.dedup();
            topics.retain(|topic| !self.leaders.contains_key(*topic));
            topics
        };
        if !unknown.is_empty() {
            self.find(&unknown).await?;
        }
        // By leader, then by partition.
        let mut work: BTreeMap<String, BTreeMap<(String, i32), Vec<Record>>> = BTreeMap::new();
        for record in records {
            let leaders = self
                .leaders
                .get(&record.topic)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let place = partition(&record.key, leaders.len());
            let leader = leaders.get(place).cloned().unwrap_or_default();
            let number = i32::try_from(place).unwrap_or_default();
            let partition = (record.topic.clone(), number);
            work.entry(leader)
                .or_default()
                .entry(partition)
                .or_default()
                .push(record);
        }
        let mut hopeless = Vec::new();
        for (leader, partitions) in work {
            hopeless.extend(self.produce(&leader, partitions).await?);
        }
        Ok(hopeless)
    }

    async fn produce(
        &mut self,
        leader: &str,
        mut partitions: BTreeMap<(String, i32), Vec<Record>>,
    ) -> Result<Vec<(Record, i16)>, KafkaError> {
        let mut hopeless = Vec::new();
        let batch = |((topic, number), records): (&(String, i32), &Vec<Record>)| {
            (topic.clone(), *number, records.clone())
        };
        let batches: Vec<_> = partitions.iter().map(batch).collect();
        for refused in self.exchange(leader, &batches).await? {
            let Some(records) = partitions.remove(&(refused.topic.clone(), refused.partition)) else {
                continue;
            };
            match refused.error {
                code::NONE => {}
                // Together they are too much, or one is: one after the other, and the one is named.
                code::MESSAGE_TOO_LARGE
                | code::RECORD_LIST_TOO_LARGE
                | code::INVALID_RECORD
                | code::INVALID_TOPIC => {
                    for record in records {
                        let one = [(refused.topic.clone(), refused.partition, vec![record.clone()])];
                        let answers = self.exchange(leader, &one).await?;
                        match answers.first().map_or(code::NONE, |answer| answer.error) {
                            code::NONE => {}
                            code @ (code::MESSAGE_TOO_LARGE
                            | code::RECORD_LIST_TOO_LARGE
                            | code::INVALID_RECORD
                            | code::INVALID_TOPIC) => hopeless.push((record, code)),
                            code => return Err(refusal(&refused.topic, code)),
                        }
                    }
                }
                code => return Err(refusal(&refused.topic, code)),
            }
        }
        match partitions.into_keys().next() {
            None => Ok(hopeless),
            // It has not said what became of these.
            Some((topic, _)) => Err(refusal(&topic, -1)),
        }
    }

    async fn exchange(
        &mut self,
        leader: &str,
        batches: &[(String, i32, Vec<Record>)],
    ) -> Result<Vec<wire::Produced>, KafkaError> {
        let connection = self.connect(leader).await?;
        let borrowed: Vec<(&str, i32, &[Record])> = batches
            .iter()
            .map(|(topic, number, records)| (topic.as_str(), *number, records.as_slice()))
            .collect();
        let request = |number| wire::produce_request(number, REPLICAS_MS, &borrowed);
        let (number, answer) = connection.ask(request).await?;
        Ok(wire::produce_answer(number, &answer)?)
    }

    async fn connect(&mut self, address: &str) -> Result<&mut Connection, KafkaError> {
        let connection = match self.connections.remove(address) {
            Some(known) => known,
            None => Connection::open(address)
                .await
                .map_err(|source| KafkaError::Broken {
                    address: address.to_owned(),
                    source,
                })?,
        };
        Ok(self.connections.entry(address.to_owned()).or_insert(connection))
    }

    /// Asks the first broker that answers who leads these topics.
    async fn find(&mut self, topics: &[&str]) -> Result<(), KafkaError> {
        let mut last = io::Error::other("no address is given");
        for address in self.bootstrap.clone() {
            match Connection::open(&address).await {
                Ok(mut connection) => {
                    let request = |number| wire::metadata_request(number, topics);
                    let (number, answer) = connection.ask(request).await?;
                    return self.learn(wire::metadata_answer(number, &answer)?, topics);
                }
                Err(error) => last = error,
            }
        }
        Err(KafkaError::Unreachable {
            addresses: self.bootstrap.join(", "),
            source: last,
        })
    }

    fn learn(&mut self, metadata: wire::Metadata, topics: &[&str]) -> Result<(), KafkaError> {
        let brokers: BTreeMap<i32, String> = metadata.brokers.into_iter().collect();
        for topic in metadata.topics {
            if topic.error != code::NONE {
                return Err(refusal(&topic.name, topic.error));
            }
            let mut partitions = topic.partitions;
            partitions.sort_by_key(|(_, number, _)| *number);
            let mut leaders = Vec::new();
            for (error, _, leader) in partitions {
                match brokers.get(&leader) {
                    Some(address) if error == code::NONE => leaders.push(address.clone()),
                    _ => return Err(refusal(&topic.name, error)),
                }
            }
            if !leaders.is_empty() {
                self.leaders.insert(topic.name, leaders);
            }
        }
        match topics.iter().find(|topic| !self.leaders.contains_key(**topic)) {
            None => Ok(()),
            Some(missing) => Err(refusal(missing, -1)),
        }
    }
}

fn refusal(topic: &str, code: i16) -> KafkaError {
    KafkaError::Refused {
        topic: topic.to_owned(),
        code,
    }
}
