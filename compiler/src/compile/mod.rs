//! The whole way from a request to an artefact: find the workflow, read what it needs, try to make its tree, and say
//! what is wrong or still open.

mod binding;
mod candidates;
mod certain;
mod kinds;
mod late;
pub(crate) mod load;
mod parameters;
mod pattern;
mod session;
pub(crate) mod traps;
pub(crate) mod trial;
pub(crate) mod walk;

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::instance::{Instance, Kind};
use partita_artefact::instantiate::Limits;
use partita_artefact::ir::{Artefact, Edition, Layers, Pins};

use crate::check::expressions::old_names;
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::render::Findings;
use crate::source::Repositories;
use binding::Known;
use load::Loader;
pub use session::Session;

/// What to compile, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// `[<repository>/workflows/]<name>[@<revision>]`; without a repository, the first one is meant.
    pub workflow: String,
    /// Variables, exactly as they are to stand around the root role.
    pub given: Layers,
    /// Snapshot of the configuration store: full key to value.
    pub configuration: BTreeMap<String, String>,
    /// Integrated services that are present.
    pub services: Vec<String>,
    /// Edition in which everything is read, whatever its repository asks for.
    pub edition: Option<Edition>,
    /// What DPL commands make, on top of what the repository has pinned (`partita.lock`).
    pub pins: Pins,
    /// No variable will be given later. Then an undefined one is an error and not a parameter, and only the files that
    /// these variables reach are linked.
    pub closed: bool,
    /// What bounds the tree that is made on trial.
    pub limits: Limits,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The artefact, if there is no error.
    pub artefact: Option<Artefact>,
    /// All findings, errors first, then in order of place.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read; places in findings and artefact point into them.
    pub sources: SourceMap,
    /// Mistakes of the tree that were too many to keep; they come on top of `diagnostics`.
    pub untold: usize,
    /// DPL commands that were reached and whose results are not pinned.
    pub unpinned: BTreeSet<Unpinned>,
}

impl Outcome {
    /// What is to be told.
    pub fn findings(&self) -> Findings<'_> {
        Findings::and_more(&self.diagnostics, self.untold)
    }
}

/// A DPL command whose result is not pinned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpinned {
    /// Name of the result.
    pub name: String,
    /// The command, evaluated.
    pub command: String,
    /// The file in `jit/` that holds it, if any.
    pub uri: Option<String>,
}

/// Compiles a workflow. The same request on the same commits gives the same artefact.
pub fn compile(request: &Request, repositories: &Repositories) -> Outcome {
    run(request, repositories, None)
}

fn run(request: &Request, repositories: &Repositories, session: Option<&mut Session>) -> Outcome {
    let mut loader = Loader::new(repositories, request.edition, session);
    let root = match loader.root(&request.workflow) {
        Ok(root) => root,
        Err(diagnostics) => return finish(None, diagnostics, loader.sources),
    };
    let mut artefact = Artefact {
        edition: loader
            .modules
            .get(&root)
            .map(|module| module.edition)
            .unwrap_or_default(),
        stdlib: partita_stdlib::VERSION.to_owned(),
        given: request.given.clone(),
        services: request.services.clone(),
        configuration: request.configuration.clone(),
        pins: loader.lock(&root),
        root,
        closed: request.closed,
        ..Artefact::default()
    };
    artefact.pins.workflows.extend(request.pins.workflows.clone());
    if !request.pins.packages.is_empty() {
        artefact.pins.packages.clone_from(&request.pins.packages);
    }
    let tried = trial::run(&mut artefact, &mut loader, &request.limits);
    let mut diagnostics = tried.diagnostics;
    let decided = artefact.closed
        && tried.instance.is_some()
        && Known::new(&artefact, &loader.modules).decides(&loader.modules);
    if !decided {
        loader.candidates(&artefact);
    }
    artefact.modules = std::mem::take(&mut loader.modules);
    artefact.classes = std::mem::take(&mut loader.classes);
    artefact.commands = std::mem::take(&mut loader.commands);
    if let Some(instance) = tried.instance.filter(|_| decided) {
        keep_reached(&mut artefact, &instance);
    }
    late::supply(&mut artefact);
    let read = |repository: &String| {
        loader
            .sources
            .iter()
            .any(|file| file.source.repository == *repository)
    };
    artefact.revisions = loader.revisions.clone();
    artefact
        .revisions
        .retain(|repository, revision| !revision.is_empty() && read(repository));
    artefact.parameters = parameters::parameters(&artefact, &tried.undefined);
    diagnostics.extend(traps::of_given(&artefact));
    diagnostics.extend(old_names(&artefact, &loader.sources));
    let warnings = std::mem::take(&mut loader.warnings);
    diagnostics.extend(warnings.into_iter().chain(loader.unneeded()));
    let outcome = finish(Some(artefact), diagnostics, loader.sources);
    Outcome {
        unpinned: tried.unpinned,
        untold: tried.untold,
        ..outcome
    }
}

/// Drops the files that the only tree which a closed artefact can make does not need.
fn keep_reached(artefact: &mut Artefact, instance: &Instance) {
    let mut classes = BTreeSet::new();
    instance.walk(&mut |role, _| {
        if let Kind::Task(task) = &role.kind {
            classes.insert(task.class.clone());
        }
    });
    let root = artefact.root.clone();
    artefact
        .modules
        .retain(|identity, _| *identity == root || instance.included.contains(identity));
    artefact.classes.retain(|identity, _| classes.contains(identity));
}

/// Puts files and findings in their canonical order. An error takes the artefact away.
pub(crate) fn finish(
    artefact: Option<Artefact>,
    mut diagnostics: Vec<Diagnostic>,
    mut sources: SourceMap,
) -> Outcome {
    let order = sources.sort();
    let renumber = |source: &mut u32| {
        let new = usize::try_from(*source).ok().and_then(|old| order.get(old));
        *source = new.copied().unwrap_or(*source);
    };
    for label in diagnostics.iter_mut().flat_map(Diagnostic::labels_mut) {
        renumber(&mut label.span.source);
    }
    let place = |diagnostic: &Diagnostic| {
        diagnostic
            .primary
            .as_ref()
            .map(|label| (label.span.source, label.span.line, label.span.column))
    };
    diagnostics.sort_by_key(|diagnostic| (diagnostic.level, place(diagnostic), diagnostic.code));
    diagnostics.dedup();
    let artefact = artefact
        .filter(|_| !diagnostics.iter().any(Diagnostic::is_error))
        .map(|mut artefact| {
            walk::each_span(&mut artefact, &|span| renumber(&mut span.source));
            for parameter in &mut artefact.parameters {
                parameter
                    .used
                    .sort_by_key(|used| (used.span.source, used.span.line, used.span.column));
            }
            artefact.sources = sources.iter().map(|file| file.source.clone()).collect();
            artefact
        });
    Outcome {
        artefact,
        diagnostics,
        sources,
        untold: 0,
        unpinned: BTreeSet::new(),
    }
}
