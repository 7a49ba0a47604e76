//! Files by identity: read, decoded, and their literal includes and task templates read with them.

use std::collections::BTreeMap;

use partita_artefact::evaluate::Home;
use partita_artefact::identity::{self, Revisions};
use partita_artefact::ir::{Body, Edition, Module, Pins, Source, TaskClass, Template};
use partita_artefact::similar::closest;

use super::{Session, walk};
use crate::decode::{self, Decoded};
use crate::diagnostic::{Code, Diagnostic, Label, SourceMap};
use crate::lock;
use crate::settings::{self, Settings};
use crate::source::{Location, Repositories, Repository, Snapshot, SourceError};

/// What has been read so far.
pub(crate) struct Loader<'r> {
    repositories: &'r Repositories,
    /// By repository and revision, as identities have them.
    snapshots: BTreeMap<(String, String), Snapshot<'r>>,
    /// What each of them says about itself.
    settings: BTreeMap<(String, String), Settings>,
    /// Edition in which every file is read, whatever its repository asks for.
    edition: Option<Edition>,
    /// Decoded files of earlier compilations.
    session: Option<&'r mut Session>,
    pub(crate) sources: SourceMap,
    pub(crate) modules: BTreeMap<String, Module>,
    pub(crate) classes: BTreeMap<String, TaskClass>,
    /// Commands of `jit/`.
    pub(crate) commands: BTreeMap<String, String>,
    /// What is meant where a file names another repository without a revision.
    pub(crate) revisions: Revisions,
    /// Why an identity gave nothing. It matters only if the file is needed: a disabled role may name anything.
    failed: BTreeMap<String, Vec<Diagnostic>>,
    /// Where the identities of files that do not exist lead. To find what may be meant costs more than to read a file.
    absent: BTreeMap<String, Location>,
    /// Index of each file by repository, revision and path.
    indices: BTreeMap<(String, String, String), u32>,
    /// Warnings about the files that were read well.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// A file that was read, not yet decoded.
struct Read {
    source: u32,
    revision: String,
    edition: Edition,
}

impl<'r> Loader<'r> {
    pub(crate) fn new(
        repositories: &'r Repositories,
        edition: Option<Edition>,
        session: Option<&'r mut Session>,
    ) -> Self {
        let mut loader = Self {
            repositories,
            edition,
            session,
            snapshots: BTreeMap::new(),
            settings: BTreeMap::new(),
            sources: SourceMap::default(),
            modules: BTreeMap::new(),
            classes: BTreeMap::new(),
            commands: BTreeMap::new(),
            revisions: Revisions::new(),
            failed: BTreeMap::new(),
            absent: BTreeMap::new(),
            indices: BTreeMap::new(),
            warnings: Vec::new(),
        };
        for repository in repositories.iter() {
            // What cannot be opened is told where it is needed.
            if let Ok(revision) = loader.open(repository, None) {
                let identifier = repository.identifier().to_owned();
                loader.revisions.insert(identifier, revision);
            }
        }
        loader
    }

    /// Reads the root workflow and gives its identity.
    pub(crate) fn root(&mut self, workflow: &str) -> Result<String, Vec<Diagnostic>> {
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
        let name = &location.name;
        // The reference compares the name of the root role with the request as it is written (1.4).
        if let Some(bare) = name.strip_suffix(".yaml") {
            let message = format!("`{name}` is the name of a file, not of a workflow");
            let error = Diagnostic::error(Code::NameMismatch, message);
            return Err(vec![
                error.hint(format!("write it without the extension: `{bare}`")),
            ]);
        }
        let revision = self
            .open(repository, location.revision.as_deref())
            .map_err(|error| source_error(&error))?;
        let home = Home {
            repository: repository.identifier(),
            revision: &revision,
        };
        let root = identity::workflow(home, name);
        self.module(&root);
        let Some(module) = self.modules.get(&root) else {
            return Err(self.why(&root));
        };
        match name_mismatch(module, name) {
            Some(error) => Err(vec![error]),
            None => Ok(root),
        }
    }

    /// Takes files of `repository` from `revision`, or as they stand, and gives the commit that they are pinned to.
    pub(crate) fn open(
        &mut self,
        repository: &'r Repository,
        revision: Option<&str>,
    ) -> Result<String, SourceError> {
        let snapshot = repository.snapshot(revision)?;
        let revision = snapshot.revision();
        let key = (repository.identifier().to_owned(), revision.clone());
        self.snapshots.insert(key, snapshot);
        Ok(revision)
    }

