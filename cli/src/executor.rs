//! `partita executor`: one a host, started by the cluster.

use std::path::PathBuf;
use std::time::Duration;

use partita_executor::{Config, SECRET_VARIABLE};

use crate::failure::Failure;

/// Supervise the tasks of one host for a core; started by the cluster, not by people.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The secret of the core is read from PARTITA_EXECUTOR_SECRET.\n\n\
    Example: partita executor --core unix:/run/partita/core.sock --host flp001 --directory /tmp"
)]
pub(crate) struct Executor {
    /// Where the core listens: `unix:/path` or `http://host:port`
    #[arg(long)]
    core: String,
    /// Name of this host
    #[arg(long)]
    host: String,
    /// Working folder of the tasks
    #[arg(long)]
    directory: PathBuf,
    /// End every task when the core has been away for so long, in milliseconds; without it: wait for ever
    #[arg(long)]
    core_patience_ms: Option<u64>,
    /// Let the kernel kill the tasks when the executor dies
    #[arg(long = "die-with-executor")]
    die_with_this: bool,
}

impl Executor {
    #[allow(
        clippy::disallowed_methods,
        reason = "the command line is where the environment is read"
    )]
    pub(crate) fn run(self) -> Result<(), Failure> {
        let secret = std::env::var(SECRET_VARIABLE).map_err(|_| {
            Failure::Usage(format!(
                "{SECRET_VARIABLE} is not set: an executor is started by its cluster"
            ))
        })?;
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
        let mut config = Config::new(self.core, self.host, secret, self.directory);
        config.core_patience = self.core_patience_ms.map(Duration::from_millis);
        config.die_with_executor = self.die_with_this;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Surroundings(format!("cannot start: {error}")))?;
        runtime
            .block_on(partita_executor::run(config))
            .map_err(|error| Failure::Surroundings(error.to_string()))
    }
}
