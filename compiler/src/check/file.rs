//! Files as they were read and decoded: once for each content, however many revisions hold it.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_artefact::ir::{Edition, Module, Source, TaskClass};

use crate::decode;
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::source::{Snapshot, SourceError};

/// A workflow or task template with what is wrong with it alone.
#[derive(Debug)]
pub(crate) struct File<T> {
    /// Name below `workflows/` or `tasks/`, without `.yaml`.
    pub(crate) name: String,
    /// Its index in the texts: places in it have this as [`Span::source`](partita_artefact::ir::Span::source).
    pub(crate) source: u32,
    /// Git blob id of its content.
    pub(crate) blob: String,
    /// What it says; `None` if it cannot be decoded.
    pub(crate) value: Option<T>,
    /// What is wrong with it, whatever is around it.
    pub(crate) findings: Vec<Diagnostic>,
}

/// A rule that needs nothing but one file: the file, its text, and where to tell.
pub(crate) type FileRule<T> = fn(&File<T>, &T, &str, &mut Vec<Diagnostic>);

/// How the files of one folder are read.
pub(crate) struct Kind<T: 'static> {
    /// `workflows` or `tasks`.
    pub(crate) folder: &'static str,
    pub(crate) decode: fn(&str, u32, Edition) -> decode::Decoded<T>,
    pub(crate) rules: &'static [FileRule<T>],
}

/// All files seen so far, by path, content, and the edition that it is read in.
#[derive(Debug)]
pub(crate) struct Files<T> {
    known: BTreeMap<(String, String, Edition), Arc<File<T>>>,
}

impl<T> Default for Files<T> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
        }
    }
}

/// Files of one folder of one revision, by name.
pub(crate) type Folder<T> = BTreeMap<String, Arc<File<T>>>;

impl<T> Files<T> {
    /// The files of that kind in a snapshot. What cannot be read at all is told in `unread`.
    pub(crate) fn read(
        &mut self,
        kind: &Kind<T>,
        snapshot: &Snapshot<'_>,
        edition: Edition,
        sources: &mut SourceMap,
        unread: &mut Vec<SourceError>,
    ) -> Result<Folder<T>, SourceError> {
        let mut folder = Folder::new();
        for path in snapshot.list(kind.folder, ".yaml")? {
            let Some(name) = path
                .strip_prefix(kind.folder)
                .and_then(|name| name.strip_prefix('/')?.strip_suffix(".yaml"))
            else {
                continue;
            };
            match snapshot.read(&path) {
                Ok(Some(read)) => {
                    let file = self.file(kind, name, snapshot, edition, read, sources);
                    folder.insert(name.to_owned(), file);
                }
                Ok(None) => {}
                Err(error) => unread.push(error),
            }
        }
        Ok(folder)
    }

    fn file(
        &mut self,
        kind: &Kind<T>,
        name: &str,
        snapshot: &Snapshot<'_>,
        edition: Edition,
        read: crate::source::File,
        sources: &mut SourceMap,
    ) -> Arc<File<T>> {
        let key = (name.to_owned(), read.blob.clone(), edition);
        let make = || {
            let source = Source {
                repository: snapshot.repository().to_owned(),
                revision: if read.committed {
                    snapshot.revision()
                } else {
                    String::new()
                },
                path: format!("{}/{name}.yaml", kind.folder),
                blob: read.blob.clone(),
                dirty: read.dirty,
            };
            let source = sources.add(source, read.text.clone());
            Arc::new(decoded(kind, name, source, edition, &read))
        };
        Arc::clone(self.known.entry(key).or_insert_with(make))
    }
}

fn decoded<T>(
    kind: &Kind<T>,
    name: &str,
    source: u32,
    edition: Edition,
    read: &crate::source::File,
) -> File<T> {
    let decoded = (kind.decode)(&read.text, source, edition);
    let mut file = File {
        name: name.to_owned(),
        source,
        blob: read.blob.clone(),
        value: None,
        findings: decoded.diagnostics,
    };
    if let Some(value) = decoded.value {
        let mut findings = std::mem::take(&mut file.findings);
        for rule in kind.rules {
            rule(&file, &value, &read.text, &mut findings);
        }
        file.findings = findings;
        file.value = Some(value);
    }
    file
}

/// Workflow templates.
pub(crate) const WORKFLOWS: Kind<Module> = Kind {
    folder: "workflows",
    decode: decode::workflow,
    rules: super::WORKFLOW_FILE_RULES,
};

/// Task templates.
pub(crate) const TASKS: Kind<TaskClass> = Kind {
    folder: "tasks",
    decode: decode::task_class,
    rules: super::TASK_FILE_RULES,
};
