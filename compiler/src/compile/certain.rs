//! What happens whatever is given later: which roles are there, and which of their texts are already what they will be.

use std::collections::BTreeSet;

use partita_artefact::identity;
use partita_artefact::instantiate::{ErrorKind, InstantiateError};
use partita_artefact::ir::{Artefact, Body, Module, Range, RoleTemplate, Span, Template};

use super::binding::Known;
use super::walk;

type Spot = (u32, u32, u32);

/// Places of the sources that are certain.
#[derive(Default)]
pub(super) struct Certain {
    /// Texts that are evaluated.
    evaluated: BTreeSet<Spot>,
    /// Those of them that always give the same.
    fixed: BTreeSet<Spot>,
    /// Roles and iterators that are there and always mean the same file or run over the same items.
    roles: BTreeSet<Spot>,
}

impl Certain {
    /// What is certain of an artefact.
    pub(super) fn new(artefact: &Artefact) -> Self {
        let known = Known::new(artefact, &artefact.modules);
        let mut certain = Self::default();
        let mut waiting = vec![artefact.root.clone()];
        let mut seen = BTreeSet::new();
        while let Some(identity) = waiting.pop() {
            let module = artefact.modules.get(&identity);
            if let Some(module) = module.filter(|_| seen.insert(identity)) {
                certain.role(&module.root, module, &known, &mut waiting);
            }
        }
        certain
    }

    /// A role whose parent is certain. Modules that it includes for certain are put in `waiting`.
    fn role(&mut self, role: &RoleTemplate, module: &Module, known: &Known<'_>, waiting: &mut Vec<String>) {
        // What decides on a role is evaluated in any case.
        if let Some(iterator) = &role.iterator {
            let texts = match &iterator.range {
                Range::List(list) => vec![list],
                Range::Count { begin, end } => vec![begin, end],
            };
            for text in &texts {
                self.text(text, known);
            }
            if texts.iter().all(|text| known.is_fixed(text)) {
                self.roles.insert(spot(iterator.span));
            }
        }
        if !known.is_decided(role) {
            return;
        }
        for text in walk::role_templates(role) {
            self.text(text, known);
        }
        match &role.body {
            Body::Aggregator(children) => {
                self.roles.insert(spot(role.span));
                for child in children {
                    self.role(child, module, known, waiting);
                }
            }
            Body::Include(text) if known.is_fixed(text) => {
                self.roles.insert(spot(role.span));
                if let Some(text) = known.text(text, module) {
                    waiting.push(identity::included(module, &text, known.revisions));
                }
            }
            Body::Task { load, .. } if known.is_fixed(load) => {
                self.roles.insert(spot(role.span));
            }
            Body::Task { .. } | Body::Call { .. } | Body::Include(_) => {}
        }
    }

    /// What is not written stands where its role does; nothing can be wrong with it.
    fn text(&mut self, text: &Template, known: &Known<'_>) {
        if text.literal().is_some() {
            return;
        }
        self.evaluated.insert(spot(text.span));
        if known.is_fixed(text) {
            self.fixed.insert(spot(text.span));
        }
    }

    /// Whether the text at that place is evaluated whatever is given.
    pub(super) fn is_evaluated(&self, span: Span) -> bool {
        self.evaluated.contains(&spot(span))
    }

    /// Whether nothing that is given later makes an error go away.
    pub(super) fn is_error(&self, error: &InstantiateError) -> bool {
        let spot = spot(error.span);
        match &error.kind {
            ErrorKind::Evaluate(_) => self.fixed.contains(&spot),
            _ => !error.is_warning() && self.roles.contains(&spot),
        }
    }
}

fn spot(span: Span) -> Spot {
    (span.source, span.line, span.column)
}
