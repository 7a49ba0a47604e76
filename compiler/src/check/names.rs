//! The variables that one file defines and reads, and what it leaves to the files around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use partita_artefact::evaluate::is_builtin;
use partita_artefact::ir::{Body, Module, RoleTemplate, Span, TaskClass, Template, Variable};

use super::fields::{self, Stage, Use};
use crate::diagnostic::Lines;

/// What a file says of variables.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// What it reads and does not define where that is read, by name.
    pub(super) free: Vec<Free>,
    /// The files that it reaches, with what it defines around each.
    pub(super) reaches: Vec<Reach>,
    /// What it defines, in order of place.
    pub(super) defined: Vec<Definition>,
    /// The variables of its iterators.
    pub(super) iterators: Vec<(Arc<str>, Span)>,
    /// Everything that is read by name anywhere in it.
    pub(super) read: BTreeSet<Arc<str>>,
    /// Names that are read with any prefix, and prefixes of any name: `*_name`, `prefix_*`.
    pub(super) patterns: BTreeSet<String>,
    /// It may read any variable that it can see: in a payload, by a computed name, or in a workflow that a command makes.
    pub(super) any: bool,
    /// The built-ins of the language that it calls.
    pub(super) calls: BTreeSet<Arc<str>>,
}

/// A name that is read and must be defined around the file.
#[derive(Debug)]
pub(super) struct Free {
    pub(super) name: Arc<str>,
    pub(super) when: When,
    /// Where it is read first.
    pub(super) span: Span,
    pub(super) uses: usize,
    /// It is only read in arguments of functions, where it passes as nothing.
    pub(super) argument: bool,
    /// Where the role itself defines it, too late for one of its uses.
    pub(super) late: Option<Span>,
}

/// When a name is read: what the core has defined by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    /// While the workflow is loaded.
    Load,
    /// When the command of a task is made.
    Deploy,
    /// When the properties of a task are made.
    Configure,
    /// When a call is made.
    Call,
}

impl When {
    fn of(stage: Stage) -> Self {
        match stage {
            Stage::Range | Stage::Outside | Stage::Vars | Stage::Own => Self::Load,
            Stage::Call => Self::Call,
            Stage::TaskDefaults | Stage::TaskVars | Stage::Command => Self::Deploy,
            Stage::Properties => Self::Configure,
        }
    }
}

/// A workflow that is included, or a task template that is loaded.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) folder: Folder,
    /// Its name.
    pub(super) text: Template,
    /// What this file defines around it, sorted.
    pub(super) around: Arc<[Arc<str>]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    Workflows,
    Tasks,
}

/// A variable as it is defined.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    /// It is shown to people, who may give it.
    pub(super) public: bool,
}

impl Names {
    /// Whether a name is one of those that are read with a prefix.
    pub(super) fn matches(&self, name: &str) -> bool {
        let mut patterns = self.patterns.iter();
        patterns.any(|pattern| match pattern.split_once('*') {
            None => pattern == name,
            Some((first, last)) => name.strip_prefix(first).is_some_and(|rest| rest.ends_with(last)),
        })
    }
}

/// What a workflow template says of variables.
pub(super) fn of_workflow(module: &Module, text: &str) -> Names {
    let mut walk = Walk::new(text);
    walk.role(&module.root, &Arc::from([]));
    walk.finish()
}

/// What a task template says of variables.
pub(super) fn of_task(class: &TaskClass, text: &str) -> Names {
    let mut walk = Walk::new(text);
    walk.define(&class.defaults);
    walk.define(&class.vars);
    let ordered = class.edition.class_variables_see_each_other();
    for used in fields::of_class(class) {
        // Those that are written above, where the edition has them seen.
        let above = |variables: &'_ [Variable]| {
            let own = variables
                .iter()
                .position(|variable| Some(variable.name.as_str()) == used.of);
            own.filter(|_| ordered).unwrap_or_default()
        };
        let (defaults, vars) = match used.stage {
            Stage::TaskDefaults => (above(&class.defaults), 0),
            Stage::TaskVars => (class.defaults.len(), above(&class.vars)),
            _ => (class.defaults.len(), class.vars.len()),
        };
        let (seen_defaults, late_defaults) = class.defaults.split_at(defaults);
        let (seen_vars, late_vars) = class.vars.split_at(vars);
        walk.read(
            &used,
            None,
            &[seen_defaults, seen_vars],
            &[late_defaults, late_vars],
        );
    }
    walk.finish()
}

