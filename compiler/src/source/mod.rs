//! Where files come from: Git objects without a checkout, or a plain folder. The only part of the compiler that
//! touches the disk; everything after it works on texts.
//!
//! A repository without a revision is read from its work tree, and each file that differs from the last commit is
//! marked; with a revision, or in a bare repository, only objects are read.

mod bases;
mod folder;
mod history;
mod location;
mod memory;
mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::yaml::limit;

pub use history::Looked;
pub use location::{Location, LocationError, ROOTS};

/// Identifier of a repository that was given without one. It must not depend on the folder: the same bytes in
/// another folder are the same repository.
pub const LOCAL: &str = "local";

/// Why a repository or a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No such folder.
    #[error("repository {path} cannot be opened: {reason}")]
    Open {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No repository has that identifier.
    #[error("repository `{identifier}` is not known; known: {known}")]
    UnknownRepository {
        /// What was asked for.
        identifier: String,
        /// What there is.
        known: String,
    },
    /// Two repositories have one identifier.
    #[error("two repositories are called `{0}`; name one of them with ID=PATH")]
    Twice(String),
    /// A revision that names no commit.
    #[error("revision `{revision}` is not a commit of repository `{repository}`: {reason}")]
    Revision {
        /// The repository.
        repository: String,
        /// The revision.
        revision: String,
        /// Why.
        reason: String,
    },
    /// A path that leaves the repository.
    #[error("path `{path}` is not inside its repository")]
    Outside {
        /// The path.
        path: String,
    },
    /// A file above the limit.
    #[error("file `{path}` has {size} bytes, more than the limit of {}", limit::BYTES)]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        size: u64,
    },
    /// Not UTF-8.
    #[error("file `{path}` is not UTF-8 text")]
    NotText {
        /// The path.
        path: String,
    },
    /// The object database or the disk failed.
    #[error("`{path}` cannot be read: {reason}")]
    Read {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it says.
    pub text: String,
    /// Git blob id of its content.
    pub blob: String,
    /// It differs from the commit that the snapshot is pinned to, or is not in it.
    pub dirty: bool,
    /// It is in that commit, whatever its content.
    pub committed: bool,
}

/// All repositories of a compilation, the default one first.
#[derive(Debug, Default)]
pub struct Repositories {
    list: Vec<Repository>,
}

impl Repositories {
    /// Opens each of `specifications`, `[ID=]PATH[@REVISION]`.
    pub fn open<S: AsRef<str>>(specifications: &[S]) -> Result<Self, SourceError> {
        let mut repositories = Self::default();
        for specification in specifications {
            let specification = specification.as_ref();
            let (identifier, path) = match specification.split_once('=') {
                Some((identifier, path)) if !identifier.contains("./") && !identifier.is_empty() => {
                    (identifier, path)
                }
                _ => (LOCAL, specification),
            };
            // A folder may have an `@` in its name.
            let at = path.rsplit_once('@').filter(|_| !Path::new(path).exists());
            repositories.add(match at {
                Some((path, revision)) => Repository::open(identifier, Path::new(path))?.at(revision),
                None => Repository::open(identifier, Path::new(path))?,
            })?;
        }
        Ok(repositories)
    }

    /// Opens each of `specifications`, and what a person at a prompt may mean besides: the folder before
    /// `/workflows/` in the name of a workflow, and the working folder where nothing else is said. Also gives the
    /// name by which to ask for the workflow.
    pub fn open_for<S: AsRef<str>>(
        workflow: &str,
        specifications: &[S],
    ) -> Result<(Self, String), SourceError> {
        let mut repositories = Self::open(specifications)?;
        let (rest, revision) = workflow
            .split_once('@')
            .map_or((workflow, None), |(rest, at)| (rest, Some(at)));
        let revision = revision
            .map(|revision| format!("@{revision}"))
            .unwrap_or_default();
        if let Some((folder, name)) = rest.rsplit_once("/workflows/")
            && repositories.get(folder).is_err()
            && Path::new(folder).is_dir()
        {
            let named = repositories
                .list
                .iter()
                .position(|other| other.is_at(Path::new(folder)));
            let index = if let Some(index) = named {
                index
            } else {
                repositories.add(Repository::open(LOCAL, Path::new(folder))?)?;
                repositories.list.len() - 1
            };
            repositories.list.swap(0, index);
            // Here a file is named, as the shell completes it.
            let name = name.strip_suffix(".yaml").unwrap_or(name);
            return Ok((repositories, format!("{name}{revision}")));
        }
        if repositories.list.is_empty() {
            repositories.add(Repository::open(LOCAL, Path::new("."))?)?;
        }
        Ok((repositories, workflow.to_owned()))
    }

    /// Adds a repository after the others.
    pub fn add(&mut self, repository: Repository) -> Result<(), SourceError> {
        if self
            .list
            .iter()
            .any(|other| other.identifier == repository.identifier)
        {
            return Err(SourceError::Twice(repository.identifier));
        }
        self.list.push(repository);
        Ok(())
    }

