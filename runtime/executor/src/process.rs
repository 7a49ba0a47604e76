//! Starts processes, reaps them, and knows which processes belong to which task.
//!
//! The executor is a child subreaper: whatever a task starts stays below the executor in the process tree, and
//! what loses its parent becomes a direct child of the executor. So when the direct child of a task has been
//! reaped, and none of the orphans belongs to the task, nothing of the task is left. That is the proof. An
//! orphan belongs to the task whose process group it is in, whose mark it carries in its environment, or below
//! which it was seen when the task was signalled.

mod adopted;
mod launch;
mod limits;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use partita_proto::executor::{Exit, exit::How};
use rustix::process::{
    Signal, WaitOptions, getpgid, getpid, kill_process, kill_process_group, set_child_subreaper, wait,
};

pub(crate) use adopted::{Watched, watch};
use launch::TASK_MARK;
pub(crate) use launch::{Launch, Launched, Users, found_output, remove_output};
use limits::Limits;
pub(crate) use tree::Process;

/// All processes below this executor.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    /// Direct children that have not been reaped, and the task of each.
    children: BTreeMap<Process, String>,
    /// Process groups that tasks were started in, as long as anybody is in them.
    groups: BTreeMap<Process, String>,
    /// Processes that lost their parent, and the task of each if it is known.
    orphans: BTreeMap<Process, Option<String>>,
    /// Processes that have been sent a signal, by which they are known even without mark and group once their parent
    /// is gone.
    signalled: BTreeMap<Process, String>,
    /// Tasks whose processes a predecessor has started, with their process groups. They are not below us, so they are
    /// looked for among all processes.
    adopted: BTreeMap<String, Option<Process>>,
    /// In the environment of all processes of this executor and its predecessors.
    folder: String,
    /// Tasks of which nothing is to live on.
    condemned: BTreeSet<String>,
    limits: Limits,
}

/// A direct child that has ended.
#[derive(Debug)]
pub(crate) struct Reaped {
    pub(crate) task_id: String,
    pub(crate) pid: Process,
    pub(crate) exit: Exit,
}

impl Processes {
    /// Makes this process the one that inherits all orphans below it.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        let limits = Limits::new();
        Ok(Self {
            limits,
            folder: folder.display().to_string(),
            ..Self::default()
        })
    }

    pub(crate) fn launch(&mut self, launch: &Launch<'_>) -> io::Result<Launched> {
        let open_files = self.limits.make_room(self.children.len());
        let launched = launch.run(open_files)?;
        self.children.insert(launched.pid, launch.task_id.to_owned());
        self.groups.insert(launched.pid, launch.task_id.to_owned());
        self.condemned.remove(launch.task_id);
        Ok(launched)
    }

    /// Reaps all that has ended, and looks at who is left.
    pub(crate) fn reap(&mut self) -> Vec<Reaped> {
        let mut reaped = Vec::new();
        // An error is ECHILD: there are no children at all.
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = Process(pid);
            let how = status
                .exit_status()
                .map(How::Code)
                .or(status.terminating_signal().map(How::Signal));
            self.orphans.remove(&pid);
            self.signalled.remove(&pid);
            if let Some(task_id) = self.children.remove(&pid) {
                reaped.push(Reaped {
                    task_id,
                    pid,
                    exit: Exit { how },
                });
            }
        }
        self.survey();
        reaped
    }

    /// Whether any process of the task is there.
    pub(crate) fn is_left(&self, task_id: &str) -> bool {
        self.children.values().any(|owner| owner == task_id)
            || self.orphans_of(task_id).next().is_some()
            || !self.adopted_of(task_id).is_empty()
    }

    /// Sends a signal to every process of the task. After SIGKILL, whatever of it turns up later gets it too.
    pub(crate) fn signal(&mut self, task_id: &str, signal: Signal) {
        if signal == Signal::KILL {
            self.condemned.insert(task_id.to_owned());
        }
        self.survey();
        for member in self.members(task_id) {
            self.signalled.insert(member, task_id.to_owned());
        }
        self.send(task_id, signal);
    }

    /// Nothing of the task is left.
    pub(crate) fn forget(&mut self, task_id: &str) {
        self.condemned.remove(task_id);
        self.adopted.remove(task_id);
        self.signalled.retain(|_, owner| owner != task_id);
    }

    /// Processes whose task is not known. They are nobody's, so they end with the executor.
    pub(crate) fn kill_strays(&mut self) {
        self.survey();
        for (pid, _) in self.orphans.iter().filter(|(_, owner)| owner.is_none()) {
            for member in tree::below(*pid) {
                give(member, Signal::KILL);
            }
        }
    }

    /// Every process of the task.
    fn members(&self, task_id: &str) -> BTreeSet<Process> {
        let children = self
            .children
            .iter()
            .filter(|(_, owner)| *owner == task_id)
            .map(|(pid, _)| *pid);
        children
            .chain(self.orphans_of(task_id))
            .chain(self.adopted_of(task_id))
            .flat_map(tree::below)
            .collect()
    }

    fn send(&self, task_id: &str, signal: Signal) {
        let mut groups = BTreeSet::new();
        for member in self.members(task_id) {
            match group(member) {
                // The whole group at once, so that nobody in it sees another end first.
                Some(group) if self.groups.get(&group).is_some_and(|owner| owner == task_id) => {
                    if groups.insert(group)
                        && let Err(error) = kill_process_group(group.0, signal)
                    {
                        tracing::debug!(task_id, group = group.number(), %error, "group could not be signalled");
                    }
                }
                Some(_) => give(member, signal),
                None => {} // It has ended meanwhile.
            }
        }
    }

    fn orphans_of<'a>(&'a self, task_id: &'a str) -> impl Iterator<Item = Process> + 'a {
        self.orphans
            .iter()
            .filter(move |(_, owner)| owner.as_deref() == Some(task_id))
            .map(|(pid, _)| *pid)
    }

    /// Finds the orphans. The kernel's list of our children only loses those that we reap, so it is exact.
    fn survey(&mut self) {
        let mut orphans = BTreeMap::new();
        for pid in tree::children(Process(getpid())) {
            if self.children.contains_key(&pid) {
                continue;
            }
            let owner = match self.orphans.remove(&pid) {
                Some(Some(owner)) => Some(owner),
                known => {
                    let owner = self.owner(pid);
                    if owner.is_none() && known.is_none() {
                        tracing::warn!(pid = pid.number(), "an orphan of which no task is known");
                    }
                    owner
                }
            };
            orphans.insert(pid, owner);
        }
        self.orphans = orphans;
        let mut used: BTreeSet<Process> = self.children.keys().copied().collect();
        used.extend(self.orphans.keys().filter_map(|pid| group(*pid)));
        self.groups.retain(|group, _| used.contains(group));
        let late = self
            .condemned
            .iter()
            .filter(|task_id| self.orphans_of(task_id).next().is_some());
        for task_id in late {
            self.send(task_id, Signal::KILL);
        }
    }

    fn owner(&self, pid: Process) -> Option<String> {
        self.groups
            .get(&group(pid)?)
            .cloned()
            .or_else(|| tree::mark(pid, TASK_MARK))
            .or_else(|| self.signalled.get(&pid).cloned())
    }
}

/// The process group of a process, if that is there.
fn group(process: Process) -> Option<Process> {
    getpgid(Some(process.0)).ok().map(Process)
}

fn give(pid: Process, signal: Signal) {
    if let Err(error) = kill_process(pid.0, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(pid = pid.number(), ?signal, %error, "process could not be signalled");
    }
}
