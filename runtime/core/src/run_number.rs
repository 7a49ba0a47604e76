//! The durable counter of runs: no number is given twice, whoever asks and whoever is killed.
//!
//! A file of two records, in sectors of their own, that are written in turns: a write that the power fails under spoils
//! one of them, and that number was never given. So a number costs one write and one sync, which a run waits for.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

/// What a file begins with that is such a counter; then comes a number, and the number with all bits turned.
const MAGIC: [u8; 8] = *b"runs 1\n\0";
const RECORD: usize = MAGIC.len() + 2 * size_of::<u32>();
/// Distance of the records: no disk writes less at once than a sector, and some write as much as this.
const SECTOR: u64 = 4096;
/// Pauses between two attempts to get the file while somebody else has it: an allocation takes a few milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no run number.
#[derive(Debug, thiserror::Error)]
pub enum RunNumberError {
    /// Somebody else has the file open.
    #[error("no run number: another process holds {}", file.display())]
    Busy {
        /// The counter.
        file: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("no run number: cannot {what} {}: {reason}", file.display())]
    File {
        /// The counter.
        file: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// There are no numbers left.
    #[error("no run number: {} was the last one that {} can give", u32::MAX, file.display())]
    Exhausted {
        /// The counter.
        file: PathBuf,
    },
}

/// A counter of runs. Any number of processes may share it: the file is held only while a number is taken.
#[derive(Debug, Clone)]
pub struct RunNumbers {
    file: PathBuf,
}

impl RunNumbers {
    /// The counter in this file, in a folder that exists. Nothing is touched yet.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The next number, from 1 on. It is on the disk before it is given. Waits while other processes have the file;
    /// who drops the future gives up, at the price of a number at most.
    pub async fn next(&self) -> Result<u32, RunNumberError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let this = self.clone();
            let taken = tokio::task::spawn_blocking(move || this.take()).await;
            match taken.map_err(|error| self.failed("use", error))? {
                Err(RunNumberError::Busy { .. }) => sleep(pause).await,
                answer => return answer,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn take(&self) -> Result<u32, RunNumberError> {
        if !self.file.exists() {
            self.create().map_err(|error| self.failed("create", error))?;
        }
        let mut options = File::options();
        let file = options.read(true).write(true).open(&self.file);
        let file = file.map_err(|error| self.failed("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RunNumberError::Busy {
                    file: self.file.clone(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(self.failed("lock", error)),
        }
        let last = last(&file).map_err(|error| self.failed("read", error))?;
        if last == 0 {
            self.sync_folder()
                .map_err(|error| self.failed("sync the folder of", error))?;
        }
        let next = last.checked_add(1).ok_or_else(|| RunNumberError::Exhausted {
            file: self.file.clone(),
        })?;
        store(&file, next).map_err(|error| self.failed("write", error))?;
        Ok(next)
    }

    /// Makes the file whole and then puts it in place, so that a kill half-way leaves no half a counter.
    fn create(&self) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(&record(0))?;
        draft.as_file().sync_all()?;
        match draft.persist_noclobber(&self.file) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
            // Somebody else was faster, and their counter may be in use by now.
            Err(_) | Ok(_) => Ok(()),
        }
    }

    /// A new file is safe only when its folder is. Done before the first number is given, so never needed after it.
    fn sync_folder(&self) -> io::Result<()> {
        File::open(self.file.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    fn failed(&self, what: &'static str, error: impl std::fmt::Display) -> RunNumberError {
        RunNumberError::File {
            file: self.file.clone(),
            what,
            reason: error.to_string(),
        }
    }
}

fn record(number: u32) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let bytes = MAGIC
        .into_iter()
        .chain(number.to_le_bytes())
        .chain((!number).to_le_bytes());
    for (place, byte) in record.iter_mut().zip(bytes) {
        *place = byte;
    }
    record
}

/// The number in a record; `None` if it is none, or a spoilt one.
fn number(bytes: &[u8; RECORD]) -> Option<u32> {
    let number = u32::from_le_bytes(*bytes.get(MAGIC.len()..)?.first_chunk()?);
    (record(number) == *bytes).then_some(number)
}

fn place(number: u32) -> u64 {
    u64::from(number % 2) * SECTOR
}

fn last(file: &File) -> io::Result<u32> {
    let mut last = None;
    for parity in 0..2 {
        let mut bytes = [0; RECORD];
        match file.read_exact_at(&mut bytes, place(parity)) {
            Ok(()) => last = last.max(number(&bytes)),
            // There is no second record before the first number.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    last.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is no counter of runs"))
}

/// On the disk when it returns.
fn store(file: &File, number: u32) -> io::Result<()> {
    file.write_all_at(&record(number), place(number))?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    const FILE: &str = "run_number";
    /// Tells the test program that it is to be a process that takes numbers for ever.
    const FOLDER: &str = "PARTITA_TEST_RUN_NUMBERS";

    fn counter(folder: &Path) -> RunNumbers {
        RunNumbers::new(folder.join(FILE))
    }

    fn next(numbers: &RunNumbers) -> Result<u32, RunNumberError> {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime")
            .block_on(numbers.next())
    }

    #[test]
    #[ignore = "the other process of the tests below, not a test"]
    #[allow(
        clippy::disallowed_methods,
        reason = "it is told its folder by the test that starts it"
    )]
    fn taker() {
        let Some(folder) = std::env::var_os(FOLDER) else {
            return;
        };
        let numbers = counter(Path::new(&folder));
        loop {
            println!("\ntaken {}", next(&numbers).expect("a number"));
        }
    }

    fn start_taker(folder: &Path) -> Child {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "run_number::tests::taker", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts")
    }

    fn taken(child: &mut Child) -> impl Iterator<Item = u32> + use<> {
        BufReader::new(child.stdout.take().expect("piped"))
            .lines()
            .filter_map(|line| line.expect("text").strip_prefix("taken ")?.parse().ok())
    }

    #[test]
    fn counts_from_one_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let numbers = counter(folder.path());
        let first: Vec<u32> = (0..3).map(|_| next(&numbers).expect("a number")).collect();
        assert_eq!(first, [1, 2, 3]);
        assert_eq!(next(&counter(folder.path())).expect("a number"), 4);
    }

    #[test]
    fn two_processes_and_a_kill_never_share_a_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut seen = Vec::new();
        for round in 0..4 {
            let mut processes = [start_taker(folder.path()), start_taker(folder.path())];
            let [first, second] = &mut processes;
            let (mut ours, mut theirs) = (taken(first), taken(second));
            seen.extend(ours.by_ref().take(2 + round));
            first.kill().expect("killed");
            seen.extend(theirs.by_ref().take(2));
            second.kill().expect("killed");
            seen.extend(ours.chain(theirs));
            for mut process in processes {
                process.wait().expect("gone");
            }
        }
        let last = next(&counter(folder.path())).expect("a number");
        assert!(seen.iter().all(|number| *number < last));
        let given = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), given, "a number was given twice");
    }

    #[test]
    fn waits_while_somebody_else_has_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let numbers = counter(folder.path());
        next(&numbers).expect("a number");
        let held = File::open(folder.path().join(FILE)).expect("opens");
        held.lock().expect("locked");
        let error = numbers.take().expect_err("held");
        assert!(matches!(error, RunNumberError::Busy { .. }), "{error}");
        let waiter = std::thread::spawn(move || next(&numbers).expect("a number"));
        drop(held);
        assert_eq!(waiter.join().expect("no panic"), 2);
    }

    #[test]
    fn what_is_no_counter_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE);
        std::fs::write(&file, "notes of somebody").expect("written");
        let error = next(&counter(folder.path())).expect_err("no counter");
        assert!(error.to_string().contains("run_number"), "{error}");
        assert_eq!(std::fs::read(&file).expect("still there"), b"notes of somebody");
        let nowhere = counter(&folder.path().join("absent"));
        assert!(next(&nowhere).is_err());
    }

    #[test]
    fn ends_with_the_last_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let numbers = counter(folder.path());
        next(&numbers).expect("a number");
        let file = File::options().write(true).open(folder.path().join(FILE));
        store(&file.expect("opens"), u32::MAX).expect("stored");
        let error = next(&numbers).expect_err("no more");
        assert!(matches!(error, RunNumberError::Exhausted { .. }), "{error}");
    }

    #[test]
    fn a_spoilt_record_was_never_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let numbers = counter(folder.path());
        for number in 1..=3 {
            assert_eq!(next(&numbers).expect("a number"), number);
        }
        let file = File::options().write(true).open(folder.path().join(FILE));
        let file = file.expect("opens");
        // The power failed while 4 was being written over 2.
        file.write_all_at(&record(4)[..RECORD - 4], place(4))
            .expect("written");
        assert_eq!(next(&numbers).expect("a number"), 4);
        file.write_all_at(&[0xff; RECORD], place(0)).expect("written");
        file.write_all_at(&[0xff; RECORD], place(1)).expect("written");
        let error = next(&numbers).expect_err("nobody knows which numbers were given");
        assert!(error.to_string().contains("no counter of runs"), "{error}");
    }
}
