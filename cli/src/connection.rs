//! The way to a core, for the commands that are its clients.

use tonic::transport::{Channel, Endpoint as Target};
use tonic::{Code, Status};

use crate::failure::Failure;

/// Where the core is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Endpoint {
    /// Where the core listens
    #[arg(
        long,
        env = "PARTITA_CORE",
        default_value = "127.0.0.1:32102",
        value_name = "HOST:PORT"
    )]
    endpoint: String,
}

/// Does some work with a core.
pub(crate) fn with<T>(
    endpoint: &Endpoint,
    work: impl AsyncFnOnce(Channel) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Surroundings(format!("cannot start: {error}")))?;
    let address = &endpoint.endpoint;
    let target = Target::from_shared(format!("http://{address}"))
        .map_err(|error| Failure::Usage(format!("--endpoint {address}: {error}")))?;
    runtime.block_on(async {
        let channel = target.connect().await.map_err(|_| {
            Failure::Surroundings(format!(
                "no core answers at {address}: start one with `partita core`"
            ))
        })?;
        work(channel).await
    })
}

/// Who asks: `user@host`, as other clients say it.
#[allow(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn user() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "nobody".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", host.trim())
}

impl From<Status> for Failure {
    /// What cannot be reached is the surroundings' fault; what was asked wrongly the user's; the rest is an answer.
    fn from(status: Status) -> Self {
        let text = status.message().to_owned();
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => Self::Surroundings(text),
            Code::InvalidArgument => Self::Usage(text),
            _ => Self::No(text),
        }
    }
}
