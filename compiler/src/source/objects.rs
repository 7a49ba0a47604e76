//! Files of a commit, straight from the object database.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gix::ObjectId;
use gix::objs::Kind;
use gix::objs::tree::EntryKind;

use super::bases::Bases;
use super::{Looked, Revisions, SourceError, check_size, contained};
use crate::limits::source::LINKS;

/// Folders kept; a revision has a few, a history thousands.
const TREES: usize = 16;

/// The object database of a repository, and the folder in its trees that holds our files.
pub(super) struct Objects {
    pub(super) repository: gix::Repository,
    pub(super) prefix: Vec<String>,
    /// What was looked at in commits.
    pub(super) looked: RefCell<Looked>,
    /// Folders that were looked into: thousands of files are found in two of them.
    trees: RefCell<BTreeMap<ObjectId, Rc<Tree>>>,
}

/// What is in a folder, by name.
type Tree = BTreeMap<Vec<u8>, (EntryKind, ObjectId)>;

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects")
            .field("folder", &self.repository.git_dir())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commit {
    id: ObjectId,
    tree: ObjectId,
}

/// The content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlobId(ObjectId);

impl BlobId {
    pub(super) fn hash(self) -> String {
        self.0.to_string()
    }
}

impl Commit {
    fn of(commit: &gix::Commit<'_>) -> gix::Result<Self> {
        Ok(Self {
            id: commit.id,
            tree: commit.tree_id()?.detach(),
        })
    }

    pub(super) fn hash(&self) -> String {
        self.id.to_string()
    }
}

impl Objects {
    /// The Git repository that `root` (canonical) belongs to. A folder that no commit knows does not belong to the
    /// repository around it.
    pub(super) fn discover(root: &Path) -> Result<Option<Self>, SourceError> {
        // Neither the user's nor the machine's Git settings may change what is read.
        let isolated = || gix::open::Options::isolated();
        let trust = gix::sec::trust::Mapping {
            full: isolated(),
            reduced: isolated(),
        };
        let Ok(found) =
            gix::ThreadSafeRepository::discover_opts(root, gix::discover::upwards::Options::default(), trust)
        else {
            return Ok(None);
        };
        let mut repository = found.to_thread_local();
        repository.objects.set_pack_cache(|| Box::<Bases>::default());
        let Some(work_tree) = repository.workdir() else {
            return Ok(Some(Self {
                repository,
                prefix: Vec::new(),
                looked: RefCell::default(),
                trees: RefCell::default(),
            }));
        };
        let failed = |reason: String| SourceError::Open {
            path: root.to_owned(),
            reason,
        };
        let work_tree: PathBuf =
            std::fs::canonicalize(work_tree).map_err(|error| failed(error.to_string()))?;
        let Ok(below) = root.strip_prefix(&work_tree) else {
            return Ok(None);
        };
        let mut prefix = Vec::new();
        for element in below.components() {
            let element = element
                .as_os_str()
                .to_str()
                .ok_or_else(|| failed("its path is not UTF-8".to_owned()))?;
            prefix.push(element.to_owned());
        }
        let objects = Self {
            repository,
            prefix,
            looked: RefCell::default(),
            trees: RefCell::default(),
        };
        Ok(objects.known_at_head().then_some(objects))
    }

    fn known_at_head(&self) -> bool {
        let Some(commit) = self.head() else {
            return self.prefix.is_empty();
        };
        self.prefix.is_empty() || matches!(self.entry(commit, &self.prefix), Ok(Some((EntryKind::Tree, _))))
    }

    pub(super) fn is_bare(&self) -> bool {
        self.repository.workdir().is_none()
    }

    /// The last commit of the current branch; `None` before the first.
    pub(super) fn head(&self) -> Option<Commit> {
        Commit::of(&self.repository.head_commit().ok()?).ok()
    }

