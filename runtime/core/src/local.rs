//! The cluster on this machine: an executor process for each named host.

mod executor;
mod process;
mod remnants;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use partita_proto::executor::{Shutdown, to_executor};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;

use crate::attach::{Attach, Link};
use crate::cluster::{Cluster, ClusterEvents};
use executor::{Keeper, Order, Start};

/// Longest path of a socket: `sun_path` has 108 bytes with the zero at its end (`unix(7)`).
const LONGEST_SOCKET: usize = 107;

/// Which of core, executors and tasks live without which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Of a run in the foreground, which must leave nothing behind: tasks die with their executor, and a host is lost
    /// with it.
    Session {
        /// How long executors wait for a core that is gone before they end their tasks; `None`: for ever.
        patience: Option<Duration>,
    },
    /// Of the daemon: executors outlive the core and are found by the next one; tasks outlive their executor, which is
    /// followed by a successor.
    Lasting,
}

/// Silence of an executor after which it is asked whether it is there, and after the same again taken for away.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What the cluster needs to know.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Names of the hosts.
    pub hosts: Vec<String>,
    /// Program and first arguments that start an executor; `--core`, `--host` and the like are added.
    pub executor: Vec<OsString>,
    /// Folder for the logs of executors; `None`: [`LocalConfig::directory`].
    pub log_directory: Option<PathBuf>,
    /// Folder of this core alone: for [`Life::Session`] not there yet, for [`Life::Lasting`] the same each time.
    pub directory: PathBuf,
    /// Who outlives whom.
    pub life: Life,
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
    /// Two cores cannot use one folder.
    #[error("{0} is in use by another core: end that one, or choose another state directory")]
    InUse(PathBuf),
    /// A socket there would have no address.
    #[error("{0} is too long for the path of a socket: choose a shorter state directory")]
    TooLong(PathBuf),
    /// No command.
    #[error("no command to start an executor is given")]
    NoExecutor,
}

/// The local cluster.
#[derive(Debug)]
pub struct Local {
    config: LocalConfig,
    links: BTreeMap<String, Arc<Link>>,
    keepers: Vec<JoinHandle<()>>,
    orders: watch::Sender<Order>,
    /// Serves until it is dropped.
    server: JoinSet<()>,
    /// Where the socket is, if not in the folder of the core.
    socket_folder: Option<TempDir>,
    /// The folder is this core's as long as this is open.
    _held: File,
}

impl Local {
    /// Starts the executors, or finds those of an earlier core. They attach when they are ready; what is sent before
    /// waits for them. `core` is the identity of this core process, `secret` a new one for a folder that has none.
    pub fn start(
        mut config: LocalConfig,
        core: &str,
        secret: &str,
        events: &ClusterEvents,
    ) -> Result<Self, LocalError> {
        check(&config.hosts)?;
        if let (Some(state), Life::Session { .. }) = (config.directory.parent(), config.life) {
            session::sweep(state);
        }
        make(&config.directory)?;
        // Executors and tasks may have other working folders.
        config.directory =
            std::fs::canonicalize(&config.directory).map_err(failed("find the folder", &config.directory))?;
        let (directory, life) = (config.directory.clone(), config.life);
        let started = Self::start_in(config, core, secret, events);
        if started.is_err()
            && life != Life::Lasting
            && let Err(error) = std::fs::remove_dir_all(&directory)
        {
            tracing::error!(%error, path = %directory.display(), "the folder of the session cannot be removed");
        }
        started
    }

