//! The start of one process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use partita_link::EXECUTOR_MARK;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::process::{
    Gid, Pid, Resource, Rlimit, Signal, Uid, getpid, getppid, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::tree::Process;
use crate::config::SECRET_VARIABLE;

/// The environment variable by which a process is known to belong to a task, even where it has left the process
/// group and has lost its parent.
pub(crate) const TASK_MARK: &str = "PARTITA_TASK_ID";

/// What to start, and how.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) task_id: &'a str,
    pub(crate) value: &'a str,
    pub(crate) shell: bool,
    pub(crate) arguments: &'a [String],
    /// On top of the executor's own.
    pub(crate) env: &'a [(String, String)],
    pub(crate) user: Option<&'a User>,
    pub(crate) directory: &'a Path,
    /// Where its output goes, to be found by a successor; `None`: nobody will look for it.
    pub(crate) output: Option<&'a Path>,
    /// The kernel kills it when the executor dies.
    pub(crate) die_with_executor: bool,
}

/// A process that has been started.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) pid: Process,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// Somebody as whom a process can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Launch<'_> {
    /// Starts it, with this limit on open files if one is given.
    pub(super) fn run(&self, open_files: Option<Rlimit>) -> io::Result<Launched> {
        let ((stdout, to_stdout), (stderr, to_stderr)) = match self.output {
            Some(output) => (
                named_pipe(&output.with_extension("out"))?,
                named_pipe(&output.with_extension("err"))?,
            ),
            None => (lasting_pipe()?, lasting_pipe()?),
        };
        let mut command = self.command(open_files);
        let child = command.stdout(to_stdout).stderr(to_stderr).spawn()?;
        Ok(Launched {
            pid: Process(Pid::from_child(&child)),
            stdout,
            stderr,
        })
    }

    fn command(&self, open_files: Option<Rlimit>) -> Command {
        let mut command = if self.shell {
            let text: Vec<&str> = std::iter::once(self.value)
                .chain(self.arguments.iter().map(String::as_str))
                .collect();
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(text.join(" "));
            command
        } else {
            let mut command = Command::new(self.value);
            command.args(self.arguments);
            command
        };
        command
            .env_remove(SECRET_VARIABLE)
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .env(TASK_MARK, self.task_id)
            .env(EXECUTOR_MARK, self.directory)
            .current_dir(self.directory)
            .process_group(0)
            .stdin(Stdio::null());
        self.prepare(&mut command, open_files);
        command
    }

    /// What only the child itself can do.
    fn prepare(&self, command: &mut Command, open_files: Option<Rlimit>) {
        if self.user.is_none() && !self.die_with_executor && open_files.is_none() {
            return; // The quick way to start a process is open only without this.
        }
        let user = self.user.cloned();
        let die = self.die_with_executor;
        let parent = getpid();
        let prepare = move || {
            if let Some(limit) = &open_files {
                setrlimit(Resource::Nofile, *limit)?;
            }
            if let Some(user) = &user {
                set_thread_groups(&user.groups)?;
                set_thread_res_gid(user.gid, user.gid, user.gid)?;
                set_thread_res_uid(user.uid, user.uid, user.uid)?;
            }
            if die {
                // After the change of user, which resets it.
                set_parent_process_death_signal(Some(Signal::KILL))?;
                if getppid() != Some(parent) {
                    return Err(io::ErrorKind::BrokenPipe.into()); // The executor has died in between.
                }
            }
            Ok(())
        };
        // SAFETY: between fork and exec only async-signal-safe operations are allowed. The closure makes nothing but
        // direct system calls; it reads memory that was allocated before the fork, allocates and frees nothing
        // (both error values are plain numbers), takes no lock and does not panic.
        unsafe {
            command.pre_exec(prepare);
        }
    }
}

/// A pipe for output that outlives its reader: the end for the process can also read. So a process that writes when
/// the executor has died is not killed by SIGPIPE for it; it waits, once the pipe is full, for a reader to come.
fn lasting_pipe() -> io::Result<(OwnedFd, File)> {
    let (reader, writer) = io::pipe()?;
    let again = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let both = File::options().read(true).write(true).open(again)?;
    Ok((reader.into(), both))
}

/// As [`lasting_pipe`], but with a name, by which a successor finds it.
fn named_pipe(path: &Path) -> io::Result<(OwnedFd, File)> {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let both = File::options().read(true).write(true).open(path)?;
    Ok((open_pipe(path)?, both))
}

/// The end of a named pipe that reads.
fn open_pipe(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}

/// What a process writes that a predecessor has started.
pub(crate) fn found_output(output: &Path) -> io::Result<[OwnedFd; 2]> {
    Ok([
        open_pipe(&output.with_extension("out"))?,
        open_pipe(&output.with_extension("err"))?,
    ])
}

/// The names of the output of a process of which nothing is left.
pub(crate) fn remove_output(output: &Path) {
    for extension in ["out", "err"] {
        // It may have failed before it had both.
        let _ = std::fs::remove_file(output.with_extension(extension));
    }
}

/// Looks users up, each once.
#[derive(Debug, Default)]
pub(crate) struct Users {
    known: BTreeMap<String, User>,
}

impl Users {
    /// Asks `id`, which knows the users of this host wherever they come from (files, LDAP, SSSD).
    pub(crate) fn find(&mut self, name: &str) -> Result<&User, String> {
        if !self.known.contains_key(name) {
            let user = User {
                uid: Uid::from_raw(ask(name, "-u")?),
                gid: Gid::from_raw(ask(name, "-g")?),
                groups: groups(name)?,
            };
            self.known.insert(name.to_owned(), user);
        }
        self.known
            .get(name)
            .ok_or_else(|| format!("user `{name}` is not known"))
    }
}

fn ask(name: &str, what: &str) -> Result<u32, String> {
    id(name, what)?
        .trim()
        .parse()
        .map_err(|_| format!("`id {what} {name}` gave no number"))
}

fn groups(name: &str) -> Result<Vec<Gid>, String> {
    let text = id(name, "-G")?;
    let groups = text
        .split_ascii_whitespace()
        .map(|group| group.parse().map(Gid::from_raw));
    groups
        .collect::<Result<_, _>>()
        .map_err(|_| format!("`id -G {name}` gave no list of numbers"))
}

fn id(name: &str, what: &str) -> Result<String, String> {
    let output = Command::new("id")
        .args([what, "--", name])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot look up user `{name}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("user `{name}` is not known on this host"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_nonsense_is_not() {
        let mut users = Users::default();
        assert_eq!(users.find("root").map(|root| root.uid), Ok(Uid::ROOT));
        assert!(
            users
                .find("no such user")
                .is_err_and(|error| error.contains("`no such user` is not known"))
        );
    }
}
