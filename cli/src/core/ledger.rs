//! Which repositories there are, with their default revisions: kept in `repositories.json` of the state folder, so that
//! what a client changes is still so after a restart.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use partita_api::{Added, Unavailable};
use partita_compiler::source::{LOCAL, Repositories, Repository};
use serde::{Deserialize, Serialize};

use super::clone::{self, Remote};

/// Version of the file.
const FORMAT: u32 = 1;

/// Largest file that is read, bytes.
const LARGEST: u64 = 1024 * 1024;

/// The revision of a folder whose files are read as they stand (`template-language.md` 1.1).
pub(super) const AS_IT_STANDS: &str = "local";

/// Tried after what is asked for (`template-language.md` 1.3).
const USUAL: [&str; 2] = ["master", "main"];

/// What is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    /// Name of the default repository, where somebody has chosen it.
    default: Option<String>,
    global_default_revision: String,
    repositories: BTreeMap<String, Entry>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The folder that is read: its own, or that of the copy.
    pub(super) folder: PathBuf,
    /// Where it is copied from.
    pub(super) origin: Option<String>,
    /// [`AS_IT_STANDS`] or a name in the repository.
    pub(super) default_revision: String,
}

/// The repositories.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    copies: PathBuf,
    /// The first of the command line: the default one where nobody has chosen.
    first: Option<String>,
    kept: Kept,
}

