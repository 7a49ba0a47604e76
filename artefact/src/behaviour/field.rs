//! Fields: what can be said of a role, by name.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Kind;
use crate::digest::Digest;

/// Attribute of a host that is its name.
pub(super) const MACHINE_ID: &str = "machine_id";

/// All fields of a node, by name. What is empty or as it is by default may be absent.
pub type Fields = BTreeMap<Field, Value>;

/// Name of a field: what it is about, and which one of those, where there are several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// What it is about.
    pub aspect: Aspect,
    /// Which one: a variable, an attribute, a property, `channel` or `channel.part`; empty where there is one only.
    pub key: String,
}

/// What a field is about. Each has its costs in [`crate::diff::COSTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Edition of the language that a file is written in; only in templates.
    Edition,
    /// A root that is disabled; in templates the condition.
    Enabled,
    /// Control mode.
    Mode,
    /// Part of the command: `value`, `arguments`, `env`, `user`, `shell`, `stdout`, `stderr`.
    Command,
    /// Resources: `cpu`, `memory`, `ports`.
    Wants,
    /// Bounds: `cpu`, `memory`.
    Limits,
    /// A bound channel: its addressing.
    Bind,
    /// Something about a bound channel that is told to its task: `type`, `transport`, …
    BindDetail,
    /// An alias of a bound channel.
    Global,
    /// A demand on the host.
    Constraint,
    /// A channel that connects: its target.
    Connect,
    /// Something about it: `type`, `transport`, …
    ConnectDetail,
    /// A property.
    Property,
    /// Whether its failure matters.
    Critical,
    /// When it starts.
    Trigger,
    /// When it is awaited.
    Await,
    /// How long it may take.
    Timeout,
    /// What a call calls.
    Function,
    /// The variable that takes the result.
    Returns,
    /// A variable that is read only when a call or a transition happens.
    Read,
    /// A variable of the root that goes to the tasks with a transition.
    Pushed,
    /// A variable of the root by which the core steers the environment.
    Steering,
    /// A variable as written in a template: `defaults` of a role or task template.
    Default,
    /// The same of `vars`.
    Var,
    /// `for` of a role template.
    Iterator,
    /// `include` of a role template.
    Include,
    /// `load` of a role template.
    Load,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Edition,
        Self::Enabled,
        Self::Mode,
        Self::Command,
        Self::Wants,
        Self::Limits,
        Self::Bind,
        Self::BindDetail,
        Self::Global,
        Self::Constraint,
        Self::Connect,
        Self::ConnectDetail,
        Self::Property,
        Self::Critical,
        Self::Trigger,
        Self::Await,
        Self::Timeout,
        Self::Function,
        Self::Returns,
        Self::Read,
        Self::Pushed,
        Self::Steering,
        Self::Default,
        Self::Var,
        Self::Iterator,
        Self::Include,
        Self::Load,
    ];

    /// Its name in texts and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edition => "edition",
            Self::Enabled => "enabled",
            Self::Mode => "control.mode",
            Self::Command => "command",
            Self::Wants => "wants",
            Self::Limits => "limits",
            Self::Bind | Self::BindDetail | Self::Global => "bind",
            Self::Constraint => "constraints",
            Self::Connect | Self::ConnectDetail => "connect",
            Self::Property => "properties",
            Self::Critical => "critical",
            Self::Trigger => "trigger",
            Self::Await => "await",
            Self::Timeout => "timeout",
            Self::Function => "func",
            Self::Returns => "return",
            Self::Read => "reads",
            Self::Pushed | Self::Steering => "variables",
            Self::Default => "defaults",
            Self::Var => "vars",
            Self::Iterator => "for",
            Self::Include => "include",
            Self::Load => "load",
        }
    }

    /// What a process is started with, and cannot be changed while it runs.
    pub(super) fn is_launched_with(self) -> bool {
        matches!(
            self,
            Self::Mode | Self::Command | Self::Wants | Self::Limits | Self::Bind
        )
    }
}

impl Field {
    /// The field of that name.
    pub fn new(aspect: Aspect, key: impl Into<String>) -> Self {
        Self {
            aspect,
            key: key.into(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.aspect.name())?;
        if self.key.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.key)
        }
    }
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// One text.
    One(Text),
    /// Several, in order.
    List(Vec<Text>),
}

/// A text, and what counts of it.
#[derive(Debug, Clone)]
pub struct Text {
    /// As people read it.
    pub shown: String,
    /// What counts, where that is not the text itself: an expression without its spaces, a role without the path to it.
    pub meaning: Option<String>,
}

impl Text {
    /// What counts.
    pub fn meaning(&self) -> &str {
        self.meaning.as_deref().unwrap_or(&self.shown)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.meaning.is_some() == other.meaning.is_some() && self.meaning() == other.meaning()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.meaning.is_some(), self.meaning()).cmp(&(other.meaning.is_some(), other.meaning()))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Text {
    fn from(shown: String) -> Self {
        Self { shown, meaning: None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::One(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::One(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::One(text)
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.into_iter().map(Text::from).collect())
    }
}

impl Value {
    /// Its texts as people read them, in order.
    pub fn shown(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![&text.shown],
            Self::List(texts) => texts.iter().map(|text| text.shown.as_str()).collect(),
        }
    }
}

/// A digest in the making. Every text has its length in front, so that no two contents are written alike.
pub(super) struct Hash(Sha256);

impl Hash {
    pub(super) fn new(kind: Kind) -> Self {
        let mut hash = Self(Sha256::new());
        hash.text(match kind {
            Kind::Task => "task",
            Kind::Call => "call",
            Kind::Aggregator => "aggregator",
            Kind::Include => "include",
        });
        hash
    }

    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }

    fn counted(&mut self, text: &Text) {
        self.number(usize::from(text.meaning.is_some()));
        self.text(text.meaning());
    }

    pub(super) fn field(&mut self, field: &Field, value: &Value) {
        self.text("field");
        self.text(&format!("{:?}", field.aspect));
        self.text(&field.key);
        match value {
            Value::One(text) => {
                self.text("one");
                self.counted(text);
            }
            Value::List(texts) => {
                self.text("list");
                self.number(texts.len());
                for text in texts {
                    self.counted(text);
                }
            }
        }
    }

    pub(super) fn child(&mut self, name: &str, digest: &Digest) {
        self.text("child");
        self.text(name);
        self.text(&digest.hex());
    }

    pub(super) fn finish(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }
}
