//! The cluster on this machine: an executor process for each named host.

mod remnants;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use partita_link::SECRET_VARIABLE;
use partita_proto::executor::{Shutdown, to_executor};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;

use crate::attach::{Attach, Link};
use crate::cause::{Cause, Exit};
use crate::cluster::{Cluster, ClusterEvent, ClusterEvents};
use remnants::EXECUTOR_MARK;

/// How many of the last lines of an executor's log a cause shows.
const LAST_LINES: usize = 10;
/// Longest path of a socket: `sun_path` has 108 bytes with the zero at its end (`unix(7)`).
const LONGEST_SOCKET: usize = 107;

/// What the cluster needs to know.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Names of the hosts.
    pub hosts: Vec<String>,
    /// Program and first arguments that start an executor; `--core`, `--host` and the like are added.
    pub executor: Vec<OsString>,
    /// Folder for the logs of executors; `None`: [`LocalConfig::directory`].
    pub log_directory: Option<PathBuf>,
    /// Folder of this core alone, not there yet.
    pub directory: PathBuf,
    /// How long executors wait for a core that is gone before they end their tasks; `None`: for ever.
    pub patience: Option<Duration>,
    /// How long executors have to end, before they are killed.
    pub farewell: Duration,
}

/// Why the cluster cannot be there.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Something with a file.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it did not work.
        source: io::Error,
    },
    /// A name that can be no file.
    #[error("`{0}` cannot be the name of a host")]
    HostName(String),
    /// Two hosts of one name.
    #[error("host `{0}` is named twice")]
    Twice(String),
    /// No command.
    #[error("no command to start an executor is given")]
    NoExecutor,
}

/// The local cluster.
#[derive(Debug)]
pub struct Local {
    config: LocalConfig,
    links: BTreeMap<String, Arc<Link>>,
    executors: Vec<JoinHandle<()>>,
    kill: Vec<oneshot::Sender<()>>,
    /// Serves until it is dropped.
    server: JoinSet<()>,
    /// Where the socket is, if not in the folder of the core.
    socket_folder: Option<TempDir>,
    /// The folder is this core's as long as this is open.
    _held: File,
}

impl Local {
    /// Starts the executors. They attach when they are ready; what is sent before waits for them. `core` is the
    /// identity of this core process.
    pub fn start(
        mut config: LocalConfig,
        core: &str,
        secret: &str,
        events: &ClusterEvents,
    ) -> Result<Self, LocalError> {
        check(&config.hosts)?;
        if let Some(state) = config.directory.parent() {
            session::sweep(state);
        }
        make(&config.directory)?;
        // Executors and tasks may have other working folders.
        config.directory =
            std::fs::canonicalize(&config.directory).map_err(failed("find the folder", &config.directory))?;
        let directory = config.directory.clone();
        let started = Self::start_in(config, core, secret, events);
        if started.is_err()
            && let Err(error) = std::fs::remove_dir_all(&directory)
        {
            tracing::error!(%error, path = %directory.display(), "the folder of the session cannot be removed");
        }
        started
    }

    fn start_in(
        config: LocalConfig,
        core: &str,
        secret: &str,
        events: &ClusterEvents,
    ) -> Result<Self, LocalError> {
        let held = session::hold(&config.directory).map_err(failed("hold", &config.directory))?;
        let (socket, socket_folder) = socket(&config.directory)?;
        let listener = UnixListener::bind(&socket).map_err(failed("listen at", &socket))?;
        let new_link = |host: &String| (host.clone(), Arc::new(Link::new(host, core, events.clone())));
        let links: BTreeMap<String, Arc<Link>> = config.hosts.iter().map(new_link).collect();
        let service = Attach::new(secret.to_owned(), links.clone()).service();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let incoming = UnixListenerStream::new(listener);
            if let Err(error) = Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming)
                .await
            {
                tracing::error!(%error, "executors cannot attach any more");
            }
        });
        let (mut executors, mut kill) = (Vec::new(), Vec::new());
        for host in &config.hosts {
            let folder = config.directory.join(host);
            make(&folder)?;
            let log = config
                .log_directory
                .as_ref()
                .unwrap_or(&config.directory)
                .join(format!("{host}.log"));
            let (stop, stopped) = oneshot::channel();
            let executor = Executor {
                child: spawn(&config, host, &folder, &log, &socket, secret)?,
                host: host.clone(),
                mark: folder.display().to_string(),
                log,
                farewell: config.farewell,
            };
            executors.push(tokio::spawn(executor.supervise(stopped, events.clone())));
            kill.push(stop);
        }
        Ok(Self {
            config,
            links,
            executors,
            kill,
            server,
            socket_folder,
            _held: held,
        })
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LocalError {
    let path = path.to_owned();
    move |source| LocalError::File { what, path, source }
}

/// Names of hosts become names of files, and each stands for one executor.
fn check(hosts: &[String]) -> Result<(), LocalError> {
    let mut known = BTreeSet::new();
    for host in hosts {
        if matches!(host.as_str(), "" | "core") || host.starts_with('.') || host.contains('/') {
            return Err(LocalError::HostName(host.clone()));
        }
        if !known.insert(host) {
            return Err(LocalError::Twice(host.clone()));
        }
    }
    Ok(())
}

