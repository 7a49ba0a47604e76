//! Expressions that fail or mislead whatever the variables are, in every branch.

use std::borrow::Cow;
use std::sync::LazyLock;

use partita_artefact::evaluate::{Context, Harm, Variables, World, findings, is_builtin};
use partita_artefact::expression::{Expression, Node};
use partita_artefact::ir::{Artefact, Edition, Module, TaskClass};

use super::fields::{self, Use};
use super::file::File;
use crate::compile::walk;
use crate::diagnostic::{Code, Diagnostic, Label, Lines, SourceMap};

/// Expressions of a workflow template.
pub(super) fn workflow(_: &File<Module>, module: &Module, text: &str, findings: &mut Vec<Diagnostic>) {
    let uses = walk::roles(&module.root).into_iter().flat_map(fields::of_role);
    check(uses, module.edition, text, findings);
}

/// Expressions of a task template.
pub(super) fn task_template(
    _: &File<TaskClass>,
    class: &TaskClass,
    text: &str,
    findings: &mut Vec<Diagnostic>,
) {
    check(fields::of_class(class), class.edition, text, findings);
}

/// Calls by old names in the files of an artefact: those who compile without checking are told as well.
pub(crate) fn old_names(artefact: &Artefact, sources: &SourceMap) -> Vec<Diagnostic> {
    let names = partita_stdlib::FUNCTIONS.iter();
    let names: Vec<&str> = names
        .filter_map(|function| function.alias.filter(|alias| function.deprecates(alias)))
        .collect();
    // Few expressions are worth the closer look.
    let old = |used: &Use<'_>| names.iter().any(|name| used.code.text.contains(name));
    let text = |source: u32| sources.get(source).map_or("", |file| file.text.as_str());
    let mut found = Vec::new();
    for module in artefact.modules.values() {
        let uses = walk::roles(&module.root).into_iter().flat_map(fields::of_role);
        check(
            uses.filter(old),
            module.edition,
            text(module.root.span.source),
            &mut found,
        );
    }
    for class in artefact.classes.values() {
        let uses = fields::of_class(class).into_iter();
        check(
            uses.filter(old),
            class.edition,
            text(class.span.source),
            &mut found,
        );
    }
    found.retain(|diagnostic| diagnostic.code == Code::DeprecatedFunction);
    found
}

fn check<'a>(
    uses: impl IntoIterator<Item = Use<'a>>,
    edition: Edition,
    text: &str,
    into: &mut Vec<Diagnostic>,
) {
    let mut lines = None;
    for used in uses {
        if is_variable(&used) {
            continue;
        }
        let world = Everything::around(&used.code.expression);
        let context = Context {
            variables: &world,
            place: used.stage.place(),
            world: &world,
            edition,
            within: 0,
        };
        for finding in findings(used.code, &context) {
            let lines = lines.get_or_insert_with(|| Lines::of(text));
            let code = match finding.harm {
                Harm::Refused | Harm::Fails => Code::InvalidExpression,
                Harm::Misleads => Code::MisleadingExpression,
                Harm::Deprecated => Code::DeprecatedFunction,
            };
            let span = lines.in_expression(used.field, &used.code.text, finding.at);
            let mut diagnostic = Diagnostic::of(code, finding.message).at(Label::at(span));
            diagnostic.hint = finding.hint;
            // The trigger of a hook is also its await, unless one is written.
            if !into.contains(&diagnostic) {
                into.push(diagnostic);
            }
        }
    }
}

/// Most expressions are nothing but a variable.
fn is_variable(used: &Use<'_>) -> bool {
    matches!(&used.code.expression.node, Node::Name(name) if !is_library(name) && !name.starts_with(['$', ':']))
}

fn is_library(name: &str) -> bool {
    partita_stdlib::NAMESPACES.contains(&name) || partita_stdlib::plain(name).is_some()
}

/// Surroundings in which every name that the library does not have is a variable, and every service is present: only what no
/// variable can mend is wrong there.
struct Everything<'a> {
    /// What the expression reads as a variable, not as a function or namespace.
    variables: Vec<&'a str>,
    services: Cow<'static, [String]>,
}

static SERVICES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let services = partita_stdlib::SERVICES.iter();
    services.map(|service| service.name.to_owned()).collect()
});

impl<'a> Everything<'a> {
    fn around(expression: &'a Expression) -> Self {
        let reads = expression.reads();
        let variables: Vec<&str> = reads.variables.iter().map(|read| read.name).collect();
        let hidden = |service: &String| variables.contains(&service.as_str());
        Self {
            services: if SERVICES.iter().any(hidden) {
                SERVICES
                    .iter()
                    .filter(|service| !hidden(service))
                    .cloned()
                    .collect()
            } else {
                Cow::Borrowed(SERVICES.as_slice())
            },
            variables,
        }
    }
}

impl Variables for Everything<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let variable = !is_builtin(name) || self.variables.contains(&name);
        (variable && !is_library(name)).then_some("")
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl World for Everything<'_> {
    fn configuration(&self, _key: &str) -> Option<String> {
        None
    }

    fn configuration_keys(&self, _prefix: &str) -> Vec<String> {
        Vec::new()
    }

    fn services(&self) -> &[String] {
        &self.services
    }

    fn uid(&self) -> String {
        String::new()
    }

    fn runtime_set(&self, _component: &str, _key: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }
}
