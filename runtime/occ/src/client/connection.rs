//! One HTTP/2 connection, and gRPC calls over it in either codec.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
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
    sender: SendRequest<Body>,
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
        let (sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|source| ConnectError::Protocol { address, source })?;
        // Ends with the last sender. Its error reaches every call that it breaks.
        tokio::spawn(driver);
        Ok(Self {
            sender,
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
        self.sender.is_closed()
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

impl GrpcService<Body> for Connection {
    type ResponseBody = Incoming;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.codec.mark(request.headers_mut());
        Box::pin(self.sender.send_request(request))
    }
}
