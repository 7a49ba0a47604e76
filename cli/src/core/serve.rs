//! The life of the daemon: lock, core, server, and what signals do to it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use partita_api::{About, Api};
use partita_artefact::store::Store;
use partita_core::core::{Config, Core as Runtime, CoreError};
use partita_core::local::LocalError;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::ledger::Ledger;
use super::workflows::Compiler;
use super::{Core, services};
use crate::failure::Failure;
use crate::store;

/// What is in the state folder besides what the core itself keeps there: docs/core.md.
const LOCK: &str = "lock";
const LOGS: &str = "logs";
const STORE: &str = "store";

fn failed(what: &str, path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let what = format!("cannot {what} {}", path.display());
    move |error| Failure::Surroundings(format!("{what}: {error}"))
}

pub(super) fn serve(command: Core, folder: Option<&Path>) -> Result<(), Failure> {
    if !command.listen.ip().is_loopback() && !command.allow_remote_clients {
        return Err(Failure::Usage(format!(
            "--listen {}: other machines could steer this core, and there is no authentication; \
             add --allow-remote-clients if that is meant",
            command.listen
        )));
    }
    command.outside.log()?;
    let state = match &command.state {
        Some(folder) => folder.clone(),
        None => store::data_folder()?.join("core"),
    };
    let state = made(&state)?;
    let _lock = locked(&state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Surroundings(format!("cannot start: {error}")))?;
    runtime.block_on(live(command, &state, folder))
}

/// The state folder, readable for nobody else: it holds the secret of the executors.
fn made(state: &Path) -> Result<PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)
        .map_err(failed("make", state))?;
    std::fs::canonicalize(state).map_err(failed("use", state))
}

/// Two cores in one folder would take each other's tasks.
fn locked(state: &Path) -> Result<File, Failure> {
    let path = state.join(LOCK);
    let lock = File::create(&path).map_err(failed("make", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::Surroundings(format!(
            "another core uses {}: give this one a --state of its own, or end the other",
            state.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

async fn live(command: Core, state: &Path, folder: Option<&Path>) -> Result<(), Failure> {
    // First, so that a port that is taken ends nothing and starts nothing.
    let listener = TcpListener::bind(command.listen)
        .await
        .map_err(|error| Failure::Surroundings(format!("cannot listen on {}: {error}", command.listen)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::Surroundings(format!("cannot listen on {}: {error}", command.listen)))?;
    let store = Store::open(folder.unwrap_or(&state.join(STORE)))?;
    let ledger = Ledger::open(state, &command.repositories)
        .map_err(|error| Failure::Surroundings(error.to_string()))?;
    let compiler = Compiler::new(
        ledger,
        store.clone(),
        command.configuration.clone(),
        &command.services,
    )?;
    let core = Arc::new(
        Runtime::start(configuration(&command, state, store.clone())?).map_err(|error| refused(&error))?,
    );
    let about = About {
        instance: command.instance.clone(),
        framework: "local".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: command
            .configuration
            .as_ref()
            .map(|path| format!("file://{}", path.display()))
            .unwrap_or_default(),
        hosts: command.cluster.0.clone(),
        logs: state.join(LOGS).display().to_string(),
        services: services::told(&command.services),
    };
    let api = Api::new(Arc::clone(&core), Arc::new(compiler), store, about);
    let shown = command.outside.show(&core, api.audience(), state).await?;
    let ended = ended_by_signal()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "clients of other machines can steer this core: there is no authentication");
    }
    tracing::info!(%address, state = %state.display(), hosts = command.cluster.0.join(","), "serving");
    let served = api.serve(listener, ended).await;
    drop(shown);
    let drained = served.map_err(|error| Failure::Surroundings(error.to_string()));
    match Arc::into_inner(core) {
        Some(core) if matches!(drained, Ok(true)) => core.shutdown().await,
        // Runs and tasks go on; the next core takes them up.
        Some(core) => core.leave().await,
        None => tracing::warn!("a client still held the core at its end"),
    }
    drained.map(drop)
}

/// Until SIGTERM or SIGINT.
fn ended_by_signal() -> Result<impl Future<Output = ()> + Send, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error| Failure::Surroundings(format!("cannot listen for signals: {error}")))
    };
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("ending on {name}");
    })
}

fn configuration(command: &Core, state: &Path, store: Store) -> Result<Config, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::Surroundings(format!("cannot find this program: {error}")))?;
    let executor = vec![program.into(), "executor".into()];
    let mut config = Config::new(state.to_owned(), executor, services::registry(&command.services)?);
    config.hosts.clone_from(&command.cluster.0);
    let logs = state.join(LOGS);
    std::fs::create_dir_all(&logs).map_err(failed("make", &logs))?;
    config.log_directory = Some(logs);
    config.durable = Some(store);
    Ok(config)
}

fn refused(error: &CoreError) -> Failure {
    match error {
        CoreError::Local(LocalError::HostName(_) | LocalError::Twice(_)) => {
            Failure::Usage(format!("--cluster: {error}"))
        }
        _ => Failure::Surroundings(error.to_string()),
    }
}
