//! The library with which a task is written.
//!
//! Implement [`Task`], and hand it to [`run`]:
//!
//! ```no_run
//! use partita_occ::server::{Failure, Mode, Options, Properties, Run, Task, run};
//!
//! struct Thermometer;
//!
//! impl Task for Thermometer {
//!     async fn configure(&mut self, properties: &Properties) -> Result<(), Failure> {
//!         println!("{} properties", properties.len());
//!         Ok(())
//!     }
//!     async fn start(&mut self, run: &Run) -> Result<(), Failure> {
//!         println!("run {}", run.number);
//!         Ok(())
//!     }
//! }
//!
//! let options = Options::new(Mode::Direct, std::env::args().skip(1), |name| std::env::var(name).ok());
//! # let options: Result<Options, partita_occ::server::OptionsError> = options;
//! run(Thermometer, &options.unwrap()).unwrap();
//! ```
//!
//! A task that has nothing to do never wakes up. What differs from the existing task library, on purpose: the server
//! listens on the loopback unless told otherwise; the state can be asked for during a transition; a second run
//! iterates again; a failed iteration is told to everybody who listens to the events; an event that a device does not
//! allow is refused rather than waited for; a refusal says why in both codecs.

mod machine;
mod options;
mod service;
mod task;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Duration;

use machine::{Machine, Panel};

pub use options::{Mode, Options, OptionsError};
pub use task::{Failure, Iteration, Properties, Property, Run, Task};

/// Why a task could not be served to its end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The control port cannot be had.
    #[error(
        "cannot listen at {address}: {source}; give another port with --control-port or OCC_CONTROL_PORT"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The runtime could not be started.
    #[error("cannot start the event loop: {0}")]
    Runtime(std::io::Error),
}

/// Serves `task` until it has done EXIT, on a thread of its own event loop.
pub fn run<T: Task>(task: T, options: &Options) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    runtime.block_on(serve(task, options))
}

/// Serves `task` until it has done EXIT.
pub async fn serve<T: Task>(task: T, options: &Options) -> Result<(), ServeError> {
    let address = options.address;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address, source })?;
    serve_on(listener, task, options).await
}

/// Serves `task` until it has done EXIT, on a socket that already listens; [`Options::address`] is not used.
pub async fn serve_on<T: Task>(listener: TcpListener, task: T, options: &Options) -> Result<(), ServeError> {
    let (machine, panel) = Machine::new(task, options.mode);
    let panel = Arc::new(panel);
    let mut machine = pin!(machine.run());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut machine => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(converse(stream, Arc::clone(&panel))); }
                Err(error) => {
                    // Out of descriptors, most likely. The connections that there are go on.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(options.accept_pause).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    // The answer to EXIT is still to be written.
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.linger, drained).await.is_err() {
        tracing::warn!("a client kept its connection open after the end of the task; closed");
    }
    Ok(())
}

async fn converse(stream: TcpStream, panel: Arc<Panel>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be late");
    }
    let mut done = panel.done();
    let service = service_fn(move |request| service::answer(Arc::clone(&panel), request));
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = done.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Time for which a finished task waits for its clients to take their last answers.
const LINGER: Duration = Duration::from_millis(500);