fn surroundings(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Unavailable {
    Unavailable::Surroundings(format!("cannot {what} {}: {error}", path.display()))
}

fn from_compiler(error: &partita_compiler::source::SourceError) -> Unavailable {
    Unavailable::Surroundings(error.to_string())
}

impl Ledger {
    /// The repositories of a state folder, and those of the command line, which beat kept ones of their name.
    pub(super) fn open(state: &Path, specifications: &[String]) -> Result<Self, Unavailable> {
        let path = state.join("repositories.json");
        let kept = match read(&path)? {
            Some(text) => {
                serde_json::from_str(&text).map_err(|error| surroundings("understand", &path, &error))?
            }
            None => Kept {
                format: FORMAT,
                default: None,
                global_default_revision: USUAL[0].to_owned(),
                repositories: BTreeMap::new(),
            },
        };
        if kept.format != FORMAT {
            return Err(Unavailable::Surroundings(format!(
                "{} has format {}, and this build knows {FORMAT}",
                path.display(),
                kept.format
            )));
        }
        let mut ledger = Self {
            path,
            copies: state.join("repositories"),
            first: None,
            kept,
        };
        for specification in specifications {
            let name = ledger.take_up(specification)?;
            ledger.first.get_or_insert(name);
        }
        ledger.keep()?;
        Ok(ledger)
    }

    fn take_up(&mut self, specification: &str) -> Result<String, Unavailable> {
        let (name, location) = match specification.split_once('=') {
            Some((name, location)) if !name.is_empty() && !name.contains("./") => (Some(name), location),
            _ => (None, specification),
        };
        let (location, revision) = match location.rsplit_once('@') {
            Some((before, revision))
                if !Path::new(location).exists() && !before.is_empty() && before != "git" =>
            {
                (before, revision)
            }
            _ => (location, ""),
        };
        if Path::new(location).is_dir() {
            let folder = std::fs::canonicalize(location);
            let folder = folder.map_err(|error| surroundings("use", Path::new(location), &error))?;
            let name = match name {
                Some(name) => name.to_owned(),
                None => self.name_for(&folder),
            };
            let entry = folder_entry(&name, folder, revision)?;
            self.kept.repositories.insert(name.clone(), entry);
            return Ok(name);
        }
        let remote = known_remote(location)?;
        let name = name.map_or(remote.name.clone(), str::to_owned);
        if !self.kept.repositories.contains_key(&name) {
            self.copy(&name, &remote, revision)?;
        }
        Ok(name)
    }

    /// A folder that was given without a name: the first is `local`, others are called as they are.
    fn name_for(&self, folder: &Path) -> String {
        let same = self
            .kept
            .repositories
            .iter()
            .find(|(_, entry)| entry.folder == folder);
        if let Some((name, _)) = same {
            return name.clone();
        }
        let own = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let names = [LOCAL.to_owned()]
            .into_iter()
            .chain(own)
            .chain([folder.display().to_string()]);
        let mut free = names.filter(|name| !self.kept.repositories.contains_key(name));
        free.next().unwrap_or_else(|| folder.display().to_string())
    }

    /// Copies a repository and takes it up. Gives its default revision.
    fn copy(&mut self, name: &str, remote: &Remote, revision: &str) -> Result<String, Unavailable> {
        std::fs::create_dir_all(&self.copies).map_err(|error| surroundings("make", &self.copies, &error))?;
        let folder = self.copies.join(name.replace(['/', ':'], "%"));
        if !folder.exists() {
            let unfinished = tempfile::tempdir_in(&self.copies)
                .map_err(|error| surroundings("write into", &self.copies, &error))?;
            let copy = unfinished.path().join("copy");
            clone::fetch(remote, &copy)?;
            std::fs::rename(&copy, &folder).map_err(|error| surroundings("make", &folder, &error))?;
        }
        let chosen = self.choose(name, &folder, revision)?;
        let entry = Entry {
            folder,
            origin: Some(remote.address.clone()),
            default_revision: chosen.clone(),
        };
        self.kept.repositories.insert(name.to_owned(), entry);
        Ok(chosen)
    }

    /// The revision that is the default one: the one asked for, else the usual ones.
    fn choose(&self, name: &str, folder: &Path, wanted: &str) -> Result<String, Unavailable> {
        let repository = Repository::open(name, folder).map_err(|error| from_compiler(&error))?;
        let global = self.kept.global_default_revision.as_str();
        let candidates = [wanted, global]
            .into_iter()
            .chain(USUAL)
            .filter(|revision| !revision.is_empty());
        let found = candidates
            .clone()
            .find(|revision| repository.snapshot(Some(revision)).is_ok());
        found.map(str::to_owned).ok_or_else(|| {
            let tried: Vec<&str> = candidates.collect();
            Unavailable::Surroundings(format!(
                "repository {name} has none of the revisions {}",
                tried.join(", ")
            ))
        })
    }

    fn keep(&self) -> Result<(), Unavailable> {
        let failed = |error: &dyn std::fmt::Display| surroundings("write", &self.path, error);
        let text = serde_json::to_string_pretty(&self.kept).map_err(|error| failed(&error))?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        file.persist(&self.path).map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Does something, and keeps it; what cannot be kept is not done.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, Unavailable>,
    ) -> Result<T, Unavailable> {
        let before = self.kept.clone();
        let changed = change(self).and_then(|value| self.keep().map(|()| value));
        if changed.is_err() {
            self.kept = before;
        }
        changed
    }

    /// Names and repositories, sorted by name: indices of clients count these.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.kept
            .repositories
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }

    /// Name of the default repository; `None` if there is no repository.
    pub(super) fn default(&self) -> Option<&str> {
        let known = |name: &&String| self.kept.repositories.contains_key(*name);
        let chosen = self
            .kept
            .default
            .as_ref()
            .filter(known)
            .or(self.first.as_ref().filter(known));
        chosen
            .or(self.kept.repositories.keys().next())
            .map(String::as_str)
    }

    pub(super) fn global_default_revision(&self) -> &str {
        &self.kept.global_default_revision
    }

    /// Name and repository at an index.
    pub(super) fn at(&self, index: usize) -> Result<(&str, &Entry), Unavailable> {
        self.entries().nth(index).ok_or_else(|| {
            let number = self.kept.repositories.len();
            Unavailable::Unknown(format!(
                "there is no repository at index {index}: there are {number}, the first is 0"
            ))
        })
    }

    pub(super) fn add(&mut self, location: &str, revision: &str) -> Result<Added, Unavailable> {
        let location = location.trim();
        self.change(|ledger| {
            let is_folder = Path::new(location).is_absolute() && Path::new(location).is_dir();
            let (name, default_revision) = if is_folder {
                let folder = std::fs::canonicalize(location);
                let folder = folder.map_err(|error| surroundings("use", Path::new(location), &error))?;
                let name = ledger.name_for(&folder);
                ledger.refuse_known(&name)?;
                let entry = folder_entry(&name, folder, revision)?;
                let revision = entry.default_revision.clone();
                ledger.kept.repositories.insert(name.clone(), entry);
                (name, revision)
            } else {
                let remote = known_remote(location)?;
                ledger.refuse_known(&remote.name)?;
                let revision = ledger.copy(&remote.name, &remote, revision)?;
                (remote.name, revision)
            };
            let note = match revision {
                "" => String::new(),
                wanted if wanted == default_revision => String::new(),
                wanted => format!(" (it has no {wanted})"),
            };
            Ok(Added {
                info: format!("Repository {name} added; its default revision is {default_revision}{note}."),
                name,
                default_revision,
            })
        })
    }

    fn refuse_known(&self, name: &str) -> Result<(), Unavailable> {
        if self.kept.repositories.contains_key(name) {
            return Err(Unavailable::Asked(format!("repository {name} is there already")));
        }
        Ok(())
    }

    /// Forgets one, with its copy. Gives the new default one if it was that.
    pub(super) fn remove(&mut self, index: usize) -> Result<Option<String>, Unavailable> {
        let (name, entry) = self.at(index)?;
        let (name, entry) = (name.to_owned(), entry.clone());
        let was_default = self.default() == Some(name.as_str());
        self.change(|ledger| {
            ledger.kept.repositories.remove(&name);
            Ok(())
        })?;
        if entry.origin.is_some()
            && let Err(error) = std::fs::remove_dir_all(&entry.folder)
        {
            tracing::warn!("cannot remove {}: {error}", entry.folder.display());
        }
        Ok(self.default().filter(|_| was_default).map(str::to_owned))
    }

    pub(super) fn set_default(&mut self, index: usize) -> Result<(), Unavailable> {
        let name = self.at(index)?.0.to_owned();
        self.change(|ledger| {
            ledger.kept.default = Some(name);
            Ok(())
        })
    }

    pub(super) fn set_global_default_revision(&mut self, revision: &str) -> Result<(), Unavailable> {
        if revision.trim().is_empty() {
            return Err(Unavailable::Asked("a revision has no name".to_owned()));
        }
        self.change(|ledger| {
            revision
                .trim()
                .clone_into(&mut ledger.kept.global_default_revision);
            Ok(())
        })
    }

    /// `Some`: there is no such revision, but these.
    pub(super) fn set_default_revision(
        &mut self,
        index: usize,
        revision: &str,
    ) -> Result<Option<Vec<String>>, Unavailable> {
        let (name, entry) = self.at(index)?;
        let name = name.to_owned();
        let repository = Repository::open(&name, &entry.folder).map_err(|error| from_compiler(&error))?;
        let stands = entry.origin.is_none() && revision == AS_IT_STANDS;
        if !stands && repository.snapshot(Some(revision)).is_err() {
            return Ok(Some(revisions(&name, entry)?));
        }
        self.change(|ledger| {
            if let Some(entry) = ledger.kept.repositories.get_mut(&name) {
                revision.clone_into(&mut entry.default_revision);
            }
            Ok(())
        })?;
        Ok(None)
    }

    /// The repositories as the compiler takes them, the default one first. One that cannot be opened is left out, and
    /// the log says so.
    pub(super) fn repositories(&self) -> Result<Repositories, Unavailable> {
        let default = self.default().unwrap_or_default();
        let (first, others): (Vec<_>, Vec<_>) = self.entries().partition(|(name, _)| *name == default);
        let mut repositories = Repositories::default();
        for (name, entry) in first.into_iter().chain(others) {
            match Repository::open(name, &entry.folder) {
                Ok(repository) => {
                    let repository = match entry.default_revision.as_str() {
                        AS_IT_STANDS if entry.origin.is_none() => repository,
                        revision => repository.at(revision),
                    };
                    repositories
                        .add(repository)
                        .map_err(|error| from_compiler(&error))?;
                }
                Err(error) if name == default => return Err(from_compiler(&error)),
                Err(error) => tracing::warn!("repository {name} is left out: {error}"),
            }
        }
        Ok(repositories)
    }
}

