//! The endpoint: `GET /metrics` as `OpenMetrics`, `GET /ecsmetrics` as `InfluxDB` lines (`runtime.md` 8.4).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How long somebody has to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who is served at the same time; others wait.
const CLIENTS: usize = 16;
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve metrics at {address}: {source}")]
pub struct ServeError {
    /// Where.
    pub address: String,
    /// Why not.
    pub source: io::Error,
}

/// Which text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For Prometheus.
    OpenMetrics,
    /// For Telegraf.
    Influx,
}

/// The endpoint. Dropping it ends it.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl MetricsServer {
    /// Serves at an address, `HOST:PORT`, what `text` makes whenever somebody asks.
    pub async fn start(
        address: &str,
        text: impl Fn(Format) -> String + Send + Sync + 'static,
    ) -> Result<Self, ServeError> {
        let failed = |source| ServeError {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::new(text)));
        Ok(Self {
            address: bound,
            _tasks: tasks,
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, text: Arc<impl Fn(Format) -> String + Send + Sync + 'static>) {
    let mut clients = JoinSet::new();
    loop {
        while clients.len() >= CLIENTS {
            clients.join_next().await;
        }
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot take who wants metrics");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
        };
        let text = Arc::clone(&text);
        clients.spawn(async move {
            let answer = |request: Request<Incoming>| {
                let response = answer(&request, text.as_ref());
                async move { Ok::<_, Infallible>(response) }
            };
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // Who breaks off has what it wants.
            let _ = tokio::time::timeout(PATIENCE, connection).await;
        });
        while clients.try_join_next().is_some() {}
    }
}

fn answer<B>(request: &Request<B>, text: &impl Fn(Format) -> String) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, OPENMETRICS, text(Format::OpenMetrics)),
        (&Method::GET, "/ecsmetrics") => (StatusCode::OK, "text/plain; charset=utf-8", text(Format::Influx)),
        (_, "/metrics" | "/ecsmetrics") => (
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "GET only\n".to_owned(),
        ),
        _ => {
            let hint = "there is /metrics and /ecsmetrics\n".to_owned();
            (StatusCode::NOT_FOUND, "text/plain", hint)
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
