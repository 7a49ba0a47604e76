//! `partita core drain`: all environments of a core end in order.

use partita_proto::common::User;
use partita_proto::partita::v1::{DrainRequest, core_client::CoreClient};

use crate::connection::{self, Endpoint};
use crate::failure::Failure;

/// End all environments of a running core in order; it creates none from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita core drain --reason 'power cut at noon'")]
pub(crate) struct Drain {
    #[command(flatten)]
    endpoint: Endpoint,
    /// Why, for the log of the core
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
}

impl Drain {
    pub(super) fn run(&self) -> Result<(), Failure> {
        connection::with(&self.endpoint, async |channel| {
            let request = DrainRequest {
                reason: self.reason.clone(),
                user: Some(User {
                    name: connection::user(),
                    ..User::default()
                }),
            };
            let mut drained = CoreClient::new(channel).drain(request).await?.into_inner();
            let mut failed = 0_usize;
            while let Some(ended) = drained.message().await? {
                if ended.error.is_empty() {
                    println!("{} has ended", ended.environment);
                } else {
                    failed += 1;
                    println!("{}: {}", ended.environment, ended.error);
                }
            }
            match failed {
                0 => Ok(()),
                failed => Err(Failure::No(format!("{failed} environments did not end in order"))),
            }
        })
    }
}
