//! The executor of one host: started, watched, and followed by a successor where tasks are to outlive it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use partita_link::{EXECUTOR_MARK, SECRET_VARIABLE};
use tokio::sync::watch;

use super::process::Process;
use super::{Life, LocalConfig, LocalError, failed, remnants};
use crate::attach::Link;
use crate::cause::{Cause, Exit};
use crate::cluster::{ClusterEvent, ClusterEvents};

/// How many of the last lines of an executor's log a cause shows.
const LAST_LINES: usize = 10;
/// Where in the log they are looked for, in bytes from its end.
const LAST_BYTES: u64 = 64 << 10;
/// Pauses before one successor after another that ended without ever having attached. After the last the host is lost.
const PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1600),
    Duration::from_millis(6400),
];

/// What those who keep executors are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// See to it that there is one.
    Keep,
    /// It is being ended in order; none is to follow.
    Ending,
    /// It had its time to end.
    Kill,
}

/// How the executor of a host is started, and known.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) host: String,
    /// Program and first arguments.
    pub(super) program: Vec<OsString>,
    pub(super) life: Life,
    /// Of the core.
    pub(super) socket: PathBuf,
    pub(super) secret: String,
    /// Its own; in the environment of all of its processes.
    pub(super) folder: PathBuf,
    pub(super) log: PathBuf,
    /// How long what it leaves behind has to die.
    pub(super) farewell: Duration,
}

impl Start {
    pub(super) fn new(config: &LocalConfig, host: &str, socket: &Path, secret: &str) -> Self {
        let logs = config.log_directory.as_ref().unwrap_or(&config.directory);
        Self {
            host: host.to_owned(),
            program: config.executor.clone(),
            life: config.life,
            socket: socket.to_owned(),
            secret: secret.to_owned(),
            folder: config.directory.join(host),
            log: logs.join(format!("{host}.log")),
            farewell: config.farewell,
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.with_extension("pid")
    }

    /// The executor of an earlier core that still lives, or a new one.
    pub(super) fn find_or_start(&self) -> Result<Executor, LocalError> {
        if self.life == Life::Lasting
            && let Some(process) = Process::recall(&self.pid_file())
        {
            tracing::info!(host = self.host, "its executor lives, and is taken over");
            return Ok(Executor {
                process,
                child: None,
                kill_on_drop: false,
            });
        }
        self.start()
    }

    fn start(&self) -> Result<Executor, LocalError> {
        let (program, arguments) = self.program.split_first().ok_or(LocalError::NoExecutor)?;
        let log = || failed("use the log", &self.log);
        let out = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(log())?;
        let err = out.try_clone().map_err(log())?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(["--core", &format!("unix:{}", self.socket.display())])
            .args(["--host", &self.host, "--directory"])
            .arg(&self.folder)
            .env(SECRET_VARIABLE, &self.secret)
            .env(EXECUTOR_MARK, &self.folder)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        if let Life::Session { patience } = self.life {
            command.arg("--die-with-executor");
            if let Some(patience) = patience {
                command.args(["--core-patience-ms", &patience.as_millis().to_string()]);
            }
            // Ctrl-C in a terminal goes to the whole foreground group: the core alone decides what it means. One that
            // is to last makes a session of its own.
            command.process_group(0);
        }
        if let Some(path) = search_path(program) {
            command.env("PATH", path);
        }
        let starting = || failed("start the executor", Path::new(program));
        let mut child = command.spawn().map_err(starting())?;
        let remembered = i32::try_from(child.id())
            .map_err(io::Error::other)
            .and_then(Process::open);
        // One that has ended at once is none to hold, and is told as one that ended.
        let process = match remembered {
            Ok(process) => process,
            Err(source) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(starting()(source));
            }
        };
        if self.life == Life::Lasting {
            let file = self.pid_file();
            process
                .remember(&file)
                .map_err(failed("write the number of the executor to", &file))?;
        }
        Ok(Executor {
            process,
            child: Some(child),
            kill_on_drop: self.life != Life::Lasting,
        })
    }
}

/// The search path with the folder of the executor's program in front, so that tasks find what lies beside it.
#[allow(
    clippy::disallowed_methods,
    reason = "executors of this machine inherit its environment; nothing is decided by it"
)]
fn search_path(program: &OsStr) -> Option<OsString> {
    let folder = Path::new(program)
        .parent()
        .filter(|folder| folder.is_absolute())?;
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&inherited));
    std::env::join_paths(folders).ok()
}

