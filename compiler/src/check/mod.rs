//! Whole repositories without variables: what is wrong with them whatever they are given.
//!
//! # How a rule is added
//!
//! A rule is a plain function that pushes [`Diagnostic`]s made by [`Diagnostic::of`], named in one of the tables below.
//! It has a code in `diagnostic/code.rs` and a page in `docs/codes/`, whose examples are its tests. What it needs to see
//! decides which table:
//!
//! | table | input | runs |
//! |---|---|---|
//! | [`WORKFLOW_FILE_RULES`], [`TASK_FILE_RULES`] | one decoded file and its text | once for each content |
//! | [`WORKFLOW_RULES`] | one [`Workflow`]: a root workflow with all its includes and task templates | once for each content of all it reaches |
//! | [`REVISION_RULES`] | one [`Revision`]: all files of a repository | once for each revision, so it must be cheap |
//!
//! A rule is pure: the same input gives the same findings, or the results that are kept would be wrong. It reports only
//! what is wrong whatever the variables are; a false alarm is a defect. A finding that several workflows share is told
//! once.

mod channels;
mod content;
mod definitions;
mod expansion;
pub(crate) mod expressions;
mod fields;
mod file;
mod history;
mod hooks;
mod inherited;
mod names;
mod pattern;
mod references;
mod revision;
mod roles;
mod scope;
mod shell;
mod symbolic;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_artefact::ir::{Edition, Module, TaskClass};

use crate::compile::finish;
use crate::diagnostic::{Code, Diagnostic, Level, SourceMap};
use crate::settings::{self, Settings};
use crate::source::{Repositories, Repository, Snapshot, SourceError};
use content::Contents;
use expansion::Workflow;
use file::{File, FileRule, Files};
use revision::Revision;

pub use history::{Change, Progress, history};

/// Rules about one workflow template alone.
const WORKFLOW_FILE_RULES: &[FileRule<Module>] = &[
    roles::siblings,
    roles::workflow_lists,
    expressions::workflow,
    values::workflow,
    hooks::workflow,
    definitions::workflow,
    definitions::conditions,
];

/// Rules about one task template alone.
const TASK_FILE_RULES: &[FileRule<TaskClass>] = &[
    references::task_template,
    roles::task_lists,
    shell::quoting,
    expressions::task_template,
    values::task_template,
    definitions::task_template,
];

