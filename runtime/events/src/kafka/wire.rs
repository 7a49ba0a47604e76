//! The two requests of the Kafka protocol that a producer needs, in the last versions without tagged fields: Metadata 4
//! and Produce 7 (Kafka 2.1 and newer; <https://kafka.apache.org/protocol>). Integers are big endian.

use super::record::Record;

/// `api_key` and `api_version`.
const METADATA: (i16, i16) = (3, 4);
const PRODUCE: (i16, i16) = (0, 7);
/// How the core calls itself.
const CLIENT: &str = "partita";
/// All replicas that are in step must have it.
const ALL_REPLICAS: i16 = -1;
/// Longest answer that is read, in bytes.
pub(super) const ANSWER_LIMIT: usize = 16 << 20;

/// An answer that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the broker's answer makes no sense: {0}")]
pub struct Malformed(&'static str);

/// Error codes of the protocol that are treated in a way of their own.
pub(super) mod code {
    pub(in crate::kafka) const NONE: i16 = 0;
    pub(in crate::kafka) const MESSAGE_TOO_LARGE: i16 = 10;
    pub(in crate::kafka) const INVALID_TOPIC: i16 = 17;
    pub(in crate::kafka) const RECORD_LIST_TOO_LARGE: i16 = 18;
    pub(in crate::kafka) const INVALID_RECORD: i16 = 87;
}

/// Who leads which partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Metadata {
    /// Node and its address.
    pub(super) brokers: Vec<(i32, String)>,
    pub(super) topics: Vec<TopicMetadata>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TopicMetadata {
    pub(super) error: i16,
    pub(super) name: String,
    /// Error, number and leader.
    pub(super) partitions: Vec<(i16, i32, i32)>,
}

/// What became of the records of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Produced {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) error: i16,
}

/// A request, with its length in front.
fn request((key, version): (i16, i16), correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(key.to_be_bytes());
    bytes.extend(version.to_be_bytes());
    bytes.extend(correlation.to_be_bytes());
    put_text(&mut bytes, CLIENT);
    bytes.extend(body);
    let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    if let Some(head) = bytes.get_mut(..4) {
        head.copy_from_slice(&length.to_be_bytes());
    }
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(i16::try_from(text.len()).unwrap_or(i16::MAX).to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(i32::try_from(count).unwrap_or(i32::MAX).to_be_bytes());
}

/// Asks for topics, which come into being if the broker makes them on demand.
pub(super) fn metadata_request(correlation: i32, topics: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    put_count(&mut body, topics.len());
    for topic in topics {
        put_text(&mut body, topic);
    }
    body.push(1);
    request(METADATA, correlation, &body)
}

/// Records of some partitions, each with all its records in one batch. `timeout`: milliseconds for the replicas.
pub(super) fn produce_request(correlation: i32, timeout: i32, batches: &[(&str, i32, &[Record])]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend((-1_i16).to_be_bytes());
    body.extend(ALL_REPLICAS.to_be_bytes());
    body.extend(timeout.to_be_bytes());
    put_count(&mut body, batches.len());
    for (topic, partition, records) in batches {
        put_text(&mut body, topic);
        put_count(&mut body, 1);
        body.extend(partition.to_be_bytes());
        let batch = super::record::batch(records);
        put_count(&mut body, batch.len());
        body.extend(batch);
    }
    request(PRODUCE, correlation, &body)
}

/// Reads an answer from its first byte after the length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn i16(&mut self) -> Result<i16, Malformed> {
        self.take().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, Malformed> {
        self.take().map(i32::from_be_bytes)
    }

    fn skip(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .0
            .split_at_checked(bytes)
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(head)
    }

    /// An absent text is empty.
    fn text(&mut self) -> Result<String, Malformed> {
        let length = usize::try_from(self.i16()?).unwrap_or_default();
        let bytes = self.skip(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| Malformed("a name is not UTF-8"))
    }

    /// A list whose elements are read one by one, so that a false count costs nothing.
    fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.i32()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    fn expect(&mut self, correlation: i32) -> Result<(), Malformed> {
        if self.i32()? != correlation {
            return Err(Malformed("it belongs to another request"));
        }
        Ok(())
    }
}

/// Reads the answer to [`metadata_request`].
pub(super) fn metadata_answer(correlation: i32, bytes: &[u8]) -> Result<Metadata, Malformed> {
    let mut reader = Reader(bytes);
    reader.expect(correlation)?;
    let _throttled = reader.i32()?;
    let brokers = reader.list(|broker| {
        let (node, host, port) = (broker.i32()?, broker.text()?, broker.i32()?);
        let _rack = broker.text()?;
        Ok((node, format!("{host}:{port}")))
    })?;
    let _cluster = reader.text()?;
    let _controller = reader.i32()?;
    let topics = reader.list(|topic| {
        let (error, name) = (topic.i16()?, topic.text()?);
        let _internal: [u8; 1] = topic.take()?;
        let partitions = topic.list(|partition| {
            let known = (partition.i16()?, partition.i32()?, partition.i32()?);
            let _replicas = partition.list(Reader::i32)?;
            let _in_step = partition.list(Reader::i32)?;
            Ok(known)
        })?;
        Ok(TopicMetadata {
            error,
            name,
            partitions,
        })
    })?;
    Ok(Metadata { brokers, topics })
}

/// Reads the answer to [`produce_request`].
pub(super) fn produce_answer(correlation: i32, bytes: &[u8]) -> Result<Vec<Produced>, Malformed> {
    let mut reader = Reader(bytes);
    reader.expect(correlation)?;
    let topics = reader.list(|topic| {
        let name = topic.text()?;
        topic.list(|partition| {
            let (number, error) = (partition.i32()?, partition.i16()?);
            // Base offset, time of the append, first offset.
            partition.skip(24)?;
            Ok(Produced {
                topic: name.clone(),
                partition: number,
                error,
            })
        })
    })?;
    Ok(topics.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use proptest::prelude::*;

    /// An answer as a broker of one node gives it.
    fn metadata() -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(7_i32.to_be_bytes());
        bytes.extend(0_i32.to_be_bytes());
        put_count(&mut bytes, 1);
        bytes.extend(1_i32.to_be_bytes());
        put_text(&mut bytes, "broker");
        bytes.extend(9092_i32.to_be_bytes());
        bytes.extend((-1_i16).to_be_bytes());
        put_text(&mut bytes, "cluster");
        bytes.extend(1_i32.to_be_bytes());
        put_count(&mut bytes, 1);
        bytes.extend(0_i16.to_be_bytes());
        put_text(&mut bytes, "aliecs.run");
        bytes.push(0);
        put_count(&mut bytes, 1);
        bytes.extend(0_i16.to_be_bytes());
        for number in [0_i32, 1] {
            bytes.extend(number.to_be_bytes());
        }
        for _ in 0..2 {
            put_count(&mut bytes, 1);
            bytes.extend(1_i32.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn metadata_are_read() {
        let known = metadata_answer(7, &metadata()).unwrap();
        assert_eq!(known.brokers, [(1, "broker:9092".to_owned())]);
        assert_eq!(known.topics.first().unwrap().partitions, [(0, 0, 1)]);
        assert!(metadata_answer(8, &metadata()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..80) {
            let _ = metadata_answer(7, &bytes);
            let _ = produce_answer(7, &bytes);
            let whole = metadata();
            let cut = cut.min(whole.len() - 1);
            prop_assert!(metadata_answer(7, &whole[..cut]).is_err());
        }
    }
}
