//! One HTTP/2 connection, and gRPC calls over it in either codec.
//!
//! It is on h2 itself: hyper sends the head of a request before it takes its body, so that each call would cost two
//! packets and wake the task twice.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::BodyExt as _;
use prost::Message;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::{Code, Status, Streaming};

use super::{CallError, ConnectError};
use crate::LARGEST_MESSAGE;
use crate::codec::{Codec, Frames, Json, Method};

#[derive(Debug, Clone)]
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    /// Set when it is gone.
    closed: Arc<AtomicBool>,
    origin: Uri,
    address: SocketAddr,
    codec: Codec,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr, codec: Codec) -> Result<Self, ConnectError> {
        let refused = |source| ConnectError::Io { address, source };
        let stream = TcpStream::connect(address).await.map_err(refused)?;
        // On the loopback, a connection to a port of the ephemeral range on which nobody listens may find itself.
        if stream.local_addr().map_err(refused)? == address {
            return Err(refused(std::io::ErrorKind::ConnectionRefused.into()));
        }
        stream.set_nodelay(true).map_err(refused)?;
        let (sender, driver) = h2::client::handshake(stream)
            .await
            .map_err(|source| ConnectError::Protocol { address, source })?;
        let closed = Arc::new(AtomicBool::new(false));
        let close = Arc::clone(&closed);
        // Ends with the last sender. Its error reaches every call that it breaks.
        tokio::spawn(async move {
            let _ = driver.await;
            close.store(true, Ordering::Relaxed);
        });
        Ok(Self {
            sender,
            closed,
            origin: origin(address),
            address,
            codec,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) const fn codec(&self) -> Codec {
        self.codec
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) async fn unary<E, D>(
        &self,
        method: Method,
        message: E,
        deadline: Instant,
    ) -> Result<D, CallError>
    where
        E: Message + Json + 'static,
        D: Message + Json + Default + 'static,
    {
        let (mut grpc, path) = self.grpc(method);
        let call = async {
            grpc.ready()
                .await
                .map_err(|error| Status::from_error(error.into()))?;
            grpc.unary(tonic::Request::new(message), path, Frames::new(self.codec))
                .await
        };
        let answer = tokio::time::timeout_at(deadline, call).await;
        let answer = answer.map_err(|_| CallError::Deadline {
            address: self.address,
            method: method.name(),
        })?;
        Ok(answer
            .map_err(|status| self.call_error(method, &status))?
            .into_inner())
    }

    pub(super) async fn stream<E, D>(&self, method: Method, message: E) -> Result<Streaming<D>, CallError>
    where
        E: Message + Json + 'static,
        D: Message + Json + Default + 'static,
    {
        let (mut grpc, path) = self.grpc(method);
        let call = async {
            grpc.ready()
                .await
                .map_err(|error| Status::from_error(error.into()))?;
            grpc.server_streaming(tonic::Request::new(message), path, Frames::new(self.codec))
                .await
        };
        Ok(call
            .await
            .map_err(|status| self.call_error(method, &status))?
            .into_inner())
    }

    pub(super) fn call_error(&self, method: Method, status: &Status) -> CallError {
        let (address, method, message) = (self.address, method.name(), status.message().to_owned());
        // A status made on this side has the broken connection as its source; one from the task has none.
        let local = std::error::Error::source(status).is_some();
        if local || status.code() == Code::Unavailable || self.is_closed() {
            CallError::Closed {
                address,
                method,
                message,
            }
        } else {
            CallError::Refused {
                address,
                method,
                code: status.code(),
                message,
            }
        }
    }

    fn grpc(&self, method: Method) -> (Grpc<Self>, PathAndQuery) {
        let grpc = Grpc::with_origin(self.clone(), self.origin.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        (grpc, method.path(self.codec))
    }
}

fn origin(address: SocketAddr) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    // A socket address always reads as an authority; without one the calls would fail with a clear error.
    parts.authority = address.to_string().parse::<Authority>().ok();
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or_default()
}

/// Why a request has no answer, or the rest of it is missing.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokenCall {
    /// The connection or the stream broke.
    #[error(transparent)]
    Http(#[from] h2::Error),
    /// The request could not be written.
    #[error(transparent)]
    Request(#[from] Status),
}

impl GrpcService<Body> for Connection {
    type ResponseBody = Incoming;
    type Error = BrokenCall;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BrokenCall>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BrokenCall>> {
        self.sender.poll_ready(context).map_err(BrokenCall::Http)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.codec.mark(request.headers_mut());
        let sender = self.sender.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // One message, and in memory already.
            let body = body.collect().await?.to_bytes();
            let mut sender = sender.ready().await?;
            let (response, mut stream) = sender.send_request(Request::from_parts(head, ()), false)?;
            stream.send_data(body, true)?;
            Ok(response.await?.map(Incoming))
        })
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Incoming(RecvStream);

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = BrokenCall;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenCall>>> {
        match self.0.poll_data(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(data))) => {
                // So that the task may send as much again.
                let released = self.0.flow_control().release_capacity(data.len());
                return Poll::Ready(Some(
                    released.map(|()| Frame::data(data)).map_err(BrokenCall::Http),
                ));
            }
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {}
        }
        let trailers = self.0.poll_trailers(context);
        trailers.map(|trailers| {
            Some(
                trailers
                    .transpose()?
                    .map(Frame::trailers)
                    .map_err(BrokenCall::Http),
            )
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
