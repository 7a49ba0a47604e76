//! Which commits changed what a workflow does.
//!
//! From the newest commit back, each is compared with its first parent. A commit that touched nothing that was read, nor
//! anything that was looked for in vain, is not even compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use partita_artefact::behaviour::Node;
use partita_artefact::diff::{self, Diff};
use partita_artefact::ir::Artefact;

use crate::compile::{Request, Session};
use crate::source::{Commit, Location, Looked, Repositories, Repository, SourceError};

/// Which commits are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Neither this one nor its ancestors.
    pub since: Option<String>,
    /// All ancestors, not only first parents.
    pub all: bool,
}

/// A commit that changed what the workflow does.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The commit.
    pub commit: Commit,
    /// What it did.
    pub effect: Effect,
}

/// What a commit did to a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// It changed it.
    Changed(Diff),
    /// It made it, or mended it: before, there was none that compiles.
    Compiles {
        /// Number of its roles; `None`: they depend on variables.
        roles: Option<usize>,
    },
    /// It does not compile, and did before, or for another reason: the first error.
    Fails(String),
}

/// A workflow at one commit.
struct State {
    looked: Looked,
    made: Result<(Artefact, Result<Node, String>), String>,
}

/// Calls `each` for every commit that changed the workflow of `request`, newest first, until it says false. The workflow
/// may name the revision to begin at.
pub fn log(
    request: &Request,
    repositories: &Repositories,
    range: &Range,
    each: &mut dyn FnMut(Entry) -> bool,
) -> Result<(), SourceError> {
    let mut walk = Walk::new(request, repositories)?;
    let commits = walk.commits(range)?;
    let mut states: BTreeMap<String, Rc<State>> = BTreeMap::new();
    for commit in commits {
        let state = states
            .remove(&commit.hash)
            .unwrap_or_else(|| Rc::new(walk.state(&commit.hash)));
        let before = match commit.parents.first() {
            None => None,
            Some(parent) => {
                let known = states.get(parent).cloned();
                let before = match known {
                    Some(before) => before,
                    None if walk.same(parent, &commit.hash, &state)? => Rc::clone(&state),
                    None => Rc::new(walk.state(parent)),
                };
                states.insert(parent.clone(), Rc::clone(&before));
                Some(before)
            }
        };
        if before.as_ref().is_some_and(|before| Rc::ptr_eq(before, &state)) {
            continue;
        }
        if let Some(effect) = effect(before.as_deref(), &state)
            && !each(Entry { commit, effect })
        {
            break;
        }
    }
    Ok(())
}

/// The workflow that is followed through the commits of a repository.
struct Walk<'a> {
    request: &'a Request,
    repositories: &'a Repositories,
    repository: &'a Repository,
    name: String,
    start: Option<String>,
    /// Most commits leave most files as they are.
    session: Session,
}

impl<'a> Walk<'a> {
    fn new(request: &'a Request, repositories: &'a Repositories) -> Result<Self, SourceError> {
        let unknown = |known: String| SourceError::UnknownRepository {
            identifier: request.workflow.clone(),
            known,
        };
        let location =
            Location::parse(&request.workflow, "workflows").map_err(|error| unknown(error.to_string()))?;
        let repository = match &location.repository {
            Some(identifier) => repositories.get(identifier)?,
            None => repositories.first().ok_or_else(|| unknown("none".to_owned()))?,
        };
        Ok(Self {
            request,
            repositories,
            repository,
            session: Session::default(),
            name: location.name,
            start: location.revision,
        })
    }

    /// The commits to look at, newest first.
    fn commits(&self, range: &Range) -> Result<Vec<Commit>, SourceError> {
        let history = self.repository.history(self.start.as_deref())?;
        let hidden = match &range.since {
            Some(since) => self.repository.history(Some(since))?,
            None => Vec::new(),
        };
        let hidden: BTreeSet<String> = hidden.into_iter().map(|commit| commit.hash).collect();
        let known: BTreeSet<String> = history.iter().map(|commit| commit.hash.clone()).collect();
        let mut next = history.last().map(|commit| commit.hash.clone());
        let mut commits = Vec::new();
        // Children come first now, so the next first parent is always still to come.
        for mut commit in history.into_iter().rev() {
            // A shallow clone ends somewhere.
            commit.parents.retain(|parent| known.contains(parent));
            let first = next.as_ref() == Some(&commit.hash);
            if first {
                next = commit.parents.first().cloned();
            }
            if (first || range.all) && !hidden.contains(&commit.hash) {
                commits.push(commit);
            }
        }
        Ok(commits)
    }

    fn state(&mut self, hash: &str) -> State {
        let _ = self.repository.take_looked();
        let request = Request {
            workflow: format!("{}/workflows/{}@{hash}", self.repository.identifier(), self.name),
            ..self.request.clone()
        };
        let outcome = self.session.compile(&request, self.repositories);
        let made = match outcome.artefact {
            Some(artefact) => {
                let tree = diff::tree(&artefact, &artefact.given);
                Ok((artefact, tree))
            }
            // The hash would make the same error another one at each commit.
            None => Err(outcome
                .diagnostics
                .iter()
                .find(|diagnostic| diagnostic.is_error())
                .map(|diagnostic| diagnostic.message.replace(&format!("@{hash}"), ""))
                .unwrap_or_default()),
        };
        State {
            looked: self.repository.take_looked(),
            made,
        }
    }

    /// Nothing that the workflow at `hash` looked at is another thing at its parent.
    fn same(&self, parent: &str, hash: &str, state: &State) -> Result<bool, SourceError> {
        let changed = self.repository.changed(parent, hash)?;
        Ok(!state.looked.sees(&changed))
    }
}

fn effect(before: Option<&State>, after: &State) -> Option<Effect> {
    match (before.map(|state| &state.made), &after.made) {
        (Some(Ok((a, first))), Ok((b, second))) => {
            let diff = diff::between((a, first), (b, second));
            (!diff.is_empty()).then_some(Effect::Changed(diff))
        }
        (_, Ok((_, tree))) => Some(Effect::Compiles {
            roles: tree.as_ref().ok().map(Node::count),
        }),
        (Some(Err(before)), Err(after)) if before == after => None,
        (_, Err(error)) => Some(Effect::Fails(error.clone())),
    }
}
