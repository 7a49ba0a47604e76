//! What can be wrong with a tree.

use std::fmt;

use super::surprise::Surprise;
use crate::evaluate::EvaluateError;
use crate::instance::WeightError;
use crate::ir::Span;

/// Something that keeps a tree from being made, or that made a role vanish.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}: {kind}", Subject { role, repeated: *repeated })]
pub struct InstantiateError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where it is written.
    pub span: Span,
    /// Path of the role in which it was met first; a name that could not be evaluated stands as written.
    pub role: String,
    /// Number of further roles (instances of an iterator, say) with the same error at the same place.
    pub repeated: usize,
}

/// What is wrong with a tree.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// An expression fails.
    #[error("{0}")]
    Evaluate(EvaluateError),
    /// Not an error but a warning: `enabled` fails, and that disables the role (`template-language.md` 12.1).
    #[error("the role is disabled, because its `enabled` cannot be evaluated: {0}")]
    Enabled(EvaluateError),
    /// Not an error but a warning: an expression makes a text that hardly anybody means.
    #[error("{}", surprise.message(text))]
    Surprise {
        /// What is odd about it.
        surprise: Surprise,
        /// The text, cut if long.
        text: String,
    },
    /// Not an error but a warning: the weight of a trigger is not a number.
    #[error(transparent)]
    Weight(#[from] WeightError),
    /// A weight that is not a number, where that is an error.
    #[error("{}", .0.refused())]
    NoWeight(WeightError),
    /// `enabled` means neither yes nor no.
    #[error("`enabled` is neither yes nor no but `{text}`")]
    NeitherYesNorNo {
        /// What it evaluates to.
        text: String,
    },
    /// Another role has the same path.
    #[error("another role has the same path")]
    SamePath,
    /// An include means a workflow template that the artefact does not hold.
    #[error("there is no workflow template `{identity}`")]
    MissingModule {
        /// Its identity.
        identity: String,
    },
    /// A task means a task template that the artefact does not hold.
    #[error("there is no task template `{identity}`")]
    MissingClass {
        /// Its identity.
        identity: String,
    },
    /// The templated `func` of a call became a text that was not known when the artefact was made.
    #[error("the call became `{text}`, which this artefact does not know")]
    Function {
        /// The text.
        text: String,
    },
    /// The range of an iterator is not a list.
    #[error("the range of the iterator is not a JSON list of strings but `{text}`: {reason}")]
    Range {
        /// What it evaluates to, cut if long.
        text: String,
        /// Why that is no list.
        reason: String,
    },
    /// A bound of a counting iterator is not a number.
    #[error("`{bound}` of the iterator is not a whole number but `{text}`")]
    Bound {
        /// `begin` or `end`.
        bound: &'static str,
        /// What it evaluates to.
        text: String,
    },
    /// Includes lead to themselves, or nest without end.
    #[error("includes nest more than {limit} deep: {}", chain.join(" > "))]
    Includes {
        /// The limit.
        limit: usize,
        /// The innermost identities, outermost first.
        chain: Vec<String>,
    },
    /// Roles nest too deep.
    #[error("roles nest more than {limit} deep")]
    Depth {
        /// The limit.
        limit: usize,
    },
    /// Too many roles.
    #[error("the tree has more than {limit} roles")]
    Roles {
        /// The limit.
        limit: usize,
    },
    /// Too much text.
    #[error("the names, paths and values of the tree have more than {limit} bytes")]
    Text {
        /// The limit.
        limit: usize,
    },
    /// Not an error of its own: what is wrong besides.
    #[error("and {number} more errors")]
    More {
        /// Errors and warnings that were met and not kept.
        number: usize,
    },
}

impl InstantiateError {
    /// It keeps no tree from being made; a role may have vanished for it.
    pub fn is_warning(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Enabled(_) | ErrorKind::Weight(_) | ErrorKind::Surprise { .. }
        )
    }

    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        match &self.kind {
            ErrorKind::Evaluate(error) | ErrorKind::Enabled(error) => error.hint.clone(),
            ErrorKind::MissingModule { .. } => {
                Some("an include of another repository must carry its own `@revision`".to_owned())
            }
            ErrorKind::MissingClass { identity } if identity.contains("/tasks/@") => {
                Some("`load` is empty: name a file of the folder `tasks`".to_owned())
            }
            ErrorKind::MissingClass { .. } | ErrorKind::Weight(_) | ErrorKind::More { .. } => None,
            ErrorKind::NoWeight(_) => {
                Some("a weight is a sign and digits, as in `before_CONFIGURE-10`".to_owned())
            }
            ErrorKind::NeitherYesNorNo { .. } => {
                Some("yes: true, yes, y, 1, on, ok; no: false, no, n, 0, off, none, or nothing".to_owned())
            }
            ErrorKind::Surprise { surprise, .. } => Some(surprise.hint().to_owned()),
            ErrorKind::SamePath => Some("give them different names, or disable one of them".to_owned()),
            ErrorKind::Function { .. } => {
                Some("compile the workflow again with the variables that `func` reads".to_owned())
            }
            ErrorKind::Range { .. } => {
                Some("the variable should look like [\"a\",\"b\"]; numbers must be in quotes".to_owned())
            }
            ErrorKind::Bound { .. } => Some("only decimal digits and a sign, no spaces".to_owned()),
            ErrorKind::Includes { .. } => Some("an included file must not lead back to itself".to_owned()),
            ErrorKind::Depth { .. } | ErrorKind::Roles { .. } => {
                Some("look at the range of the iterators".to_owned())
            }
            ErrorKind::Text { .. } => {
                Some("look for a long value that many roles have, or that holds another one twice".to_owned())
            }
        }
    }

    /// Same mistake in the sources, met in another role.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let same = match (&self.kind, &other.kind) {
            // Each instance of an iterator has a text of its own.
            (ErrorKind::Surprise { surprise: a, .. }, ErrorKind::Surprise { surprise: b, .. }) => a == b,
            (a, b) => a == b,
        };
        self.span == other.span && same
    }
}

pub(super) fn error_at(kind: ErrorKind, span: Span, role: String) -> InstantiateError {
    InstantiateError {
        kind,
        span,
        role,
        repeated: 0,
    }
}

/// Adds an error, or counts it where the same one is known already; false if there are too many to keep it.
pub(super) fn record(errors: &mut Vec<InstantiateError>, error: InstantiateError, limit: usize) -> bool {
    if let Some(known) = errors.iter_mut().find(|known| known.repeats(&error)) {
        known.repeated += 1;
        return true;
    }
    let room = errors.len() < limit;
    if room {
        errors.push(error);
    }
    room
}

struct Subject<'a> {
    role: &'a str,
    repeated: usize,
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repeated {
            0 => write!(f, "role {}", self.role),
            1 => write!(f, "role {} and one more", self.role),
            more => write!(f, "role {} and {more} more", self.role),
        }
    }
}
