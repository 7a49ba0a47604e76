//! The cluster on this machine: an executor process for each named host.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use partita_link::SECRET_VARIABLE;
use partita_proto::executor::{Shutdown, to_executor};
use tokio::net::UnixListener;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;

use crate::attach::{Attach, Link};
use crate::cause::{Cause, Exit};
use crate::cluster::{Cluster, ClusterEvent, ClusterEvents};

/// How many of the last lines of an executor's log a cause shows.
const LAST_LINES: usize = 10;

/// What the cluster needs to know.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Names of the hosts.
    pub hosts: Vec<String>,
    /// Program and first arguments that start an executor; `--core`, `--host` and the like are added.
    pub executor: Vec<OsString>,
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
    server: JoinHandle<()>,
}

impl Local {
    /// Starts the executors. They attach when they are ready; what is sent before waits for them.
    pub fn start(config: LocalConfig, secret: &str, events: &ClusterEvents) -> Result<Self, LocalError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| LocalError::File { what, path, source }
        };
        let make = |path: &Path| {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder.create(path).map_err(failed("make the folder", path))
        };
        make(&config.directory)?;
        let socket = config.directory.join("core");
        let listener = UnixListener::bind(&socket).map_err(failed("listen at", &socket))?;
        let new_link = |host: &String| (host.clone(), Arc::new(Link::new(host, events.clone())));
        let links: BTreeMap<String, Arc<Link>> = config.hosts.iter().map(new_link).collect();
        let service = Attach::new(secret.to_owned(), links.clone()).service();
        let server = tokio::spawn(async move {
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
            let log = config.directory.join(format!("{host}.log"));
            let (stop, stopped) = oneshot::channel();
            let child = spawn(&config, host, &folder, &log, &socket, secret)?;
            executors.push(tokio::spawn(supervise(
                child,
                host.clone(),
                log,
                stopped,
                events.clone(),
            )));
            kill.push(stop);
        }
        Ok(Self {
            config,
            links,
            executors,
            kill,
            server,
        })
    }
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
    let failed = |what, path: PathBuf| move |source| LocalError::File { what, path, source };
    let out = File::create(log).map_err(failed("make the log", log.to_owned()))?;
    let err = out.try_clone().map_err(failed("use the log", log.to_owned()))?;
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
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    // Ctrl-C in a terminal goes to the whole foreground group: the core alone decides what it means.
    command.process_group(0).kill_on_drop(true);
    command
        .spawn()
        .map_err(failed("start the executor", program.into()))
}

/// Says at once when an executor is gone, whether or not its stream has said so.
async fn supervise(
    mut child: Child,
    host: String,
    log: PathBuf,
    stopped: oneshot::Receiver<()>,
    events: ClusterEvents,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        _ = stopped => {
            let _ = child.kill().await;
            return;
        }
    };
    let mut cause = Cause::new("the executor ended");
    match status {
        Ok(status) => {
            cause.exit = status
                .code()
                .map(Exit::Code)
                .or(status.signal().map(Exit::Signal))
        }
        Err(error) => cause.what = format!("the executor cannot be watched: {error}"),
    }
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(LAST_LINES)..)
        .unwrap_or_default();
    cause.last_lines = last.iter().map(|line| (*line).to_owned()).collect();
    cause.host = Some(host.clone());
    // The core may be gone already.
    let _ = events.send(ClusterEvent::HostLost { host, cause });
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
            self.server.abort();
            if let Err(error) = std::fs::remove_dir_all(&self.config.directory) {
                let path = self.config.directory.display().to_string();
                tracing::error!(%error, path, "the folder of the session cannot be removed");
            }
        })
    }
}
