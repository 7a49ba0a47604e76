//! What changed between two commits, and whether that can matter to who looked at one of them.

use std::collections::{BTreeMap, BTreeSet};

use gix::objs::tree::EntryKind;

use super::{Repository, SourceError};

/// Folders below one another while comparing; deeper ones count as changed.
const DEPTH: usize = 16;

/// What was looked at in commits: paths, whether there was something or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// Files.
    pub files: BTreeSet<String>,
    /// Folders whose files were listed.
    pub folders: BTreeSet<String>,
}

impl Looked {
    /// Whether a change of one of these paths can be seen by who looked.
    pub fn sees(&self, changed: &BTreeSet<String>) -> bool {
        let listed = |path: &String| {
            self.folders.iter().any(|folder| {
                path.strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/') || rest.is_empty())
            })
        };
        changed
            .iter()
            .any(|path| self.files.contains(path) || listed(path))
    }
}

impl Repository {
    /// What was looked at in commits since this was asked for the last time.
    pub fn take_looked(&self) -> Looked {
        let objects = self.objects.as_ref();
        objects.map(|objects| objects.looked.take()).unwrap_or_default()
    }

    /// Paths of the files that differ between two commits (full hashes); links and folders that became files included.
    pub fn changed(&self, before: &str, after: &str) -> Result<BTreeSet<String>, SourceError> {
        let mut changed = BTreeSet::new();
        if let Some(objects) = &self.objects {
            let failed = |error: gix::Error| SourceError::Read {
                path: format!("{before}..{after}"),
                reason: error.to_string(),
            };
            let tree = |revision: &str| {
                let commit = objects.commit(&self.identifier, revision)?;
                objects.folder(commit, &objects.prefix)
            };
            let trees = [tree(before)?, tree(after)?];
            differ(&objects.repository, trees, "", 0, &mut changed).map_err(failed)?;
        }
        Ok(changed)
    }
}

type Entries = BTreeMap<String, (EntryKind, gix::ObjectId)>;

/// Collects the paths that differ below two trees.
fn differ(
    repository: &gix::Repository,
    trees: [Option<gix::ObjectId>; 2],
    folder: &str,
    depth: usize,
    changed: &mut BTreeSet<String>,
) -> gix::Result<()> {
    if trees[0] == trees[1] {
        return Ok(());
    }
    let entries = |tree: Option<gix::ObjectId>| -> gix::Result<Entries> {
        let mut entries = Entries::new();
        if let Some(id) = tree {
            for entry in repository.find_tree(id)?.iter() {
                let entry = entry?;
                entries.insert(entry.filename().to_string(), (entry.kind(), entry.object_id()));
            }
        }
        Ok(entries)
    };
    let (a, b) = (entries(trees[0])?, entries(trees[1])?);
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        let sides = [a.get(name), b.get(name)];
        if sides[0] == sides[1] {
            continue;
        }
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        let below = sides.map(|side| match side {
            Some((EntryKind::Tree, id)) => Some(*id),
            _ => None,
        });
        let is_file = |side: Option<&(EntryKind, gix::ObjectId)>| {
            side.is_some_and(|(kind, _)| *kind != EntryKind::Tree)
        };
        if sides.into_iter().any(is_file) || depth >= DEPTH {
            changed.insert(path.clone());
        }
        if below.iter().any(Option::is_some) && depth < DEPTH {
            differ(repository, below, &path, depth + 1, changed)?;
        }
    }
    Ok(())
}
