//! The journal: what the machine was told, on disk before it is told, and the machine as a whole now and then.
//!
//! `STATE/journal/<number>.journal`, the highest number counts. A segment begins with the whole machine; then come the
//! inputs since. Older segments are kept for [`history`] until they take too much room (`docs/journal.md`).

mod frame;
pub mod history;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::core::machine::{Input, Machine, Output};
use crate::environment::Numbered;

/// Bytes of inputs after which the whole machine is written anew.
const SEGMENT: u64 = 64 << 20;
/// Bytes of older segments that are kept.
const KEPT: u64 = 512 << 20;
const SUFFIX: &str = "journal";

/// What is wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file cannot be used.
    #[error("the journal: cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error(
        "the journal {} is damaged at byte {offset}: {what}. Nothing was changed. Restore the file, or move the folder \
         away to begin anew: tasks that run are then nobody's, and are ended",
        path.display()
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where.
        offset: usize,
        /// What is wrong.
        what: String,
    },
    /// It is of a later version.
    #[error("the journal {} has the format {version}, newer than {}: use the Partita that wrote it", path.display(), frame::FORMAT)]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// More than a frame can hold.
    #[error("the journal: what is to be written at once is larger than 4 GiB")]
    TooLarge,
    /// It could not be written before, and nobody knows what the disk holds.
    #[error("the journal {} could not be written earlier; a new one has to be begun", path.display())]
    Broken {
        /// Which.
        path: PathBuf,
    },
    /// The machine or an input has no text.
    #[error("the journal: {0}")]
    Encode(serde_json::Error),
}

/// A record, to be written.
#[derive(Serialize)]
enum Record<'a> {
    Whole {
        machine: &'a Machine,
        recent: Vec<&'a Numbered>,
    },
    Told {
        at: u64,
        input: &'a Input,
    },
}

/// A record, as read.
#[derive(Deserialize)]
enum Recorded {
    Whole {
        machine: Box<Machine>,
        recent: Vec<Numbered>,
    },
    Told {
        at: u64,
        input: Input,
    },
}

/// What a journal knows.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The machine, as it was when the last input had been taken in.
    pub machine: Machine,
    /// The last observations.
    pub recent: Vec<Numbered>,
    /// It was there before.
    pub is_old: bool,
}

impl Recovered {
    fn record(&mut self, record: Recorded, mut observed: impl FnMut(&Numbered)) {
        match record {
            Recorded::Whole { machine, recent } => {
                self.machine = *machine;
                self.recent = recent;
            }
            Recorded::Told { at, input } => {
                for output in self.machine.apply(at, input) {
                    if let Output::Observed(numbered) = output {
                        observed(&numbered);
                        self.recent.push(numbered);
                    }
                }
            }
        }
    }

    /// At most this many of the last observations.
    fn forget(&mut self, window: usize) {
        let many = self.recent.len().saturating_sub(window);
        self.recent.drain(..many);
    }
}

/// A journal that is being written. There must be one of a folder only.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    number: u64,
    file: File,
    /// How much of the file is whole; what follows is overwritten.
    length: u64,
    /// Where the inputs begin.
    inputs: u64,
    is_broken: bool,
    /// Bytes of inputs after which [`Journal::is_full`].
    segment: u64,
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::File { what, path, source }
}

fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.{SUFFIX}"))
}

