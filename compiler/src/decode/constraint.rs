//! `constraints` (section 2.8).

use partita_artefact::ir::ConstraintTemplate;

use super::Decoder;
use super::fields::Fields;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::scalar;

const KEYS: [&str; 3] = ["attribute", "value", "operator"];

impl Decoder {
    /// `templated`: the values of a role are evaluated, those of a task template are not.
    pub(super) fn constraints(&mut self, fields: &Fields<'_>, templated: bool) -> Vec<ConstraintTemplate> {
        let mut constraints = Vec::new();
        for item in self.list(fields, "constraints") {
            let Some(fields) = self.fields(item, "constraint") else {
                continue;
            };
            self.check_keys(&fields, "constraint", &KEYS);
            let value = if templated {
                self.template_or_empty(&fields, "value")
            } else {
                self.class_text(&fields, "value")
            };
            constraints.push(ConstraintTemplate {
                span: fields.span(),
                attribute: self.text(&fields, "attribute").unwrap_or_default(),
                value,
                operator: self.operator(&fields),
            });
        }
        constraints
    }

    /// The reference keeps it in eight bits.
    fn operator(&mut self, fields: &Fields<'_>) -> i64 {
        let Some(node) = fields.get("operator") else {
            return 0;
        };
        let operator = self.read("operator", node, scalar::int(node)).unwrap_or(0);
        if i8::try_from(operator).is_err() {
            self.wrong_type(node, format!("`operator`: {operator} is out of range"));
        } else if operator != 0 {
            let message = format!("a constraint with operator {operator} is never matched");
            let warning = Diagnostic::warning(Code::NoEffect, message).at(self.label(node));
            self.report(warning.hint("only 0, equality, is known"));
        }
        operator
    }
}
