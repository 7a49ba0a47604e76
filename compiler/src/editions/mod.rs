//! What would change if a repository were written in another edition of the language.
//!
//! Every workflow is compiled in the edition that its repository asks for and in the other one; what is compared is what
//! both mean: templates as they are written, and role trees, each with the same variables.

mod world;

use std::collections::BTreeSet;

use partita_artefact::diff::{self, Diff};
use partita_artefact::evaluate::ErrorKind as EvaluateKind;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::{ErrorKind, InstantiateError, instantiate};
use partita_artefact::ir::{Artefact, Edition, Layers, Part, Range, TaskClass};
use partita_artefact::surroundings::assumed;

use crate::check::check_in;
use crate::compile::{Outcome, Request, compile, trial, walk};
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::source::{Repositories, SourceError};
use world::Assumed;

/// The value of a variable that nobody gives, while a tree is only looked at.
const STAND_IN: &str = "some";

/// What would change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// What becomes an error, in order of place.
    pub errors: Vec<Diagnostic>,
    /// The files that were read; places in errors point into them.
    pub sources: SourceMap,
    /// What changes in each workflow that can be compiled now, by name.
    pub workflows: Vec<Workflow>,
}

/// What would change in a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// As it is written; `None` if it can no longer be compiled.
    pub templates: Option<Diff>,
    /// Its roles, or why they cannot be compared.
    pub tree: Result<Diff, String>,
    /// Variables that were given a value only to make the trees.
    pub assumed: Vec<String>,
}

impl Comparison {
    /// How many workflows would change.
    pub fn changed(&self) -> usize {
        let changes = |workflow: &&Workflow| {
            let same = |diff: &Diff| diff.is_empty();
            !workflow.templates.as_ref().is_some_and(same)
                || workflow.tree.as_ref().is_ok_and(|diff| !same(diff))
        };
        self.workflows.iter().filter(changes).count()
    }
}

/// Compares every workflow of the first repository, at `revision` or as it stands, with what it would be in `edition`.
/// Variables, configuration and services are those of `request`.
pub fn compare(
    repositories: &Repositories,
    revision: Option<&str>,
    edition: Edition,
    request: &Request,
) -> Result<Comparison, SourceError> {
    let now = check_in(repositories, revision, None)?;
    let then = check_in(repositories, revision, Some(edition))?;
    let mut comparison = Comparison {
        errors: new_errors(&now.diagnostics, then.diagnostics),
        sources: then.sources,
        workflows: Vec::new(),
    };
    let Some(repository) = repositories.first() else {
        return Ok(comparison);
    };
    for path in repository.snapshot(revision)?.list("workflows", ".yaml")? {
        let name = path.trim_start_matches("workflows/").trim_end_matches(".yaml");
        let at = revision
            .map(|revision| format!("@{revision}"))
            .unwrap_or_default();
        let outcome = |edition| {
            let request = Request {
                workflow: format!("{}/workflows/{name}{at}", repository.identifier()),
                edition,
                ..request.clone()
            };
            compile(&request, repositories)
        };
        let (now, then) = (outcome(request.edition), outcome(Some(edition)));
        let Some(before) = now.artefact else { continue };
        comparison.add_errors(&now.diagnostics, &then);
        let workflow = match then.artefact {
            Some(after) => of_workflow(name, &before, &after),
            None => Workflow {
                name: name.to_owned(),
                templates: None,
                tree: Err("it can no longer be compiled".to_owned()),
                assumed: Vec::new(),
            },
        };
        comparison.workflows.push(workflow);
    }
    Ok(comparison)
}

/// The errors of `then` that `now` does not have.
fn new_errors(now: &[Diagnostic], then: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let known = |error: &Diagnostic| {
        let same = |other: &&Diagnostic| other.message == error.message && other.primary == error.primary;
        now.iter()
            .filter(|other| other.is_error())
            .any(|other| same(&other))
    };
    then.into_iter()
        .filter(|diagnostic| diagnostic.is_error() && !known(diagnostic))
        .collect()
}

impl Comparison {
    /// Adds what only compiling shows, with places in our own files.
    fn add_errors(&mut self, now: &[Diagnostic], then: &Outcome) {
        let renumbered = |index: u32| {
            let source = &then.sources.get(index)?.source;
            let place = self.sources.iter().position(|file| file.source == *source)?;
            u32::try_from(place).ok()
        };
        let mut found = new_errors(now, then.diagnostics.clone());
        for label in found.iter_mut().flat_map(Diagnostic::labels_mut) {
            label.span.source = renumbered(label.span.source).unwrap_or(u32::MAX);
        }
        for error in found {
            let same = |other: &Diagnostic| other.message == error.message && other.primary == error.primary;
            if !self.errors.iter().any(same) {
                self.errors.push(error);
            }
        }
    }
}

