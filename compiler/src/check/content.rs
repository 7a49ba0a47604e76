//! What a workflow reaches, as a number: equal numbers mean that rules about whole workflows would find the same.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::ir::Module;

use super::file::File;
use super::revision::{Revision, Target};

/// Something that a file names, as far as its content goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    /// A file of this revision: its index among the sources, which is that of a path with one content.
    File(u32),
    /// A workflow of that name; its content is an item of its own.
    Workflow(String),
    /// Not in this revision, or not known.
    Nothing(&'static str, String),
    /// What is around every workflow.
    Around {
        settings: Option<u32>,
        includes_anything: bool,
    },
    /// The content of one workflow file and of what it names.
    Direct(u32),
}

/// Numbers of all contents seen so far.
#[derive(Debug, Default)]
pub(super) struct Contents {
    known: BTreeMap<Vec<Item>, u32>,
}

impl Contents {
    fn number(&mut self, items: Vec<Item>) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        *self.known.entry(items).or_insert(next)
    }

    /// The numbers of those workflows. `settings`: index of the file with the settings.
    pub(super) fn of(
        &mut self,
        revision: &Revision,
        roots: &[&File<Module>],
        settings: Option<u32>,
    ) -> Vec<u32> {
        let mut direct: BTreeMap<&str, (u32, Vec<&str>)> = BTreeMap::new();
        for file in revision.workflows.values() {
            let mut items = vec![Item::File(file.source)];
            let mut next = Vec::new();
            for mention in &file.mentions {
                let nothing = || Item::Nothing(mention.folder, mention.text.clone());
                items.push(match revision.included(mention) {
                    Some(Target::File(included)) => {
                        next.push(included.name.as_str());
                        Item::Workflow(included.name.clone())
                    }
                    Some(_) => nothing(),
                    None => match revision.loaded(mention) {
                        Some(Target::File(class)) => Item::File(class.source),
                        _ => nothing(),
                    },
                });
            }
            direct.insert(&file.name, (self.number(items), next));
        }
        let around = Item::Around {
            settings,
            includes_anything: revision.includes_anything(),
        };
        let mut numbers = Vec::new();
        for root in roots {
            let mut reached: BTreeSet<u32> = BTreeSet::new();
            let mut waiting = vec![root.name.as_str()];
            while let Some((number, next)) = waiting.pop().and_then(|name| direct.get(name)) {
                if reached.insert(*number) {
                    waiting.extend(next);
                }
            }
            let mut items = vec![around.clone(), Item::File(root.source)];
            items.extend(reached.into_iter().map(Item::Direct));
            numbers.push(self.number(items));
        }
        numbers
    }
}
