//! Why a text is no document.

use super::scanner::ScanError;
use super::{Place, limit};

/// Why a text could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Not YAML.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        place: Place,
    },
    /// More than [`limit`] allows.
    #[error("{what}, more than the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
        /// Where it became too much.
        place: Place,
    },
}

impl LoadError {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self::Syntax {
            message: message.into(),
            place,
        }
    }

    pub(super) fn deep(place: Place) -> Self {
        Self::Limit {
            what: "nested too deep",
            limit: limit::DEPTH as u64,
            place,
        }
    }
}

impl From<ScanError> for LoadError {
    fn from(error: ScanError) -> Self {
        if error.deep {
            Self::deep(error.place)
        } else {
            Self::new(error.place, error.message)
        }
    }
}
