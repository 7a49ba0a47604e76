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

use std::future::Future;
use std::time::Duration;

use partita_proto::common::User;
use partita_proto::o2control as pb;
use partita_proto::o2control::control_client::ControlClient;
use partita_proto::partita::v1::core_client::CoreClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::failure::Failure;

/// How long a core may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Largest answer taken, in bytes: the trees of large environments with all their variables (`clients.md` 1.1).
const LARGEST_ANSWER: usize = 100 * 1024 * 1024;

/// Which core is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Address {
    /// Where the core listens
    #[arg(
        long = "core",
        env = "PARTITA_CORE",
        default_value = "127.0.0.1:32102",
        value_name = "HOST:PORT"
    )]
    address: String,
}

/// A core that answers.
#[derive(Clone)]
pub(crate) struct Core {
    /// What the clients of the reference ask too.
    pub(crate) control: ControlClient<Channel>,
    /// What only we ask.
    pub(crate) ours: CoreClient<Channel>,
}

impl Address {
    /// Connects, and runs `work` with the core to its end.
    pub(crate) fn with<T, F>(&self, work: impl FnOnce(Core) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Surroundings(format!("cannot start: {error}")))?;
        runtime.block_on(async { work(self.connect().await?).await })
    }

    async fn connect(&self) -> Result<Core, Failure> {
        let wrong = |error| Failure::Usage(format!("--core {}: not HOST:PORT: {error}", self.address));
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).map_err(wrong)?;
        let channel = endpoint.connect_timeout(CONNECT).connect().await.map_err(|_| {
            Failure::Surroundings(format!(
                "no core answers at {}: start one with `partita core`, or name another with --core HOST:PORT",
                self.address
            ))
        })?;
        Ok(Core {
            control: ControlClient::new(channel.clone()).max_decoding_message_size(LARGEST_ANSWER),
            ours: CoreClient::new(channel).max_decoding_message_size(LARGEST_ANSWER),
        })
    }
}

/// What a refusal or failure of the core means for the command.
pub(crate) fn failure(status: &Status) -> Failure {
    let text = match status.message() {
        "" => status.code().to_string(),
        message => message.to_owned(),
    };
    match status.code() {
        Code::InvalidArgument | Code::Unimplemented => Failure::Usage(text),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
            Failure::Surroundings(format!("the core does not answer any more: {text}"))
        }
        _ => Failure::No(text),
    }
}

/// The answer, without the wrapping.
pub(crate) fn answer<T>(result: Result<tonic::Response<T>, Status>) -> Result<T, Failure> {
    result
        .map(tonic::Response::into_inner)
        .map_err(|status| failure(&status))
}

/// Who asks, as cores write it into their journals.
#[allow(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn user() -> User {
    let name = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    User {
        name: format!("{name}@{host}"),
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
