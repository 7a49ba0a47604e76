//! What beats what in a task template, where that is not what the words say (section 3.7).

use std::collections::BTreeSet;

use partita_artefact::ir::{Part, TaskClass, Template, Variable};

use super::Decoder;
use crate::diagnostic::{Code, Diagnostic, Label};

impl Decoder {
    pub(super) fn check_precedence(&mut self, class: &TaskClass) {
        if !self.edition.class_variables_see_each_other() {
            for variable in &class.vars {
                let default = class.defaults.iter().find(|other| other.name == variable.name);
                self.diagnostics
                    .extend(default.map(|default| beaten(variable, default)));
            }
        }
        if !self.edition.properties_see_evaluated_variables() {
            for property in &class.properties {
                self.diagnostics.extend(unevaluated(property, class));
            }
        }
    }
}

fn beaten(variable: &Variable, default: &Variable) -> Diagnostic {
    let message = format!(
        "the default of `{}` beats this value in the command",
        variable.name
    );
    Diagnostic::of(Code::ClassVariable, message)
        .at(Label::at(variable.value.span))
        .and(Label::at(default.value.span).saying("this one counts"))
        .hint("remove the default")
}

/// A property gets the text of the template's own variables with their braces.
fn unevaluated(property: &Variable, class: &TaskClass) -> Option<Diagnostic> {
    let read = names(&property.value);
    // In properties, vars beat defaults.
    let own = class.vars.iter().chain(&class.defaults);
    let templated = own
        .filter(|variable| read.contains(variable.name.as_str()))
        .find(|variable| variable.value.literal().is_none())?;
    let message = format!(
        "`{}` is not evaluated here: its braces come along",
        templated.name
    );
    let diagnostic = Diagnostic::of(Code::ClassVariable, message)
        .at(Label::at(property.value.span))
        .and(Label::at(templated.value.span).saying("as written"));
    Some(diagnostic.hint("write the expression in the property itself"))
}

fn names(template: &Template) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for part in &template.parts {
        if let Part::Expression(code) = part {
            let reads = code.expression.reads();
            found.extend(reads.variables.iter().map(|read| read.name));
        }
    }
    found
}
