//! Files that later variables may ask for: every one that the text of an `include` or `load` could still mean.

use std::collections::BTreeSet;

use partita_artefact::evaluate::Home;
use partita_artefact::identity::{self, Revisions};
use partita_artefact::ir::{Artefact, Body, Edition, Module, Template};

use super::binding::{Known, expressions};
use super::load::{Loader, names};
use super::pattern::{self, Pattern};
use super::walk;

/// What was looked for: the repository, revision and edition of modules, a folder, and what names match there. Many
/// modules ask for the same.
type Asked = BTreeSet<(String, String, Edition, &'static str, Pattern)>;

/// How an identity is made of what a module writes.
type Identity = fn(&Module, &str, &Revisions) -> String;

impl Loader<'_> {
    /// Reads every file that a text of the modules read so far could mean, whatever else is given: the values that a
    /// text may have are bounded only by what is literal in it and by the user variables of `artefact`. A repository or
    /// revision that only a variable names stays out.
    pub(super) fn candidates(&mut self, artefact: &Artefact) {
        let mut asked = Asked::new();
        loop {
            let (modules, classes) = self.meant(artefact, &mut asked);
            let mut new = false;
            for identity in modules {
                new |= self.module(&identity);
            }
            for identity in classes {
                self.class(&identity);
            }
            if !new {
                break;
            }
        }
        self.candidate_commands();
    }

    /// Reads every command of the repositories that have modules which ask for the results of commands.
    fn candidate_commands(&mut self) {
        let homes: BTreeSet<_> = self
            .modules
            .values()
            .filter(|module| makes_workflows(module))
            .map(|module| (module.repository.clone(), module.revision.clone()))
            .collect();
        for (repository, revision) in &homes {
            let home = Home { repository, revision };
            let Ok(snapshot) = self.snapshot(repository, revision) else {
                continue;
            };
            for path in snapshot.list("jit", "").unwrap_or_default() {
                if let Some(name) = path.strip_prefix("jit/") {
                    self.command(&identity::command(home, name));
                }
            }
        }
    }

    /// Identities of the workflows and task templates that texts with expressions could mean, without what was asked
    /// before.
    fn meant(&mut self, artefact: &Artefact, asked: &mut Asked) -> (BTreeSet<String>, BTreeSet<String>) {
        let all = std::mem::take(&mut self.modules);
        let known = Known::new(artefact, &all);
        let (mut modules, mut classes) = (BTreeSet::new(), BTreeSet::new());
        for module in all.values() {
            for role in walk::roles(&module.root) {
                match &role.body {
                    Body::Include(text) if text.literal().is_none() => {
                        modules.extend(self.files(text, module, "workflows", &known, asked));
                    }
                    Body::Task { load, .. } if load.literal().is_none() => {
                        classes.extend(self.files(load, module, "tasks", &known, asked));
                    }
                    _ => {}
                }
            }
        }
        self.modules = all;
        (modules, classes)
    }

    fn files(
        &mut self,
        text: &Template,
        module: &Module,
        folder: &'static str,
        known: &Known<'_>,
        asked: &mut Asked,
    ) -> Vec<String> {
        let name: Identity = if folder == "tasks" {
            identity::loaded
        } else {
            identity::included
        };
        let revisions = self.revisions.clone();
        let identify = |text: &str| name(module, text, &revisions);
        if let Some(text) = known.text(text, module) {
            return vec![identify(&text)];
        }
        let mut found = Vec::new();
        for pattern in pattern::of_template(text, &|name| known.value(name)) {
            if let Some(text) = pattern.literal() {
                found.push(identify(text));
                continue;
            }
            let (repository, revision) = (module.repository.clone(), module.revision.clone());
            if asked.insert((repository, revision, module.edition, folder, pattern.clone())) {
                let texts = self.texts(&pattern, module, folder);
                found.extend(texts.iter().map(|text| identify(text)));
            }
        }
        found
    }

    /// The texts by which a module can name files of a folder, as far as the pattern allows them.
    fn texts(&mut self, pattern: &Pattern, module: &Module, folder: &'static str) -> Vec<String> {
        let (start, end) = pattern.ends();
        let own = module.repository.as_str();
        let repository = start
            .split_once(&format!("/{folder}/"))
            .map_or(own, |(repository, _)| repository);
        // The revision of a task template is always that of the workflow (1.5).
        let written = end.rsplit_once('@').filter(|_| folder == "workflows");
        let here = if repository != own && module.edition.other_repositories_have_their_own_revision() {
            self.revisions.get(repository).cloned().unwrap_or_default()
        } else {
            module.revision.clone()
        };
        let revision = written.map_or(here.as_str(), |(_, revision)| revision);
        let suffix = written.map_or(String::new(), |(_, revision)| format!("@{revision}"));
        // What cannot be listed cannot be read either, and the file that is then missing will show that.
        let Ok(snapshot) = self.snapshot(repository, revision) else {
            return Vec::new();
        };
        let names = names(&snapshot, folder).unwrap_or_default();
        let text = |name: String| {
            let short = (repository == own && !name.contains('/')).then(|| format!("{name}{suffix}"));
            let full = format!("{repository}/{folder}/{name}{suffix}");
            let texts = short.into_iter().chain([full]);
            texts.into_iter().find(|text| pattern.matches(text))
        };
        let extended = |name: &String| (folder == "workflows").then(|| format!("{name}.yaml"));
        let spellings = |name: String| extended(&name).into_iter().chain([name]).collect::<Vec<_>>();
        names.into_iter().flat_map(spellings).filter_map(text).collect()
    }
}

/// Whether it asks for the results of DPL commands.
fn makes_workflows(module: &Module) -> bool {
    let roles = walk::roles(&module.root);
    roles
        .into_iter()
        .flat_map(walk::role_templates)
        .flat_map(expressions)
        .any(|expression| {
            let functions = expression.reads().functions;
            functions.iter().any(|function| function.namespace == "dpl")
        })
}
