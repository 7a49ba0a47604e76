//! What `/proc` says about processes. A process may end at any moment, so nothing here fails: what cannot be read
//! is not there.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs;

use rustix::process::Pid;

/// A process, so that it can be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(pub(crate) Pid);

impl Process {
    /// The number of the process.
    pub(crate) fn number(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }
}

impl Ord for Process {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Process {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Most processes of one task that are looked at; a fork bomb is killed group by group, not one by one.
const MOST: usize = 65_536;

/// The children of a process, zombies included.
pub(super) fn children(parent: Process) -> Vec<Process> {
    let threads = format!("/proc/{}/task", parent.number());
    let Ok(threads) = fs::read_dir(threads) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(text.split_ascii_whitespace().filter_map(pid)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && thread.path().exists() => {
                return children_by_parent(parent); // A kernel without CONFIG_PROC_CHILDREN.
            }
            Err(_) => {}
        }
    }
    found
}

/// The process itself and all below it.
pub(super) fn below(root: Process) -> Vec<Process> {
    let mut seen = BTreeSet::from([root]);
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied()
        && found.len() < MOST
    {
        found.extend(children(pid).into_iter().filter(|child| seen.insert(*child)));
        next += 1;
    }
    found
}

/// The value of a variable in the environment with which a process was started.
pub(super) fn mark(process: Process, variable: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{}/environ", process.number())).ok()?;
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(variable.as_bytes())?.strip_prefix(b"=")?;
        String::from_utf8(value.to_vec()).ok()
    })
}

/// When a process was started, in ticks since the system was; `None` if it is a zombie or not there. From
/// `/proc/PID/stat`: `pid (name) state ppid ... starttime`, where the name may hold anything.
pub(super) fn started(process: Process) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.number())).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let alive = !matches!(fields.next()?, "Z" | "X");
    fields.nth(18)?.parse().ok().filter(|_| alive)
}

/// The process group of any process: unlike `getpgid(2)`, also of those of the kernel and of outer namespaces, which
/// have none.
pub(super) fn group(process: Process) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.number())).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(2)
        .and_then(pid)
}

/// All processes of this machine that are no zombies.
pub(super) fn living() -> Vec<Process> {
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let processes = all.flatten().filter_map(|entry| pid(entry.file_name().to_str()?));
    processes.filter(|process| started(*process).is_some()).collect()
}

fn children_by_parent(parent: Process) -> Vec<Process> {
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let processes = all.flatten().filter_map(|entry| pid(entry.file_name().to_str()?));
    processes
        .filter(|process| parent_of(*process) == Some(parent))
        .collect()
}

/// From `/proc/PID/stat`: `pid (name) state ppid ...`, where the name may hold anything.
fn parent_of(process: Process) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.number())).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(1)
        .and_then(pid)
}

/// No number, 0 and what is below are no process; the kernel writes -1 for the group of one that is just ending.
fn pid(text: &str) -> Option<Process> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .and_then(Pid::from_raw)
        .map(Process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_is_found_both_ways_with_its_mark() {
        let mut child = Command::new("cat")
            .env("PARTITA_TREE_TEST", "here")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat");
        let pid = Process(Pid::from_child(&child));
        let me = Process(rustix::process::getpid());
        assert!(children(me).contains(&pid));
        assert!(children_by_parent(me).contains(&pid));
        assert!(below(me).contains(&pid));
        assert_eq!(mark(pid, "PARTITA_TREE_TEST").as_deref(), Some("here"));
        drop(child.stdin.take());
        child.wait().expect("ends with its input");
        assert!(!children(me).contains(&pid));
    }
}
