//! Files as they were read and decoded: once for each content, however many revisions hold it.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_artefact::ir::{Body, Edition, Module, Source, Span, TaskClass};

use super::names::{self, Names};
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
    /// What it says; `None` if it cannot be decoded.
    pub(crate) value: Option<T>,
    /// The other files that it names.
    pub(crate) mentions: Vec<Mention>,
    /// What is wrong with it, whatever is around it.
    pub(crate) findings: Vec<Diagnostic>,
    /// The variables that it defines and reads.
    pub(crate) names: Names,
}

/// A place where a role names another file.
#[derive(Debug)]
pub(crate) struct Mention {
    /// `workflows` for an `include`, `tasks` for a `load`.
    pub(crate) folder: &'static str,
    /// The text, as it is written.
    pub(crate) text: String,
    /// There are expressions in it.
    pub(crate) open: bool,
    /// Where it is.
    pub(crate) span: Span,
    /// The role may be disabled.
    pub(crate) conditional: bool,
    /// The role or one around it is an iterator: it may be there any number of times.
    pub(crate) repeated: bool,
}

/// The files that the roles of a workflow template name.
fn mentions(module: &Module) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut waiting = vec![(&module.root, false, false)];
    while let Some((role, conditional, repeated)) = waiting.pop() {
        let conditional = conditional || role.enabled.literal() != Some("true");
        let repeated = repeated || role.iterator.is_some();
        let (folder, text) = match &role.body {
            Body::Aggregator(children) => {
                waiting.extend(children.iter().rev().map(|child| (child, conditional, repeated)));
                continue;
            }
            Body::Include(text) => ("workflows", text),
            Body::Task { load, .. } => ("tasks", load),
            Body::Call { .. } => continue,
        };
        found.push(Mention {
            folder,
            text: text.source(),
            open: text.literal().is_none(),
            span: text.span,
            conditional,
            repeated,
        });
    }
    found
}

/// A rule that needs nothing but one file: the file, its text, and where to tell.
pub(crate) type FileRule<T> = fn(&File<T>, &T, &str, &mut Vec<Diagnostic>);

/// How the files of one folder are read.
pub(crate) struct Kind<T: 'static> {
    /// `workflows` or `tasks`.
    pub(crate) folder: &'static str,
    pub(crate) decode: fn(&str, u32, Edition) -> decode::Decoded<T>,
    pub(crate) mentions: fn(&T) -> Vec<Mention>,
    pub(crate) rules: &'static [FileRule<T>],
    pub(crate) names: fn(&T, &str) -> Names,
}

/// All files seen so far, by content, name, and the edition that it is read in.
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
        for entry in snapshot.entries(kind.folder, ".yaml")? {
            let Some(name) = entry
                .path
                .strip_prefix(kind.folder)
                .and_then(|name| name.strip_prefix('/')?.strip_suffix(".yaml"))
            else {
                continue;
            };
            let known = entry
                .blob()
                .and_then(|blob| self.known.get(&(blob, name.to_owned(), edition)));
            if let Some(known) = known {
                folder.insert(name.to_owned(), Arc::clone(known));
                continue;
            }
            match snapshot.file(&entry) {
                Ok(Some(read)) => {
                    let file = self.file(kind, name, snapshot, edition, &read, sources);
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
        read: &crate::source::File,
        sources: &mut SourceMap,
    ) -> Arc<File<T>> {
        let key = (read.blob.clone(), name.to_owned(), edition);
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
            Arc::new(decoded(kind, name, source, edition, read))
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
        value: None,
        mentions: decoded.value.as_ref().map(kind.mentions).unwrap_or_default(),
        findings: decoded.diagnostics,
        names: Names::default(),
    };
    if let Some(value) = decoded.value {
        file.names = (kind.names)(&value, &read.text);
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
    mentions,
    rules: super::WORKFLOW_FILE_RULES,
    names: names::of_workflow,
};

/// Task templates.
pub(crate) const TASKS: Kind<TaskClass> = Kind {
    folder: "tasks",
    decode: decode::task_class,
    mentions: |_| Vec::new(),
    rules: super::TASK_FILE_RULES,
    names: names::of_task,
};
