//! A process that is watched whether or not it is our child, and known again by a core that comes later: by its number
//! and the time at which it was started, since numbers are used again.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process that is held, so that its number cannot come to mean another.
#[derive(Debug)]
pub(super) struct Process {
    pid: i32,
    /// In ticks since the system was started (`proc_pid_stat(5)`, field 22).
    started: u64,
    handle: AsyncFd<OwnedFd>,
}

impl Process {
    /// The process of this number; it may have ended, unless it has been reaped.
    pub(super) fn open(pid: i32) -> io::Result<Self> {
        let raw = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        let handle = pidfd_open(raw, PidfdFlags::NONBLOCK)?;
        // Now that it is held.
        let (_, started) = stat(pid).ok_or(io::ErrorKind::NotFound)?;
        #[allow(
            deprecated,
            reason = "what took its place is unsafe, for descriptors that can be swapped; an `OwnedFd` is none"
        )]
        let handle = AsyncFd::with_interest(handle, Interest::READABLE)?;
        Ok(Self { pid, started, handle })
    }

    /// The process that a file names, if that process still lives.
    pub(super) fn recall(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let process = Self::open(pid.parse().ok()?).ok()?;
        let (state, _) = stat(process.pid)?;
        let dead = matches!(state, 'Z' | 'X');
        (process.started.to_string() == started && !dead).then_some(process)
    }

    /// Writes the file that [`Process::recall`] reads, at once or not at all.
    pub(super) fn remember(&self, file: &Path) -> io::Result<()> {
        let early = file.with_extension("new");
        fs::write(&early, format!("{} {}\n", self.pid, self.started))?;
        fs::rename(early, file)
    }

    /// Until it has ended.
    pub(super) async fn ended(&self) {
        if let Err(error) = self.handle.readable().await {
            tracing::error!(%error, pid = self.pid, "a process cannot be watched");
        }
    }

    pub(super) fn kill(&self) {
        // It may be gone by now.
        let _ = pidfd_send_signal(self.handle.get_ref(), Signal::KILL);
    }
}

/// State of a process, and when it was started: `pid (name) state ppid ... starttime`, where the name may hold anything.
fn stat(pid: i32) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn a_process_is_known_again_and_another_of_its_number_is_not() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.pid");
        let process = Process::open(i32::try_from(child.id()).unwrap()).unwrap();
        process.remember(&file).unwrap();
        assert!(Process::recall(&file).is_some());
        fs::write(&file, format!("{} 1\n", child.id())).unwrap();
        assert!(Process::recall(&file).is_none(), "another start time");
        process.remember(&file).unwrap();
        process.kill();
        process.ended().await;
        // Not yet reaped, and dead all the same.
        assert!(Process::recall(&file).is_none());
        child.wait().unwrap();
    }
}
