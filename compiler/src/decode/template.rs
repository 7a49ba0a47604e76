//! Texts with expressions in them.

use partita_artefact::ir::{Part, Template};

use super::Decoder;
use super::fields::Fields;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::syntax;
use crate::yaml::Place;

impl Decoder {
    /// Parses a templated text. An expression with a mistake is only a warning here: the reference fails when it
    /// is reached, and a disabled role may hold anything.
    pub(super) fn parse_template(&mut self, text: &str, place: Place) -> Template {
        let span = self.span(place);
        let template = syntax::template::parse_in(self.edition, text, span);
        for part in &template.parts {
            if let Part::Malformed { text, message } = part {
                let label = Label {
                    span,
                    length: place.length,
                    message: String::new(),
                };
                let message = format!("`{{{{{text}}}}}` cannot be parsed: {message}");
                self.report(
                    Diagnostic::warning(Code::ExpressionSyntax, message)
                        .at(label)
                        .hint("the workflow cannot be loaded if this is reached"),
                );
            }
        }
        template
    }

    /// A text of a task template that stands for a role: in the reference never evaluated, braces or not (2.7).
    pub(super) fn class_text(&mut self, fields: &Fields<'_>, key: &str) -> Template {
        if self.edition.class_texts_are_evaluated() {
            return self.template_or_empty(fields, key);
        }
        let text = self.text(fields, key).unwrap_or_default();
        let Some(node) = fields.get(key) else {
            return self.literal(&text, fields.place());
        };
        self.literal(&text, node.place)
    }

    /// Text without expressions, braces or not.
    pub(super) fn literal(&self, text: &str, place: Place) -> Template {
        let parts = if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text.to_owned())]
        };
        Template {
            span: self.span(place),
            parts,
        }
    }
}
