//! What a task author implements.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending, ready};

/// A task under control. Every method may be left out.
///
/// One method runs at a time. The last two are dropped, at any `await` in them, when a transition arrives: keep what
/// must survive in `self`, or in a thread or an async task of your own that they listen to.
pub trait Task: Send + 'static {
    /// Takes the properties: CONFIGURE; COMPLETE INIT of a device.
    fn configure(&mut self, properties: &Properties) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = properties;
        ready(Ok(()))
    }

    /// Binds its channels: after `configure`; BIND of a device.
    fn bind(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Connects its channels: after `bind`; CONNECT of a device.
    fn connect(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Gets ready for runs: after `connect`; INIT TASK of a device.
    fn init_task(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Begins a run: START; RUN of a device.
    fn start(&mut self, run: &Run) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = run;
        ready(Ok(()))
    }

    /// Ends the run: STOP.
    fn stop(&mut self, run: &Run) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = run;
        ready(Ok(()))
    }

    /// Undoes `init_task`: RESET; RESET TASK of a device.
    fn reset_task(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Forgets properties and channels: after `reset_task`; RESET DEVICE of a device.
    fn reset(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Gets from ERROR to STANDBY. Devices cannot.
    fn recover(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Prepares the end of the process: EXIT; END of a device.
    fn exit(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    /// Does one piece of a run. Called again and again in RUNNING, until it says that the data has ended. The one
    /// here waits for ever, as a task does whose work is elsewhere.
    fn iterate_running(&mut self) -> impl Future<Output = Iteration> + Send {
        pending()
    }

    /// Ends when something is wrong that no transition has shown. Watched in every state but ERROR while
    /// `iterate_running` is not.
    fn check(&mut self) -> impl Future<Output = Failure> + Send {
        pending()
    }
}

/// How a piece of a run ended.
#[derive(Debug)]
pub enum Iteration {
    /// There is more.
    Continue,
    /// The data of this run has ended. The task stays in RUNNING until it is stopped.
    EndOfStream,
    /// It failed; the task goes to ERROR.
    Error(Failure),
}

/// What went wrong, for people. The protocol cannot carry it, so it goes to the log of the task.
pub struct Failure(String);

impl Failure {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A run, as START or STOP describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Argument `runNumber`; 0 if it was not given, as at STOP.
    pub number: u32,
    /// All arguments.
    pub arguments: BTreeMap<String, String>,
}

/// Properties pushed at CONFIGURE.
pub type Properties = BTreeMap<String, Property>;

/// Value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// Text, as it was sent.
    Text(String),
    /// A number of a channel of a device.
    Number(i32),
    /// A switch of a channel of a device.
    Switch(bool),
}

/// Last parts of channel properties that a device takes as numbers (wire.md 5.5).
const NUMBERS: [&str; 6] = [
    "rateLogging",
    "rcvBufSize",
    "sndBufSize",
    "linger",
    "rcvKernelSize",
    "sndKernelSize",
];

impl Property {
    /// The value of a property of a device; `None` if it is not of the type that its key asks for.
    pub(super) fn of_device(key: &str, value: &str) -> Option<Self> {
        let last = key
            .strip_prefix("chans.")
            .and_then(|rest| rest.rsplit('.').next());
        match last {
            Some("autoBind") => value.parse().ok().map(|number: i32| Self::Switch(number != 0)),
            Some(last) if NUMBERS.contains(&last) => value.parse().ok().map(Self::Number),
            _ => Some(Self::Text(value.to_owned())),
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Number(number) => write!(out, "{number}"),
            Self::Switch(switch) => write!(out, "{switch}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_properties_of_a_device_have_types() {
        let of = Property::of_device;
        assert_eq!(of("chans.a.0.sndBufSize", "4"), Some(Property::Number(4)));
        assert_eq!(of("chans.a.0.autoBind", "0"), Some(Property::Switch(false)));
        assert_eq!(of("chans.a.0.address", "4"), Some(Property::Text("4".into())));
        assert_eq!(of("sndBufSize", "4"), Some(Property::Text("4".into())));
        assert_eq!(of("chans.a.0.linger", ""), None);
    }
}
