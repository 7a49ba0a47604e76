//! What is known of a value before the run: a small part of the reference's type system, enough to refuse what it
//! refuses.

use std::fmt;

/// Kind of a value, as far as it is known without evaluating.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Nature {
    /// Not known: what dynamic functions and members return.
    Unknown,
    /// `nil`, written or certain.
    Nil,
    Bool,
    Int,
    Float,
    Str,
    /// A list of anything, with what is known of its elements.
    List(Box<Nature>),
    /// What `split` returns; not interchangeable with other lists.
    Strings,
    /// A map from text, or from anything.
    Map {
        any_key: bool,
    },
    /// `Parent()` and its like.
    Role,
    Duration,
    Time,
    /// A function that is not called.
    Function,
}

use Nature as N;

impl Nature {
    pub(super) fn list(element: Nature) -> Self {
        N::List(Box::new(element))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, N::Int | N::Float)
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, N::List(_) | N::Strings)
    }

    pub(super) fn is_unknown(&self) -> bool {
        *self == N::Unknown
    }

    /// What the elements of a list are.
    pub(super) fn element(&self) -> Nature {
        match self {
            N::List(element) => (**element).clone(),
            N::Strings => N::Str,
            _ => N::Unknown,
        }
    }

    /// Same kind, whatever the elements.
    pub(super) fn assignable_to(&self, other: &Nature) -> bool {
        match (self, other) {
            (N::Nil, N::List(_) | N::Strings | N::Map { .. } | N::Role | N::Function)
            | (N::List(_), N::List(_)) => true,
            (N::Unknown | N::Nil, _) | (_, N::Unknown | N::Nil) => false,
            (a, b) => a == b,
        }
    }

    pub(super) fn comparable_to(&self, other: &Nature) -> bool {
        matches!(self, N::Unknown | N::Nil)
            || matches!(other, N::Unknown | N::Nil)
            || (self.is_number() && other.is_number())
            || (self.is_list() && other.is_list())
            || self.assignable_to(other)
    }

    /// One side is not known and the other, if it is, is one of those accepted.
    pub(super) fn maybe(&self, other: &Nature, accepted: impl Fn(&Nature) -> bool) -> bool {
        match (self.is_unknown(), other.is_unknown()) {
            (true, true) => true,
            (true, false) => accepted(other),
            (false, true) => accepted(self),
            (false, false) => false,
        }
    }

    pub(super) fn promote(&self, other: &Nature) -> Nature {
        if *self == N::Float || *other == N::Float {
            N::Float
        } else {
            N::Int
        }
    }
}

impl fmt::Display for Nature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            N::Unknown => "unknown",
            N::Nil => "nil",
            N::Bool => "bool",
            N::Int => "int",
            N::Float => "float",
            N::Str => "string",
            N::List(_) | N::Strings => "list",
            N::Map { .. } => "map",
            N::Role => "role",
            N::Duration => "duration",
            N::Time => "time",
            N::Function => "function",
        })
    }
}
