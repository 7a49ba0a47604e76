//! The part of a Kafka broker that a producer sees, in this process; and a reader of its records, written from the
//! protocol's description and not from our own writer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A record as a consumer gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) time: i64,
    pub(crate) value: Vec<u8>,
}

/// What the broker does with the next requests to produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes them.
    Takes,
    /// Answers with this error code.
    Refuses(i16),
    /// Takes them and breaks off without an answer.
    TakesAndDies,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    /// By topic and partition.
    pub(crate) kept: BTreeMap<(String, i32), Vec<Kept>>,
    pub(crate) moods: Vec<Mood>,
    pub(crate) requests: usize,
}

#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) address: String,
    pub(crate) log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How many partitions each topic has.
const PARTITIONS: i32 = 3;

impl Broker {
    /// At this address; port 0: any.
    pub(crate) async fn start(address: &str, log: Arc<Mutex<Log>>) -> Self {
        let listener = TcpListener::bind(address).await.expect("an address");
        let address = listener.local_addr().expect("an address").to_string();
        let (of, shared) = (address.clone(), Arc::clone(&log));
        let task = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                clients.spawn(serve(stream, of.clone(), Arc::clone(&shared)));
            }
        });
        Self { address, log, task }
    }
}

async fn serve(mut stream: TcpStream, address: String, log: Arc<Mutex<Log>>) {
    while let Ok(length) = stream.read_i32().await {
        let mut request = vec![0; usize::try_from(length).expect("a length")];
        if stream.read_exact(&mut request).await.is_err() {
            return;
        }
        let Some(answer) = answer(&request, &address, &log) else {
            return;
        };
        let length = u32::try_from(answer.len()).expect("a length");
        let sent = [&length.to_be_bytes()[..], &answer].concat();
        if stream.write_all(&sent).await.is_err() {
            return;
        }
    }
}

fn answer(request: &[u8], address: &str, log: &Mutex<Log>) -> Option<Vec<u8>> {
    let mut reader = Bytes(request);
    let (key, version, correlation) = (reader.i16(), reader.i16(), reader.i32());
    let _client = reader.text();
    let mut answer = correlation.to_be_bytes().to_vec();
    let text = |answer: &mut Vec<u8>, text: &str| {
        answer.extend(i16::try_from(text.len()).expect("short").to_be_bytes());
        answer.extend(text.as_bytes());
    };
    match (key, version) {
        (3, 4) => {
            let (host, port) = address.rsplit_once(':').expect("a port");
            answer.extend([0_i32, 1, 1].map(i32::to_be_bytes).concat());
            text(&mut answer, host);
            answer.extend(port.parse::<i32>().expect("a port").to_be_bytes());
            answer.extend((-1_i16).to_be_bytes());
            answer.extend((-1_i16).to_be_bytes());
            answer.extend(1_i32.to_be_bytes());
            let topics = reader.i32();
            answer.extend(topics.to_be_bytes());
            for _ in 0..topics {
                answer.extend(0_i16.to_be_bytes());
                text(&mut answer, &reader.text());
                answer.push(0);
                answer.extend(PARTITIONS.to_be_bytes());
                for partition in 0..PARTITIONS {
                    answer.extend(0_i16.to_be_bytes());
                    answer.extend([partition, 1, 1, 1, 1, 1].map(i32::to_be_bytes).concat());
                }
            }
        }
        (0, 7) => {
            let mut log = log.lock().expect("no panic");
            log.requests += 1;
            let mood = if log.moods.is_empty() {
                Mood::Takes
            } else {
                log.moods.remove(0)
            };
            let (_transaction, acks, _timeout) = (reader.text(), reader.i16(), reader.i32());
            assert_eq!(acks, -1, "all replicas must have it");
            let topics = reader.i32();
            answer.extend(topics.to_be_bytes());
            for _ in 0..topics {
                let topic = reader.text();
                text(&mut answer, &topic);
                let partitions = reader.i32();
                answer.extend(partitions.to_be_bytes());
                for _ in 0..partitions {
                    let partition = reader.i32();
                    let length = usize::try_from(reader.i32()).expect("a length");
                    let records = parse(reader.take(length));
                    let error = match mood {
                        Mood::Refuses(code) => code,
                        Mood::Takes | Mood::TakesAndDies => {
                            log.kept
                                .entry((topic.clone(), partition))
                                .or_default()
                                .extend(records);
                            0
                        }
                    };
                    answer.extend(partition.to_be_bytes());
                    answer.extend(error.to_be_bytes());
                    answer.extend([0; 24]);
                }
            }
            answer.extend(0_i32.to_be_bytes());
            if mood == Mood::TakesAndDies {
                return None;
            }
        }
        other => panic!("the producer asks for {other:?}"),
    }
    Some(answer)
}

/// Bytes that are as they should be.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head
    }

    pub(crate) fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    pub(crate) fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    pub(crate) fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    pub(crate) fn text(&mut self) -> String {
        let length = usize::try_from(self.i16()).unwrap_or(0);
        String::from_utf8(self.take(length).to_vec()).expect("a text")
    }

    fn varint(&mut self) -> i64 {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return (value >> 1).cast_signed() ^ -((value & 1).cast_signed());
            }
        }
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.varint()).unwrap_or(0);
        self.take(length)
    }
}

/// The records of batches in format 2, one after the other.
pub(crate) fn parse(bytes: &[u8]) -> Vec<Kept> {
    let mut kept = Vec::new();
    let mut reader = Bytes(bytes);
    // Magic is the 17th byte of a batch; a last one that is cut off is not for us.
    while reader.0.len() > 61 {
        let _base = reader.i64();
        let length = usize::try_from(reader.i32()).expect("a length");
        if length > reader.0.len() {
            break;
        }
        let mut batch = Bytes(reader.take(length));
        let _epoch = batch.i32();
        assert_eq!(batch.take(1), [2], "format");
        let _checksum = batch.i32();
        assert_eq!(batch.i16(), 0, "not compressed");
        let last = batch.i32();
        let first_time = batch.i64();
        let (_newest, _producer, _epoch, _sequence) = (batch.i64(), batch.i64(), batch.i16(), batch.i32());
        let count = batch.i32();
        assert_eq!(last, count - 1);
        for offset in 0..count {
            let mut record = Bytes(batch.bytes());
            assert_eq!(record.take(1), [0], "attributes");
            let time = first_time + record.varint();
            assert_eq!(record.varint(), i64::from(offset));
            let key = String::from_utf8(record.bytes().to_vec()).expect("a key");
            let value = record.bytes().to_vec();
            assert_eq!(record.varint(), 0, "headers");
            kept.push(Kept { key, time, value });
        }
    }
    kept
}
