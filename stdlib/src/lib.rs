//! What workflow code can call, declared once as data: the compiler checks names and signatures against it, the
//! evaluator dispatches on it, `partita` documents from it.
//!
//! This crate holds data only: no behaviour, no dependencies.

mod declarations;
mod services;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use declarations::FUNCTIONS;
pub use services::{SERVICES, Service, service};

/// Version of this library; part of every artefact, so that a change of meaning changes the artefact.
pub const VERSION: &str = "aliecs-1";

/// A function as workflow code sees it (reference: template-language.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// What it does, for dispatch.
    pub id: Id,
    /// Object that it is a member of: `strings` in `strings.Atoi`; empty for functions without one.
    pub namespace: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Second name of the member in the same namespace, if any: `json.Deserialize`.
    pub synonym: Option<&'static str>,
    /// Name under which it is also callable without a namespace.
    pub alias: Option<&'static str>,
    /// Kinds of its arguments, in order.
    pub parameters: &'static [Kind],
    /// Kind of its result.
    pub result: Kind,
    /// When its answer is known.
    pub bound: Binding,
    /// What it touches.
    pub purity: Purity,
    /// What a call without a namespace makes of an undefined argument.
    pub nil: NilArgument,
    /// One line for people.
    pub doc: &'static str,
}

impl Function {
    /// Whether `name` is a name of this function that the reference warns of (reference: template-language.md section 5).
    pub fn deprecates(&self, name: &str) -> bool {
        self.alias == Some(name) && matches!(self.namespace, "config" | "dpl" | "inventory" | "runtime")
    }
}

/// Identity of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is documented by its declaration")]
pub enum Id {
    Atoi,
    Itoa,
    TrimQuotes,
    TrimSpace,
    ToUpper,
    ToLower,
    IsTruthy,
    IsFalsy,
    Unmarshal,
    Marshal,
    Sort,
    PrefixedOverride,
    SuffixInRange,
    Nullable,
    Dump,
    NewUid,
    ConfigGet,
    ConfigGetLegacy,
    ConfigResolve,
    ConfigResolvePath,
    DetectorForHost,
    DetectorsForHosts,
    CruCardsForHost,
    EndpointsForCruCard,
    RuntimeGet,
    RuntimeSet,
    DplGenerate,
    DplGenerateFromUri,
    DplGenerateFromUriOrFallback,
    OdcTopologyFullname,
    OdcWorkflowScript,
    ToPtree,
    Parent,
    Up,
    This,
    AddNil,
}

/// Kind of an argument or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Any,
    /// Text.
    Str,
    /// Text or nil, where only nil can be written: the reference wants a pointer, which no expression makes.
    StrPointer,
    /// Whole number.
    Int,
    /// Truth value.
    Bool,
    /// A role: its `Name` and `Path`.
    Role,
}

/// When the answer of a function is known, at the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// From its arguments, the sources and the configuration snapshot.
    Compile,
    /// When an environment is created.
    Instance,
    /// When a task has a place.
    Deploy,
    /// When a transition happens.
    Run,
}

/// What a function touches besides its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purity {
    /// Nothing.
    Pure,
    /// Variables or roles around it.
    Scope,
    /// Reads a store.
    Reads,
    /// Writes a store or a file.
    Writes,
    /// Another answer each time.
    Fresh,
}

/// What a call by the alias makes of an undefined argument; a member always takes the zero value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NilArgument {
    /// The zero value of its kind.
    Zero,
    /// An error.
    Refused,
}

/// The member of a namespace: `member("strings", "Atoi")`.
pub fn member(namespace: &str, name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .iter()
        .filter(|function| function.namespace == namespace)
        .find(|function| function.name == name || function.synonym == Some(name))
}

/// Every name that a function has without a namespace; looked up for each name of each expression.
static PLAIN: LazyLock<BTreeMap<&'static str, &'static Function>> = LazyLock::new(|| {
    FUNCTIONS
        .iter()
        .flat_map(|function| {
            let own = function.namespace.is_empty().then_some(function.name);
            [function.alias, own]
                .into_iter()
                .flatten()
                .map(move |name| (name, function))
        })
        .collect()
});

/// The function called without a namespace: `plain("Atoi")`, `plain("Parent")`.
pub fn plain(name: &str) -> Option<&'static Function> {
    PLAIN.get(name).copied()
}

/// Objects that functions are members of.
pub const NAMESPACES: &[&str] = &[
    "config",
    "dpl",
    "inventory",
    "json",
    "odc",
    "runtime",
    "strings",
    "uid",
    "util",
];
