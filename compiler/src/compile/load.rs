//! Files by identity: read, decoded, and their literal includes and task templates read with them.

use std::collections::BTreeMap;

use partita_artefact::identity;
use partita_artefact::ir::{Body, Module, Source, TaskClass};
use partita_artefact::similar::closest;

use super::walk;
use crate::decode::{self, Decoded};
use crate::diagnostic::{Code, Diagnostic, Label, SourceMap};
use crate::source::{Location, Repositories, Snapshot};

/// What has been read so far.
pub(super) struct Loader<'r> {
    repositories: &'r Repositories,
    /// By repository and revision, as identities have them.
    snapshots: BTreeMap<(String, String), Snapshot<'r>>,
    pub(super) sources: SourceMap,
    pub(super) modules: BTreeMap<String, Module>,
    pub(super) classes: BTreeMap<String, TaskClass>,
    /// Why an identity gave nothing. It matters only if the file is needed: a disabled role may name anything.
    failed: BTreeMap<String, Vec<Diagnostic>>,
    /// Warnings about the files that were read well.
    pub(super) warnings: Vec<Diagnostic>,
}

/// A file that was read, not yet decoded.
struct Read {
    source: u32,
    revision: String,
}

impl<'r> Loader<'r> {
    pub(super) fn new(repositories: &'r Repositories) -> Self {
        Self {
            repositories,
            snapshots: BTreeMap::new(),
            sources: SourceMap::default(),
            modules: BTreeMap::new(),
            classes: BTreeMap::new(),
            failed: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Reads the root workflow and gives its identity.
    pub(super) fn root(&mut self, workflow: &str) -> Result<String, Vec<Diagnostic>> {
        let source_error =
            |error: &dyn std::fmt::Display| vec![Diagnostic::error(Code::Source, error.to_string())];
        let location = Location::parse(workflow, "workflows").map_err(|error| source_error(&error))?;
        let repository = match &location.repository {
            Some(identifier) => self
                .repositories
                .get(identifier)
                .map_err(|error| source_error(&error))?,
            None => self
                .repositories
                .first()
                .ok_or_else(|| source_error(&"no repository is given"))?,
        };
        let snapshot = repository
            .snapshot(location.revision.as_deref())
            .map_err(|error| source_error(&error))?;
        let revision = snapshot.revision();
        let name = location.name.strip_suffix(".yaml").unwrap_or(&location.name);
        let path = format!("{}/workflows/{name}", repository.identifier());
        let root = identity::workflow(repository.identifier(), &revision, &path);
        self.snapshots
            .insert((repository.identifier().to_owned(), revision), snapshot);
        self.module(&root);
        let Some(module) = self.modules.get(&root) else {
            return Err(self.why(&root));
        };
        if walk::written(&module.root.name) != name {
            let written = walk::written(&module.root.name);
            let message = format!("the root role is called `{written}`, its file `{name}`");
            let error = Diagnostic::error(Code::NameMismatch, message)
                .at(Label::at(module.root.name.span))
                .hint(format!(
                    "call it `{name}`, or rename the file to `{written}.yaml`"
                ));
            return Err(vec![error]);
        }
        Ok(root)
    }

    /// Reads the workflow template of that identity and all that it includes by literal names. True if it is new.
    pub(super) fn module(&mut self, identity: &str) -> bool {
        let mut waiting = vec![identity.to_owned()];
        let mut new = false;
        while let Some(identity) = waiting.pop() {
            if self.modules.contains_key(&identity) || self.failed.contains_key(&identity) {
                continue;
            }
            match self.read_module(&identity) {
                Ok(module) => {
                    new = true;
                    waiting.extend(literal_includes(&module));
                    for class in literal_classes(&module) {
                        self.class(&class);
                    }
                    self.modules.insert(identity, module);
                }
                Err(diagnostics) => {
                    self.failed.insert(identity, diagnostics);
                }
            }
        }
        new
    }

    /// Reads the task template of that identity. True if it is new.
    pub(super) fn class(&mut self, identity: &str) -> bool {
        if self.classes.contains_key(identity) || self.failed.contains_key(identity) {
            return false;
        }
        match self.read_class(identity) {
            Ok(class) => {
                self.classes.insert(identity.to_owned(), class);
                true
            }
            Err(diagnostics) => {
                self.failed.insert(identity.to_owned(), diagnostics);
                false
            }
        }
    }

    /// Why the file of that identity gave nothing; each reason is said once.
    pub(super) fn why(&mut self, identity: &str) -> Vec<Diagnostic> {
        self.failed
            .get_mut(identity)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// What is wrong with files that nothing needed.
    pub(super) fn unneeded(&mut self) -> Vec<Diagnostic> {
        let failed = std::mem::take(&mut self.failed).into_values().flatten();
        failed
            .filter(|diagnostic| diagnostic.primary.is_some())
            .map(|diagnostic| Diagnostic {
                level: crate::diagnostic::Level::Warning,
                ..diagnostic
            })
            .collect()
    }

    /// Reads every workflow of the repositories of all modules read so far that have a templated include, and every
    /// task template where a `load` is templated: what they mean is not known before the variables are.
    pub(super) fn candidates(&mut self) {
        let mut done = 0;
        while done < self.modules.len() {
            done = self.modules.len();
            let mut modules = Vec::new();
            let mut classes = Vec::new();
            for module in self.modules.values() {
                let bodies = || walk::roles(&module.root).into_iter().map(|role| &role.body);
                let place = (module.repository.clone(), module.revision.clone());
                if bodies().any(|body| matches!(body, Body::Include(text) if walk::literal(text).is_none())) {
                    modules.push(place.clone());
                }
                if bodies()
                    .any(|body| matches!(body, Body::Task { load, .. } if walk::literal(load).is_none()))
                {
                    classes.push(place);
                }
            }
            for (repository, revision) in modules {
                for name in self.names(&repository, &revision, "workflows") {
                    let path = format!("{repository}/workflows/{name}");
                    self.module(&identity::workflow(&repository, &revision, &path));
                }
            }
            for (repository, revision) in classes {
                for name in self.names(&repository, &revision, "tasks") {
                    let path = format!("{repository}/tasks/{name}");
                    self.class(&identity::task(&repository, &revision, &path));
                }
            }
        }
    }

    fn read_module(&mut self, identity: &str) -> Result<Module, Vec<Diagnostic>> {
        let location = location(identity, "workflows")?;
        let read = self.read(&location, identity)?;
        let decoded = decode::workflow(self.text(read.source), read.source);
        let mut module = self.accept(decoded)?;
        module.repository = location.repository.unwrap_or_default();
        module.revision = read.revision;
        Ok(module)
    }

    fn read_class(&mut self, identity: &str) -> Result<TaskClass, Vec<Diagnostic>> {
        let location = location(identity, "tasks")?;
        let read = self.read(&location, identity)?;
        let decoded = decode::task_class(self.text(read.source), read.source);
        let class = self.accept(decoded)?;
        if class.name != location.name {
            let message = format!(
                "the task template is called `{}`, its file `{}`",
                class.name, location.name
            );
            let error = Diagnostic::error(Code::NameMismatch, message)
                .at(Label::at(class.span))
                .hint(format!("write `name: {}`", location.name));
            return Err(vec![error]);
        }
        Ok(class)
    }

    fn accept<T>(&mut self, decoded: Decoded<T>) -> Result<T, Vec<Diagnostic>> {
        match decoded.value {
            Some(value) => {
                self.warnings.extend(decoded.diagnostics);
                Ok(value)
            }
            None => Err(decoded.diagnostics),
        }
    }

    fn text(&self, source: u32) -> &str {
        self.sources.get(source).map_or("", |file| file.text.as_str())
    }

    fn read(&mut self, location: &Location, identity: &str) -> Result<Read, Vec<Diagnostic>> {
        let failed = |error: &dyn std::fmt::Display| vec![Diagnostic::error(Code::Source, error.to_string())];
        let identifier = location.repository.clone().unwrap_or_default();
        let pinned = location.revision.clone().unwrap_or_default();
        let key = (identifier.clone(), pinned);
        if !self.snapshots.contains_key(&key) {
            let repository = self
                .repositories
                .get(&identifier)
                .map_err(|error| failed(&error))?;
            let snapshot = repository
                .snapshot(location.revision.as_deref())
                .map_err(|error| failed(&error))?;
            self.snapshots.insert(key.clone(), snapshot);
        }
        let Some(snapshot) = self.snapshots.get(&key) else {
            return Err(Vec::new());
        };
        let path = location.path();
        let Some(file) = snapshot.read(&path).map_err(|error| failed(&error))? else {
            return Err(vec![not_found(location, snapshot, identity)]);
        };
        let revision = snapshot.revision();
        let source = Source {
            repository: identifier,
            revision: if file.committed {
                revision.clone()
            } else {
                String::new()
            },
            path,
            blob: file.blob,
            dirty: file.dirty,
        };
        let known = self.sources.iter().position(|known| known.source == source);
        let source = match known.map(u32::try_from) {
            Some(Ok(index)) => index,
            _ => self.sources.add(source, file.text),
        };
        Ok(Read { source, revision })
    }

    fn names(&self, repository: &str, revision: &str, folder: &str) -> Vec<String> {
        let key = (repository.to_owned(), revision.to_owned());
        self.snapshots
            .get(&key)
            .map(|snapshot| names(snapshot, folder))
            .unwrap_or_default()
    }
}

/// Names of the templates in a folder; none if it cannot be read, which the file that is then missing will show.
fn names(snapshot: &Snapshot<'_>, folder: &str) -> Vec<String> {
    let paths = snapshot.list(folder, ".yaml").unwrap_or_default();
    let prefix = format!("{folder}/");
    let name = |path: &String| {
        path.strip_prefix(&prefix)?
            .strip_suffix(".yaml")
            .map(str::to_owned)
    };
    paths.iter().filter_map(name).collect()
}

fn location(identity: &str, folder: &'static str) -> Result<Location, Vec<Diagnostic>> {
    let location = Location::parse(identity, folder);
    if let Ok(Location { repository: None, .. }) = location {
        let error = Diagnostic::error(Code::NotFound, format!("`{identity}` names no repository"));
        return Err(vec![error.hint(format!(
            "write it without `/`, or as `<repository>/{folder}/<name>`"
        ))]);
    }
    location.map_err(|error| {
        let mut diagnostic = Diagnostic::error(Code::NotFound, error.to_string());
        if folder == "tasks" {
            diagnostic = diagnostic.hint("a task template is always taken from the revision of the workflow");
        }
        vec![diagnostic]
    })
}

fn not_found(location: &Location, snapshot: &Snapshot<'_>, identity: &str) -> Diagnostic {
    let what = if location.folder == "tasks" {
        "task template"
    } else {
        "workflow"
    };
    let diagnostic = Diagnostic::error(Code::NotFound, format!("there is no {what} `{identity}`"));
    let names = names(snapshot, location.folder);
    match closest(&location.name, names.iter().map(String::as_str)) {
        Some(close) => diagnostic.hint(format!("did you mean `{close}`?")),
        None => diagnostic.hint(format!("it would be the file `{}`", location.path())),
    }
}

fn literal_includes(module: &Module) -> Vec<String> {
    let mut found = Vec::new();
    for role in walk::roles(&module.root) {
        if let Body::Include(text) = &role.body
            && let Some(text) = walk::literal(text).filter(|text| !text.is_empty())
        {
            found.push(identity::workflow(&module.repository, &module.revision, text));
        }
    }
    found
}

fn literal_classes(module: &Module) -> Vec<String> {
    let mut found = Vec::new();
    for role in walk::roles(&module.root) {
        if let Body::Task { load, .. } = &role.body
            && let Some(text) = walk::literal(load).filter(|text| !text.is_empty())
        {
            found.push(identity::task(&module.repository, &module.revision, text));
        }
    }
    found
}
