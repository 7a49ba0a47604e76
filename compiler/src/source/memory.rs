//! Files that are on no disk.

use std::collections::BTreeMap;

use super::{SourceError, check_size, contained};

#[derive(Debug)]
pub(super) struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    pub(super) fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { files }
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        contained(path)?;
        let Some(bytes) = self.files.get(path) else {
            return Ok(None);
        };
        check_size(path, bytes.len() as u64)?;
        Ok(Some(bytes.clone()))
    }

    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        contained(folder)?;
        let below = |path: &&String| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        Ok(self.files.keys().filter(below).cloned().collect())
    }
}
