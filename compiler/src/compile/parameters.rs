//! What is still open in an artefact: the names that are read, what they hold, when they are needed, and what they are
//! by default.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::expression::Expression;
use partita_artefact::ir::{
    Artefact, Binding, Body, Parameter, ParameterKind, RoleTemplate, Span, TaskClass, Template, Use,
    Variable, VariableSpec,
};

use super::binding::{Known, expressions, from_the_core, variables};
use super::kinds::Kinds;
use super::walk;

/// Where one name is defined first and read.
#[derive(Default)]
struct Name<'a> {
    default: Option<&'a Template>,
    spec: Option<&'a VariableSpec>,
    defined: bool,
    read: BTreeMap<(u32, u32, u32), Binding>,
}

struct Names<'a> {
    known: Known<'a>,
    found: BTreeMap<Cow<'a, str>, Name<'a>>,
    kinds: Kinds<'a>,
    iterators: BTreeSet<&'a str>,
    /// Set by what a call returns.
    returned: BTreeSet<&'a str>,
}

/// The parameters of `artefact`, by name. `undefined` are those that its tree reads and nothing defines, and whether it
/// reads them in any case.
pub(super) fn parameters(artefact: &Artefact, undefined: &BTreeMap<String, bool>) -> Vec<Parameter> {
    if artefact.closed {
        return Vec::new();
    }
    let names = Names::of(artefact);
    let open = |name: &str, found: &Name<'_>| {
        let from_elsewhere = names.iterators.contains(name) || names.returned.contains(name);
        !artefact.given.user.contains_key(name)
            && (found.spec.is_some() || !found.read.is_empty())
            && from_the_core(name).is_none()
            && (found.defined || undefined.contains_key(name) || !from_elsewhere)
    };
    let parameter = |name: &str, found: &Name<'_>| {
        let layer = || {
            artefact
                .given
                .vars
                .get(name)
                .or_else(|| artefact.given.defaults.get(name))
        };
        let default = found.default.map(Template::source).or_else(|| layer().cloned());
        let declared = found.spec.and_then(|spec| declared(&spec.kind));
        Parameter {
            name: name.to_owned(),
            kind: declared.unwrap_or_else(|| names.kinds.of(name, default.as_deref())),
            bound: found.read.values().min().copied().unwrap_or(Binding::Run),
            required: undefined.get(name).copied().unwrap_or_default(),
            default,
            spec: found.spec.map(|spec| Box::new(spec.clone())),
            used: found.uses(),
        }
    };
    names
        .found
        .iter()
        .filter(|(name, found)| open(name, found))
        .map(|(name, found)| parameter(name, found))
        .collect()
}

/// The `type` of a specification.
fn declared(kind: &str) -> Option<ParameterKind> {
    match kind {
        "string" => Some(ParameterKind::String),
        "number" => Some(ParameterKind::Number),
        "bool" => Some(ParameterKind::Bool),
        "list" => Some(ParameterKind::List),
        "map" => Some(ParameterKind::Map),
        _ => None,
    }
}

impl Name<'_> {
    fn uses(&self) -> Vec<Use> {
        let each = self.read.iter().map(|(&(source, line, column), &bound)| Use {
            span: Span { source, line, column },
            bound,
        });
        each.collect()
    }
}

impl<'a> Names<'a> {
    fn of(artefact: &'a Artefact) -> Self {
        let mut names = Self {
            known: Known::new(artefact, &artefact.modules),
            found: BTreeMap::new(),
            kinds: Kinds::default(),
            iterators: BTreeSet::new(),
            returned: BTreeSet::new(),
        };
        // The defaults of the root are what a person sees, so it comes first.
        let root = artefact.modules.get(&artefact.root);
        let others = artefact
            .modules
            .iter()
            .filter(|(identity, _)| **identity != artefact.root)
            .map(|(_, module)| module);
        for module in root.into_iter().chain(others) {
            for role in walk::roles(&module.root) {
                names.role(role);
            }
        }
        for class in artefact.classes.values() {
            names.class(class);
        }
        names
    }

    fn role(&mut self, role: &'a RoleTemplate) {
        if let Some(iterator) = &role.iterator {
            self.iterators.insert(&iterator.variable);
        }
        self.define(&role.defaults);
        self.define(&role.vars);
        self.kinds.role(role);
        for template in walk::role_templates(role) {
            self.read(template, Binding::Compile);
        }
        if let Body::Call {
            func,
            function,
            returns,
            ..
        } = &role.body
        {
            self.returned.extend(returns.literal());
            if let Some(function) = function {
                self.expression(&function.expression, func.span, Binding::Run);
            }
        }
    }

    /// What a task template says is evaluated when the task has a place.
    fn class(&mut self, class: &'a TaskClass) {
        self.define(&class.defaults);
        self.define(&class.vars);
        for template in walk::class_templates(class) {
            self.read(template, Binding::Deploy);
        }
    }

    fn define(&mut self, variables: &'a [Variable]) {
        for variable in variables {
            let name = self.found.entry(Cow::Borrowed(&variable.name)).or_default();
            name.defined = true;
            name.default = name.default.or(Some(&variable.value));
            name.spec = name.spec.or(variable.spec.as_deref());
        }
    }

    fn read(&mut self, template: &'a Template, earliest: Binding) {
        let bound = self.known.of(template).max(earliest);
        for expression in expressions(template) {
            self.expression(expression, template.span, bound);
        }
    }

    fn expression(&mut self, expression: &'a Expression, span: Span, bound: Binding) {
        self.kinds.expression(expression);
        for name in variables(&expression.reads()) {
            let name = self.found.entry(name).or_default();
            name.read.insert((span.source, span.line, span.column), bound);
        }
    }
}
