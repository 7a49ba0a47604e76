//! Why something went wrong, as one chain from what the person asked for down to what happened.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compact::is_default;

/// One link of a chain of causes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cause {
    /// What happened, one line.
    pub what: String,
    /// Path of the role it happened to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub role: Option<String>,
    /// Identity of the task.
    #[serde(default, skip_serializing_if = "is_default")]
    pub task: Option<String>,
    /// Host of the task.
    #[serde(default, skip_serializing_if = "is_default")]
    pub host: Option<String>,
    /// How the process ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exit: Option<Exit>,
    /// The deadline that passed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deadline: Option<Patience>,
    /// Last lines that the task wrote.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_lines: Vec<String>,
    /// It harms nothing: what failed is not critical.
    #[serde(default, skip_serializing_if = "is_default")]
    pub harmless: bool,
    /// What led to this.
    #[serde(default, skip_serializing_if = "is_default")]
    pub because: Vec<Cause>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A wait that has an end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Patience {
    /// What sets it: the name of a variable, or the trait of a role.
    pub name: String,
    /// How long it is.
    pub time: Duration,
}

/// Names of the signals that end processes here (`signal(7)`, Linux).
const SIGNALS: [(i32, &str); 12] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
];

fn signal_name(signal: i32) -> Option<&'static str> {
    let known = SIGNALS.into_iter().find(|(number, _)| *number == signal);
    known.map(|(_, name)| name)
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // So a shell says that a signal has ended what it ran.
            Self::Code(code) => match signal_name(code.saturating_sub(128)) {
                Some(name) => write!(f, "exit code {code} = 128 + {name}"),
                None => write!(f, "exit code {code}"),
            },
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "{name}"),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {:?}", self.name, self.time)
    }
}

impl Patience {
    /// That of one hook or call: trait `timeout` of its role.
    pub fn of_timeout(time: Duration) -> Self {
        Self {
            name: "timeout".to_owned(),
            time,
        }
    }
}

impl Cause {
    /// Something happened, and that is all there is to say.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    /// Something happened to a role.
    pub fn of(role: &str, what: impl Into<String>) -> Self {
        Self {
            role: Some(role.to_owned()),
            ..Self::new(what)
        }
    }

    /// Adds what led to this.
    #[must_use]
    pub fn because(mut self, causes: Vec<Cause>) -> Self {
        self.because = causes;
        self
    }

    /// Adds the deadline that passed.
    #[must_use]
    pub fn after(mut self, name: impl Into<String>, time: Duration) -> Self {
        self.deadline = Some(Patience {
            name: name.into(),
            time,
        });
        self
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        f.write_str(&indent)?;
        if let Some(role) = &self.role {
            write!(f, "{role}: ")?;
        }
        f.write_str(&self.what)?;
        if let Some(exit) = &self.exit {
            write!(f, " ({exit})")?;
        }
        if let Some(deadline) = &self.deadline {
            write!(f, " within {deadline}")?;
        }
        match (&self.task, &self.host) {
            (Some(task), Some(host)) => write!(f, ", task {task} on {host}")?,
            (None, Some(host)) => write!(f, ", on {host}")?,
            (Some(task), None) => write!(f, ", task {task}")?,
            (None, None) => {}
        }
        if self.harmless {
            f.write_str(" (not critical)")?;
        }
        for line in &self.last_lines {
            write!(f, "\n{indent}  | {line}")?;
        }
        for cause in &self.because {
            f.write_str("\n")?;
            cause.write(f, depth + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_speaks_of_signals_in_its_own_way() {
        let told = |code| Exit::Code(code).to_string();
        assert_eq!(
            [told(3), told(128), told(139)],
            ["exit code 3", "exit code 128", "exit code 139 = 128 + SIGSEGV"]
        );
    }

    #[test]
    fn reads_as_a_chain() {
        let dead = Cause {
            task: Some("2kYq".to_owned()),
            host: Some("host1".to_owned()),
            exit: Some(Exit::Signal(11)),
            last_lines: vec!["opening card 3".to_owned(), "no such card".to_owned()],
            ..Cause::of("flp.host1.readout", "ended unasked")
        };
        let late =
            Cause::of("flp.host2.stfb", "did not answer").after("start_timeout", Duration::from_secs(90));
        let chain = Cause::new("START_ACTIVITY failed").because(vec![dead, late]);
        insta::assert_snapshot!(chain, @r"
        START_ACTIVITY failed
          flp.host1.readout: ended unasked (SIGSEGV), task 2kYq on host1
            | opening card 3
            | no such card
          flp.host2.stfb: did not answer within start_timeout of 90s
        ");
    }
}