    fn start_in(
        config: LocalConfig,
        core: &str,
        new_secret: &str,
        events: &ClusterEvents,
    ) -> Result<Self, LocalError> {
        let directory = &config.directory;
        let holding = || failed("hold", directory);
        let (held, secret) = match config.life {
            Life::Session { .. } => (
                session::hold(directory).map_err(holding())?,
                new_secret.to_owned(),
            ),
            Life::Lasting => {
                let held = session::hold_again(directory).map_err(holding())?;
                let held = held.ok_or_else(|| LocalError::InUse(directory.clone()))?;
                (held, secret(&directory.join("secret"), new_secret)?)
            }
        };
        let (socket, socket_folder) = socket(&config)?;
        let listener = UnixListener::bind(&socket).map_err(failed("listen at", &socket))?;
        let new_link = |host: &String| (host.clone(), Arc::new(Link::new(host, core, events.clone())));
        let links: BTreeMap<String, Arc<Link>> = config.hosts.iter().map(new_link).collect();
        let server = serve(listener, Attach::new(secret.clone(), links.clone()));
        let (orders, _) = watch::channel(Order::Keep);
        let mut keepers = Vec::new();
        for (host, link) in &links {
            let start = Start::new(&config, host, &socket, &secret);
            make(&start.folder)?;
            let executor = start.find_or_start()?;
            let keeper = Keeper {
                start,
                link: Arc::clone(link),
                events: events.clone(),
                orders: orders.subscribe(),
            };
            keepers.push(tokio::spawn(keeper.keep(executor)));
        }
        Ok(Self {
            config,
            links,
            keepers,
            orders,
            server,
            socket_folder,
            _held: held,
        })
    }
}

/// Serves executors until it is dropped.
fn serve(listener: UnixListener, attach: Attach) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move {
        let incoming = UnixListenerStream::new(listener);
        if let Err(error) = Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .http2_keepalive_timeout(Some(KEEP_ALIVE))
            .add_service(attach.service())
            .serve_with_incoming(incoming)
            .await
        {
            tracing::error!(%error, "executors cannot attach any more");
        }
    });
    server
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

/// Path of the socket: in the folder of the core if the system and an address can hold that, else in a temporary one,
/// which only a core can do that none is to find again.
fn socket(config: &LocalConfig) -> Result<(PathBuf, Option<TempDir>), LocalError> {
    let socket = config.directory.join("core");
    if socket.as_os_str().len() <= LONGEST_SOCKET && socket.to_str().is_some() {
        return match std::fs::remove_file(&socket) {
            // Of an earlier core; nobody else uses the folder.
            Ok(()) => Ok((socket, None)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((socket, None)),
            Err(error) => Err(failed("remove", &socket)(error)),
        };
    }
    if config.life == Life::Lasting {
        return Err(LocalError::TooLong(socket));
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

/// The secret that executors of earlier cores know too; `new` if there is none yet.
fn secret(file: &Path, new: &str) -> Result<String, LocalError> {
    match std::fs::read_to_string(file) {
        Ok(secret) if !secret.is_empty() => return Ok(secret),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("read the secret in", file)(error));
        }
        _ => {}
    }
    let early = file.with_extension("new");
    let write = || {
        let mut out = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&early)?;
        out.set_permissions(Permissions::from_mode(0o600))?;
        out.write_all(new.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&early, file)
    };
    write().map_err(failed("write a secret to", file))?;
    Ok(new.to_owned())
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

    fn leave(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if self.config.life != Life::Lasting {
                return self.shut_down().await;
            }
            for keeper in &self.keepers {
                keeper.abort();
            }
            drop(self.server);
            for link in self.links.values() {
                link.close();
            }
        })
    }

    fn shut_down(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.orders.send_replace(Order::Ending);
            for link in self.links.values() {
                link.send(to_executor::Body::Shutdown(Shutdown {}));
            }
            let deadline = tokio::time::Instant::now() + self.config.farewell;
            for mut keeper in self.keepers {
                if tokio::time::timeout_at(deadline, &mut keeper).await.is_err() {
                    tracing::error!("an executor did not end in time and is killed");
                    self.orders.send_replace(Order::Kill);
                    let _ = keeper.await;
                }
            }
            drop((self.server, self.socket_folder));
            let directory = &self.config.directory;
            let removed = match self.config.life {
                Life::Session { .. } => std::fs::remove_dir_all(directory),
                Life::Lasting => std::fs::remove_file(directory.join("core")),
            };
            if let Err(error) = removed {
                let path = directory.display().to_string();
                tracing::error!(%error, path, "what the cluster used cannot be removed");
            }
        })
    }
}
