//! Records as Kafka keeps them: batches in format 2 (<https://kafka.apache.org/documentation/#recordbatch>), not compressed.

use std::sync::LazyLock;

/// One message on its way to Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Number of the observation that it came from.
    pub(super) number: u64,
    pub(super) topic: String,
    /// Empty: none.
    pub(super) key: String,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) value: Vec<u8>,
}

/// The table of CRC-32C (polynomial of Castagnoli, reflected).
static CRC_TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let entry = |byte: u8| {
        let shift = |crc: u32, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0x82f6_3b78
            } else {
                crc >> 1
            }
        };
        (0..8).fold(u32::from(byte), shift)
    };
    let mut table = [0; 256];
    for (place, byte) in table.iter_mut().zip(0..=u8::MAX) {
        *place = entry(byte);
    }
    table
});

/// CRC-32C, as Kafka and our own spool use it.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let table = &*CRC_TABLE;
    let step = |crc: u32, byte: &u8| {
        let [low, ..] = crc.to_le_bytes();
        let entry = table.get(usize::from(low ^ byte)).copied().unwrap_or_default();
        entry ^ (crc >> 8)
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// A signed number of variable length: zigzag, seven bits a byte.
fn put_varint(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest > 0x7f {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
}

fn put_bytes(bytes: &mut Vec<u8>, value: &[u8]) {
    put_varint(bytes, i64::try_from(value.len()).unwrap_or(i64::MAX));
    bytes.extend(value);
}

/// All records of one partition as one batch.
pub(super) fn batch(records: &[Record]) -> Vec<u8> {
    let first = records.iter().map(|record| record.time).min().unwrap_or_default();
    let last = records.iter().map(|record| record.time).max().unwrap_or_default();
    let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
    let mut checked = Vec::new();
    // Attributes: no compression, times of creation.
    checked.extend(0_i16.to_be_bytes());
    checked.extend((count - 1).to_be_bytes());
    checked.extend(first.to_be_bytes());
    checked.extend(last.to_be_bytes());
    // No producer identity: at least once needs none.
    checked.extend((-1_i64).to_be_bytes());
    checked.extend((-1_i16).to_be_bytes());
    checked.extend((-1_i32).to_be_bytes());
    checked.extend(count.to_be_bytes());
    for (record, offset) in records.iter().zip(0..) {
        let mut body = vec![0];
        put_varint(&mut body, record.time - first);
        put_varint(&mut body, offset);
        if record.key.is_empty() {
            put_varint(&mut body, -1);
        } else {
            put_bytes(&mut body, record.key.as_bytes());
        }
        put_bytes(&mut body, &record.value);
        put_varint(&mut body, 0);
        put_bytes(&mut checked, &body);
    }
    let mut bytes = Vec::new();
    bytes.extend(0_i64.to_be_bytes());
    // What follows the length: epoch of the leader, format, checksum, and what it is of.
    bytes.extend(i32::try_from(checked.len() + 9).unwrap_or(i32::MAX).to_be_bytes());
    bytes.extend((-1_i32).to_be_bytes());
    bytes.push(2);
    bytes.extend(crc32c(&checked).to_be_bytes());
    bytes.extend(checked);
    bytes
}

/// The partition of a key, as the clients of the existing core choose it (FNV-1a, as a signed number, without its sign).
pub(super) fn partition(key: &str, partitions: usize) -> usize {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let count = i32::try_from(partitions).unwrap_or(i32::MAX).max(1);
    let place = hash.cast_signed().wrapping_rem(count).unsigned_abs();
    usize::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_castagnoli() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn numbers_of_variable_length_are_zigzag() {
        let put = |value| {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes
        };
        assert_eq!(put(0), [0]);
        assert_eq!(put(-1), [1]);
        assert_eq!(put(63), [126]);
        assert_eq!(put(64), [128, 1]);
        assert_eq!(put(-300), [215, 4]);
    }

    #[test]
    fn a_key_stays_in_its_partition() {
        // FNV-1a of "a" is 0xe40c292c, below zero as a signed number.
        assert_eq!(partition("a", 10), 0x1bf3_d6d4 % 10);
        assert_eq!(partition("anything", 1), 0);
    }
}
