//! When things are known: each name, and each text by the latest thing that it needs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::evaluate::{Context, Place, Snapshot, evaluate};
use partita_artefact::expression::{Expression, Reads};
use partita_artefact::identity::Revisions;
use partita_artefact::ir::{
    Artefact, Binding, Body, Layers, Module, Part, Range, RoleTemplate, Template, Variable,
};
use partita_artefact::surroundings;
use partita_stdlib::{Function, Purity};

use super::walk;

/// When the core defines a name (3.1, 3.7); `None`: it does not, so somebody else must.
pub(super) fn from_the_core(name: &str) -> Option<Binding> {
    match name {
        "detectors" => Some(Binding::Instance),
        "task_class_name" | "task_hostname" | "task_id" | "task_name" | "task_parent_role" => {
            Some(Binding::Deploy)
        }
        "lhc_period"
        | "pdp_n_hbf_per_tf"
        | "runNumber"
        | "run_end_completion_time_ms"
        | "run_end_time_ms"
        | "run_number"
        | "run_start_completion_time_ms"
        | "run_start_time_ms" => Some(Binding::Run),
        _ => surroundings::AT_LOAD.contains(&name).then_some(Binding::Instance),
    }
}

/// What is known of an artefact whose files are all read.
pub(super) struct Known<'a> {
    given: &'a Layers,
    artefact: &'a Artefact,
    configuration: &'a BTreeMap<String, String>,
    pub(super) revisions: &'a Revisions,
    /// No more variables will come.
    closed: bool,
    /// Names that are later than the rest, and when.
    late: BTreeMap<&'a str, Binding>,
    iterators: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    /// What is known with what `artefact` was given, and the roles of `modules`.
    pub(super) fn new(artefact: &'a Artefact, modules: &'a BTreeMap<String, Module>) -> Self {
        let roles: Vec<&RoleTemplate> = modules
            .values()
            .flat_map(|module| walk::roles(&module.root))
            .collect();
        let mut known = Self {
            given: &artefact.given,
            configuration: &artefact.configuration,
            revisions: &artefact.revisions,
            artefact,
            closed: artefact.closed,
            late: BTreeMap::new(),
            iterators: roles
                .iter()
                .filter_map(|role| Some(role.iterator.as_ref()?.variable.as_str()))
                .collect(),
        };
        // A definition makes its name as late as what it reads: until nothing becomes later.
        while roles
            .iter()
            .fold(false, |changed, role| known.define(role) | changed)
        {}
        known
    }

    fn define(&mut self, role: &'a RoleTemplate) -> bool {
        let mut changed = false;
        for Variable { name, value, .. } in role.defaults.iter().chain(&role.vars) {
            changed |= !self.given.user.contains_key(name) && self.raise(name, self.of(value));
        }
        if let Some(iterator) = &role.iterator {
            let bound = match &iterator.range {
                Range::List(list) => self.of(list),
                Range::Count { begin, end } => self.of(begin).max(self.of(end)),
            };
            changed |= self.raise(&iterator.variable, bound);
        }
        changed
    }

    fn raise(&mut self, name: &'a str, bound: Binding) -> bool {
        let known = self.late.get(name).copied().unwrap_or(Binding::Compile);
        if bound > known {
            self.late.insert(name, bound);
        }
        bound > known
    }

    fn of_name(&self, name: &str) -> Binding {
        let late = self.late.get(name).copied().unwrap_or(Binding::Compile);
        if self.given.user.contains_key(name) {
            return late;
        }
        let open = if self.closed {
            Binding::Compile
        } else {
            Binding::Instance
        };
        late.max(from_the_core(name).unwrap_or(open))
    }

    /// The latest of what an expression asks for.
    pub(super) fn latest(&self, reads: &Reads<'_>) -> Binding {
        let computed = reads
            .overrides
            .iter()
            .any(|found| found.name.is_none() || found.prefix.is_none());
        // Where nothing may be given later, a name that cannot be told stands for something given; that it is one of the
        // few which the core adds would be found when the tree is made, as a file that is missing.
        let elsewhere = if reads.services || (!self.closed && (reads.any || computed)) {
            Binding::Instance
        } else {
            Binding::Compile
        };
        let names = variables(reads).map(|name| self.of_name(&name));
        let functions = reads.functions.iter().map(|function| self.of_function(function));
        names.chain(functions).fold(elsewhere, Binding::max)
    }

    fn of_function(&self, function: &Function) -> Binding {
        match function.purity {
            // Where there is no snapshot, the store of the running system answers.
            Purity::Reads if self.configuration.is_empty() => function.bound.max(Binding::Instance),
            // What a DPL program makes may read any variable that is given later.
            _ if function.namespace == "dpl" && !self.closed => function.bound.max(Binding::Instance),
            _ => function.bound,
        }
    }

    /// When a text is known, by the latest thing that it needs.
    pub(super) fn of(&self, template: &Template) -> Binding {
        let bound = expressions(template).map(|expression| self.latest(&expression.reads()));
        bound.max().unwrap_or(Binding::Compile)
    }

    /// Nothing that comes later changes what the text is.
    pub(super) fn is_fixed(&self, template: &Template) -> bool {
        self.of(template) == Binding::Compile
    }

    /// The value that a variable has wherever it is read: it was given, and nothing hides it.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        let hidden = self.iterators.contains(name);
        self.given.user.get(name).filter(|_| !hidden).map(String::as_str)
    }

    /// The text, if it is the same wherever it stands.
    pub(super) fn text(&self, template: &Template, module: &Module) -> Option<String> {
        if let Some(text) = template.literal() {
            return Some(text.to_owned());
        }
        let settled = |reads: &Reads<'_>| {
            self.latest(reads) == Binding::Compile && variables(reads).all(|name| self.value(&name).is_some())
        };
        if !expressions(template).all(|expression| settled(&expression.reads())) {
            return None;
        }
        let world = Snapshot::new(self.artefact, String::new);
        let nothing = Layers {
            user: self.given.user.clone(),
            ..Layers::default()
        };
        let variables = partita_artefact::Stack::new(&nothing);
        let place = Place::Role {
            home: module.home(),
            this: None,
            ancestors: &[],
        };
        let context = Context {
            variables: &variables,
            place,
            world: &world,
            edition: module.edition,
            within: 0,
        };
        evaluate(template, &context).ok()
    }

    /// What decides which roles there are, and from which files they come, is fixed everywhere.
    pub(super) fn decides(&self, modules: &BTreeMap<String, Module>) -> bool {
        modules
            .values()
            .flat_map(|module| walk::roles(&module.root))
            .all(|role| self.is_decided(role) && file(&role.body).is_none_or(|text| self.is_fixed(text)))
    }

    /// Whether there is such a role is fixed, if there is its parent.
    pub(super) fn is_decided(&self, role: &RoleTemplate) -> bool {
        let range = match role.iterator.as_ref().map(|iterator| &iterator.range) {
            None => true,
            Some(Range::List(list)) => self.is_fixed(list),
            Some(Range::Count { begin, end }) => self.is_fixed(begin) && self.is_fixed(end),
        };
        range && self.is_fixed(&role.enabled)
    }
}

/// The text by which a role names a file.
fn file(body: &Body) -> Option<&Template> {
    match body {
        Body::Include(text) => Some(text),
        Body::Task { load, .. } => Some(load),
        Body::Aggregator(_) | Body::Call { .. } => None,
    }
}

/// The names that are read, as far as they can be told.
pub(super) fn variables<'a>(reads: &Reads<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    let named: Vec<_> = reads
        .variables
        .iter()
        .map(|read| Cow::Borrowed(read.name))
        .collect();
    let overrides: Vec<_> = reads
        .overrides
        .iter()
        .flat_map(|found| {
            let own = found.name.map(Cow::Borrowed);
            let prefixed = found.prefix.zip(found.name);
            let prefixed = prefixed.map(|(prefix, name)| Cow::Owned(format!("{prefix}_{name}")));
            own.into_iter().chain(prefixed)
        })
        .collect();
    named.into_iter().chain(overrides)
}

/// The expressions of a text.
pub(super) fn expressions(template: &Template) -> impl Iterator<Item = &Expression> {
    template.parts.iter().filter_map(|part| match part {
        Part::Expression(code) => Some(&code.expression),
        Part::Text(_) | Part::Malformed { .. } => None,
    })
}
