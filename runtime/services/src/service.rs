//! What a service is, what it is asked and what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

/// A call of one method, as a call role makes it (`template-language.md` 5.5 and 5.6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// Name of the method.
    pub method: String,
    /// Identity of the environment.
    pub environment: String,
    /// Path of the call role.
    pub role_path: String,
    /// Variables of the role, all layers taken together, with those that begin with `__call_`.
    pub variables: BTreeMap<String, String>,
    /// How long the service has. Who calls stops waiting then, so a service need not enforce it.
    pub timeout: Duration,
    /// When the call is made, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
}

impl Call {
    /// A variable; the empty text if there is none, as services do not tell the two apart.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }
}

/// What a successful call leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Variables to set on the call role.
    pub own: BTreeMap<String, String>,
    /// Variables to set on the root role; `None`: to remove there.
    pub global: BTreeMap<String, Option<String>>,
    /// Elements to add to lists in variables of the root role, separated by commas.
    pub appended: BTreeMap<String, String>,
    /// The real service was not asked.
    pub stand_in: bool,
    /// The call failed for this reason, and leaves its variables all the same.
    pub failure: Option<String>,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no service of this name.
    #[error("no service `{service}` for {service}.{method}(){}; there is {}", meant(nearest.as_ref()), list(there))]
    UnknownService {
        /// As called.
        service: String,
        /// As called.
        method: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// What there is, in the order given.
        there: Vec<String>,
    },
    /// The service has no such method.
    #[error("service `{service}` has no method `{method}`{}; it has {}", meant(nearest.as_ref()), list(there))]
    UnknownMethod {
        /// Which service.
        service: String,
        /// As called.
        method: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// What the service has.
        there: Vec<String>,
    },
    /// The service tried and failed.
    #[error("{service}.{method}() failed: {reason}")]
    Failed {
        /// Which service.
        service: String,
        /// Which method.
        method: String,
        /// Its words.
        reason: String,
    },
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

fn list(names: &[String]) -> impl fmt::Display {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// A call under way. Dropping it gives the call up.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send + 'a>>;

/// Something that answers calls.
pub trait Service: Send + Sync {
    /// Name by which workflows call it.
    fn name(&self) -> &str;

    /// Names of its methods; [`crate::Registry`] lets no others through.
    fn methods(&self) -> &[&'static str];

    /// Answers a call of one of its methods.
    fn call<'a>(&'a self, call: &'a Call) -> Answer<'a>;
}
