//! What is still open in an artefact: the names that are read, and what they are by default.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::expression::{Expression, Node};
use partita_artefact::ir::{Artefact, Body, Parameter, Part, Span, Template, Variable, VariableSpec};

use super::walk;

/// Names that the core defines when it creates an environment, deploys a task or starts a run (3.1, 3.7): nobody
/// has to give them.
const FROM_THE_CORE: [&str; 24] = [
    "__fmq_cleanup_count",
    "consul_base_uri",
    "consul_endpoint",
    "consul_hostname",
    "consul_port",
    "core_hostname",
    "detectors",
    "enter_state_time_ms",
    "environment_id",
    "framework_id",
    "last_request_user",
    "lhc_period",
    "pdp_n_hbf_per_tf",
    "runNumber",
    "run_end_completion_time_ms",
    "run_end_time_ms",
    "run_number",
    "run_start_completion_time_ms",
    "run_start_time_ms",
    "task_class_name",
    "task_hostname",
    "task_id",
    "task_name",
    "task_parent_role",
];

/// Where one name is defined first and read.
#[derive(Default)]
struct Name<'a> {
    default: Option<&'a Template>,
    spec: Option<&'a VariableSpec>,
    defined: bool,
    read: BTreeSet<(u32, u32, u32)>,
}

#[derive(Default)]
struct Names<'a> {
    names: BTreeMap<&'a str, Name<'a>>,
    iterators: BTreeSet<&'a str>,
}

/// The parameters of `artefact`, by name. `undefined` are those without which its tree cannot be made.
pub(super) fn parameters(artefact: &Artefact, undefined: &BTreeSet<String>) -> Vec<Parameter> {
    let mut names = Names::default();
    // The defaults of the root are what a person sees, so it comes first.
    let root = artefact.modules.get(&artefact.root);
    let others = artefact
        .modules
        .iter()
        .filter(|(identity, _)| **identity != artefact.root)
        .map(|(_, module)| module);
    for module in root.into_iter().chain(others) {
        for role in walk::roles(&module.root) {
            if let Some(iterator) = &role.iterator {
                names.iterators.insert(&iterator.variable);
            }
            names.define(&role.defaults);
            names.define(&role.vars);
            let call = match &role.body {
                Body::Call { func, function, .. } => Some((func, function)),
                _ => None,
            };
            for template in walk::role_templates(role) {
                names.read(template);
            }
            if let Some((func, Some(function))) = call {
                // An undefined name in a call is nothing, so it need not be given.
                names.read_expression(&function.expression, func.span);
            }
        }
    }
    for class in artefact.classes.values() {
        names.define(&class.defaults);
        names.define(&class.vars);
        for template in walk::class_templates(class) {
            names.read(template);
        }
    }
    let open = |name: &str, found: &Name<'_>| {
        !artefact.given.user.contains_key(name)
            && (found.spec.is_some() || !found.read.is_empty())
            && !FROM_THE_CORE.contains(&name)
            && (found.defined || undefined.contains(name) || !names.iterators.contains(name))
    };
    names
        .names
        .iter()
        .filter(|(name, found)| open(name, found))
        .map(|(name, found)| Parameter {
            name: (*name).to_owned(),
            required: undefined.contains(*name),
            default: found.default.map(Template::source),
            spec: found.spec.map(|spec| Box::new(spec.clone())),
            used: found
                .read
                .iter()
                .map(|&(source, line, column)| Span { source, line, column })
                .collect(),
        })
        .collect()
}

impl<'a> Names<'a> {
    fn define(&mut self, variables: &'a [Variable]) {
        for variable in variables {
            let name = self.names.entry(&variable.name).or_default();
            name.defined = true;
            name.default = name.default.or(Some(&variable.value));
            name.spec = name.spec.or(variable.spec.as_deref());
        }
    }

    fn read(&mut self, template: &'a Template) {
        for part in &template.parts {
            if let Part::Expression(code) = part {
                self.read_expression(&code.expression, template.span);
            }
        }
    }

    fn read_expression(&mut self, expression: &'a Expression, span: Span) {
        let mut found = BTreeSet::new();
        variables(expression, &mut Vec::new(), &mut found);
        for name in found {
            let name = self.names.entry(name).or_default();
            name.read.insert((span.source, span.line, span.column));
        }
    }
}

/// The variables that an expression reads. What is called is a function, and what a function is a member of is a
/// namespace or a service.
pub(crate) fn variables<'a>(
    expression: &'a Expression,
    local: &mut Vec<&'a str>,
    found: &mut BTreeSet<&'a str>,
) {
    let mut each = |expressions: &[&'a Expression], local: &mut Vec<&'a str>| {
        for expression in expressions {
            variables(expression, local, found);
        }
    };
    match &expression.node {
        Node::Nil | Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Str(_) | Node::Pointer(_) => {}
        Node::Name(name) => {
            if !name.starts_with('$') && !local.contains(&name.as_str()) {
                found.insert(name);
            }
        }
        Node::Array(items) | Node::Sequence(items) | Node::Predicate { arguments: items, .. } => {
            each(&items.iter().collect::<Vec<_>>(), local);
        }
        Node::Map(entries) => each(
            &entries
                .iter()
                .flat_map(|(key, value)| [key, value])
                .collect::<Vec<_>>(),
            local,
        ),
        Node::Member { object, property, .. } => each(&[object, property], local),
        Node::Slice { object, from, to } => {
            each(&[object], local);
            each(
                &from.iter().chain(to).map(AsRef::as_ref).collect::<Vec<_>>(),
                local,
            );
        }
        Node::Unary(_, operand) | Node::Closure(operand) => each(&[operand], local),
        Node::Binary(_, left, right) => each(&[left, right], local),
        Node::Conditional(condition, yes, no) => each(&[condition, yes, no], local),
        Node::Call { callee, arguments } => {
            match &callee.node {
                Node::Name(_) => {}
                Node::Member { object, .. } if matches!(object.node, Node::Name(_)) => {}
                _ => each(&[callee], local),
            }
            each(&arguments.iter().collect::<Vec<_>>(), local);
        }
        Node::Let { name, value, body } => {
            each(&[value], local);
            local.push(name);
            each(&[body], local);
            local.pop();
        }
    }
}
