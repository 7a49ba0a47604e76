//! What Kafka has not acknowledged yet, on disk: segments of records, the oldest first.
//!
//! It is bounded. When it is full the oldest stay and nothing new is taken: that can still be made again from what the
//! core keeps. After a crash, what was torn is cut off, for the same reason; so nothing needs to be synced here.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::record::{Record, crc32c};

/// Names of segments end so; before it stands the first number in twenty digits.
const SUFFIX: &str = ".spool";
/// Where the last acknowledged number is kept.
const ACKNOWLEDGED: &str = "acknowledged";
/// A segment that is longer is followed by a new one, in bytes.
const SEGMENT: u64 = 8 << 20;
/// Longest record, in bytes.
const RECORD_LIMIT: usize = 16 << 20;
/// Length and checksum in front of a record.
const HEAD: usize = 8;

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    bytes: u64,
}

/// The spool in its folder.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    limit: u64,
    segments: VecDeque<Segment>,
    tail: Option<File>,
    /// How far the first segment has been acknowledged.
    read: u64,
    /// Last number that is in here or was.
    last: u64,
    acknowledged: u64,
}

impl Spool {
    /// Opens the spool, or makes one. `limit`: bytes.
    pub(super) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let acknowledged = match fs::read_to_string(folder.join(ACKNOWLEDGED)) {
            Ok(text) => text.trim().parse().map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(SUFFIX) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut spool = Self {
            folder: folder.to_owned(),
            limit,
            segments: VecDeque::new(),
            tail: None,
            read: 0,
            last: acknowledged,
            acknowledged,
        };
        spool.load(paths)?;
        Ok(spool)
    }

    /// Takes what is whole. From the first damage on nothing is taken: the core says it again.
    fn load(&mut self, paths: Vec<PathBuf>) -> io::Result<()> {
        let mut damaged = false;
        for path in paths {
            if damaged {
                fs::remove_file(&path)?;
                continue;
            }
            let bytes = fs::read(&path)?;
            let (mut at, mut read) = (0, 0);
            while let Some((record, next)) = parse(&bytes, at) {
                if record.number <= self.acknowledged {
                    read = next;
                }
                self.last = self.last.max(record.number);
                at = next;
            }
            if at < bytes.len() {
                damaged = true;
                let (whole, all) = (at, bytes.len());
                tracing::warn!(path = %path.display(), whole, all, "the spool is torn: what is behind is made again");
                OpenOptions::new().write(true).open(&path)?.set_len(at as u64)?;
            }
            if read == at {
                fs::remove_file(&path)?;
                continue;
            }
            if self.segments.is_empty() {
                self.read = read as u64;
            }
            let bytes = at as u64;
            self.segments.push_back(Segment { path, bytes });
        }
        Ok(())
    }