/// Names of the revisions of a repository: what stands there, branches, tags.
pub(super) fn revisions(name: &str, entry: &Entry) -> Result<Vec<String>, Unavailable> {
    let repository = Repository::open(name, &entry.folder).map_err(|error| from_compiler(&error))?;
    let named = repository.revisions().map_err(|error| from_compiler(&error))?;
    let stands = entry.origin.is_none().then(|| AS_IT_STANDS.to_owned());
    Ok(stands
        .into_iter()
        .chain(named.branches)
        .chain(named.tags)
        .collect())
}

fn folder_entry(name: &str, folder: PathBuf, revision: &str) -> Result<Entry, Unavailable> {
    let repository = Repository::open(name, &folder).map_err(|error| from_compiler(&error))?;
    let default_revision = match revision {
        "" | AS_IT_STANDS => AS_IT_STANDS,
        revision => {
            repository
                .snapshot(Some(revision))
                .map_err(|error| Unavailable::Unknown(error.to_string()))?;
            revision
        }
    };
    Ok(Entry {
        folder,
        origin: None,
        default_revision: default_revision.to_owned(),
    })
}

fn known_remote(location: &str) -> Result<Remote, Unavailable> {
    clone::remote(location).ok_or_else(|| {
        Unavailable::Asked(format!(
            "`{location}` is no repository: give a folder, host/path, host:path, or a URL with https, ssh, git or file"
        ))
    })
}

fn read(path: &Path) -> Result<Option<String>, Unavailable> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(surroundings("read", path, &error)),
        Ok(metadata) if metadata.len() > LARGEST => Err(Unavailable::Surroundings(format!(
            "{} has more than {LARGEST} bytes",
            path.display()
        ))),
        Ok(_) => std::fs::read_to_string(path)
            .map(Some)
            .map_err(|error| surroundings("read", path, &error)),
    }
}
