//! What went wrong, as the status that a client gets.

use std::fmt::Write as _;

use partita_core::core::CoreError;
use partita_core::environment::State;
use prost::Message as _;
use tonic::{Code, Status};

use partita_proto::o2control::EnvironmentInfo;

use crate::workflows::Unavailable;

/// Longest reason in a status, characters: it travels in a header, and clients limit these (`wire.md` 2.2).
const LONGEST: usize = 6000;

/// Name of an environment as a detail of a status.
const ENVIRONMENT_INFO: &str = "type.googleapis.com/o2control.EnvironmentInfo";

/// A `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// A `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// A text no longer than a status can carry.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    let left = text.chars().count().saturating_sub(LONGEST);
    if left > 0 {
        let _ = write!(short, "… ({left} more characters; the log of the core has all)");
    }
    short
}

/// Why nothing was done, or what went wrong, for a request about an environment that is there.
pub(crate) fn status(error: &CoreError) -> Status {
    let text = shortened(&error.to_string());
    match error {
        CoreError::NotFound(id) => {
            Status::not_found(format!("environment not found: no environment with id {id}"))
        }
        CoreError::Exists(_) | CoreError::DetectorInUse { .. } => Status::already_exists(text),
        // So clients of the reference know it (`runtime.md` 13, "API").
        CoreError::Refused {
            state: State::Error, ..
        }
        | CoreError::Failed { .. } => Status::aborted(text),
        CoreError::Refused { .. } | CoreError::Prepare(_) => Status::failed_precondition(text),
        CoreError::Stopped | CoreError::Journal(_) => Status::unavailable(text),
        CoreError::Local(_)
        | CoreError::System { .. }
        | CoreError::Lost { .. }
        | CoreError::InUse { .. }
        | CoreError::NoOrigin => Status::internal(text),
    }
}

/// Why an environment was not created, as clients of the reference know it: INTERNAL, and the identity among the
/// details (`wire.md` 2.2, `clients.md` 3.6).
pub(crate) fn not_created(id: &str, created_ms: i64, reason: &str) -> Status {
    let message = format!("cannot create new environment: {}", shortened(reason));
    let environment = EnvironmentInfo {
        id: id.to_owned(),
        created_when: created_ms,
        state: State::Error.name().to_owned(),
        ..EnvironmentInfo::default()
    };
    let details = RpcStatus {
        code: Code::Internal.into(),
        message: message.clone(),
        details: vec![Any {
            type_url: ENVIRONMENT_INFO.to_owned(),
            value: environment.encode_to_vec(),
        }],
    };
    Status::with_details(Code::Internal, message, details.encode_to_vec().into())
}

/// Why a repository or template is not there.
pub(crate) fn unavailable(error: &Unavailable) -> Status {
    let text = shortened(&error.to_string());
    match error {
        Unavailable::Asked(_) => Status::invalid_argument(text),
        Unavailable::Unknown(_) => Status::not_found(text),
        Unavailable::Surroundings(_) => Status::unknown(text),
    }
}