    /// Reads the workflow template of that identity and all that it includes by literal names. True if it is new.
    pub(crate) fn module(&mut self, identity: &str) -> bool {
        let mut waiting = vec![identity.to_owned()];
        let mut new = false;
        while let Some(identity) = waiting.pop() {
            if self.modules.contains_key(&identity) || self.failed.contains_key(&identity) {
                continue;
            }
            match self.read_module(&identity) {
                Ok(module) => {
                    new = true;
                    waiting.extend(literal_includes(&module, &self.revisions));
                    for class in literal_classes(&module, &self.revisions) {
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
    pub(crate) fn class(&mut self, identity: &str) -> bool {
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

    /// Reads the command of that identity. True if it is new.
    pub(crate) fn command(&mut self, identity: &str) -> bool {
        if self.commands.contains_key(identity) || self.failed.contains_key(identity) {
            return false;
        }
        let read = location(identity, "jit").and_then(|location| self.read(&location, identity));
        match read {
            Ok(read) => {
                let command = self.text(read.source).to_owned();
                self.commands.insert(identity.to_owned(), command);
                true
            }
            Err(diagnostics) => {
                self.failed.insert(identity.to_owned(), diagnostics);
                false
            }
        }
    }

    /// What the repository of the workflow `root` has pinned.
    pub(crate) fn lock(&mut self, root: &str) -> Pins {
        let Some(module) = self.modules.get(root) else {
            return Pins::default();
        };
        let key = (module.repository.clone(), module.revision.clone());
        let Some(snapshot) = self.snapshots.get(&key).copied() else {
            return Pins::default();
        };
        match lock::read(&snapshot, &mut self.sources) {
            Ok((pins, wrong)) => {
                self.warnings.extend(wrong);
                pins
            }
            Err(error) => {
                let error = Diagnostic::error(Code::Source, error.to_string());
                self.warnings.push(error);
                Pins::default()
            }
        }
    }

    /// Why the file of that identity gave nothing; each reason is said once.
    pub(crate) fn why(&mut self, identity: &str) -> Vec<Diagnostic> {
        let why = self.failed.get_mut(identity).map(std::mem::take);
        let mut why = why.unwrap_or_default();
        if let Some(location) = self.absent.remove(identity) {
            why = why
                .into_iter()
                .map(|diagnostic| diagnostic.hint(self.meant_instead(&location)))
                .collect();
        }
        why
    }

    /// What to do about a file that does not exist.
    fn meant_instead(&mut self, location: &Location) -> String {
        let repository = location.repository.as_deref().unwrap_or_default();
        let revision = location.revision.as_deref().unwrap_or_default();
        let snapshot = self.snapshot(repository, revision);
        let names = snapshot.and_then(|snapshot| names(&snapshot, location.folder));
        let names = names.unwrap_or_default();
        match closest(&location.name, names.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("it would be the file `{}`", location.path()),
        }
    }

    /// Why identities gave nothing, where that was not asked for yet.
    pub(crate) fn failures(&mut self) -> BTreeMap<String, Vec<Diagnostic>> {
        std::mem::take(&mut self.failed)
    }

    /// What is wrong with files that nothing needed.
    pub(crate) fn unneeded(&mut self) -> Vec<Diagnostic> {
        let failed = self.failures().into_values().flatten();
        failed
            .filter(|diagnostic| diagnostic.primary.is_some())
            .map(Diagnostic::as_warning)
            .collect()
    }

    fn read_module(&mut self, identity: &str) -> Result<Module, Vec<Diagnostic>> {
        let location = location(identity, "workflows")?;
        let read = self.read(&location, identity)?;
        let decoded = match (&mut self.session, self.sources.get(read.source)) {
            (Some(session), Some(file)) => {
                session.workflow(&file.source.blob, &file.text, read.source, read.edition)
            }
            _ => decode::workflow(self.text(read.source), read.source, read.edition),
        };
        let mut module = self.accept(decoded)?;
        module.repository = location.repository.unwrap_or_default();
        module.revision = read.revision;
        Ok(module)
    }

    fn read_class(&mut self, identity: &str) -> Result<TaskClass, Vec<Diagnostic>> {
        let location = location(identity, "tasks")?;
        let read = self.read(&location, identity)?;
        let decoded = match (&mut self.session, self.sources.get(read.source)) {
            (Some(session), Some(file)) => {
                session.task_class(&file.source.blob, &file.text, read.source, read.edition)
            }
            _ => decode::task_class(self.text(read.source), read.source, read.edition),
        };
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
        let snapshot = self
            .snapshot(&identifier, &pinned)
            .map_err(|error| failed(&error))?;
        let snapshot = &snapshot;
        let edition = self.edition(snapshot).map_err(|error| failed(&error))?;
        let path = location.path();
        let Some(file) = snapshot.read(&path).map_err(|error| failed(&error))? else {
            self.absent.insert(identity.to_owned(), location.clone());
            return Err(vec![not_found(location, identity)]);
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
        let key = (
            source.repository.clone(),
            source.revision.clone(),
            source.path.clone(),
        );
        let sources = &mut self.sources;
        let index = self.indices.entry(key);
        let source = *index.or_insert_with(|| sources.add(source, file.text));
        Ok(Read {
            source,
            revision,
            edition,
        })
    }

    /// The files of a repository at a revision; without one, as they stand.
    pub(super) fn snapshot(&mut self, identifier: &str, revision: &str) -> Result<Snapshot<'r>, SourceError> {
        let key = (identifier.to_owned(), revision.to_owned());
        if let Some(snapshot) = self.snapshots.get(&key) {
            return Ok(*snapshot);
        }
        let pinned = (!revision.is_empty()).then_some(revision);
        let snapshot = self.repositories.get(identifier)?.snapshot(pinned)?;
        // What it leads to in the same repository is read from the same snapshot.
        let itself = (identifier.to_owned(), snapshot.revision());
        self.snapshots.entry(itself).or_insert(snapshot);
        self.snapshots.insert(key, snapshot);
        Ok(snapshot)
    }

    /// The edition that the files of a snapshot are written in: what its `partita.toml` says.
    fn edition(&mut self, snapshot: &Snapshot<'_>) -> Result<Edition, SourceError> {
        let key = (snapshot.repository().to_owned(), snapshot.revision());
        if let Some(settings) = self.settings.get(&key) {
            return Ok(self.edition.unwrap_or(settings.edition));
        }
        let (settings, wrong) = settings::read(snapshot, &mut self.sources)?;
        self.warnings.extend(wrong);
        let edition = self.edition.unwrap_or(settings.edition);
        self.settings.insert(key, settings);
        Ok(edition)
    }
}

/// Names of the templates in a folder and those below it.
pub(super) fn names(snapshot: &Snapshot<'_>, folder: &str) -> Result<Vec<String>, SourceError> {
    let paths = snapshot.list(folder, ".yaml")?;
    let prefix = format!("{folder}/");
    let name = |path: &String| {
        path.strip_prefix(&prefix)?
            .strip_suffix(".yaml")
            .map(str::to_owned)
    };
    Ok(paths.iter().filter_map(name).collect())
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

fn not_found(location: &Location, identity: &str) -> Diagnostic {
    let what = match location.folder {
        "tasks" => "task template",
        "jit" => "DPL command",
        _ => "workflow",
    };
    Diagnostic::error(Code::NotFound, format!("there is no {what} `{identity}`"))
}

/// The root role of a workflow must have the name by which the workflow is asked for (1.4); that of one that is only
/// included need not.
pub(crate) fn name_mismatch(module: &Module, name: &str) -> Option<Diagnostic> {
    let written = module.root.name.source();
    let message = format!("the root role is called `{written}`, its file `{name}`");
    let error = Diagnostic::error(Code::NameMismatch, message)
        .at(Label::at(module.root.name.span))
        .hint(format!(
            "call it `{name}`, or rename the file to `{written}.yaml`"
        ));
    (written != name).then_some(error)
}

/// Identities of the workflow templates that a module includes by name.
fn literal_includes(module: &Module, revisions: &Revisions) -> Vec<String> {
    literal(module, revisions, identity::included, |body| match body {
        Body::Include(text) => Some(text),
        _ => None,
    })
}

/// Identities of the task templates that a module loads by name.
fn literal_classes(module: &Module, revisions: &Revisions) -> Vec<String> {
    literal(module, revisions, identity::loaded, |body| match body {
        Body::Task { load, .. } => Some(load),
        _ => None,
    })
}

fn literal(
    module: &Module,
    revisions: &Revisions,
    identity: fn(&Module, &str, &Revisions) -> String,
    file: fn(&Body) -> Option<&Template>,
) -> Vec<String> {
    let roles = walk::roles(&module.root).into_iter();
    let texts = roles.filter_map(|role| file(&role.body)?.literal().filter(|text| !text.is_empty()));
    texts.map(|text| identity(module, text, revisions)).collect()
}