    /// The repository of that identifier.
    pub fn get(&self, identifier: &str) -> Result<&Repository, SourceError> {
        self.list
            .iter()
            .find(|repository| repository.identifier == identifier)
            .ok_or_else(|| {
                let known: Vec<&str> = self.list.iter().map(Repository::identifier).collect();
                SourceError::UnknownRepository {
                    identifier: identifier.to_owned(),
                    known: known.join(", "),
                }
            })
    }

    /// The first repository.
    pub fn first(&self) -> Option<&Repository> {
        self.list.first()
    }

    /// All of them, the default one first.
    pub fn iter(&self) -> impl Iterator<Item = &Repository> {
        self.list.iter()
    }
}

/// A commit, as a history tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full hash.
    pub hash: String,
    /// Full hashes of its parents; the first is the one that it was made on. Those that a shallow clone lacks are not
    /// in the history.
    pub parents: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub time: i64,
    /// The same as people write it, where it was made: `2026-11-22T21:00:00+01:00`.
    pub date: String,
    /// Name of its author.
    pub author: String,
    /// First line of its message.
    pub summary: String,
}

/// What a repository can be read at by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revisions {
    /// Names of branches.
    pub branches: BTreeSet<String>,
    /// Names of tags.
    pub tags: BTreeSet<String>,
}

/// A repository: on the disk, or files that somebody has at hand.
#[derive(Debug)]
pub struct Repository {
    identifier: String,
    files: Files,
    objects: Option<objects::Objects>,
    /// Where nothing else is said; without it, the files as they stand.
    revision: Option<String>,
}

impl Repository {
    /// Opens a folder: a work tree of Git or a folder inside one, a bare repository, or just files.
    pub fn open(identifier: &str, path: &Path) -> Result<Self, SourceError> {
        let folder = folder::Folder::open(path)?;
        let objects = objects::Objects::discover(folder.root())?;
        Ok(Self {
            identifier: identifier.to_owned(),
            files: Files::Folder(folder),
            objects,
            revision: None,
        })
    }

    /// Files that are on no disk: paths and contents.
    pub fn in_memory(identifier: &str, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            identifier: identifier.to_owned(),
            files: Files::Memory(memory::Memory::new(files)),
            objects: None,
            revision: None,
        }
    }

    /// The same, at another default revision. In a folder that is not in Git, it is the name of the revision that the
    /// files are known to be from.
    #[must_use]
    pub fn at(self, revision: &str) -> Self {
        Self {
            revision: Some(revision.to_owned()),
            ..self
        }
    }

    fn is_at(&self, path: &Path) -> bool {
        std::fs::canonicalize(path).is_ok_and(|path| Some(path.as_path()) == self.files.root())
    }

    /// Its name in identities.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The commits that lead to `revision`, or to the last one of the current branch: parents before children.
    pub fn history(&self, revision: Option<&str>) -> Result<Vec<Commit>, SourceError> {
        let Some(objects) = &self.objects else {
            return Err(SourceError::Open {
                path: self.files.root().unwrap_or(Path::new("")).to_owned(),
                reason: "it is not a Git repository, so it has no history".to_owned(),
            });
        };
        let commit = match revision {
            Some(revision) => Some(objects.commit(&self.identifier, revision)?),
            None => objects.head(),
        };
        commit.map_or(Ok(Vec::new()), |commit| objects.history(&commit))
    }

    /// Names of its branches and tags, each sorted; none for a folder that is not in Git. Branches of `origin` count as
    /// its own, as with [`Repository::snapshot`].
    pub fn revisions(&self) -> Result<Revisions, SourceError> {
        match &self.objects {
            Some(objects) => objects.revisions(&self.identifier),
            None => Ok(Revisions::default()),
        }
    }

    /// Its files at `revision` (branch, tag, full or short hash); if none is given, at its default revision, or as they
    /// stand.
    pub fn snapshot(&self, revision: Option<&str>) -> Result<Snapshot<'_>, SourceError> {
        let revision = revision.or(self.revision.as_deref());
        let commit = match (&self.objects, revision) {
            (Some(objects), Some(revision)) => Some(objects.commit(&self.identifier, revision)?),
            (Some(objects), None) => objects.head(),
            (None, Some(revision)) if self.revision.as_deref() != Some(revision) => {
                return Err(SourceError::Revision {
                    repository: self.identifier.clone(),
                    revision: revision.to_owned(),
                    reason: "the folder is not a Git repository".to_owned(),
                });
            }
            (None, _) => None,
        };
        let as_it_stands = self.objects.is_none()
            || revision.is_none() && !self.objects.as_ref().is_some_and(objects::Objects::is_bare);
        Ok(Snapshot {
            repository: self,
            commit,
            work_tree: as_it_stands,
        })
    }
}