    /// Resolves as the reference does: a branch of `origin` wins over a local branch, tag or hash of that name
    /// (reference `template-language.md` 1.3).
    pub(super) fn commit(&self, identifier: &str, revision: &str) -> Result<Commit, SourceError> {
        let remote = format!("refs/remotes/origin/{revision}");
        let found = self
            .repository
            .rev_parse_single(remote.as_str())
            .or_else(|_| self.repository.rev_parse_single(revision))
            .and_then(|id| id.object())
            .and_then(gix::Object::peel_to_commit)
            .and_then(|commit| Commit::of(&commit));
        found.map_err(|error| SourceError::Revision {
            repository: identifier.to_owned(),
            revision: revision.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Names of branches and tags.
    pub(super) fn revisions(&self, identifier: &str) -> Result<Revisions, SourceError> {
        let failed = |error: &dyn std::fmt::Display| SourceError::Read {
            path: identifier.to_owned(),
            reason: format!("its branches and tags: {error}"),
        };
        let references = self.repository.references().map_err(|error| failed(&error))?;
        let all = references.all().map_err(|error| failed(&error))?;
        let mut revisions = Revisions::default();
        for reference in all {
            let reference = reference.map_err(|error| failed(&error))?;
            let name = reference.name().as_bstr().to_string();
            let origin = name
                .strip_prefix("refs/remotes/origin/")
                .filter(|name| *name != "HEAD");
            if let Some(branch) = name.strip_prefix("refs/heads/").or(origin) {
                revisions.branches.insert(branch.to_owned());
            } else if let Some(tag) = name.strip_prefix("refs/tags/") {
                revisions.tags.insert(tag.to_owned());
            }
        }
        Ok(revisions)
    }

    /// Content and blob id of a file.
    pub(super) fn read(&self, commit: &Commit, path: &str) -> Result<Option<(Vec<u8>, String)>, SourceError> {
        let mut elements: Vec<String> = contained(path)?.into_iter().map(str::to_owned).collect();
        for _ in 0..LINKS {
            self.looked.borrow_mut().files.insert(elements.join("/"));
            let full: Vec<String> = self.prefix.iter().chain(&elements).cloned().collect();
            match self.entry(*commit, &full)? {
                Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) => {
                    return Ok(Some((self.content(path, id)?, id.to_string())));
                }
                Some((EntryKind::Link, id)) => {
                    let target = String::from_utf8(self.content(path, id)?);
                    let target = target.map_err(|_| SourceError::NotText {
                        path: path.to_owned(),
                    })?;
                    elements.pop();
                    elements = followed(elements, &target).ok_or_else(|| outside(path))?;
                }
                _ => return Ok(None),
            }
        }
        Err(SourceError::Read {
            path: path.to_owned(),
            reason: "too many symbolic links".to_owned(),
        })
    }

    /// The files below a folder: paths, and the ids of those that are no links.
    pub(super) fn list(
        &self,
        commit: &Commit,
        folder: &str,
    ) -> Result<Vec<(String, Option<BlobId>)>, SourceError> {
        // Also if it is not there: it may be in another commit.
        self.looked.borrow_mut().folders.insert(folder.to_owned());
        let failed = |error: gix::Error| SourceError::Read {
            path: folder.to_owned(),
            reason: error.to_string(),
        };
        let base: Vec<String> = self
            .prefix
            .iter()
            .cloned()
            .chain(contained(folder)?.into_iter().map(str::to_owned))
            .collect();
        let Some((EntryKind::Tree, id)) = self.entry(*commit, &base)? else {
            return Ok(Vec::new());
        };
        let mut paths = Vec::new();
        let mut open = vec![(folder.to_owned(), id)];
        while let Some((folder, id)) = open.pop() {
            for (name, (kind, id)) in self.tree(id).map_err(failed)?.iter() {
                let Ok(name) = std::str::from_utf8(name) else {
                    continue;
                };
                let path = format!("{folder}/{name}");
                match kind {
                    EntryKind::Tree => open.push((path, *id)),
                    EntryKind::Commit => {}
                    EntryKind::Link => paths.push((path, None)),
                    EntryKind::Blob | EntryKind::BlobExecutable => paths.push((path, Some(BlobId(*id)))),
                }
            }
        }
        Ok(paths)
    }

    /// The content of a file that [`Objects::list`] named.
    pub(super) fn blob(&self, path: &str, id: BlobId) -> Result<Vec<u8>, SourceError> {
        self.content(path, id.0)
    }

    /// The commits that lead to `commit`, parents before children.
    pub(super) fn history(&self, commit: &Commit) -> Result<Vec<super::Commit>, SourceError> {
        let mut known: BTreeMap<ObjectId, super::Commit> = BTreeMap::new();
        let mut waiting = vec![commit.id];
        while let Some(id) = waiting.pop() {
            if known.contains_key(&id) {
                continue;
            }
            let described = self.describe(id).map_err(|error| SourceError::Read {
                path: id.to_string(),
                reason: error.to_string(),
            })?;
            // A shallow clone ends somewhere.
            if let Some((described, parents)) = described {
                waiting.extend(parents);
                known.insert(id, described);
            }
        }
        Ok(parents_first(known.into_values().collect()))
    }

    fn describe(&self, id: ObjectId) -> gix::Result<Option<(super::Commit, Vec<ObjectId>)>> {
        if !self.repository.has_object(id) {
            return Ok(None);
        }
        let commit = self.repository.find_commit(id)?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        let described = super::Commit {
            hash: id.to_string(),
            parents: parents.iter().map(ToString::to_string).collect(),
            time: commit.time()?.seconds,
            date: commit
                .time()?
                .format_or_unix(gix::date::time::format::ISO8601_STRICT),
            author: commit.author()?.name.to_string(),
            summary: commit.message()?.summary().to_string(),
        };
        Ok(Some((described, parents)))
    }

    /// The folder of that path in a commit.
    pub(super) fn folder(&self, commit: Commit, path: &[String]) -> Result<Option<ObjectId>, SourceError> {
        let entry = self.entry(commit, path)?;
        Ok(entry
            .filter(|(kind, _)| *kind == EntryKind::Tree)
            .map(|(_, id)| id))
    }

    fn entry(&self, commit: Commit, path: &[String]) -> Result<Option<(EntryKind, ObjectId)>, SourceError> {
        let mut entry = (EntryKind::Tree, commit.tree);
        for element in path {
            if entry.0 != EntryKind::Tree {
                return Ok(None);
            }
            let tree = self.tree(entry.1).map_err(|error| SourceError::Read {
                path: path.join("/"),
                reason: error.to_string(),
            })?;
            match tree.get(element.as_bytes()) {
                Some(found) => entry = *found,
                None => return Ok(None),
            }
        }
        Ok(Some(entry))
    }

    fn tree(&self, id: ObjectId) -> gix::Result<Rc<Tree>> {
        if let Some(tree) = self.trees.borrow().get(&id) {
            return Ok(Rc::clone(tree));
        }
        let mut entries = Tree::new();
        for entry in self.repository.find_tree(id)?.iter() {
            let entry = entry?;
            entries.insert(entry.filename().to_vec(), (entry.kind(), entry.object_id()));
        }
        let tree = Rc::new(entries);
        let mut trees = self.trees.borrow_mut();
        if trees.len() >= TREES {
            trees.clear();
        }
        trees.insert(id, Rc::clone(&tree));
        Ok(tree)
    }

    fn content(&self, path: &str, id: ObjectId) -> Result<Vec<u8>, SourceError> {
        let failed = |error: gix::Error| SourceError::Read {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        check_size(path, self.repository.find_header(id).map_err(failed)?.size())?;
        Ok(self.repository.find_blob(id).map_err(failed)?.take_data())
    }
}

/// Puts commits after all of their parents, the older first among those that may come next.
fn parents_first(commits: Vec<super::Commit>) -> Vec<super::Commit> {
    let known: BTreeSet<String> = commits.iter().map(|commit| commit.hash.clone()).collect();
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ready: BTreeMap<(i64, String), super::Commit> = BTreeMap::new();
    let mut waiting: BTreeMap<String, super::Commit> = BTreeMap::new();
    for commit in commits {
        let parents = || commit.parents.iter().filter(|parent| known.contains(*parent));
        missing.insert(commit.hash.clone(), parents().count());
        for parent in parents() {
            children
                .entry(parent.clone())
                .or_default()
                .push(commit.hash.clone());
        }
        if parents().next().is_none() {
            ready.insert((commit.time, commit.hash.clone()), commit);
        } else {
            waiting.insert(commit.hash.clone(), commit);
        }
    }
    let mut ordered = Vec::new();
    while let Some((_, commit)) = ready.pop_first() {
        for child in children.remove(&commit.hash).unwrap_or_default() {
            let left = missing.entry(child.clone()).or_default();
            *left = left.saturating_sub(1);
            if *left == 0
                && let Some(child) = waiting.remove(&child)
            {
                ready.insert((child.time, child.hash.clone()), child);
            }
        }
        ordered.push(commit);
    }
    ordered
}

fn outside(path: &str) -> SourceError {
    SourceError::Outside {
        path: path.to_owned(),
    }
}

/// Where a symbolic link in `folder` leads; `None` if out of the repository.
fn followed(mut folder: Vec<String>, target: &str) -> Option<Vec<String>> {
    for element in target.split('/') {
        match element {
            "" => return None,
            "." => {}
            ".." => {
                folder.pop()?;
            }
            name => folder.push(name.to_owned()),
        }
    }
    Some(folder)
}

/// The id that Git gives to a file of that content.
pub(super) fn blob_id(path: &str, bytes: &[u8]) -> Result<String, SourceError> {
    gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, bytes)
        .map(|id| id.to_string())
        .map_err(|error| SourceError::Read {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}
