use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::RoleName;

/// What an expression evaluates to. Text borrows from the variables and the expression wherever it can.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing: `nil`, an undefined argument, a missing member.
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Floating-point number; all JSON numbers are.
    Float(f64),
    /// Text.
    Str(Cow<'a, str>),
    /// List.
    List(Arc<List<'a>>),
    /// Map.
    Map(Arc<Map<'a>>),
    /// What `Parent()` and its like return; `None` above the root.
    Role(Option<RoleName<'a>>),
    /// Length of time, in nanoseconds.
    Duration(i64),
    /// A point of time.
    Time(super::time::Time),
    /// An object that functions are members of.
    Namespace(&'a str),
    /// A function that is not called.
    Function(&'a str),
}

/// A list, and how it is written as text.
#[derive(Debug, Clone, PartialEq)]
pub struct List<'a> {
    /// Which list of the reference it is.
    pub kind: ListKind,
    /// Its elements.
    pub items: Vec<Value<'a>>,
}

/// Lists are written as JSON, unless they are numbers or pairs (template-language.md 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Of anything.
    Any,
    /// Of text: what `split` returns.
    Str,
    /// Of whole numbers: what `1..3` returns.
    Int,
    /// Of pairs: what `toPairs` returns.
    Pairs,
    /// One pair.
    Pair,
}

/// A map, and what its keys may be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map<'a> {
    /// Keys may be other than text: what `groupBy` and `fromPairs` return.
    pub any_key: bool,
    /// Keys and values, sorted.
    pub entries: BTreeMap<Key<'a>, Value<'a>>,
}

/// Key of a [`Map`].
#[derive(Debug, Clone)]
pub enum Key<'a> {
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Floating-point number.
    Float(f64),
    /// Text.
    Str(Cow<'a, str>),
}

impl Key<'_> {
    fn rank(&self) -> u8 {
        match self {
            Key::Nil => 0,
            Key::Int(_) => 1,
            Key::Float(_) => 2,
            Key::Bool(_) => 3,
            Key::Str(_) => 4,
        }
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Key::Str(a), Key::Str(b)) => a.cmp(b),
            (Key::Int(a), Key::Int(b)) => a.cmp(b),
            (Key::Float(a), Key::Float(b)) => a.total_cmp(b),
            (Key::Bool(a), Key::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key<'_> {}

impl<'a> Key<'a> {
    pub(crate) fn of(value: &Value<'a>) -> Option<Self> {
        Some(match value {
            Value::Nil => Key::Nil,
            Value::Bool(b) => Key::Bool(*b),
            Value::Int(i) => Key::Int(*i),
            Value::Float(f) => Key::Float(*f),
            Value::Str(s) => Key::Str(s.clone()),
            _ => return None,
        })
    }

    pub(crate) fn value(&self) -> Value<'a> {
        match self {
            Key::Nil => Value::Nil,
            Key::Bool(b) => Value::Bool(*b),
            Key::Int(i) => Value::Int(*i),
            Key::Float(f) => Value::Float(*f),
            Key::Str(s) => Value::Str(s.clone()),
        }
    }
}

impl<'a> Value<'a> {
    /// The text of a text; empty for other kinds.
    pub(crate) fn as_str(&self) -> &str {
        if let Value::Str(text) = self { text } else { "" }
    }

    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Value::Str(text.into())
    }

    pub(crate) fn list(items: Vec<Value<'a>>) -> Self {
        Value::List(Arc::new(List {
            kind: ListKind::Any,
            items,
        }))
    }

    pub(crate) fn list_of(kind: ListKind, items: Vec<Value<'a>>) -> Self {
        Value::List(Arc::new(List { kind, items }))
    }

    pub(crate) fn map(entries: BTreeMap<Key<'a>, Value<'a>>) -> Self {
        Value::Map(Arc::new(Map {
            any_key: false,
            entries,
        }))
    }

    /// Nil, or a role above the root.
    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Value::Nil | Value::Role(None))
    }

    /// Name of its kind as the reference's messages have it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) | Value::Namespace(_) => "map",
            Value::Role(_) => "role",
            Value::Duration(_) => "duration",
            Value::Time(_) => "time",
            Value::Function(_) => "function",
        }
    }
}
