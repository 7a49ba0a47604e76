//! How records stand in a file, and how a file is read that was not written to its end.
//!
//! A segment is `PARTITAJ`, the format version (32 bits, little endian), four bytes of zero; then frames. A frame is a
//! mark, the length of its content, the CRC-32 of its content (both 32 bits, little endian), and the content: lines of
//! JSON, one a record. All that is synced together is one frame, so a frame is there or it is not.

use crate::journal::JournalError;
use std::path::Path;

/// Version of the format that this build writes; a newer one is refused.
pub(super) const FORMAT: u32 = 1;

const MAGIC: [u8; 8] = *b"PARTITAJ";
pub(super) const HEADER: usize = 16;

const MARK: [u8; 4] = *b"\xf5PJ\n";
const FRAME_HEADER: usize = 12;

/// The first bytes of a segment.
pub(super) fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let bytes = MAGIC.into_iter().chain(FORMAT.to_le_bytes());
    for (place, byte) in header.iter_mut().zip(bytes) {
        *place = byte;
    }
    header
}

/// A frame; `None`: there is more in it than a frame can hold.
pub(super) fn frame(content: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(content.len()).ok()?;
    let mut frame = Vec::with_capacity(FRAME_HEADER + content.len());
    frame.extend(MARK);
    frame.extend(length.to_le_bytes());
    frame.extend(crc32(content).to_le_bytes());
    frame.extend(content);
    Some(frame)
}

/// What a segment holds.
pub(super) struct Frames<'a> {
    /// The contents of its frames.
    pub(super) contents: Vec<&'a [u8]>,
    /// How far it is whole, in bytes.
    pub(super) whole: usize,
}

/// Reads a segment. What follows the last whole frame was being written when its writer died, and was never taken for
/// written; but a broken frame with a whole one after it means that the file was damaged.
pub(super) fn read<'a>(bytes: &'a [u8], path: &Path) -> Result<Frames<'a>, JournalError> {
    let damaged = |offset: usize, what: &str| JournalError::Damaged {
        path: path.to_owned(),
        offset,
        what: what.to_owned(),
    };
    let (magic, version) = (
        bytes.get(..8),
        bytes.get(8..12).and_then(|b| b.first_chunk::<4>()),
    );
    if magic != Some(&MAGIC) {
        return Err(damaged(0, "it is no journal"));
    }
    let version = version
        .map(|bytes| u32::from_le_bytes(*bytes))
        .unwrap_or_default();
    if version == 0 || version > FORMAT {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            version,
        });
    }
    let mut frames = Frames {
        contents: Vec::new(),
        whole: HEADER,
    };
    while let Some((content, end)) = frame_at(bytes, frames.whole) {
        frames.contents.push(content);
        frames.whole = end;
    }
    let next_whole = (frames.whole + 1..bytes.len()).find(|at| frame_at(bytes, *at).is_some());
    if let Some(next) = next_whole {
        let what = format!("a record is broken, though the one at byte {next} is whole");
        return Err(damaged(frames.whole, &what));
    }
    Ok(frames)
}

/// A whole frame at that place: its content, and where it ends.
fn frame_at(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let rest = rest.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let content = rest.get(..length)?;
    let end = at + FRAME_HEADER + length;
    (crc32(content) == u32::from_le_bytes(*sum)).then_some((content, end))
}

/// The CRC-32 of Ethernet and zip (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        let place = usize::from(u8::try_from(sum & 0xff).unwrap_or_default() ^ byte);
        (sum >> 8) ^ TABLE.get(place).copied().unwrap_or_default()
    })
}

const TABLE: [u32; 256] = table();

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, within the bounds of the loop"
)]
#[allow(clippy::cast_possible_truncation, reason = "less than 256")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(contents: &[&str]) -> Vec<u8> {
        let frames = contents
            .iter()
            .flat_map(|content| frame(content.as_bytes()).unwrap());
        header().into_iter().chain(frames).collect()
    }

    fn contents(bytes: &[u8]) -> Result<Vec<String>, JournalError> {
        let frames = read(bytes, Path::new("it"))?;
        let text = |content: &&[u8]| String::from_utf8(content.to_vec()).unwrap();
        Ok(frames.contents.iter().map(text).collect())
    }

    #[test]
    fn the_sum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn whatever_is_cut_off_at_the_end_is_dropped() {
        let whole = segment(&["one", "two"]);
        let first = segment(&["one"]).len();
        for length in HEADER..whole.len() {
            let read = contents(&whole[..length]).unwrap();
            assert_eq!(
                read,
                if length < first {
                    vec![]
                } else {
                    vec!["one".to_owned()]
                }
            );
        }
        let mut zeros = whole.clone();
        zeros.extend([0; 5000]);
        assert_eq!(contents(&zeros).unwrap(), ["one", "two"]);
    }

    #[test]
    fn what_is_damaged_before_something_whole_is_refused() {
        let whole = segment(&["one", "two"]);
        for place in 0..segment(&["one"]).len() {
            let mut bytes = whole.clone();
            // The padding of the header means nothing.
            if (12..HEADER).contains(&place) {
                continue;
            }
            bytes[place] ^= 0x40;
            assert!(contents(&bytes).is_err(), "byte {place}");
        }
    }

    #[test]
    fn a_newer_format_is_refused() {
        let mut bytes = segment(&["one"]);
        bytes[8] = 2;
        let error = contents(&bytes).unwrap_err().to_string();
        assert!(error.contains("newer"), "{error}");
    }
}
