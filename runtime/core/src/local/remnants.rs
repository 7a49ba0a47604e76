//! What is left of an executor that could not clean up behind itself. The kernel ends its direct children with it;
//! what these have started is found by a mark in the environment that all of them inherit.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use partita_link::EXECUTOR_MARK;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Processes that are started while others are being killed are looked for this many times.
const ROUNDS: usize = 100;

/// Kills every process that carries `mark`, and waits until it is gone, for each at most for `patience`. Returns the
/// numbers of those that are still there.
pub(super) fn end(mark: &str, patience: Duration) -> Vec<u32> {
    for _ in 0..ROUNDS {
        let found = marked(mark);
        if found.is_empty() {
            return Vec::new();
        }
        for (_, process) in &found {
            // It may be gone by now.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
        let left: Vec<u32> = found
            .iter()
            .filter(|(_, process)| !is_gone(process, patience))
            .map(|(pid, _)| *pid)
            .collect();
        if !left.is_empty() {
            return left;
        }
    }
    marked(mark).into_iter().map(|(pid, _)| pid).collect()
}

/// Processes that carry the mark, held so that their numbers cannot come to mean others.
fn marked(mark: &str) -> Vec<(u32, OwnedFd)> {
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = all
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|pid| carries(*pid, mark).unwrap_or(false))
        .filter_map(|pid| {
            let process = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
            // Again, now that it is held.
            carries(pid, mark).ok()?.then_some((pid, process))
        })
        .collect()
}

fn carries(pid: u32, mark: &str) -> io::Result<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ"))?;
    let wanted = format!("{EXECUTOR_MARK}={mark}");
    Ok(environment
        .split(|byte| *byte == 0)
        .any(|entry| entry == wanted.as_bytes()))
}

fn is_gone(process: &OwnedFd, patience: Duration) -> bool {
    let timeout = Timespec::try_from(patience).ok();
    let mut wait = [PollFd::new(process, PollFlags::IN)];
    matches!(poll(&mut wait, timeout.as_ref()), Ok(ready) if ready > 0)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    #[test]
    fn ends_what_carries_the_mark_and_nothing_else() {
        let start = |mark: &str| {
            Command::new("sh")
                .args(["-c", "sleep 1000 & echo $!; wait"])
                .env(EXECUTOR_MARK, mark)
                .stdout(Stdio::piped())
                .spawn()
                .expect("a shell")
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().display().to_string();
        let (mut ours, mut other) = (start(&mark), start(&format!("{mark}x")));
        for shell in [&mut ours, &mut other] {
            let mut line = String::new();
            let out = shell.stdout.take().expect("piped");
            BufReader::new(out)
                .read_line(&mut line)
                .expect("the shell is there");
        }
        assert_eq!(marked(&mark).len(), 2);
        assert_eq!(end(&mark, PATIENCE), [0_u32; 0]);
        assert_eq!(ours.wait().expect("gone").signal(), Some(9));
        assert!(marked(&mark).is_empty());
        assert_eq!(marked(&format!("{mark}x")).len(), 2);
        assert_eq!(end(&format!("{mark}x"), PATIENCE), [0_u32; 0]);
        other.wait().expect("gone");
    }
}