/// Where the files are as they stand.
#[derive(Debug)]
enum Files {
    Folder(folder::Folder),
    Memory(memory::Memory),
}

impl Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        match self {
            Self::Folder(folder) => folder.read(path),
            Self::Memory(memory) => memory.read(path),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Folder(root) => root.list(folder),
            Self::Memory(memory) => memory.list(folder),
        }
    }

    /// The folder on the disk.
    fn root(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder.root()),
            Self::Memory(_) => None,
        }
    }
}

/// The files of a repository at one revision.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'r> {
    repository: &'r Repository,
    commit: Option<objects::Commit>,
    work_tree: bool,
}

impl Snapshot<'_> {
    /// Identifier of the repository.
    pub fn repository(&self) -> &str {
        &self.repository.identifier
    }

    /// Full hash of the pinned commit; for a folder that is not in Git the name that it was given, or nothing.
    pub fn revision(&self) -> String {
        match &self.commit {
            Some(commit) => commit.hash(),
            None => self.named().unwrap_or_default().to_owned(),
        }
    }

    /// Name of the revision of a folder that is not in Git.
    fn named(&self) -> Option<&str> {
        let outside_git = self.repository.objects.is_none();
        self.repository.revision.as_deref().filter(|_| outside_git)
    }

    /// The file at `path`, `None` if there is none.
    pub fn read(&self, path: &str) -> Result<Option<File>, SourceError> {
        let committed = match (&self.repository.objects, &self.commit) {
            (Some(objects), Some(commit)) => objects.read(commit, path)?,
            _ => None,
        };
        if !self.work_tree {
            let Some((bytes, blob)) = committed else {
                return Ok(None);
            };
            return text(path, bytes).map(|text| {
                Some(File {
                    text,
                    blob,
                    dirty: false,
                    committed: true,
                })
            });
        }
        let Some(bytes) = self.repository.files.read(path)? else {
            return Ok(None);
        };
        let blob = objects::blob_id(path, &bytes)?;
        let dirty = self.commit.is_some() && committed.as_ref().is_none_or(|(_, head)| *head != blob);
        let committed = committed.is_some() || self.named().is_some();
        text(path, bytes).map(|text| {
            Some(File {
                text,
                blob,
                dirty,
                committed,
            })
        })
    }

    /// Paths of the files below `folder` whose names end in `suffix`, sorted; sub-folders included.
    pub fn list(&self, folder: &str, suffix: &str) -> Result<Vec<String>, SourceError> {
        let entries = self.entries(folder, suffix)?;
        Ok(entries.into_iter().map(|entry| entry.path).collect())
    }

    /// The same, with what is known about each file without reading it.
    pub fn entries(&self, folder: &str, suffix: &str) -> Result<Vec<Entry>, SourceError> {
        let mut found = if self.work_tree {
            let paths = self.repository.files.list(folder)?;
            paths.into_iter().map(|path| (path, None)).collect()
        } else {
            match (&self.repository.objects, &self.commit) {
                (Some(objects), Some(commit)) => objects.list(commit, folder)?,
                _ => Vec::new(),
            }
        };
        found.retain(|(path, _)| path.ends_with(suffix));
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let entries = found.into_iter().map(|(path, id)| Entry { path, id });
        Ok(entries.collect())
    }

    /// The file of an entry of this snapshot, `None` if it leads nowhere.
    pub fn file(&self, entry: &Entry) -> Result<Option<File>, SourceError> {
        let (Some(objects), Some(id)) = (&self.repository.objects, entry.id) else {
            return self.read(&entry.path);
        };
        let text = text(&entry.path, objects.blob(&entry.path, id)?)?;
        Ok(Some(File {
            text,
            blob: id.hash(),
            dirty: false,
            committed: true,
        }))
    }
}

/// A file in a list of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub path: String,
    id: Option<objects::BlobId>,
}

impl Entry {
    /// Git blob id of its content, where that is known without reading it.
    pub fn blob(&self) -> Option<String> {
        self.id.map(objects::BlobId::hash)
    }
}

fn text(path: &str, bytes: Vec<u8>) -> Result<String, SourceError> {
    String::from_utf8(bytes).map_err(|_| SourceError::NotText {
        path: path.to_owned(),
    })
}

/// The elements of a path inside a repository; refuses what could leave it.
fn contained(path: &str) -> Result<Vec<&str>, SourceError> {
    let elements: Vec<&str> = path.split('/').collect();
    if elements
        .iter()
        .any(|e| matches!(*e, "" | "." | "..") || e.contains(['\0', '\\']))
    {
        return Err(SourceError::Outside {
            path: path.to_owned(),
        });
    }
    Ok(elements)
}

fn check_size(path: &str, size: u64) -> Result<(), SourceError> {
    if size > limit::BYTES as u64 {
        Err(SourceError::TooLarge {
            path: path.to_owned(),
            size,
        })
    } else {
        Ok(())
    }
}