/// An executor process.
#[derive(Debug)]
pub(super) struct Executor {
    process: Process,
    /// Unless an earlier core has started it.
    child: Option<Child>,
    kill_on_drop: bool,
}

impl Executor {
    /// How it ended, as far as that can be known.
    fn exit(&mut self) -> Option<Exit> {
        let status = self.child.as_mut()?.wait().ok()?;
        let signal = status.signal().map(Exit::Signal);
        status.code().map(Exit::Code).or(signal)
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if self.kill_on_drop {
            self.process.kill();
        }
    }
}

/// Who keeps the executor of one host.
pub(super) struct Keeper {
    pub(super) start: Start,
    pub(super) link: Arc<Link>,
    pub(super) events: ClusterEvents,
    pub(super) orders: watch::Receiver<Order>,
}

impl Keeper {
    /// Until the executor has ended as ordered, or the host is lost.
    pub(super) async fn keep(mut self, mut executor: Executor) {
        let mut failures = PAUSES.iter();
        loop {
            let sessions = self.link.sessions();
            self.end_of(&executor).await;
            let cause = self.cause(executor.exit());
            if *self.orders.borrow() != Order::Keep {
                self.end_remnants().await;
                let _ = std::fs::remove_file(self.start.pid_file());
                return;
            }
            if self.link.sessions() != sessions {
                failures = PAUSES.iter();
            }
            let pause = failures
                .next()
                .filter(|_| self.start.life == Life::Lasting)
                .copied();
            let successor = match pause {
                Some(pause) => {
                    tracing::error!(host = self.start.host, %cause, "a successor is started");
                    self.away(cause.clone());
                    tokio::time::sleep(pause).await;
                    self.start.start()
                }
                None => return self.lose(cause).await,
            };
            match successor {
                Ok(successor) => executor = successor,
                Err(error) => {
                    let mut lost =
                        Cause::new(format!("no successor of the executor can be started: {error}"));
                    lost.because.push(cause);
                    return self.lose(lost).await;
                }
            }
        }
    }

    async fn end_of(&mut self, executor: &Executor) {
        tokio::select! {
            () = executor.process.ended() => return,
            () = wait_for_kill(&mut self.orders, self.start.life) => {}
        }
        executor.process.kill();
        executor.process.ended().await;
    }

    fn cause(&self, exit: Option<Exit>) -> Cause {
        let mut cause = Cause::new("the executor ended");
        cause.exit = exit;
        cause.host = Some(self.start.host.clone());
        cause.last_lines = last_lines(&self.start.log).unwrap_or_default();
        cause
    }

    fn away(&self, cause: Cause) {
        let host = self.start.host.clone();
        // The core may be gone already.
        let _ = self.events.send(ClusterEvent::Away { host, cause });
    }

    /// Nobody can steer its tasks any more, so nothing of them is left.
    async fn lose(self, mut cause: Cause) {
        self.end_remnants().await;
        let _ = std::fs::remove_file(self.start.pid_file());
        let host = self.start.host;
        cause.host = Some(host.clone());
        let _ = self.events.send(ClusterEvent::HostLost { host, cause });
    }

    async fn end_remnants(&self) {
        let (mark, patience) = (self.start.folder.display().to_string(), self.start.farewell);
        let host = &self.start.host;
        match tokio::task::spawn_blocking(move || remnants::end(&mark, patience)).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => tracing::error!(?left, host, "these processes cannot be killed"),
            Err(error) => tracing::error!(%error, host, "processes may be left"),
        }
    }
}

/// Who gave orders may be gone with the core: then it leaves alone those that are to outlive it.
async fn wait_for_kill(orders: &mut watch::Receiver<Order>, life: Life) {
    let gone = orders.wait_for(|order| *order == Order::Kill).await.is_err();
    if gone && life == Life::Lasting {
        std::future::pending::<()>().await;
    }
}

/// The last lines of a log, but for those that say what went well on the way, which explains nothing.
fn last_lines(log: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(" INFO ")).collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..);
    Ok(last
        .unwrap_or_default()
        .iter()
        .map(|line| (*line).to_owned())
        .collect())
}