fn make(path: &Path) -> Result<(), LocalError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(failed("make the folder", path))
}

/// Path of the socket: in `directory` if the system and an address can hold that, else in a temporary folder.
fn socket(directory: &Path) -> Result<(PathBuf, Option<TempDir>), LocalError> {
    let socket = directory.join("core");
    if socket.as_os_str().len() <= LONGEST_SOCKET && socket.to_str().is_some() {
        return Ok((socket, None));
    }
    let folder = tempfile::Builder::new()
        .prefix("partita-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(failed(
            "make a temporary folder for the socket instead of",
            &socket,
        ))?;
    Ok((folder.path().join("core"), Some(folder)))
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

fn spawn(
    config: &LocalConfig,
    host: &str,
    folder: &Path,
    log: &Path,
    socket: &Path,
    secret: &str,
) -> Result<Child, LocalError> {
    let (program, arguments) = config.executor.split_first().ok_or(LocalError::NoExecutor)?;
    let out = File::create(log).map_err(failed("make the log", log))?;
    let err = out.try_clone().map_err(failed("use the log", log))?;
    let mut command = Command::new(program);
    let core = format!("unix:{}", socket.display());
    command
        .args(arguments)
        .args(["--core", &core, "--host", host, "--die-with-executor"]);
    command.arg("--directory").arg(folder);
    if let Some(patience) = config.patience {
        command.args(["--core-patience-ms", &patience.as_millis().to_string()]);
    }
    command
        .env(SECRET_VARIABLE, secret)
        .env(EXECUTOR_MARK, folder)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    if let Some(path) = search_path(program) {
        command.env("PATH", path);
    }
    // Ctrl-C in a terminal goes to the whole foreground group: the core alone decides what it means.
    command.process_group(0).kill_on_drop(true);
    command
        .spawn()
        .map_err(failed("start the executor", Path::new(program)))
}

/// The executor of one host.
struct Executor {
    child: Child,
    host: String,
    /// In the environment of all of its processes.
    mark: String,
    log: PathBuf,
    farewell: Duration,
}

impl Executor {
    /// Says at once when the executor is gone, whether or not its stream has said so, and that nothing is left of it.
    async fn supervise(mut self, stopped: oneshot::Receiver<()>, events: ClusterEvents) {
        let status = tokio::select! {
            status = self.child.wait() => status,
            _ = stopped => {
                if let Err(error) = self.child.kill().await {
                    tracing::error!(%error, host = self.host, "the executor cannot be killed");
                }
                self.end_remnants().await;
                return;
            }
        };
        self.end_remnants().await;
        let mut cause = Cause::new("the executor ended");
        match status {
            Ok(status) => {
                let signal = status.signal().map(Exit::Signal);
                cause.exit = status.code().map(Exit::Code).or(signal);
            }
            Err(error) => cause.what = format!("the executor cannot be watched: {error}"),
        }
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        // What went well on the way explains nothing.
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains(" INFO ")).collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..);
        cause.last_lines = last
            .unwrap_or_default()
            .iter()
            .map(|line| (*line).to_owned())
            .collect();
        cause.host = Some(self.host.clone());
        let host = self.host;
        // The core may be gone already.
        let _ = events.send(ClusterEvent::HostLost { host, cause });
    }

    async fn end_remnants(&self) {
        let (mark, patience) = (self.mark.clone(), self.farewell);
        match tokio::task::spawn_blocking(move || remnants::end(&mark, patience)).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => tracing::error!(?left, host = self.host, "these processes cannot be killed"),
            Err(error) => tracing::error!(%error, host = self.host, "processes may be left"),
        }
    }
}

impl Cluster for Local {
    fn hosts(&self) -> &[String] {
        &self.config.hosts
    }

    /// All hosts are this machine.
    fn address(&self, _host: &str) -> String {
        "127.0.0.1".to_owned()
    }

    fn send(&self, host: &str, body: to_executor::Body) {
        if let Some(link) = self.links.get(host) {
            link.send(body);
        }
    }

    fn acknowledge(&self, host: &str, sequence: u64) {
        if let Some(link) = self.links.get(host) {
            link.acknowledge(sequence);
        }
    }

    fn shut_down(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            for link in self.links.values() {
                link.send(to_executor::Body::Shutdown(Shutdown {}));
            }
            let deadline = tokio::time::Instant::now() + self.config.farewell;
            for (mut executor, kill) in self.executors.into_iter().zip(self.kill) {
                if tokio::time::timeout_at(deadline, &mut executor).await.is_err() {
                    tracing::error!("an executor did not end in time and is killed");
                    let _ = kill.send(());
                    let _ = executor.await;
                }
            }
            drop((self.server, self.socket_folder));
            if let Err(error) = std::fs::remove_dir_all(&self.config.directory) {
                let path = self.config.directory.display().to_string();
                tracing::error!(%error, path, "the folder of the session cannot be removed");
            }
        })
    }
}
