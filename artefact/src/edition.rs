//! The editions of the workflow language, and everything in which they differ.
//!
//! Each method is one difference: true where the language is as it should be, false where it is as the reference has it.
//! `docs/editions.md` has a row for each, with what it means for the author of a workflow.

use std::fmt;
use std::str::FromStr;

/// Which meaning of the language a repository asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Edition {
    /// What the reference means, traps included.
    #[default]
    Aliecs,
    /// The same language with the traps fixed.
    E2026,
}

/// Not the name of an edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no edition `{0}` of the language: it is `aliecs` or `2026`")]
pub struct EditionError(pub String);

impl Edition {
    /// All editions, the oldest first.
    pub const ALL: [Self; 2] = [Self::Aliecs, Self::E2026];

    /// Its name, as in `partita.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aliecs => "aliecs",
            Self::E2026 => "2026",
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Edition {
    type Err = EditionError;

    fn from_str(text: &str) -> Result<Self, EditionError> {
        Self::ALL
            .into_iter()
            .find(|edition| edition.as_str() == text)
            .ok_or_else(|| EditionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_name() {
        for edition in Edition::ALL {
            assert_eq!(edition.to_string().parse(), Ok(edition));
        }
        let error = "2027".parse::<Edition>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no edition `2027` of the language: it is `aliecs` or `2026`"
        );
    }
}
