//! What can be wrong with the deployment of a task.

use crate::duration::DurationError;
use crate::evaluate::EvaluateError;
use crate::ir::Span;

/// Something that keeps a task from being deployed or configured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("task {role}: {kind}")]
pub struct DeployError {
    /// Path of the role.
    pub role: String,
    /// Where it is written.
    pub span: Span,
    /// What is wrong.
    pub kind: DeployErrorKind,
}

/// What is wrong with the deployment of a task.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeployErrorKind {
    /// Not a task.
    #[error("the role is no task, so there is nothing to deploy")]
    NoTask,
    /// The artefact does not hold the template.
    #[error("there is no task template `{identity}`")]
    MissingClass {
        /// Its identity.
        identity: String,
    },
    /// The template has no `command`.
    #[error("its template `{identity}` has no `command`")]
    NoCommand {
        /// Identity of the template.
        identity: String,
    },
    /// An expression fails.
    #[error("{field}: {error}")]
    Evaluate {
        /// Which field of the template.
        field: String,
        /// Why.
        error: Box<EvaluateError>,
    },
    /// `stdout` or `stderr` evaluates to something unknown.
    #[error("{field} is `{text}`, but can only be none, stdout or all")]
    Output {
        /// `stdout` or `stderr`.
        field: &'static str,
        /// What it evaluates to.
        text: String,
    },
    /// `timeout` of a basic or hook task.
    #[error("timeout: {0}")]
    Timeout(DurationError),
    /// Nobody binds what a channel connects to.
    #[error(
        "channel `{channel}` connects to `{target}`, which no task binds{}",
        near_misses(near)
    )]
    Target {
        /// Outbound channel.
        channel: String,
        /// What it wants to connect to.
        target: String,
        /// Existing targets that look like it.
        near: Vec<String>,
    },
    /// The target of a bound channel is no address.
    #[error("{property} is `{text}`, which is no address")]
    Address {
        /// Key of the property.
        property: String,
        /// What it evaluates to.
        text: String,
    },
    /// An inbound channel has got no address.
    #[error("channel `{channel}` has no port: {given} were given, for {wanted} tcp channels")]
    NoPort {
        /// Inbound channel.
        channel: String,
        /// Ports at hand.
        given: usize,
        /// Ports needed.
        wanted: usize,
    },
}

impl DeployError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        match &self.kind {
            DeployErrorKind::Evaluate { error, .. } => error.hint.clone(),
            DeployErrorKind::Target { target, .. } if target.is_empty() => Some(
                "a `connect` in a task template needs a `target` in the role that loads it: the template's own is ignored"
                    .to_owned(),
            ),
            DeployErrorKind::Target { .. } => {
                Some("a target is an address (tcp://…, ipc://…), <role path>:<channel> or ::<alias>".to_owned())
            }
            DeployErrorKind::Address { .. } => Some("an address begins with `tcp://` or `ipc://`".to_owned()),
            _ => None,
        }
    }
}

fn near_misses(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!("; there is `{}`", near.join("`, `"))
    }
}
