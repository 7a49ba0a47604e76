//! The server: what the services share, where they listen, how they end.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use partita_artefact::store::Store;
use partita_core::core::{Core, CoreError, Snapshot};
use partita_events::source::Audience;
use partita_proto::API_DESCRIPTORS;
use partita_proto::o2control::control_server::ControlServer;
use partita_proto::partita::v1::core_server::CoreServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::control::Control;
use crate::create::Uncreated;
use crate::info::About;
use crate::ours::Ours;
use crate::subscriptions::Subscriptions;
use crate::workflows::Workflows;
use crate::{LARGEST_ARTEFACT, LARGEST_REQUEST};

/// How long streams have to end when the server does.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why clients are not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nobody can listen there.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// The descriptions of the services are damaged.
    #[error("the descriptions of the services cannot be read: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// What the services share.
pub(crate) struct Shared {
    pub(crate) core: Arc<Core>,
    pub(crate) workflows: Arc<dyn Workflows>,
    pub(crate) store: Store,
    pub(crate) about: About,
    pub(crate) subscriptions: Subscriptions,
    /// Who follows events.
    pub(crate) audience: Arc<Audience>,
    draining: AtomicBool,
    background: Mutex<JoinSet<()>>,
}

impl Shared {
    /// Asks who has a compiler, off the event loop.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Workflows) -> T + Send + 'static,
    ) -> Result<T, Uncreated> {
        let workflows = Arc::clone(&self.workflows);
        tokio::task::spawn_blocking(move || question(workflows.as_ref()))
            .await
            .map_err(|error| Uncreated::Inner(error.to_string()))
    }

    /// Work that goes on after the answer, until the server ends.
    pub(crate) fn later(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut background = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        // What has ended is let go of.
        while background.try_join_next().is_some() {}
        background.spawn(work);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// All environments, the oldest first. One that goes away meanwhile is left out.
    pub(crate) async fn snapshots(&self) -> Result<Vec<Snapshot>, CoreError> {
        let mut snapshots = Vec::new();
        for id in self.core.environments().await?.into_keys() {
            match self.core.snapshot(&id).await {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(CoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        snapshots.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        Ok(snapshots)
    }
}

/// Milliseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "replies say when they were made")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The services of a core for clients.
pub struct Api(Arc<Shared>);

impl Api {
    /// Who follows events, for the metrics.
    pub fn audience(&self) -> Arc<Audience> {
        Arc::clone(&self.0.audience)
    }

    /// The services of `core`, which makes environments of what `workflows` compiles into `store`.
    pub fn new(core: Arc<Core>, workflows: Arc<dyn Workflows>, store: Store, about: About) -> Self {
        Self(Arc::new(Shared {
            core,
            workflows,
            store,
            about,
            subscriptions: Subscriptions::default(),
            audience: Arc::default(),
            draining: AtomicBool::new(false),
            background: Mutex::default(),
        }))
    }

    /// Serves clients until `end`. True if the core was drained by then: nothing is to be taken up from it.
    ///
    /// # Errors
    ///
    /// The server fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        end: impl Future<Output = ()> + Send,
    ) -> Result<bool, ServeError> {
        let (health, health_service) = tonic_health::server::health_reporter();
        let control = ControlServer::new(Control(Arc::clone(&self.0)))
            .max_decoding_message_size(LARGEST_REQUEST)
            .max_encoding_message_size(usize::MAX);
        let ours = CoreServer::new(Ours(Arc::clone(&self.0)))
            .max_decoding_message_size(LARGEST_ARTEFACT)
            .max_encoding_message_size(usize::MAX);
        health.set_serving::<ControlServer<Control>>().await;
        health.set_serving::<CoreServer<Ours>>().await;
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(API_DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let server = Server::builder()
            .add_service(health_service)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(control)
            .add_service(ours);
        let (ending, mut ended) = tokio::sync::watch::channel(false);
        let stop = async move {
            end.await;
            let _ = ending.send(true);
        };
        let serving = server.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop);
        // Streams that never end by themselves must not hold up the end.
        let patience = async {
            let _ = ended.wait_for(|ended| *ended).await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            done = serving => done?,
            () = patience => {}
        }
        let mut background =
            std::mem::take(&mut *self.0.background.lock().unwrap_or_else(PoisonError::into_inner));
        background.shutdown().await;
        Ok(self.0.is_draining())
    }
}
