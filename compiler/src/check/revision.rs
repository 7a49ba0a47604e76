//! All files of a repository at one revision, and what a name in one of them means.

use partita_artefact::ir::{Body, Module, TaskClass, Template};

use super::file::{File, Folder};
use crate::compile::walk;
use crate::settings::Settings;
use crate::source::{LOCAL, Location};

/// A repository at one revision, decoded.
#[derive(Debug)]
pub(crate) struct Revision {
    /// Identifier of the repository.
    pub(crate) repository: String,
    /// What its `partita.toml` says.
    pub(crate) settings: Settings,
    /// Workflow templates by name.
    pub(crate) workflows: Folder<Module>,
    /// Task templates by name.
    pub(crate) tasks: Folder<TaskClass>,
}

/// What the text of an `include` or `load` leads to.
#[derive(Debug)]
pub(crate) enum Target<'a, T> {
    /// That file of the same revision. It may not decode.
    File(&'a File<T>),
    /// Not known without variables, or generated.
    Open,
    /// There is no such file.
    Absent(Location),
    /// In another repository or revision.
    Elsewhere(Location),
    /// The text names nothing.
    Malformed(String),
}

impl Revision {
    /// The workflow that `include: <text>` means in any file of this revision (`template-language.md` 1.5).
    pub(crate) fn workflow(&self, text: &Template) -> Target<'_, Module> {
        self.target(text, "workflows", &self.workflows)
    }

    /// The task template that `load: <text>` means in any file of this revision.
    pub(crate) fn task(&self, text: &Template) -> Target<'_, TaskClass> {
        self.target(text, "tasks", &self.tasks)
    }

    fn target<'a, T>(&'a self, text: &Template, folder: &'static str, files: &'a Folder<T>) -> Target<'a, T> {
        let Some(text) = text.literal() else {
            return Target::Open;
        };
        let mut location = match Location::parse(text, folder) {
            Ok(location) => location,
            Err(error) => return Target::Malformed(error.to_string()),
        };
        if location.repository.is_none() && text.contains('/') {
            return Target::Malformed(format!("`{text}` names no repository"));
        }
        if folder == "tasks" && location.revision.is_some() {
            return Target::Malformed(format!(
                "`{text}` names a revision; a task template is always taken from that of the workflow"
            ));
        }
        let repository = location
            .repository
            .take()
            .unwrap_or_else(|| self.repository.clone());
        let here = repository == self.repository || repository == LOCAL;
        location.repository = Some(repository);
        if !here || location.revision.is_some() {
            return Target::Elsewhere(location);
        }
        match files.get(&location.name) {
            Some(file) => Target::File(file),
            None => Target::Absent(location),
        }
    }

    /// Some role includes by an expression: that may be any workflow.
    pub(crate) fn includes_anything(&self) -> bool {
        self.workflows
            .values()
            .filter_map(|file| file.value.as_ref())
            .flat_map(|module| walk::roles(&module.root))
            .any(|role| matches!(&role.body, Body::Include(text) if text.literal().is_none()))
    }

    /// Workflows that no other one includes by name: those that people ask for.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &File<Module>> {
        let included: Vec<&str> = self
            .workflows
            .values()
            .filter_map(|file| Some((file, file.value.as_ref()?)))
            .flat_map(|(file, module)| {
                walk::roles(&module.root)
                    .into_iter()
                    .filter_map(move |role| match &role.body {
                        Body::Include(text) => Some((file, text)),
                        _ => None,
                    })
            })
            .filter_map(|(file, text)| match self.workflow(text) {
                Target::File(included) if included.name != file.name => Some(included.name.as_str()),
                _ => None,
            })
            .collect();
        self.workflows
            .values()
            .map(AsRef::as_ref)
            .filter(move |file| !included.contains(&file.name.as_str()))
    }
}