/// The segments of a folder, oldest first.
fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read the folder", folder)(error)),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("read the folder", folder))?.path();
        let is_segment = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let (true, Some(number)) = (is_segment, number) {
            segments.push((number, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// Reads one segment, record by record; gives how much of it is whole, and how long it is.
fn read(path: &Path, mut take: impl FnMut(Recorded)) -> Result<(usize, usize), JournalError> {
    let bytes = fs::read(path).map_err(failed("read", path))?;
    let frames = frame::read(&bytes, path)?;
    let mut offset = frame::HEADER;
    for content in &frames.contents {
        for line in content
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let record = serde_json::from_slice(line).map_err(|error| JournalError::Damaged {
                path: path.to_owned(),
                offset,
                what: format!("a record is whole but means nothing: {error}"),
            })?;
            take(record);
        }
        offset += content.len();
    }
    Ok((frames.whole, bytes.len()))
}

impl Journal {
    /// The journal in a folder, and what it knows. What was being written when its writer died is cut off. Keeps
    /// `window` of the last observations.
    pub fn open(folder: &Path, window: usize) -> Result<(Self, Recovered), JournalError> {
        fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        let mut recovered = Recovered::default();
        let Some((number, path)) = segments(folder)?.pop() else {
            let journal = Self::begin(folder, 1, &recovered.machine, &[])?;
            return Ok((journal, recovered));
        };
        recovered.is_old = true;
        let (whole, length) = read(&path, |record| {
            recovered.record(record, |_| {});
            recovered.forget(window.saturating_mul(2));
        })?;
        recovered.forget(window);
        if whole < length {
            let lost = length - whole;
            tracing::warn!(path = %path.display(), bytes = lost, "the journal's last record was not written to its end, and is dropped");
        }
        let mut options = File::options();
        let file = options
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed("open", &path))?;
        file.set_len(whole as u64).map_err(failed("shorten", &path))?;
        let journal = Self {
            folder: folder.to_owned(),
            number,
            file,
            length: whole as u64,
            inputs: frame::HEADER as u64,
            is_broken: false,
            segment: SEGMENT,
        };
        Ok((journal, recovered))
    }

    /// Begins a segment with the whole machine. It replaces the one before at once or not at all.
    fn begin(
        folder: &Path,
        number: u64,
        machine: &Machine,
        recent: &[&Numbered],
    ) -> Result<Self, JournalError> {
        let path = segment(folder, number);
        let record = Record::Whole {
            machine,
            recent: recent.to_vec(),
        };
        let content = serde_json::to_vec(&record).map_err(JournalError::Encode)?;
        let frame = frame::frame(&content).ok_or(JournalError::TooLarge)?;
        let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(failed("begin", &path))?;
        let written = draft
            .write_all(&frame::header())
            .and_then(|()| draft.write_all(&frame))
            .and_then(|()| draft.as_file().sync_all());
        written.map_err(failed("write", &path))?;
        let file = draft
            .persist(&path)
            .map_err(|error| failed("put in place", &path)(error.error))?;
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(failed("sync the folder", folder))?;
        let length = (frame::HEADER + frame.len()) as u64;
        Ok(Self {
            folder: folder.to_owned(),
            number,
            file,
            length,
            inputs: length,
            is_broken: false,
            segment: SEGMENT,
        })
    }

    /// Writes inputs that are taken in together. They are on the disk when this returns; if it fails none of them is,
    /// and none must be taken in.
    pub fn append<'i>(
        &mut self,
        at: u64,
        inputs: impl IntoIterator<Item = &'i Input>,
    ) -> Result<(), JournalError> {
        let path = segment(&self.folder, self.number);
        if self.is_broken {
            return Err(JournalError::Broken { path });
        }
        let mut content = Vec::new();
        for input in inputs {
            serde_json::to_writer(&mut content, &Record::Told { at, input }).map_err(JournalError::Encode)?;
            content.push(b'\n');
        }
        let frame = frame::frame(&content).ok_or(JournalError::TooLarge)?;
        if let Err(error) = self.file.write_all_at(&frame, self.length) {
            // What is half written must not look like the end of something that was damaged.
            self.is_broken = self.file.set_len(self.length).is_err();
            return Err(failed("write", &path)(error));
        }
        if let Err(error) = self.file.sync_data() {
            // Nobody knows what the disk has now; a later sync would not tell.
            self.is_broken = true;
            return Err(failed("sync", &path)(error));
        }
        self.length += frame.len() as u64;
        Ok(())
    }

    /// The file cannot be trusted any more: only a new segment can.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// It is time to write the whole machine: the inputs have grown long, or the file cannot be trusted any more.
    pub fn is_full(&self) -> bool {
        self.is_broken || self.length.saturating_sub(self.inputs) > self.segment
    }

    /// Begins a new segment with the whole machine. If it fails, nothing has changed.
    pub fn compact(&mut self, machine: &Machine, recent: &[&Numbered]) -> Result<(), JournalError> {
        let segment = self.segment;
        *self = Self::begin(&self.folder, self.number + 1, machine, recent)?;
        self.segment = segment;
        self.drop_oldest()
    }

    fn drop_oldest(&self) -> Result<(), JournalError> {
        let mut room = KEPT;
        for (number, path) in segments(&self.folder)?.into_iter().rev() {
            let size = fs::metadata(&path).map_err(failed("look at", &path))?.len();
            room = room.saturating_sub(size);
            if number < self.number && room == 0 {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Bytes in the newest segment.
    pub fn length(&self) -> u64 {
        self.length
    }
}
