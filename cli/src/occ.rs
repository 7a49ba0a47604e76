//! `partita occ`: looks at one task, or drives it by hand.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use clap::Subcommand;
use partita_occ::client::{Client, Order};
use partita_occ::codec::Codec;
use partita_occ::{Event, direct};
use tokio::time::Instant;

use crate::failure::Failure;

/// Debug one task: ask for its state, send it an event, watch it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: partita occ 127.0.0.1:47100 transition CONFIGURE --set chans.x.0.address=tcp://*:9000"
)]
pub(crate) struct Occ {
    /// Where the task listens
    #[arg(default_value_t = format!("127.0.0.1:{}", partita_occ::DEFAULT_PORT))]
    address: String,
    /// It is a FairMQ device with the OCClite plugin
    #[arg(long)]
    fairmq: bool,
    /// Longest wait for an answer, in seconds
    #[arg(long, default_value_t = 30)]
    timeout: u64,
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Print the state and process id
    GetState,
    /// Take the task through one event: CONFIGURE, START, STOP, RESET, EXIT or RECOVER
    Transition {
        event: Event,
        /// Property to push
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Print the events of the task until it ends
    Watch,
}

impl Occ {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Surroundings(format!("cannot start: {error}")))?;
        runtime.block_on(self.ask())
    }

    async fn ask(self) -> Result<(), Failure> {
        let codec = if self.fairmq { Codec::Json } else { Codec::Protobuf };
        let timeout = Duration::from_secs(self.timeout);
        let address = resolve(&self.address)?;
        let client = Client::connect(address, codec, Instant::now() + timeout)
            .await
            .map_err(|error| Failure::Surroundings(error.to_string()))?;
        match self.question {
            Question::GetState => {
                let report = client
                    .get_state(Instant::now() + timeout)
                    .await
                    .map_err(surroundings)?;
                println!("{} {}", report.state, report.pid);
                Ok(())
            }
            Question::Transition { event, set } => transition(&client, event, &set, timeout).await,
            Question::Watch => watch(&client).await,
        }
    }
}

fn resolve(address: &str) -> Result<SocketAddr, Failure> {
    let wrong = |reason: String| Failure::Usage(format!("{address}: not HOST:PORT: {reason}"));
    let mut found = address
        .to_socket_addrs()
        .map_err(|error| wrong(error.to_string()))?;
    found.next().ok_or_else(|| wrong("it has no address".into()))
}

fn surroundings(error: impl std::fmt::Display) -> Failure {
    Failure::Surroundings(error.to_string())
}

async fn transition(client: &Client, event: Event, set: &[String], timeout: Duration) -> Result<(), Failure> {
    let arguments = set
        .iter()
        .map(|one| {
            one.split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or(one)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|one| Failure::Usage(format!("--set {one}: expected KEY=VALUE")))?;
    let source = client
        .get_state(Instant::now() + timeout)
        .await
        .map_err(surroundings)?
        .task_state();
    let destination = direct::destination(source, event)
        .ok_or_else(|| Failure::No(format!("{} is not possible in {}", event.name(), source.name())))?;
    let order = Order {
        event,
        source,
        destination,
        arguments: &arguments,
        deadline: Instant::now() + timeout,
        settle: timeout,
    };
    let outcome = client.transition(&order).await;
    println!("{}", outcome.state.name());
    outcome
        .error
        .map_or(Ok(()), |error| Err(Failure::No(error.to_string())))
}

async fn watch(client: &Client) -> Result<(), Failure> {
    let mut events = client.event_stream();
    while let Some(event) = events.next().await {
        println!("{}", event.map_err(surroundings)?.as_str_name());
    }
    Ok(())
}
