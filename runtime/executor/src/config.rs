//! What an executor is told when it is started, and what can stop it.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

pub use partita_link::SECRET_VARIABLE;

/// How to run an executor. [`Config::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the core listens: `unix:/path` or `http://host:port`.
    pub core: String,
    /// Name of this host, as the core knows it.
    pub host: String,
    /// Proves to the core that it started this executor.
    pub secret: String,
    /// Working directory of the tasks.
    pub working_directory: PathBuf,
    /// How long to wait for a core that is away before every task is ended and [`run`] returns
    /// [`ExecutorError::CoreGone`]. `None`: for ever, as tasks do not depend on the core.
    pub core_patience: Option<Duration>,
    /// The kernel kills the direct children when the executor dies. For a run in the foreground, which must
    /// leave nothing behind; otherwise tasks outlive their executor.
    pub die_with_executor: bool,
    /// Where control ports are looked for. Ports in the kernel's ephemeral range are passed over, whatever is
    /// said here, since any outgoing connection may take them.
    pub control_ports: RangeInclusive<u16>,
    /// Where ports of inbound channels are looked for.
    pub channel_ports: RangeInclusive<u16>,
    /// The waits that no message of the core sets.
    pub patience: Patience,
}

/// The waits that no message of the core sets.
#[derive(Debug, Clone)]
pub struct Patience {
    /// From the dialling of the core to its `Welcome`.
    pub welcome: Duration,
    /// Longest pause between two attempts to reach the core.
    pub redial: Duration,
    /// Silence on the link after which it is probed, and after the same again taken for broken.
    pub keep_alive: Duration,
    /// Longest pause between two attempts to reach a task that is starting.
    pub start_poll: Duration,
    /// For the state of a task that did not answer a transition in time, or whose connection broke.
    pub doubt: Duration,
    /// Between two questions for the state of a task that cannot stream it (`runtime.md` 11.4).
    pub state_poll: Duration,
    /// For results of a transition to wait for those of other tasks, so that they go in one message.
    pub gather: Duration,
    /// Between two SIGKILLs to what will not go.
    pub kill_again: Duration,
    /// For the core to take the last messages when the executor ends.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            welcome: Duration::from_secs(5),
            redial: Duration::from_secs(1),
            keep_alive: Duration::from_secs(10),
            start_poll: Duration::from_millis(50),
            doubt: Duration::from_secs(2),
            state_poll: Duration::from_secs(1),
            gather: Duration::from_millis(5),
            kill_again: Duration::from_millis(200),
            farewell: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// An executor that waits for its core for ever and leaves its tasks alone when it dies. Port ranges as the
    /// reference has them (`runtime.md` 10.2), each ending where the next, or the ephemeral range of Linux, begins.
    pub fn new(core: String, host: String, secret: String, working_directory: PathBuf) -> Self {
        Self {
            core,
            host,
            secret,
            working_directory,
            core_patience: None,
            die_with_executor: false,
            control_ports: 30_000..=32_767,
            channel_ports: 9_000..=29_999,
            patience: Patience::default(),
        }
    }
}

/// Why an executor could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The address of the core is not one.
    #[error("`{address}` is no address of a core (want `unix:/path` or `http://host:port`): {reason}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The core was reached and said no.
    #[error("the core at `{address}` refuses this executor: {reason}")]
    Refused {
        /// Of the core.
        address: String,
        /// Its words.
        reason: String,
    },
    /// The core was away for longer than [`Config::core_patience`]. Every task has been ended.
    #[error("the core at `{address}` was away for {waited:?} ({reason}); all tasks have been ended")]
    CoreGone {
        /// Of the core.
        address: String,
        /// How long it was waited for.
        waited: Duration,
        /// Why the last attempt to reach it failed.
        reason: String,
    },
    /// The operating system refused what every executor needs.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The answer of the system.
        source: std::io::Error,
    },
}
