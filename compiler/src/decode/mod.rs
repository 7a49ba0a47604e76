//! From YAML trees to the types of the artefact: workflow templates and task templates
//! (reference `template-language.md` section 2).
//!
//! Every finding of a file is reported, not only the first; a file with an error gives nothing else.

mod channel;
mod constraint;
mod fields;
mod precedence;
mod role;
mod task;
mod template;
mod variable;

#[cfg(test)]
mod conformance;

use partita_artefact::ir::{Edition, Module, Span, TaskClass, Template};

use crate::diagnostic::{Code, Diagnostic, Label};
use crate::yaml::{self, LoadError, Node, Place, scalar};

pub(crate) use channel::BUFFER;
use fields::Fields;

/// What a file gave.
#[derive(Debug, Clone)]
pub struct Decoded<T> {
    /// The result, if the file has no error.
    pub value: Option<T>,
    /// Everything found in it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Decodes a workflow template. `source` is the index of the file; repository and revision are left empty.
pub fn workflow(text: &str, source: u32, edition: Edition) -> Decoded<Module> {
    run(text, source, edition, Decoder::module)
}

/// Decodes a task template. `source` is the index of the file.
pub fn task_class(text: &str, source: u32, edition: Edition) -> Decoded<TaskClass> {
    run(text, source, edition, Decoder::task_class)
}

fn run<T>(
    text: &str,
    source: u32,
    edition: Edition,
    decode: impl FnOnce(&mut Decoder, Option<&Node>) -> T,
) -> Decoded<T> {
    let mut decoder = Decoder {
        source,
        edition,
        diagnostics: Vec::new(),
    };
    let value = match yaml::load(text) {
        Ok(root) => Some(decode(&mut decoder, root.as_ref())),
        Err(error) => {
            decoder.load_error(&error);
            None
        }
    };
    let value = value.filter(|_| !decoder.diagnostics.iter().any(Diagnostic::is_error));
    Decoded {
        value,
        diagnostics: decoder.diagnostics,
    }
}

/// Decodes the nodes of one file and collects what it finds.
struct Decoder {
    source: u32,
    edition: Edition,
    diagnostics: Vec<Diagnostic>,
}

impl Decoder {
    fn span(&self, place: Place) -> Span {
        Span {
            source: self.source,
            line: place.line,
            column: place.column,
        }
    }

    fn label(&self, node: &Node) -> Label {
        Label {
            span: self.span(node.place),
            length: node.place.length,
            message: String::new(),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports what the reference passes over in silence and `strict` refuses.
    fn report_trap(&mut self, strict: bool, warning: Diagnostic) {
        self.report(if strict { warning.as_error() } else { warning });
    }

    fn load_error(&mut self, error: &LoadError) {
        let (code, place) = match error {
            LoadError::Syntax { place, .. } => (Code::YamlSyntax, *place),
            LoadError::Limit { place, .. } => (Code::YamlLimit, *place),
        };
        let label = Label {
            span: self.span(place),
            length: place.length,
            message: String::new(),
        };
        self.report(Diagnostic::error(code, error.to_string()).at(label));
    }

    /// A node of the wrong shape or type.
    fn wrong_type(&mut self, node: &Node, message: String) {
        let mut diagnostic = Diagnostic::error(Code::WrongType, message).at(self.label(node));
        if node.is_bare_expression() {
            diagnostic =
                diagnostic.hint("put the expression in quotes: \"{{ … }}\" without them is a mapping");
        }
        self.report(diagnostic);
    }

    /// Unwraps what a scalar reader says about the value of `key`; an error is reported and counts as null.
    fn read<T>(
        &mut self,
        key: &str,
        node: &Node,
        value: Result<Option<T>, scalar::ScalarError>,
    ) -> Option<T> {
        value.unwrap_or_else(|error| {
            self.wrong_type(node, format!("`{key}`: {error}"));
            None
        })
    }

    /// The text of `key`; `None` if it is not written, null or no text.
    fn text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let node = fields.get(key)?;
        self.read(key, node, scalar::text(node))
    }

    /// The template in `key`; `None` as for [`Self::text`].
    fn template(&mut self, fields: &Fields<'_>, key: &str) -> Option<Template> {
        let node = fields.get(key)?;
        let text = self.read(key, node, scalar::text(node))?;
        Some(self.parse_template(&text, node.place))
    }

    /// The template in `key`, or the empty one.
    fn template_or_empty(&mut self, fields: &Fields<'_>, key: &str) -> Template {
        self.template(fields, key)
            .unwrap_or_else(|| self.literal("", fields.place()))
    }

    /// The elements of the list in `key` that are not null.
    fn list<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Vec<&'n Node> {
        let Some(node) = fields.get(key) else {
            return Vec::new();
        };
        let yaml::Content::Sequence(items) = &node.content else {
            self.wrong_type(
                node,
                format!("`{key}`: expected a list, found {}", node.describe()),
            );
            return Vec::new();
        };
        let (empty, items): (Vec<&Node>, Vec<&Node>) = items.iter().partition(|item| scalar::is_null(item));
        for item in empty {
            let warning =
                Diagnostic::warning(Code::NoEffect, format!("an empty item of `{key}` is left out"));
            let warning = warning.at(self.label(item)).hint("remove the lone `-`");
            self.report_trap(self.edition.empty_items_are_errors(), warning);
        }
        items
    }

    /// The list of templates in `key`; null elements are left out.
    fn templates(&mut self, fields: &Fields<'_>, key: &str) -> Vec<Template> {
        let mut templates = Vec::new();
        for item in self.list(fields, key) {
            if let Some(text) = self.read(key, item, scalar::text(item)) {
                templates.push(self.parse_template(&text, item.place));
            }
        }
        templates
    }

    /// The mapping in `key`; `None` if it is not written or null.
    fn mapping<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<Fields<'n>> {
        let node = fields.get(key)?;
        self.fields(node, &format!("`{key}`"))
    }
}
