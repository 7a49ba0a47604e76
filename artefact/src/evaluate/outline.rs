//! What evaluations learn of an expression, so that the next one need not find it out again: which names it uses, and
//! that it passed its check.
//!
//! Iterators evaluate the same expression for a thousand hosts. What it checks does not depend on the values of its
//! variables, only on what its names stand for, so it is checked once and not a thousand times.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use partita_stdlib::{Function, NAMESPACES, plain};

use super::names::{Named, among_services, exists, makes_workflows, resolve};
use super::{Context, Place};
use crate::expression::{Expression, Node};
use crate::ir::Edition;

/// Expressions with more names are rare, and are evaluated without an outline.
const MOST_NAMES: usize = 8;

/// What is known of an expression. It is no part of what the expression means: it is never compared nor copied.
#[derive(Default)]
pub struct Learnt {
    outline: OnceLock<Option<Outline>>,
    /// The circumstances of the last check that was passed; 0: none.
    passed: AtomicU64,
}

impl Clone for Learnt {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Learnt {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Learnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learnt")
    }
}

impl Learnt {
    /// What the names of the expression stand for; `None` if they are too many, or not all of them are known.
    pub(super) fn names<'a>(&'a self, expression: &Expression, context: &Context<'a>) -> Option<Names<'a>> {
        let outline = self.outline.get_or_init(|| Outline::of(expression)).as_ref()?;
        let mut found = [None; MOST_NAMES];
        for (found, name) in found.iter_mut().zip(&outline.names) {
            *found = name.resolve(context);
        }
        Some(Names { outline, found })
    }

    /// Whether the expression passed its check under circumstances that make no difference to it.
    pub(super) fn has_passed(&self, names: &Names<'_>, context: &Context<'_>) -> bool {
        self.passed.load(Ordering::Relaxed) == names.circumstances(context)
    }

    /// Now it has.
    pub(super) fn pass(&self, names: &Names<'_>, context: &Context<'_>) {
        self.passed.store(names.circumstances(context), Ordering::Relaxed);
    }
}

/// The names of an expression, each once.
struct Outline {
    names: Vec<Name>,
}

struct Name {
    text: String,
    /// The function of the library that goes by it, where that exists.
    function: Option<&'static Function>,
    /// It is a namespace of the library.
    namespace: bool,
}

impl Outline {
    /// `None` if there are too many, or if what they stand for depends on more than themselves.
    fn of(expression: &Expression) -> Option<Self> {
        let mut outline = Self { names: Vec::new() };
        outline.collect(expression)?;
        (outline.names.len() <= MOST_NAMES).then_some(outline)
    }

    fn collect(&mut self, expression: &Expression) -> Option<()> {
        match &expression.node {
            // `$env` makes names of texts, and the functions of `odc` come and go with a variable.
            Node::Name(name) if name == "$env" || name == "odc" => return None,
            // A variable of their name hides a predicate, and forbids a declaration.
            Node::Name(name) | Node::Predicate { name, .. } | Node::Let { name, .. } => self.add(name),
            _ => {}
        }
        expression
            .parts()
            .into_iter()
            .try_for_each(|part| self.collect(part))
    }

    fn add(&mut self, name: &str) {
        if !self.names.iter().any(|known| known.text == name) {
            self.names.push(Name {
                text: name.to_owned(),
                function: plain(name),
                namespace: NAMESPACES.contains(&name),
            });
        }
    }
}

impl Name {
    /// As [`super::names::resolve`].
    fn resolve<'a>(&'a self, context: &Context<'a>) -> Option<Named<'a>> {
        if let Some(function) = self.function.filter(|function| exists(function, context)) {
            return Some(Named::Function(function));
        }
        let known = self.namespace && (self.text != "dpl" || makes_workflows(context));
        if known || among_services(&self.text, context) {
            return Some(Named::Namespace(&self.text));
        }
        context.variables.get(&self.text).map(Named::Variable)
    }
}

/// What the names of an expression stand for in one evaluation.
pub(super) struct Names<'a> {
    outline: &'a Outline,
    found: [Option<Named<'a>>; MOST_NAMES],
}

impl<'a> Names<'a> {
    /// What a name stands for.
    pub(super) fn get(&self, name: &'a str, context: &Context<'a>) -> Option<Named<'a>> {
        let mut names = self.outline.names.iter().zip(&self.found);
        match names.find(|(known, _)| known.text == name) {
            Some((_, found)) => *found,
            None => resolve(context, name),
        }
    }

    /// All that a check depends on besides the expression: two bits a name, then place and edition; never 0.
    fn circumstances(&self, context: &Context<'_>) -> u64 {
        let place: u64 = match context.place {
            Place::Role { this: None, .. } => 1,
            Place::Role { this: Some(_), .. } => 2,
            Place::Range => 3,
            Place::Task => 4,
            Place::Properties => 5,
            Place::Call => 6,
            Place::Dpl { .. } => 7,
        };
        let edition: u64 = match context.edition {
            Edition::Aliecs => 0,
            Edition::E2026 => 1,
        };
        self.found.iter().fold(edition << 3 | place, |bits, found| {
            let kind = match found {
                None => 0,
                Some(Named::Variable(_)) => 1,
                Some(Named::Function(_)) => 2,
                Some(Named::Namespace(_)) => 3,
            };
            bits << 2 | kind
        })
    }
}
