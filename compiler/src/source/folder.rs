//! Files of a folder as they stand.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{SourceError, check_size, contained};
use crate::limits::source::FOLDERS;
use crate::yaml::limit;

#[derive(Debug)]
pub(super) struct Folder {
    /// Without symbolic links, so that containment can be checked.
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let failed = |reason: String| SourceError::Open {
            path: path.to_owned(),
            reason,
        };
        let root = fs::canonicalize(path).map_err(|error| failed(error.to_string()))?;
        if !root.is_dir() {
            return Err(failed("it is not a folder".to_owned()));
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |error: std::io::Error| SourceError::Read {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let mut full = self.root.clone();
        full.extend(contained(path)?);
        let full = match fs::canonicalize(&full) {
            Ok(full) => full,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        if !full.starts_with(&self.root) {
            return Err(SourceError::Outside {
                path: path.to_owned(),
            });
        }
        let metadata = fs::metadata(&full).map_err(failed)?;
        if !metadata.is_file() {
            return Ok(None);
        }
        check_size(path, metadata.len())?;
        // The file may grow while it is read.
        let mut bytes = Vec::new();
        let file = fs::File::open(&full).map_err(failed)?;
        file.take(limit::BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        check_size(path, bytes.len() as u64)?;
        Ok(Some(bytes))
    }

    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        contained(folder)?;
        let mut paths = Vec::new();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let failed = |error: std::io::Error| SourceError::Read {
                path: folder.clone(),
                reason: error.to_string(),
            };
            let entries = match fs::read_dir(self.root.join(&folder)) {
                Ok(entries) => entries,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let Some(path) = entry.file_name().to_str().map(|name| format!("{folder}/{name}")) else {
                    continue;
                };
                let kind = entry.file_type().map_err(failed)?;
                if kind.is_dir() {
                    if depth < FOLDERS {
                        open.push((path, depth + 1));
                    }
                } else {
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }
}
