//! Whole repositories without variables: what is wrong with them whatever they are given.

use std::collections::BTreeMap;

use partita_artefact::ir::Body;

use crate::compile::load::{Loader, Named, literal_classes, literal_includes, name_mismatch};
use crate::compile::{finish, walk};
use crate::diagnostic::{Code, Diagnostic, Label, SourceMap};
use crate::source::{Location, ROOTS, Repositories, SourceError};

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// All findings, errors first, then in order of place.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read; places in findings point into them.
    pub sources: SourceMap,
    /// How many workflow templates there are.
    pub workflows: usize,
    /// How many task templates there are.
    pub tasks: usize,
}

impl Report {
    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads every workflow and task template of each repository, at `revision` or as they stand. An error is what no
/// variable can make right, if it is reached: what does not decode, names that do not fit, files that are not there,
/// texts that cannot be parsed.
pub fn check(repositories: &Repositories, revision: Option<&str>) -> Result<Report, SourceError> {
    let mut loader = Loader::new(repositories);
    let mut report = Report::default();
    let mut workflows = Vec::new();
    for repository in repositories.iter() {
        let identifier = repository.identifier();
        let revision = loader.open(repository, revision)?;
        let found = loader.workflows(identifier, &revision)?;
        let tasks = loader.tasks(identifier, &revision)?;
        if found.is_empty() && tasks == 0 {
            report.diagnostics.push(empty(identifier));
        }
        report.workflows += found.len();
        report.tasks += tasks;
        workflows.extend(found);
    }
    report.diagnostics.extend(misnamed(&loader, &workflows));
    report.diagnostics.extend(failed(&mut loader, repositories));
    let warnings = std::mem::take(&mut loader.warnings);
    report.diagnostics.extend(warnings.into_iter().map(unparsable));
    let outcome = finish(None, report.diagnostics, loader.sources);
    Ok(Report {
        diagnostics: outcome.diagnostics,
        sources: outcome.sources,
        ..report
    })
}

fn empty(repository: &str) -> Diagnostic {
    let message = format!("repository `{repository}` has neither workflows nor task templates");
    Diagnostic::error(Code::NotFound, message)
        .hint("they would be the files `workflows/*.yaml` and `tasks/*.yaml`")
}

/// Workflows that cannot be asked for by the name of their file. That is right for one that is included by name, and
/// may be right where what is included is not known yet.
fn misnamed(loader: &Loader<'_>, workflows: &[(String, String)]) -> Vec<Diagnostic> {
    let modules = || loader.modules.values();
    let included: Vec<String> = modules()
        .flat_map(literal_includes)
        .map(|include| include.identity)
        .collect();
    let open = modules()
        .flat_map(|module| walk::roles(&module.root))
        .any(|role| matches!(&role.body, Body::Include(text) if text.literal().is_none()));
    workflows
        .iter()
        .filter(|(_, identity)| !included.contains(identity))
        .filter_map(|(name, identity)| name_mismatch(loader.modules.get(identity)?, name))
        .map(|error| if open { error.as_warning() } else { error })
        .collect()
}

/// What is wrong with files that gave nothing, and where they are needed. One that is not there harms only if it is
/// needed for certain, and may be in a repository that is not here.
fn failed(loader: &mut Loader<'_>, repositories: &Repositories) -> Vec<Diagnostic> {
    let mut needed: BTreeMap<String, Vec<Named>> = BTreeMap::new();
    for module in loader.modules.values() {
        for named in literal_includes(module).chain(literal_classes(module)) {
            needed.entry(named.identity.clone()).or_default().push(named);
        }
    }
    let mut diagnostics = Vec::new();
    for (identity, why) in loader.failures() {
        let places = needed.remove(&identity).unwrap_or_default();
        let elsewhere = is_elsewhere(&identity, repositories);
        let conditional = !places.is_empty() && places.iter().all(|named| named.conditional);
        diagnostics.extend(why.into_iter().map(|diagnostic| {
            if diagnostic.primary.is_some() {
                return diagnostic;
            }
            let diagnostic = needed_at(diagnostic, &places);
            if elsewhere {
                diagnostic
                    .as_warning()
                    .hint("what is in another repository is not checked")
            } else if conditional {
                diagnostic.as_warning()
            } else {
                diagnostic
            }
        }));
    }
    diagnostics
}

/// Whether that file is in a repository that is not here to be looked at.
fn is_elsewhere(identity: &str, repositories: &Repositories) -> bool {
    ROOTS.into_iter().any(|folder| {
        Location::parse(identity, folder)
            .ok()
            .and_then(|location| location.repository)
            .is_some_and(|repository| repositories.get(&repository).is_err())
    })
}

/// Points at the places that need it, those first that need it for certain.
fn needed_at(diagnostic: Diagnostic, places: &[Named]) -> Diagnostic {
    let certain = places.iter().filter(|named| !named.conditional);
    let ordered = certain.chain(places.iter().filter(|named| named.conditional));
    let label = |named: &Named| {
        let when = if named.conditional {
            "needed where this role is enabled"
        } else {
            "needed here"
        };
        Label::at(named.span).saying(when)
    };
    ordered.map(label).fold(diagnostic, |diagnostic, label| {
        if diagnostic.primary.is_some() {
            diagnostic.and(label)
        } else {
            diagnostic.at(label)
        }
    })
}

/// A text that cannot be parsed harms a workflow only where it is reached; no variable makes it right.
fn unparsable(diagnostic: Diagnostic) -> Diagnostic {
    match diagnostic.code {
        Code::ExpressionSyntax => diagnostic.as_error(),
        _ => diagnostic,
    }
}