struct Walk<'a> {
    text: &'a str,
    /// Made when the first place is asked for.
    lines: Option<Lines<'a>>,
    /// How often each name is defined around the role that is walked.
    around: BTreeMap<&'a str, usize>,
    free: BTreeMap<(&'a str, When), Free>,
    names: Names,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: None,
            around: BTreeMap::new(),
            free: BTreeMap::new(),
            names: Names::default(),
        }
    }

    fn finish(self) -> Names {
        Names {
            free: self.free.into_values().collect(),
            ..self.names
        }
    }

    /// A role and all below it. `outer` is what the file defines around it.
    fn role(&mut self, role: &'a RoleTemplate, outer: &Arc<[Arc<str>]>) {
        self.define(&role.defaults);
        self.define(&role.vars);
        let local = role.iterator.as_ref().map(|iterator| iterator.variable.as_str());
        if let Some(iterator) = &role.iterator {
            self.names
                .iterators
                .push((iterator.variable.as_str().into(), iterator.span));
        }
        for used in fields::of_role(role) {
            let local = local.filter(|_| used.stage != Stage::Range);
            let (seen, unseen): (&[&[Variable]], &[&[Variable]]) = match used.stage {
                Stage::Range | Stage::Outside => (&[], &[&role.defaults, &role.vars]),
                Stage::Vars => (&[&role.defaults], &[&role.vars]),
                _ => (&[&role.defaults, &role.vars], &[]),
            };
            self.read(&used, local, seen, unseen);
        }
        let own = || {
            role.defaults
                .iter()
                .chain(&role.vars)
                .map(|variable| variable.name.as_str())
                .chain(local)
        };
        for name in own() {
            *self.around.entry(name).or_default() += 1;
        }
        let around = if own().next().is_none() {
            Arc::clone(outer)
        } else {
            let names = self.around.iter().filter(|(_, times)| **times > 0);
            names.map(|(name, _)| Arc::from(*name)).collect()
        };
        match &role.body {
            Body::Aggregator(children) => {
                for child in children {
                    self.role(child, &around);
                }
            }
            Body::Include(text) => self.reach(Folder::Workflows, text, around),
            Body::Task { load, .. } => self.reach(Folder::Tasks, load, around),
            Body::Call { .. } => {}
        }
        for name in own() {
            if let Some(times) = self.around.get_mut(name) {
                *times = times.saturating_sub(1);
            }
        }
    }

    fn reach(&mut self, folder: Folder, text: &Template, around: Arc<[Arc<str>]>) {
        let text = text.clone();
        self.names.reaches.push(Reach { folder, text, around });
    }

    fn define(&mut self, variables: &'a [Variable]) {
        let definitions = variables.iter().map(|variable| Definition {
            name: variable.name.as_str().into(),
            span: variable.value.span,
            public: variable.spec.is_some(),
        });
        self.names.defined.extend(definitions);
        for spec in variables.iter().filter_map(|variable| variable.spec.as_deref()) {
            self.script(&spec.visible_if);
            self.script(&spec.enabled_if);
        }
    }

    fn script(&mut self, text: &str) {
        self.names.read.extend(in_script(text).map(Arc::from));
    }

    /// Notes what an expression reads. `seen` and `unseen` are the variables of the role or task itself.
    fn read(
        &mut self,
        used: &Use<'a>,
        local: Option<&str>,
        seen: &[&'a [Variable]],
        unseen: &[&'a [Variable]],
    ) {
        let reads = used.code.expression.reads();
        self.names.any |= reads.any;
        for name in reads.calls.iter().filter(|name| is_builtin(name)) {
            if !self.names.calls.contains(*name) {
                self.names.calls.insert((*name).into());
            }
        }
        for read in &reads.overrides {
            self.names.patterns.insert(match (read.prefix, read.name) {
                (Some(prefix), Some(name)) => format!("{prefix}_{name}"),
                (prefix, name) => format!("{}_{}", prefix.unwrap_or("*"), name.unwrap_or("*")),
            });
            match read.name {
                Some(name) => self.note(name),
                None => self.names.any = true,
            }
        }
        for read in &reads.variables {
            self.note(read.name);
            let defines = |lists: &[&'a [Variable]]| {
                let mut all = lists.iter().flat_map(|list| list.iter());
                all.find(|variable| variable.name == read.name)
                    .map(|variable| variable.value.span)
            };
            let around = self.around.get(read.name).is_some_and(|times| *times > 0);
            if around || local == Some(read.name) || is_library(read.name) || defines(seen).is_some() {
                continue;
            }
            let late = defines(unseen);
            let text = self.text;
            let lines = &mut self.lines;
            let free = self
                .free
                .entry((read.name, When::of(used.stage)))
                .or_insert_with(|| Free {
                    name: read.name.into(),
                    when: When::of(used.stage),
                    span: lines.get_or_insert_with(|| Lines::of(text)).in_expression(
                        used.field,
                        &used.code.text,
                        read.at,
                    ),
                    uses: 0,
                    argument: true,
                    late,
                });
            free.uses += 1;
            free.argument &= read.argument;
        }
    }

    fn note(&mut self, name: &str) {
        if !self.names.read.contains(name) {
            self.names.read.insert(name.into());
        }
    }
}

/// The variables that the JavaScript of a GUI reads: `$$name`.
pub(super) fn in_script(text: &str) -> impl Iterator<Item = &str> {
    text.split("$$").skip(1).filter_map(|after| {
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_');
        after
            .get(..end.unwrap_or(after.len()))
            .filter(|name| !name.is_empty())
    })
}

/// What is called by that name is not a variable.
pub(super) fn is_library(name: &str) -> bool {
    partita_stdlib::NAMESPACES.contains(&name)
        || partita_stdlib::plain(name).is_some()
        || partita_stdlib::service(name).is_some()
}