fn of_workflow(name: &str, before: &Artefact, after: &Artefact) -> Workflow {
    let mut assumed = BTreeSet::new();
    let trees = trees(before, after, &mut assumed);
    let tree = trees.map(|[a, b]| {
        let worlds = [before, after].map(Assumed::new);
        let mut diff = diff::instances((before, &a, &worlds[0]), (after, &b, &worlds[1]));
        // The templates tell them.
        diff.parameters.clear();
        diff
    });
    Workflow {
        name: name.to_owned(),
        templates: Some(templates(before, after)),
        tree,
        assumed: assumed.into_iter().collect(),
    }
}

/// The difference of the files that both have read. That they are of another edition is none.
fn templates(before: &Artefact, after: &Artefact) -> Diff {
    let same_files = before.modules.keys().eq(after.modules.keys());
    let (before, mut after) = (shared(before, after), shared(after, before));
    for module in after.modules.values_mut() {
        module.edition = before.edition;
    }
    for (identity, class) in &mut after.classes {
        class.edition = before.edition;
        if let Some(before) = before.classes.get(identity) {
            same_texts(before, class);
        }
    }
    let mut diff = diff::templates(&before, &after);
    // Parameters of files that only one of them has read say nothing about the language.
    if !same_files {
        diff.parameters.clear();
    }
    diff
}

/// Whether a text of a task template is evaluated is not seen as it is written: what comes of it, the trees show.
fn same_texts(before: &TaskClass, after: &mut TaskClass) {
    let constraints = before.constraints.iter().map(|item| &item.value);
    let channels = before.bind.iter().map(|item| &item.global);
    let others = after.constraints.iter_mut().map(|item| &mut item.value);
    let others = others.chain(after.bind.iter_mut().map(|item| &mut item.global));
    for (before, after) in constraints.chain(channels).zip(others) {
        if before.source() == after.source() {
            after.clone_from(before);
        }
    }
}

/// An artefact with only the files that the other one holds as well.
fn shared(artefact: &Artefact, other: &Artefact) -> Artefact {
    let mut shared = artefact.clone();
    shared
        .modules
        .retain(|identity, _| other.modules.contains_key(identity));
    shared
        .classes
        .retain(|identity, _| other.classes.contains_key(identity));
    shared
}

/// Both trees, with the same variables. What is not defined gets a stand-in, as often as something new is missing.
fn trees(
    before: &Artefact,
    after: &Artefact,
    assumed_names: &mut BTreeSet<String>,
) -> Result<[Instance; 2], String> {
    let lists = lists(before);
    let mut given = before.given.clone();
    // What only command lines and properties read is not missed while the trees are made.
    let undefined: BTreeSet<String> = before
        .parameters
        .iter()
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| parameter.name.clone())
        .filter(|name| !is_given(&given, name))
        .collect();
    give(&mut given, &undefined, &lists);
    assumed_names.extend(undefined);
    loop {
        let surrounded = assumed(&given);
        let made =
            [before, after].map(|artefact| instantiate(artefact, &surrounded, &Assumed::new(artefact)));
        let missing: BTreeSet<String> = made.iter().flat_map(missing).collect();
        let known = missing.iter().all(|name| is_given(&given, name));
        if !known {
            give(&mut given, &missing, &lists);
            assumed_names.extend(missing);
            continue;
        }
        let [a, b] = made;
        return match (a, b) {
            (Ok(a), Ok(b)) => Ok([a, b]),
            (Err(errors), _) => Err(format!("now: {}", first(&errors))),
            (_, Err(errors)) => Err(format!("then: {}", first(&errors))),
        };
    }
}

fn is_given(given: &Layers, name: &str) -> bool {
    [&given.defaults, &given.vars, &given.user]
        .iter()
        .any(|layer| layer.contains_key(name))
}

fn give(given: &mut Layers, missing: &BTreeSet<String>, lists: &BTreeSet<String>) {
    for name in missing {
        let value = if lists.contains(name) {
            format!("[\"{STAND_IN}\"]")
        } else {
            STAND_IN.to_owned()
        };
        given.user.insert(name.clone(), value);
    }
}

fn first(errors: &[InstantiateError]) -> String {
    let more = errors
        .iter()
        .filter(|error| !error.is_warning())
        .count()
        .saturating_sub(1);
    let first = errors.first().map(ToString::to_string).unwrap_or_default();
    match more {
        0 => first,
        more => format!("{first} (and {more} more)"),
    }
}

fn missing(made: &Result<Instance, Vec<InstantiateError>>) -> Vec<String> {
    let errors = made.as_ref().err().into_iter().flatten();
    errors
        .filter_map(|error| match &error.kind {
            ErrorKind::Evaluate(evaluate) if evaluate.kind == EvaluateKind::UnknownName => {
                Some(trial::name_at(evaluate))
            }
            _ => None,
        })
        .collect()
}

/// Variables over which iterators run.
fn lists(artefact: &Artefact) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for module in artefact.modules.values() {
        for role in walk::roles(&module.root) {
            let Some(Range::List(list)) = role.iterator.as_ref().map(|iterator| &iterator.range) else {
                continue;
            };
            for part in &list.parts {
                if let Part::Expression(code) = part {
                    let reads = code.expression.reads();
                    found.extend(reads.variables.iter().map(|read| read.name));
                }
            }
        }
    }
    found.into_iter().map(str::to_owned).collect()
}
