//! What a message looks like inside its gRPC frame.
//!
//! `FairMQ` devices carry the protobuf library of their own framework, so their plugin speaks JSON: the same
//! messages, under the bare method name as path with no leading slash (wire.md 5.5).

use std::marker::PhantomData;

use bytes::{Buf, BufMut};
use http::{HeaderMap, HeaderValue, header};
use partita_proto::occ::{
    ConfigEntry, DeviceEvent, EventStreamReply, EventStreamRequest, GetStateReply, GetStateRequest,
    StateStreamReply, StateStreamRequest, TransitionReply, TransitionRequest,
};
use prost::Message;
use serde_json::{Value, json};
use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As protobuf: `direct` tasks.
    Protobuf,
    /// As JSON: `FairMQ` devices.
    Json,
}

/// A method of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Events of the task, until it ends.
    EventStream,
    /// States of the task, until it ends.
    StateStream,
    /// The state now.
    GetState,
    /// One event.
    Transition,
}

const JSON_CONTENT: HeaderValue = HeaderValue::from_static("application/grpc+json");

impl Method {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EventStream => "EventStream",
            Self::StateStream => "StateStream",
            Self::GetState => "GetState",
            Self::Transition => "Transition",
        }
    }

    /// The method at a path, whichever of the two ways to write it the caller took.
    #[cfg(feature = "server")]
    pub(crate) fn at(path: &str) -> Option<Self> {
        let name = path.strip_prefix("/occ_pb.Occ/").unwrap_or(path);
        let name = name.strip_prefix('/').unwrap_or(name);
        [
            Self::EventStream,
            Self::StateStream,
            Self::GetState,
            Self::Transition,
        ]
        .into_iter()
        .find(|method| method.name() == name)
    }

    /// The path of a request.
    #[cfg(feature = "client")]
    pub(crate) fn path(self, codec: Codec) -> http::uri::PathAndQuery {
        let path = match (codec, self) {
            (Codec::Json, method) => method.name(),
            (Codec::Protobuf, Self::EventStream) => "/occ_pb.Occ/EventStream",
            (Codec::Protobuf, Self::StateStream) => "/occ_pb.Occ/StateStream",
            (Codec::Protobuf, Self::GetState) => "/occ_pb.Occ/GetState",
            (Codec::Protobuf, Self::Transition) => "/occ_pb.Occ/Transition",
        };
        http::uri::PathAndQuery::from_static(path)
    }
}

impl Codec {
    /// The codec of a request, by its content type.
    #[cfg(feature = "server")]
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get(header::CONTENT_TYPE) {
            Some(content) if content == JSON_CONTENT => Self::Json,
            _ => Self::Protobuf,
        }
    }

    /// Marks a request as written by this codec.
    #[cfg(feature = "client")]
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        if self == Self::Json {
            headers.insert(header::CONTENT_TYPE, JSON_CONTENT);
        }
    }
}

/// A message that has a JSON form.
pub(crate) trait Json: Sized {
    /// Its JSON.
    fn to_json(&self) -> Value;
    /// Reads it, taking what is absent as empty.
    fn from_json(value: &Value) -> Self;
}

/// The codec for one method: writes `E`, reads `D`.
#[derive(Debug)]
pub(crate) struct Frames<E, D> {
    codec: Codec,
    messages: PhantomData<fn(E) -> D>,
}

impl<E, D> Frames<E, D> {
    /// For messages written as `codec` says.
    pub(crate) const fn new(codec: Codec) -> Self {
        Self {
            codec,
            messages: PhantomData,
        }
    }
}

impl<E, D> tonic::codec::Codec for Frames<E, D>
where
    E: Message + Json + 'static,
    D: Message + Json + Default + 'static,
{
    type Encode = E;
    type Decode = D;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::new(self.codec)
    }

    fn decoder(&mut self) -> Self {
        Self::new(self.codec)
    }
}

impl<E: Message + Json, D> Encoder for Frames<E, D> {
    type Item = E;
    type Error = Status;

    fn encode(&mut self, message: E, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match self.codec {
            Codec::Protobuf => message
                .encode(into)
                .map_err(|error| Status::internal(format!("cannot write a message: {error}"))),
            Codec::Json => serde_json::to_writer(into.writer(), &message.to_json())
                .map_err(|error| Status::internal(format!("cannot write a message: {error}"))),
        }
    }
}

impl<E, D: Message + Json + Default> Decoder for Frames<E, D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        match self.codec {
            Codec::Protobuf => D::decode(from)
                .map(Some)
                .map_err(|error| unreadable("a message of the OCC protocol", &error)),
            Codec::Json => {
                let value: Value =
                    serde_json::from_reader(from.reader()).map_err(|error| unreadable("JSON", &error))?;
                if value.is_object() {
                    Ok(Some(D::from_json(&value)))
                } else {
                    Err(unreadable("a JSON object", &value))
                }
            }
        }
    }
}

fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Status {
    Status::new(Code::Internal, format!("what arrived is not {what}: {why}"))
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn number(value: &Value, key: &str) -> i32 {
    value
        .get(key)
        .and_then(Value::as_i64)
        .and_then(|number| i32::try_from(number).ok())
        .unwrap_or_default()
}

/// Messages without fields; an empty object all the same, for the plugin refuses an empty body.
macro_rules! empty {
    ($($message:ident),*) => {$(
        impl Json for $message {
            fn to_json(&self) -> Value {
                json!({})
            }
            fn from_json(_: &Value) -> Self {
                Self {}
            }
        }
    )*};
}
empty!(GetStateRequest, EventStreamRequest, StateStreamRequest);

impl Json for GetStateReply {
    fn to_json(&self) -> Value {
        json!({ "state": self.state, "pid": self.pid })
    }

    fn from_json(value: &Value) -> Self {
        Self {
            state: text(value, "state"),
            pid: number(value, "pid"),
        }
    }
}

impl Json for StateStreamReply {
    fn to_json(&self) -> Value {
        json!({ "type": self.r#type, "state": self.state })
    }

    fn from_json(value: &Value) -> Self {
        Self {
            r#type: number(value, "type"),
            state: text(value, "state"),
        }
    }
}

impl Json for EventStreamReply {
    fn to_json(&self) -> Value {
        json!({ "event": { "type": self.event.unwrap_or_default().r#type } })
    }

    fn from_json(value: &Value) -> Self {
        let event = value.get("event").map(|event| DeviceEvent {
            r#type: number(event, "type"),
        });
        Self {
            event: Some(event.unwrap_or_default()),
        }
    }
}

impl Json for TransitionRequest {
    fn to_json(&self) -> Value {
        // The plugin reads the first two without looking whether they are there.
        let arguments: Vec<Value> = self
            .arguments
            .iter()
            .map(|entry| json!({ "key": entry.key, "value": entry.value }))
            .collect();
        json!({ "srcState": self.src_state, "transitionEvent": self.transition_event, "arguments": arguments })
    }

    fn from_json(value: &Value) -> Self {
        let entries = value
            .get("arguments")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let arguments = entries
            .iter()
            .filter(|entry| entry.get("key").is_some())
            .map(|entry| ConfigEntry {
                key: text(entry, "key"),
                value: text(entry, "value"),
            })
            .collect();
        Self {
            src_state: text(value, "srcState"),
            transition_event: text(value, "transitionEvent"),
            arguments,
        }
    }
}

impl Json for TransitionReply {
    fn to_json(&self) -> Value {
        json!({ "trigger": self.trigger, "state": self.state, "transitionEvent": self.transition_event, "ok": self.ok })
    }

    fn from_json(value: &Value) -> Self {
        Self {
            trigger: number(value, "trigger"),
            state: text(value, "state"),
            transition_event: text(value, "transitionEvent"),
            ok: value.get("ok").and_then(Value::as_bool).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_method_is_found_by_either_path() {
        for method in [
            Method::EventStream,
            Method::StateStream,
            Method::GetState,
            Method::Transition,
        ] {
            for codec in [Codec::Protobuf, Codec::Json] {
                assert_eq!(Method::at(method.path(codec).as_str()), Some(method));
            }
        }
        assert_eq!(Method::at("/occ_pb.Occ/Nothing"), None);
    }

    #[test]
    fn what_go_leaves_out_is_empty() {
        let value: Value =
            serde_json::from_str(r#"{"transitionEvent":"RUN","arguments":[{"key":"a"},{"value":"b"}]}"#)
                .expect("JSON");
        let request = TransitionRequest::from_json(&value);
        assert_eq!(
            (request.src_state.as_str(), request.transition_event.as_str()),
            ("", "RUN")
        );
        assert_eq!(
            request.arguments,
            [ConfigEntry {
                key: "a".into(),
                value: String::new()
            }]
        );
        assert_eq!(
            EventStreamReply::from_json(&json!({})).event,
            Some(DeviceEvent::default())
        );
    }

    proptest! {
        #[test]
        fn json_keeps_a_request(source: String, event: String, arguments: Vec<(String, String)>) {
            let request = TransitionRequest {
                src_state: source,
                transition_event: event,
                arguments: arguments.into_iter().map(|(key, value)| ConfigEntry { key, value }).collect(),
            };
            prop_assert_eq!(TransitionRequest::from_json(&request.to_json()), request);
        }

        #[test]
        fn json_keeps_a_reply(trigger in 0..3, state: String, event: String, ok: bool) {
            let reply = TransitionReply { trigger, state, transition_event: event, ok };
            prop_assert_eq!(TransitionReply::from_json(&reply.to_json()), reply);
        }
    }
}
