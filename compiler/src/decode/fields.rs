//! A mapping as its reader sees it: merges resolved, repeated and unknown keys reported.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::ir::Span;

use super::Decoder;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{Content, Node, Place, scalar};
use partita_artefact::similar::closest;

/// The entries of a mapping, in source order; own entries before merged ones.
pub(super) struct Fields<'n> {
    place: Place,
    span: Span,
    entries: Vec<(&'n Node, &'n Node)>,
}

impl<'n> Fields<'n> {
    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// The value of `key`, unless it is null: a null value counts as not written.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.get_raw(key).filter(|value| !scalar::is_null(value))
    }

    /// The value of `key`, null or not.
    pub(super) fn get_raw(&self, key: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|(name, _)| name.source_text() == Some(key))
            .map(|(_, value)| *value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'n Node, &'n Node)> {
        self.entries.iter().copied()
    }
}

impl Decoder {
    /// `node` as a mapping; reports anything else, and repeated keys. `what` is for messages.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let Content::Mapping(entries) = &node.content else {
            self.wrong_type(
                node,
                format!("{what}: expected a mapping, found {}", node.describe()),
            );
            return None;
        };
        let mut fields = Fields {
            place: node.place,
            span: self.span(node.place),
            entries: Vec::new(),
        };
        self.collect(entries, &mut fields.entries);
        Some(fields)
    }

    fn collect<'n>(&mut self, entries: &'n [(Node, Node)], into: &mut Vec<(&'n Node, &'n Node)>) {
        let mut merges = Vec::new();
        let inherited: BTreeSet<&str> = into.iter().filter_map(|(key, _)| key.source_text()).collect();
        let mut own: BTreeMap<&str, &Node> = BTreeMap::new();
        for (key, value) in entries {
            if is_merge(key) {
                merges.push(value);
                continue;
            }
            let first = key.source_text().and_then(|name| own.insert(name, key));
            if let Some(first) = first {
                self.stands_twice(first, key);
            } else if !key.source_text().is_some_and(|name| inherited.contains(name)) {
                into.push((key, value));
            }
        }
        for merge in merges {
            self.merge(merge, into);
        }
    }

    fn stands_twice(&mut self, first: &Node, second: &Node) {
        let name = second.source_text().unwrap_or_default();
        let error = Diagnostic::error(
            Code::DuplicateKey,
            format!("key `{name}` stands twice in one mapping"),
        )
        .at(self.label(second))
        .and(self.label(first).saying("first here"));
        self.report(error.hint("remove one of them"));
    }

    /// `<<: *base`, or a list of such: what is there already wins, then the earlier of the list.
    fn merge<'n>(&mut self, node: &'n Node, into: &mut Vec<(&'n Node, &'n Node)>) {
        match &node.content {
            Content::Mapping(entries) => self.collect(entries, into),
            Content::Sequence(items) if items.iter().all(|i| matches!(i.content, Content::Mapping(_))) => {
                for item in items.iter() {
                    self.merge(item, into);
                }
            }
            _ => self.wrong_type(
                node,
                "`<<`: expected a mapping or a list of mappings to merge".to_owned(),
            ),
        }
    }

    /// Warns about keys that nothing reads.
    pub(super) fn check_keys(&mut self, fields: &Fields<'_>, what: &str, known: &[&str]) {
        for (key, _) in fields.iter() {
            let Some(name) = key.source_text() else {
                self.wrong_type(
                    key,
                    format!("{what}: a key must be text, found {}", key.describe()),
                );
                continue;
            };
            if known.contains(&name) {
                continue;
            }
            let mut diagnostic = Diagnostic::warning(
                Code::UnknownKey,
                format!("{what}: nothing reads the key `{name}`"),
            )
            .at(self.label(key));
            if let Some(close) = closest(name, known.iter().copied()) {
                diagnostic = diagnostic.hint(format!("did you mean `{close}`?"));
            }
            self.report_trap(self.edition.unknown_keys_are_errors(), diagnostic);
        }
    }
}

fn is_merge(key: &Node) -> bool {
    let untagged = matches!(key.tag.as_deref(), None | Some("!" | "!!merge"));
    untagged && matches!(&key.content, Content::Plain(text) if text.as_ref() == "<<")
}
