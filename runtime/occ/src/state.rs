//! States and events of a task as the control system names them (runtime.md 2.2).

/// State of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum State {
    /// Not known: the task cannot be asked, or is in a state that has no name here.
    #[default]
    Unknown,
    /// Started, and knows nothing yet.
    Standby,
    /// Has its properties, and is ready for a run.
    Configured,
    /// In a run.
    Running,
    /// Between two parts of a run. Nobody can send a task here over the wire.
    Paused,
    /// Something failed.
    Error,
    /// About to end, or ended.
    Done,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Standby,
        Self::Configured,
        Self::Running,
        Self::Paused,
        Self::Error,
        Self::Done,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Standby => "STANDBY",
            Self::Configured => "CONFIGURED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Error => "ERROR",
            Self::Done => "DONE",
        }
    }
}

/// What a task can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Take the properties.
    Configure,
    /// Forget the properties.
    Reset,
    /// Begin a run.
    Start,
    /// End the run.
    Stop,
    /// End the process.
    Exit,
    /// Known on the wire, and refused by every task.
    GoError,
    /// Leave ERROR.
    Recover,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Configure,
        Self::Reset,
        Self::Start,
        Self::Stop,
        Self::Exit,
        Self::GoError,
        Self::Recover,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configure => "CONFIGURE",
            Self::Reset => "RESET",
            Self::Start => "START",
            Self::Stop => "STOP",
            Self::Exit => "EXIT",
            Self::GoError => "GO_ERROR",
            Self::Recover => "RECOVER",
        }
    }
}

/// A text that names no state or no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of {kind}")]
pub struct UnknownName {
    /// What was given.
    pub text: String,
    /// What it should have named.
    pub kind: &'static str,
}

/// A type whose values all have names is written and read by them.
macro_rules! by_name {
    ($type:ty, $kind:literal) => {
        impl std::str::FromStr for $type {
            type Err = $crate::state::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .into_iter()
                    .find(|value| value.name() == text)
                    .ok_or_else(|| $crate::state::UnknownName {
                        text: text.to_owned(),
                        kind: $kind,
                    })
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}
pub(crate) use by_name;

by_name!(State, "a state of a task");
by_name!(Event, "an event of a task");
