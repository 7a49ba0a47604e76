//! All files of a repository at one revision, and what a name in one of them means.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::ir::{Module, TaskClass, Template};

use super::file::{File, Folder, Mention};
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
        text.literal().map_or(Target::Open, |text| {
            self.target(text, "workflows", &self.workflows)
        })
    }

    /// The task template that `load: <text>` means in any file of this revision.
    pub(crate) fn task(&self, text: &Template) -> Target<'_, TaskClass> {
        text.literal()
            .map_or(Target::Open, |text| self.target(text, "tasks", &self.tasks))
    }

    /// The workflow that a mention means; nothing for one of a task template.
    pub(crate) fn included(&self, mention: &Mention) -> Option<Target<'_, Module>> {
        (mention.folder == "workflows").then(|| {
            if mention.open {
                Target::Open
            } else {
                self.target(&mention.text, "workflows", &self.workflows)
            }
        })
    }

    /// The task template that a mention means; nothing for one of a workflow.
    pub(crate) fn loaded(&self, mention: &Mention) -> Option<Target<'_, TaskClass>> {
        (mention.folder == "tasks").then(|| {
            if mention.open {
                Target::Open
            } else {
                self.target(&mention.text, "tasks", &self.tasks)
            }
        })
    }

    fn target<'a, T>(&'a self, text: &str, folder: &'static str, files: &'a Folder<T>) -> Target<'a, T> {
        // The usual case, and the one that must be fast.
        if let Some(file) = files.get(text).filter(|_| !text.contains(['/', '@'])) {
            return Target::File(file);
        }
        let mut location = match Location::parse(text, folder) {
            Ok(location) => location,
            Err(error) => return Target::Malformed(error.to_string()),
        };
        if location.repository.is_none() && text.contains('/') {
            let message = format!("`{text}` names no repository: write it as `<repository>/{folder}/<name>`");
            return Target::Malformed(message);
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

    /// Every place where a role names another file.
    pub(crate) fn mentions(&self) -> impl Iterator<Item = &Mention> {
        self.workflows.values().flat_map(|file| &file.mentions)
    }

    /// Any workflow may be included by another one: some role includes by an expression, or a file cannot be decoded and
    /// may include what it likes.
    pub(crate) fn includes_anything(&self) -> bool {
        self.workflows.values().any(|file| {
            let mut mentions = file.mentions.iter();
            file.value.is_none() || mentions.any(|mention| mention.open && mention.folder == "workflows")
        })
    }

    /// Workflows that no other one includes by name: those that people ask for. Of those that only include each other,
    /// the first.
    pub(crate) fn roots(&self) -> Vec<&File<Module>> {
        let next = |file: &File<Module>| -> Vec<&File<Module>> {
            let included = file.mentions.iter().filter_map(|mention| self.included(mention));
            included
                .filter_map(|target| match target {
                    Target::File(included) => Some(included),
                    _ => None,
                })
                .collect()
        };
        let mut edges: BTreeMap<&str, Vec<&File<Module>>> = BTreeMap::new();
        let mut included: BTreeSet<&str> = BTreeSet::new();
        for file in self.workflows.values() {
            let below = next(file);
            included.extend(
                below
                    .iter()
                    .map(|below| below.name.as_str())
                    .filter(|name| *name != file.name),
            );
            edges.insert(&file.name, below);
        }
        let files = || self.workflows.values().map(AsRef::as_ref);
        let mut roots: Vec<&File<Module>> = Vec::new();
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let sure = files().filter(|file| !included.contains(file.name.as_str()));
        for root in sure.chain(files()) {
            if reached.contains(root.name.as_str()) {
                continue;
            }
            roots.push(root);
            let mut waiting = vec![root];
            while let Some(file) = waiting.pop() {
                if reached.insert(&file.name) {
                    waiting.extend(edges.get(file.name.as_str()).into_iter().flatten().copied());
                }
            }
        }
        roots
    }
}
