//! The service as a connection calls it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use http::{Request, Response};
use hyper::body::Incoming;
use partita_proto::occ::{
    DeviceEvent, DeviceEventType, EventStreamReply, EventStreamRequest, GetStateReply, GetStateRequest,
    StateStreamReply, StateStreamRequest, TransitionReply, TransitionRequest,
};
use tokio::sync::broadcast::{self, error::RecvError};
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, ServerStreamingService, UnaryService};

use super::machine::Panel;
use super::options::Mode;
use crate::LARGEST_MESSAGE;
use crate::State;
use crate::codec::{Codec, Frames, Method};

pub(super) async fn answer(
    panel: Arc<Panel>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let codec = Codec::of(request.headers());
    let path = request.uri().path();
    let response = match Method::at(path) {
        None => Status::unimplemented(format!("the OCC service has no method `{path}`")).into_http(),
        Some(Method::GetState) => {
            let call = |_: GetStateRequest| {
                let reply = GetStateReply {
                    state: panel.place().name().to_owned(),
                    pid: pid(),
                };
                std::future::ready(Ok::<_, Status>(reply))
            };
            grpc(codec).unary(Unary(call), request).await
        }
        Some(Method::Transition) => {
            let call = |request: TransitionRequest| {
                let panel = Arc::clone(&panel);
                async move { panel.transition(request).await }
            };
            let mut grpc: Grpc<Frames<TransitionReply, TransitionRequest>> = grpc(codec);
            grpc.unary(Unary(call), request).await
        }
        Some(Method::EventStream) => {
            let mut grpc: Grpc<Frames<EventStreamReply, EventStreamRequest>> = grpc(codec);
            grpc.server_streaming(Streamed(|_| Ok(events(&panel))), request)
                .await
        }
        Some(Method::StateStream) => {
            let mut grpc: Grpc<Frames<StateStreamReply, StateStreamRequest>> = grpc(codec);
            grpc.server_streaming(Streamed(|_| states(&panel)), request).await
        }
    };
    Ok(response)
}

fn grpc<E, D>(codec: Codec) -> Grpc<Frames<E, D>>
where
    Frames<E, D>: tonic::codec::Codec,
{
    Grpc::new(Frames::new(codec))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE)
}

fn pid() -> i32 {
    // Linux process ids end far below this.
    i32::try_from(std::process::id()).unwrap_or(i32::MAX)
}

fn events(panel: &Panel) -> Elements<EventStreamReply> {
    let element = |event: DeviceEventType| EventStreamReply {
        event: Some(DeviceEvent { r#type: event.into() }),
    };
    let receiver = panel.events();
    if panel.is_silent() {
        // Whoever comes after the end learns at once that there is nothing more.
        return Elements(stream::iter([Ok(element(DeviceEventType::NullDeviceEvent))]).boxed());
    }
    relay(receiver, move |event| {
        (element(event), event == DeviceEventType::NullDeviceEvent)
    })
}

#[allow(clippy::result_large_err, reason = "the error of tonic's own traits")]
fn states(panel: &Panel) -> Result<Elements<StateStreamReply>, Status> {
    if panel.mode == Mode::Fairmq {
        // As the plugin of devices answers.
        return Err(Status::unimplemented("a device has no StateStream"));
    }
    let receiver = panel.states();
    if panel.is_silent() {
        return Ok(Elements(stream::empty().boxed()));
    }
    Ok(relay(receiver, |state: StateStreamReply| {
        let last = state.state == State::Done.name();
        (state, last)
    }))
}

/// Passes on what is broadcast, up to and including the element that is the last one.
fn relay<M, E>(
    receiver: broadcast::Receiver<M>,
    element: impl Fn(M) -> (E, bool) + Send + 'static,
) -> Elements<E>
where
    M: Clone + Send + 'static,
    E: Send + 'static,
{
    let elements = stream::unfold(Some((receiver, element)), |source| async {
        let (mut receiver, element) = source?;
        loop {
            match receiver.recv().await {
                Ok(message) => {
                    let (element_now, last) = element(message);
                    return Some((Ok(element_now), (!last).then_some((receiver, element))));
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(
                        missed,
                        "a client does not keep up with its stream and misses elements"
                    );
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Elements(elements.boxed())
}

/// What a stream sends. A type of its own, for the compiler loses the lifetime of a bare box inside a future.
struct Elements<A>(BoxStream<'static, Result<A, Status>>);

impl<A> Stream for Elements<A> {
    type Item = Result<A, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

struct Unary<F>(F);

impl<F, Q, R, A> UnaryService<Q> for Unary<F>
where
    F: FnMut(Q) -> R,
    R: Future<Output = Result<A, Status>> + Send,
    A: 'static,
{
    type Response = A;
    type Future = futures_util::future::MapOk<R, fn(A) -> tonic::Response<A>>;

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        futures_util::TryFutureExt::map_ok((self.0)(request.into_inner()), tonic::Response::new)
    }
}

struct Streamed<F>(F);

impl<F, Q, A> ServerStreamingService<Q> for Streamed<F>
where
    F: FnMut(Q) -> Result<Elements<A>, Status>,
{
    type Response = A;
    type ResponseStream = Elements<A>;
    type Future = std::future::Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        std::future::ready((self.0)(request.into_inner()).map(tonic::Response::new))
    }
}
