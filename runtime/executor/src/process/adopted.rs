//! Processes that a predecessor of this executor has started. They are not our children, so nobody tells us how they
//! end, and what they start does not come to us when it loses its parent: they are found by their marks and process
//! groups, and watched by descriptors that stand for them.

use std::os::fd::OwnedFd;

use partita_link::EXECUTOR_MARK;
use rustix::process::{PidfdFlags, Signal, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Processes;
use super::launch::TASK_MARK;
use super::tree::{self, Process};

/// A process of a predecessor, held so that its number cannot come to mean another.
#[derive(Debug)]
pub(crate) struct Watched {
    handle: OwnedFd,
}

impl Processes {
    /// When a process was started, by which it is known again.
    pub(crate) fn started(process: Process) -> u64 {
        tree::started(process).unwrap_or_default()
    }

    /// Takes over the processes of a task: its direct child if that lives, by number and start time, or by its mark
    /// if the predecessor died before it could write the number down. Otherwise all that is left of it.
    pub(crate) fn adopt(&mut self, task_id: &str, child: Option<(Process, u64)>) -> Option<Process> {
        let child = match child {
            Some((process, started)) if tree::started(process) == Some(started) => Some(process),
            Some((process, _)) => {
                // Nobody else leads the group as long as somebody is in it.
                let reused = tree::started(process).is_some();
                self.adopted
                    .insert(task_id.to_owned(), Some(process).filter(|_| !reused));
                return None;
            }
            None => tree::living()
                .into_iter()
                .find(|process| self.is_marked(*process, task_id) && tree::group(*process) == Some(*process)),
        };
        self.adopted.insert(task_id.to_owned(), child);
        child
    }

    /// Processes of the task that a predecessor has started, themselves or by what they started.
    pub(crate) fn adopted_of(&self, task_id: &str) -> Vec<Process> {
        let Some(known) = self.adopted.get(task_id) else {
            return Vec::new();
        };
        let living = tree::living().into_iter();
        let ours = |process: &Process| {
            self.is_marked(*process, task_id) || known.is_some() && tree::group(*process) == *known
        };
        living.filter(ours).collect()
    }

    /// Signals again what has turned up since the task was to end.
    pub(crate) fn again(&self, task_id: &str) {
        if self.condemned.contains(task_id) {
            self.send(task_id, Signal::KILL);
        }
    }

    fn is_marked(&self, process: Process, task_id: &str) -> bool {
        tree::mark(process, TASK_MARK).as_deref() == Some(task_id)
            && tree::mark(process, EXECUTOR_MARK).as_deref() == Some(&self.folder)
    }
}

impl Watched {
    /// The process of this number, if it is there.
    pub(crate) fn new(process: Process) -> Option<Self> {
        let handle = pidfd_open(process.0, PidfdFlags::NONBLOCK).ok()?;
        Some(Self { handle })
    }
}

/// Until all of these have ended.
pub(crate) async fn watch(processes: Vec<Watched>) {
    for Watched { handle } in processes {
        #[allow(
            deprecated,
            reason = "what took its place is unsafe, for descriptors that can be swapped; an `OwnedFd` is none"
        )]
        let handle = AsyncFd::with_interest(handle, Interest::READABLE);
        let ended = match &handle {
            Ok(handle) => handle.readable().await.map(drop),
            Err(error) => Err(std::io::Error::from(error.kind())),
        };
        if let Err(error) = ended {
            tracing::error!(%error, "a process of a predecessor cannot be watched");
        }
    }
}