    /// Last number that need not be given again.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> u64 {
        let all: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        all.saturating_sub(self.read)
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting() >= self.limit
    }

    /// Takes all records of an observation; of one without records only the number is noted.
    pub(super) fn append(&mut self, number: u64, records: &[Record]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for record in records {
            write(&mut bytes, record);
        }
        if !bytes.is_empty() {
            let full = self
                .segments
                .back()
                .is_none_or(|segment| segment.bytes >= SEGMENT);
            if full || self.tail.is_none() {
                self.begin_segment(number)?;
            }
            if let (Some(file), Some(segment)) = (&mut self.tail, self.segments.back_mut()) {
                file.write_all(&bytes)?;
                segment.bytes += bytes.len() as u64;
            }
        }
        self.last = self.last.max(number);
        Ok(())
    }

    /// Nothing up to this number will come.
    pub(super) fn skip_to(&mut self, number: u64) {
        self.last = self.last.max(number);
    }

    /// Numbers begin anew after this one.
    pub(super) fn go_back_to(&mut self, number: u64) {
        self.last = number;
    }

    fn begin_segment(&mut self, number: u64) -> io::Result<()> {
        let path = self.folder.join(format!("{number:020}{SUFFIX}"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        self.tail = Some(file);
        if self.segments.back().is_none_or(|segment| segment.path != path) {
            self.segments.push_back(Segment { path, bytes });
        }
        Ok(())
    }

    /// The oldest records that wait, some `limit` bytes of them but at least those of one observation, which stay
    /// together; and what to acknowledge them with.
    pub(super) fn batch(&self, limit: usize) -> io::Result<Option<(Vec<Record>, Mark)>> {
        let Some(segment) = self.segments.front() else {
            return Ok(None);
        };
        let mut file = File::open(&segment.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.take(segment.bytes.saturating_sub(self.read))
            .read_to_end(&mut bytes)?;
        let mut records: Vec<Record> = Vec::new();
        let mut at = 0;
        while let Some((record, next)) = parse(&bytes, at) {
            let together = records.last().is_some_and(|last| last.number == record.number);
            if at >= limit && !together {
                break;
            }
            records.push(record);
            at = next;
        }
        let Some(last) = records.last() else {
            return if bytes.is_empty() {
                Ok(None)
            } else {
                Err(io::Error::other(format!("{} is damaged", segment.path.display())))
            };
        };
        let mark = Mark {
            number: last.number,
            read: self.read + at as u64,
        };
        Ok(Some((records, mark)))
    }

    /// The broker has everything up to this mark.
    pub(super) fn acknowledge(&mut self, mark: Mark) -> io::Result<()> {
        self.read = mark.read;
        self.acknowledged = mark.number;
        let next = self.folder.join("acknowledged.new");
        fs::write(&next, mark.number.to_string())?;
        fs::rename(&next, self.folder.join(ACKNOWLEDGED))?;
        if self
            .segments
            .front()
            .is_some_and(|segment| self.read >= segment.bytes)
        {
            if self.segments.len() == 1 {
                self.tail = None;
            }
            if let Some(segment) = self.segments.pop_front() {
                fs::remove_file(segment.path)?;
            }
            self.read = 0;
        }
        Ok(())
    }
}

/// How far a batch reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    number: u64,
    read: u64,
}

fn write(bytes: &mut Vec<u8>, record: &Record) {
    let mut body = Vec::new();
    body.extend(record.number.to_le_bytes());
    body.extend(record.time.to_le_bytes());
    for text in [&record.topic, &record.key] {
        body.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        body.extend(text.as_bytes());
    }
    body.extend(&record.value);
    bytes.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(crc32c(&body).to_le_bytes());
    bytes.extend(body);
}

/// The record at a place, and where the next one begins; `None`: there is no whole one.
fn parse(bytes: &[u8], at: usize) -> Option<(Record, usize)> {
    let (length, rest) = bytes.get(at..)?.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > RECORD_LIMIT {
        return None;
    }
    let body = rest.get(..length)?;
    if crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (number, body) = body.split_first_chunk()?;
    let (time, body) = body.split_first_chunk()?;
    let (topic, body) = text(body)?;
    let (key, value) = text(body)?;
    let record = Record {
        number: u64::from_le_bytes(*number),
        time: i64::from_le_bytes(*time),
        topic,
        key,
        value: value.to_vec(),
    };
    Some((record, at + HEAD + length))
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((String::from_utf8(text.to_vec()).ok()?, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn records(number: u64, count: u8) -> Vec<Record> {
        let record = |index: u8| Record {
            number,
            topic: "aliecs.run".to_owned(),
            key: "2kYq".to_owned(),
            time: 5,
            value: vec![index; 100],
        };
        (0..count).map(record).collect()
    }

    fn drain(spool: &mut Spool) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Some((records, mark)) = spool.batch(250).unwrap() {
            numbers.extend(records.iter().map(|record| record.number));
            spool.acknowledge(mark).unwrap();
        }
        numbers
    }

    #[test]
    fn what_waits_outlives_a_restart_and_is_given_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 1 << 20).unwrap();
        for number in 1..=5 {
            spool.append(number, &records(number, 2)).unwrap();
        }
        spool.append(6, &[]).unwrap();
        assert_eq!(spool.last(), 6);
        let (first, mark) = spool.batch(1).unwrap().unwrap();
        assert_eq!(first.len(), 2, "an observation stays together");
        spool.acknowledge(mark).unwrap();
        drop(spool);
        let mut spool = Spool::open(folder.path(), 1 << 20).unwrap();
        assert_eq!((spool.last(), spool.acknowledged()), (5, 1));
        spool.append(6, &records(6, 1)).unwrap();
        assert_eq!(drain(&mut spool), [2, 2, 3, 3, 4, 4, 5, 5, 6]);
        assert_eq!(spool.waiting(), 0);
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "only the last number is left");
    }

    #[test]
    fn whatever_is_torn_is_cut_off_and_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 1 << 20).unwrap();
        for number in 1..=3 {
            spool.append(number, &records(number, 1)).unwrap();
        }
        let path = spool.segments.front().unwrap().path.clone();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut spool = Spool::open(folder.path(), 1 << 20).unwrap();
            let last = spool.last();
            assert_eq!(last, (cut / (whole.len() / 3)) as u64);
            for number in last + 1..=3 {
                spool.append(number, &records(number, 1)).unwrap();
            }
            let (given, _) = spool.batch(usize::MAX).unwrap().unwrap();
            // A new segment may hold what comes after the torn one.
            assert_eq!(given.first().unwrap().number, 1);
            for segment in &spool.segments {
                fs::remove_file(&segment.path).unwrap();
            }
        }
    }

    #[test]
    fn when_it_is_full_the_oldest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 300).unwrap();
        let mut number = 0;
        while !spool.is_full() {
            number += 1;
            spool.append(number, &records(number, 1)).unwrap();
        }
        assert_eq!(number, 3);
        assert_eq!(drain(&mut spool), [1, 2, 3]);
        assert!(!spool.is_full());
    }
}