/// A rule about one workflow with all that it reaches.
type WorkflowRule = fn(&Workflow<'_>, &mut Vec<Diagnostic>);

/// Rules about one workflow with all that it reaches.
const WORKFLOW_RULES: &[WorkflowRule] = &[
    channels::channels,
    inherited::constraints,
    inherited::channels,
    inherited::class_texts,
    inherited::at_destroy,
];

/// A rule about a repository; the others that are known are for what it names in them.
type RevisionRule = fn(&Revision, &Repositories, &mut Vec<Diagnostic>);

/// Rules about a repository.
const REVISION_RULES: &[RevisionRule] = &[
    references::workflows,
    references::absent,
    references::recursive,
    scope::undefined,
    definitions::names,
];

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

/// Checks every workflow and task template of each repository, at `revision` or as they stand. An error is what no
/// variable can make right, if it is reached: what does not decode, names that do not fit, files that are not there,
/// texts that cannot be parsed.
pub fn check(repositories: &Repositories, revision: Option<&str>) -> Result<Report, SourceError> {
    check_in(repositories, revision, None)
}

/// As [`check`], with every file read in one edition of the language, whatever its repository asks for.
pub fn check_in(
    repositories: &Repositories,
    revision: Option<&str>,
    edition: Option<Edition>,
) -> Result<Report, SourceError> {
    let mut checker = Checker {
        edition,
        ..Checker::default()
    };
    let mut report = Report::default();
    for repository in repositories.iter() {
        let found = checker.check(repository, revision, repositories)?;
        report.workflows += found.workflows;
        report.tasks += found.tasks;
        report.diagnostics.extend(found.findings);
    }
    let outcome = finish(None, report.diagnostics, checker.sources);
    Ok(Report {
        diagnostics: outcome.diagnostics,
        sources: outcome.sources,
        ..report
    })
}

/// Checks revision after revision, and keeps what it found out about each content.
#[derive(Debug, Default)]
struct Checker {
    /// Edition in which every file is read, whatever its repository asks for.
    edition: Option<Edition>,
    sources: SourceMap,
    workflows: Files<Module>,
    tasks: Files<TaskClass>,
    /// By blob id.
    settings: BTreeMap<String, (Settings, Vec<Diagnostic>, u32)>,
    contents: Contents,
    /// What is wrong with each workflow, by the number of its content.
    known: BTreeMap<u32, Arc<[Diagnostic]>>,
}

/// What is wrong with one revision.
#[derive(Debug)]
struct Checked {
    /// In no order; some may be told more than once.
    findings: Vec<Diagnostic>,
    workflows: usize,
    tasks: usize,
}

impl Checker {
    fn check(
        &mut self,
        repository: &Repository,
        revision: Option<&str>,
        repositories: &Repositories,
    ) -> Result<Checked, SourceError> {
        let snapshot = repository.snapshot(revision)?;
        let mut findings = Vec::new();
        let mut unread = Vec::new();
        let (settings, wrong, settings_file) = self.settings(&snapshot)?;
        findings.extend(wrong);
        let edition = self.edition.unwrap_or(settings.edition);
        let sources = &mut self.sources;
        let revision = Revision {
            repository: repository.identifier().to_owned(),
            settings,
            workflows: self
                .workflows
                .read(&file::WORKFLOWS, &snapshot, edition, sources, &mut unread)?,
            tasks: self
                .tasks
                .read(&file::TASKS, &snapshot, edition, sources, &mut unread)?,
        };
        let source = |error: &SourceError| Diagnostic::of(Code::Source, error.to_string());
        findings.extend(unread.iter().map(source));
        for rule in REVISION_RULES {
            rule(&revision, repositories, &mut findings);
        }
        let roots = revision.roots();
        let contents = self.contents.of(&revision, &roots, settings_file);
        for (root, content) in roots.into_iter().zip(contents) {
            let known = self.known.entry(content);
            findings.extend(
                known
                    .or_insert_with(|| of_workflow(&revision, root))
                    .iter()
                    .cloned(),
            );
        }
        findings.extend(
            revision
                .workflows
                .values()
                .flat_map(|file| file.findings.iter().cloned()),
        );
        findings.extend(
            revision
                .tasks
                .values()
                .flat_map(|file| file.findings.iter().cloned()),
        );
        Ok(Checked {
            findings: levelled(findings, &revision.settings),
            workflows: revision.workflows.len(),
            tasks: revision.tasks.len(),
        })
    }

    /// The settings, what is wrong with them, and the index of their file.
    fn settings(
        &mut self,
        snapshot: &Snapshot<'_>,
    ) -> Result<(Settings, Vec<Diagnostic>, Option<u32>), SourceError> {
        let Some(file) = snapshot.read(settings::PATH)? else {
            return Ok((Settings::default(), Vec::new(), None));
        };
        let known = self.settings.entry(file.blob.clone());
        let sources = &mut self.sources;
        let known = known.or_insert_with(|| settings::of_file(file, snapshot, sources));
        let (settings, wrong, index) = known.clone();
        Ok((settings, wrong, Some(index)))
    }
}

/// What rules about whole workflows find in that one.
fn of_workflow(revision: &Revision, root: &File<Module>) -> Arc<[Diagnostic]> {
    let mut findings = Vec::new();
    if let Some(workflow) = Workflow::expand(revision, root) {
        for rule in WORKFLOW_RULES {
            rule(&workflow, &mut findings);
        }
    }
    findings.into()
}

/// Findings at the levels that the repository wants them.
fn levelled(mut findings: Vec<Diagnostic>, settings: &Settings) -> Vec<Diagnostic> {
    for finding in &mut findings {
        // A text that cannot be parsed harms a workflow only where it is reached; no variable makes it right.
        if finding.code == Code::ExpressionSyntax {
            finding.level = finding.code.level();
        }
        finding.level = settings.level(finding.code, finding.level);
    }
    findings.retain(|finding| finding.level != Level::Off);
    findings
}
