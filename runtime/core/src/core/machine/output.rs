//! What the machine wants done and lets people see.

use super::EnvironmentId;
use crate::environment::{Effect, Numbered, Reply, RequestId};

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// What an environment wants done. Never [`Effect::SetTimer`], [`Effect::CancelTimer`], [`Effect::Leave`], [`Effect::Store`],
    /// [`Effect::Reply`], [`Effect::Observe`] or [`Effect::Gone`]: those are the machine's own.
    Effect(EnvironmentId, Effect),
    /// End tasks that are nobody's.
    Kill {
        /// Where they are.
        host: String,
        /// Which.
        tasks: Vec<String>,
    },
    /// Answer who asked.
    Reply(RequestId, Reply),
    /// Let people see.
    Observed(Numbered),
    /// An environment is gone.
    Gone(EnvironmentId),
}
