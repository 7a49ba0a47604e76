//! The commands that speak to a core: `env`, `task`, `role`, `repo`, `template` and `info`.

pub(crate) mod env;
mod follow;
pub(crate) mod info;
mod json;
pub(crate) mod repo;
pub(crate) mod role;
mod table;
pub(crate) mod task;
pub(crate) mod template;

use partita_proto::common::User;
use partita_proto::o2control as pb;
use partita_proto::o2control::control_client::ControlClient;
use partita_proto::partita::v1::core_client::CoreClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::connection::{self, Endpoint};
use crate::failure::Failure;

/// Largest answer taken, in bytes: the trees of large environments with all their variables (`clients.md` 1.1).
const LARGEST_ANSWER: usize = 100 * 1024 * 1024;

/// A core that answers.
#[derive(Clone)]
pub(crate) struct Core {
    /// What the clients of the reference ask too.
    pub(crate) control: ControlClient<Channel>,
    /// What only we ask.
    pub(crate) ours: CoreClient<Channel>,
}

/// Connects, and runs `work` with the core to its end.
pub(crate) fn with<T>(
    endpoint: &Endpoint,
    work: impl AsyncFnOnce(Core) -> Result<T, Failure>,
) -> Result<T, Failure> {
    connection::with(endpoint, async |channel| {
        let core = Core {
            control: ControlClient::new(channel.clone()).max_decoding_message_size(LARGEST_ANSWER),
            ours: CoreClient::new(channel).max_decoding_message_size(LARGEST_ANSWER),
        };
        work(core).await
    })
}

/// The answer, without the wrapping.
pub(crate) fn answer<T>(result: Result<tonic::Response<T>, Status>) -> Result<T, Failure> {
    result.map(tonic::Response::into_inner).map_err(Failure::from)
}

/// Who asks, as cores write it into their journals.
pub(crate) fn user() -> User {
    User {
        name: connection::user(),
        ..User::default()
    }
}

/// The environment that a person means: its identity, or the beginning of it that no other has.
pub(crate) async fn environment(core: &mut Core, wanted: &str) -> Result<String, Failure> {
    let request = pb::GetEnvironmentsRequest {
        show_all: true,
        ..Default::default()
    };
    let all = answer(core.control.get_environments(request).await)?.environments;
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    if ids.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    let meant: Vec<&&str> = ids
        .iter()
        .filter(|id| !wanted.is_empty() && id.starts_with(wanted))
        .collect();
    match (meant.as_slice(), ids.as_slice()) {
        ([one], _) => Ok((**one).to_owned()),
        ([], []) => Err(Failure::No(format!(
            "there is no environment `{wanted}`, nor any other"
        ))),
        ([], _) => Err(Failure::No(format!(
            "there is no environment `{wanted}`: there is {}",
            ids.join(", ")
        ))),
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|id| **id).collect();
            Err(Failure::Usage(format!(
                "`{wanted}` may mean {}: give more of it",
                names.join(" or ")
            )))
        }
    }
}
