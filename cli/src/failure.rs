//! Why a command ends without success, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// The kind decides the exit code; the text is for the person.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command did its work and the answer is no: 1.
    No(String),
    /// It was asked wrongly: 2.
    Usage(String),
    /// Its surroundings failed it: 3.
    Surroundings(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::Surroundings(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::No(text) | Self::Usage(text) | Self::Surroundings(text)) = self;
        formatter.write_str(text)
    }
}
