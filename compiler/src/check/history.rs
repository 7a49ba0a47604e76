//! Every commit of a history: which findings appeared with it, and which it mended.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, SourceMap};
use crate::source::{Commit, Repositories, Repository, SourceError};

/// A commit and the difference that it makes to what is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The commit.
    pub commit: Commit,
    /// Found in it and not in its first parent, in order of place.
    pub appeared: Vec<Diagnostic>,
    /// The other way round; places are those in the parent.
    pub mended: Vec<Diagnostic>,
    /// How many findings are left after it.
    pub left: usize,
}

/// How far it is: commits done, of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Commits that were checked.
    pub done: usize,
    /// Commits that there are.
    pub all: usize,
}

/// Findings of a commit by what they say: lines may move without a change.
type Found = BTreeMap<(String, Code, String), Vec<Diagnostic>>;

/// Checks every commit that leads to `revision`, parents first, and tells `each` what each changed. The work for what
/// commits have in common is done once.
pub fn history(
    repository: &Repository,
    repositories: &Repositories,
    revision: Option<&str>,
    mut each: impl FnMut(&Change, &SourceMap, Progress),
) -> Result<(), SourceError> {
    let commits = repository.history(revision)?;
    let all = commits.len();
    let mut checker = Checker::default();
    let mut found: BTreeMap<String, Arc<Found>> = BTreeMap::new();
    for (index, commit) in commits.into_iter().enumerate() {
        let revision = checker.check(repository, Some(&commit.hash), repositories)?;
        let now = Arc::new(by_meaning(revision.findings, &checker.sources));
        let before = commit.parents.first().and_then(|parent| found.get(parent));
        let none = Arc::default();
        let before = before.unwrap_or(&none);
        let change = Change {
            appeared: without(&now, before, &checker.sources),
            mended: without(before, &now, &checker.sources),
            left: now.values().map(Vec::len).sum(),
            commit,
        };
        let progress = Progress { done: index + 1, all };
        each(&change, &checker.sources, progress);
        found.insert(change.commit.hash, now);
    }
    Ok(())
}

fn by_meaning(findings: Vec<Diagnostic>, sources: &SourceMap) -> Found {
    let mut found = Found::new();
    for finding in findings {
        let source = finding.primary.as_ref().map(|label| label.span.source);
        let path = source
            .and_then(|source| sources.get(source))
            .map(|file| file.source.path.clone())
            .unwrap_or_default();
        let same = found
            .entry((path, finding.code, finding.message.clone()))
            .or_default();
        if !same.contains(&finding) {
            same.push(finding);
        }
    }
    found
}

/// Those that are here and not there; of several that say the same, as many as there are more.
fn without(here: &Found, there: &Found, sources: &SourceMap) -> Vec<Diagnostic> {
    let mut left: Vec<Diagnostic> = here
        .iter()
        .flat_map(|(meaning, findings)| {
            findings
                .iter()
                .skip(there.get(meaning).map_or(0, Vec::len))
                .cloned()
        })
        .collect();
    left.sort_by_cached_key(|finding| {
        let label = finding.primary.as_ref();
        let file = label.and_then(|label| sources.get(label.span.source));
        (
            finding.level,
            file.map(|file| file.source.path.clone()),
            label.map(|label| (label.span.line, label.span.column)),
            finding.code,
        )
    });
    left
}
