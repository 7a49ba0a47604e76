//! What the client sends to a device, byte for byte, and how it leads back one that refuses a step: against a double
//! that keeps the machine of a device and refuses what it is told to. Our own server would take the paths of
//! protobuf as well, so it proves nothing here.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use partita_occ::client::{Client, Order, Outcome};
use partita_occ::codec::Codec;
use partita_occ::{Event, State, fairmq};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant};

struct Double {
    state: fairmq::State,
    refuses: &'static str,
    seen: Vec<String>,
}

impl Double {
    fn answer(&mut self, method: &str, request: &Value) -> Value {
        if method == "GetState" {
            assert_eq!(request, &json!({}), "an empty object, not an empty body");
            return json!({ "state": self.state.name(), "pid": 1 });
        }
        let event = request["transitionEvent"].as_str().expect("an event");
        assert_eq!(request["srcState"], self.state.name());
        let arguments = request["arguments"].as_array().expect("always there");
        self.seen.push(format!("{event} {}", arguments.len()));
        let way = fairmq::way(self.state, event.parse().expect("a known event")).expect("an allowed one");
        let ok = event != self.refuses;
        if ok {
            self.state = way.to;
        }
        json!({ "trigger": i32::from(!ok), "state": self.state.name(), "transitionEvent": event, "ok": ok })
    }
}

async fn serve(
    double: Arc<Mutex<Double>>,
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let method = request.uri().path().to_owned();
    assert!(
        ["GetState", "Transition"].contains(&method.as_str()),
        "no slash, no service: {method}"
    );
    assert_eq!(request.headers()["content-type"], "application/grpc+json");
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let (prefix, message) = body.split_at(5);
    let [0, length @ ..] = prefix else {
        panic!("compressed")
    };
    let length = length
        .iter()
        .fold(0, |length, byte| length * 256 + usize::from(*byte));
    assert_eq!(length, message.len());
    let request = serde_json::from_slice(message).expect("JSON");
    let reply = double
        .lock()
        .expect("no panic")
        .answer(&method, &request)
        .to_string();
    let mut framed = vec![0];
    framed.extend(u32::try_from(reply.len()).expect("short").to_be_bytes());
    framed.extend(reply.into_bytes());
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(framed)).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

async fn drive(
    event: Event,
    source: State,
    destination: State,
    refuses: &'static str,
) -> (Outcome, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let state = fairmq::State::of(source).expect("a state of a device");
    let double = Arc::new(Mutex::new(Double {
        state,
        refuses,
        seen: Vec::new(),
    }));
    let served = Arc::clone(&double);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("the client");
        let service = service_fn(move |request| serve(Arc::clone(&served), request));
        let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http.serve_connection(TokioIo::new(stream), service).await
    });
    let soon = Instant::now() + Duration::from_secs(10);
    let client = Client::connect(address, Codec::Json, soon)
        .await
        .expect("it listens");
    assert_eq!(
        client.get_state(soon).await.expect("an answer").task_state(),
        source
    );
    let arguments = [("a".to_owned(), "b".to_owned())];
    let order = Order {
        event,
        source,
        destination,
        arguments: &arguments,
        deadline: soon,
        settle: Duration::from_secs(5),
    };
    let outcome = client.transition(&order).await;
    let seen = std::mem::take(&mut double.lock().expect("no panic").seen);
    (outcome, seen)
}

#[tokio::test]
async fn configure_goes_its_five_steps() {
    let (outcome, seen) = drive(Event::Configure, State::Standby, State::Configured, "").await;
    assert!(
        outcome.error.is_none() && outcome.state == State::Configured,
        "{outcome:?}"
    );
    assert_eq!(
        seen,
        [
            "INIT DEVICE 1",
            "COMPLETE INIT 0",
            "BIND 0",
            "CONNECT 0",
            "INIT TASK 0"
        ]
    );
}

#[tokio::test]
async fn a_refused_step_of_configure_leads_back_to_standby() {
    let (outcome, seen) = drive(Event::Configure, State::Standby, State::Configured, "CONNECT").await;
    assert_eq!(outcome.state, State::Standby);
    let error = outcome.error.expect("an error").to_string();
    assert_eq!(
        error,
        "CONNECT failed: the task refused it and is in BOUND, not DEVICE READY"
    );
    assert_eq!(
        seen,
        [
            "INIT DEVICE 1",
            "COMPLETE INIT 0",
            "BIND 0",
            "CONNECT 0",
            "RESET DEVICE 0"
        ]
    );
}

#[tokio::test]
async fn a_refused_reset_leads_back_to_configured() {
    let (outcome, seen) = drive(Event::Reset, State::Configured, State::Standby, "RESET DEVICE").await;
    assert_eq!(outcome.state, State::Configured);
    assert!(
        outcome
            .error
            .expect("an error")
            .to_string()
            .starts_with("RESET DEVICE failed")
    );
    assert_eq!(seen, ["RESET TASK 0", "RESET DEVICE 0", "INIT TASK 0"]);
}

#[tokio::test]
async fn runs_take_arguments() {
    let (_, seen) = drive(Event::Start, State::Configured, State::Running, "").await;
    assert_eq!(seen, ["RUN 1"]);
    let (_, seen) = drive(Event::Stop, State::Running, State::Configured, "").await;
    assert_eq!(seen, ["STOP 1"]);
}
