//! What is asked of whoever has a compiler and repositories.

use std::collections::BTreeMap;

use partita_artefact::digest::Digest;
use partita_artefact::ir::VariableSpec;

/// A workflow to be compiled.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `[<repository>/workflows/]<name>[@<revision>]`
    pub workflow: String,
    /// User variables.
    pub variables: BTreeMap<String, String>,
    /// Nothing more may be given to it later.
    pub closed: bool,
}

/// What became of it.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// Its hash in the store; `None` if there are errors.
    pub digest: Option<Digest>,
    /// All findings, errors first.
    pub diagnostics: Vec<Diagnostic>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// There is no artefact.
    Error,
    /// There is one, and something is odd about it.
    Warning,
    /// Worth knowing.
    Note,
}

/// A finding of the compiler.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Its code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// `path:line:column`; may be empty.
    pub place: String,
    /// The same with the source around it and hints, for people.
    pub text: String,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its identifier.
    pub name: String,
    /// Revision that is meant where none is named.
    pub default_revision: String,
    /// All revisions, if asked for.
    pub revisions: Vec<String>,
}

/// The repositories, sorted by name: an index of clients is a place in this list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repositories {
    /// They.
    pub list: Vec<Repository>,
    /// Name of the default one.
    pub default: String,
    /// Revision that is tried first for a new repository.
    pub global_default_revision: String,
}

/// A repository that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// The revision that is its default from now on.
    pub default_revision: String,
    /// What a person should know.
    pub info: String,
}

/// Which templates are wanted (`wire.md` 2.4, `GetWorkflowTemplatesRequest`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateQuery {
    /// Empty: all; a number: that place in the list; else a glob on names.
    pub repository: String,
    /// Empty: the default of each repository; else a glob.
    pub revision: String,
    /// All branches.
    pub branches: bool,
    /// All tags.
    pub tags: bool,
    /// Also those that are not public.
    pub all: bool,
}

/// A workflow template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Name of its repository.
    pub repository: String,
    /// Its revision.
    pub revision: String,
    /// Its name.
    pub name: String,
    /// What it says of itself, if that is public.
    pub description: String,
    /// Its public variables, by name.
    pub variables: BTreeMap<String, VariableSpecification>,
}

/// A public variable.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableSpecification {
    /// Its value as written.
    pub default: String,
    /// What a GUI should know about it.
    pub spec: VariableSpec,
}

/// Why something is not available.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// It was asked wrongly.
    #[error("{0}")]
    Asked(String),
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// The disk, the network or a repository fails us.
    #[error("{0}")]
    Surroundings(String),
}

/// Whoever has a compiler and repositories. Calls may take long and block: they are made off the event loop.
pub trait Workflows: Send + Sync + 'static {
    /// Compiles a workflow into the store.
    ///
    /// # Errors
    ///
    /// What keeps the compiler from being asked. What it finds wrong is in [`Compiled::diagnostics`].
    fn compile(&self, wanted: &Wanted) -> Result<Compiled, Unavailable>;

    /// Workflow templates, sorted by repository, revision and name.
    ///
    /// # Errors
    ///
    /// A pattern that is none, a repository that cannot be read.
    fn templates(&self, query: &TemplateQuery) -> Result<Vec<Template>, Unavailable>;

    /// The repositories, with their revisions if asked for.
    ///
    /// # Errors
    ///
    /// A repository whose revisions cannot be read.
    fn repositories(&self, revisions: bool) -> Result<Repositories, Unavailable>;

    /// Adds a repository: a folder, or something to be cloned.
    ///
    /// # Errors
    ///
    /// It is there already, or cannot be had.
    fn add_repository(&self, location: &str, default_revision: &str) -> Result<Added, Unavailable>;

    /// Forgets a repository. Gives the new default one if it was that.
    ///
    /// # Errors
    ///
    /// There is none at that place, or it is the last one.
    fn remove_repository(&self, index: usize) -> Result<Option<String>, Unavailable>;

    /// Fetches what is new in one repository, or in all.
    ///
    /// # Errors
    ///
    /// There is none at that place, or it cannot be fetched.
    fn refresh_repositories(&self, index: Option<usize>) -> Result<(), Unavailable>;

    /// Makes a repository the default one.
    ///
    /// # Errors
    ///
    /// There is none at that place.
    fn set_default_repository(&self, index: usize) -> Result<(), Unavailable>;

    /// Sets the revision that is tried first for a new repository.
    ///
    /// # Errors
    ///
    /// It is empty, or cannot be kept.
    fn set_global_default_revision(&self, revision: &str) -> Result<(), Unavailable>;

    /// Sets the default revision of a repository. `Some`: there is none of that name, but these.
    ///
    /// # Errors
    ///
    /// There is no repository at that place.
    fn set_default_revision(&self, index: usize, revision: &str) -> Result<Option<Vec<String>>, Unavailable>;

    /// All detectors, each with its hosts.
    fn detectors(&self) -> BTreeMap<String, Vec<String>>;
}
