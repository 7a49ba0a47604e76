//! Values that cannot be what they are used for, where they are written down.
//!
//! A field that is nothing but a variable is followed to the nearest literal value that this file gives it: most ranges and
//! time-outs are written so.

use partita_artefact::duration;
use partita_artefact::expression::Node;
use partita_artefact::ir::{
    Body, Module, Part, Range, RoleTemplate, Span, TaskClass, Template, TraitsTemplate, Variable,
};
use partita_artefact::similar::closest;

use super::file::File;
use crate::diagnostic::{Code, Diagnostic, Label};

/// What `stdout` and `stderr` of a task can be (`template-language.md` 2.6).
const OUTPUTS: [&str; 3] = ["none", "stdout", "all"];
/// Widgets that let people choose from `values` and from nothing else (`template-language.md` 10).
const CLOSED_WIDGETS: [&str; 3] = ["dropDownBox", "listBox", "radioButtonBox"];

/// Values in a workflow template.
pub(super) fn workflow(_: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    Walk {
        vars: Vec::new(),
        defaults: Vec::new(),
        locals: Vec::new(),
        findings,
    }
    .role(&module.root);
}

/// Values in a task template.
pub(super) fn task_template(_: &File<TaskClass>, class: &TaskClass, _: &str, findings: &mut Vec<Diagnostic>) {
    let Some(command) = &class.command else { return };
    for (key, output) in [("stdout", &command.stdout), ("stderr", &command.stderr)] {
        let Some(value) = output
            .as_ref()
            .and_then(|output| known(output, &[&class.defaults], &[]))
        else {
            continue;
        };
        let word = value.text.trim().to_lowercase();
        if !OUTPUTS.contains(&word.as_str()) {
            let message = format!("`{key}`: `{}` is none of {}", value.text, OUTPUTS.join(", "));
            let mut finding = value.wrong(Diagnostic::of(Code::InvalidValue, message));
            finding.hint = closest(&word, OUTPUTS).map(|close| format!("did you mean `{close}`?"));
            findings.push(finding);
        }
    }
}

/// A value that is written down: in the field itself, or where its variable is defined.
struct Known<'a> {
    text: &'a str,
    span: Span,
    /// The field that reads the variable.
    used: Option<Span>,
}

impl Known<'_> {
    fn wrong(&self, finding: Diagnostic) -> Diagnostic {
        let finding = finding.at(Label::at(self.span));
        match self.used {
            // Somebody may give the variable another value.
            Some(used) => finding.as_warning().and(Label::at(used).saying("used here")),
            None => finding,
        }
    }
}

/// The value of a field, if it is written down. `around` are the variables that it sees, those first that win; `locals` are
/// those of iterators. Values that mean
/// "nothing" are left out: they are there to be replaced, or tested for.
fn known<'a>(field: &'a Template, around: &[&'a [Variable]], locals: &[&str]) -> Option<Known<'a>> {
    if let Some(text) = field.literal() {
        return Some(Known {
            text,
            span: field.span,
            used: None,
        });
    }
    let [Part::Expression(code)] = field.parts.as_slice() else {
        return None;
    };
    let Node::Name(name) = &code.expression.node else {
        return None;
    };
    if locals.contains(&name.as_str()) {
        return None;
    }
    let definition = around
        .iter()
        .find_map(|list| list.iter().find(|variable| variable.name == *name))?;
    let text = definition.value.literal()?;
    let nothing = matches!(
        text.trim().to_lowercase().as_str(),
        "" | "none" | "false" | "no" | "off" | "0" | "null"
    );
    (!nothing).then_some(Known {
        text,
        span: definition.value.span,
        used: Some(field.span),
    })
}

struct Walk<'a, 'f> {
    /// Vars of the roles around, nearest last.
    vars: Vec<&'a [Variable]>,
    /// Defaults of the roles around, nearest last.
    defaults: Vec<&'a [Variable]>,
    /// Variables of the iterators around.
    locals: Vec<&'a str>,
    findings: &'f mut Vec<Diagnostic>,
}

impl<'a> Walk<'a, '_> {
    fn role(&mut self, role: &'a RoleTemplate) {
        self.range(role);
        self.specifications(&role.defaults);
        self.specifications(&role.vars);
        let outside = self.locals.len();
        self.locals
            .extend(role.iterator.as_ref().map(|iterator| iterator.variable.as_str()));
        self.vars.push(&role.vars);
        self.defaults.push(&role.defaults);
        match &role.body {
            Body::Aggregator(children) => {
                for child in children {
                    self.role(child);
                }
            }
            Body::Task { traits, .. } => self.timeout(traits, true),
            Body::Call { func, traits, .. } => {
                if func.parts.is_empty() {
                    let finding =
                        Diagnostic::of(Code::InvalidValue, "the call has no `func`: it always fails");
                    self.findings.push(
                        finding
                            .at(Label::at(role.name.span))
                            .hint("name what is called: `func: testplugin.Test()`"),
                    );
                }
                self.timeout(traits, false);
            }
            Body::Include(_) => {}
        }
        self.vars.pop();
        self.defaults.pop();
        self.locals.truncate(outside);
    }

    fn known<'t>(&self, field: &'t Template) -> Option<Known<'t>>
    where
        'a: 't,
    {
        // Vars beat defaults, wherever they stand.
        let vars = self.vars.iter().rev();
        let nearest: Vec<&'t [Variable]> = vars.chain(self.defaults.iter().rev()).copied().collect();
        known(field, &nearest, &self.locals)
    }

    fn range(&mut self, role: &'a RoleTemplate) {
        match role.iterator.as_ref().map(|iterator| &iterator.range) {
            Some(Range::List(list)) => {
                let Some(value) = self.known(list) else { return };
                if let Err(reason) = serde_json::from_str::<Option<Vec<Option<String>>>>(value.text) {
                    let message = format!("`range` is not a JSON list of texts: {reason}");
                    let finding = value.wrong(Diagnostic::of(Code::InvalidValue, message));
                    self.findings
                        .push(finding.hint("write it like this: '[\"a\", \"b\"]'"));
                }
            }
            Some(Range::Count { begin, end }) => {
                for (key, bound) in [("begin", begin), ("end", end)] {
                    let Some(value) = self.known(bound) else { continue };
                    if value.text.parse::<i64>().is_err() {
                        let message = format!("`{key}`: `{}` is not a whole number", value.text);
                        self.findings
                            .push(value.wrong(Diagnostic::of(Code::InvalidValue, message)));
                    }
                }
            }
            None => {}
        }
    }

    /// A bad time-out fails a hook at its deployment; a call takes the one of its service instead (`template-language.md` 2.5,
    /// 5.5).
    fn timeout(&mut self, traits: &'a TraitsTemplate, task: bool) {
        let Some(value) = self.known(&traits.timeout) else {
            return;
        };
        // One that is not written may depend on the trigger.
        let Some(error) = duration::parse(value.text)
            .err()
            .filter(|_| !value.text.is_empty())
        else {
            return;
        };
        let finding = value.wrong(Diagnostic::of(Code::InvalidValue, format!("`timeout`: {error}")));
        let hook = task && !traits.trigger.parts.is_empty();
        self.findings
            .push(if hook { finding } else { finding.as_warning() });
    }

    /// `!public` variables: what a GUI would show and not accept.
    fn specifications(&mut self, variables: &[Variable]) {
        for variable in variables {
            let (Some(spec), Some(text)) = (&variable.spec, variable.value.literal()) else {
                continue;
            };
            let name = &variable.name;
            let wrong = match spec.kind.as_str() {
                _ if text.is_empty() => continue,
                "number" if text.trim().parse::<f64>().is_err() => Some(format!("`{text}` is not a number")),
                "bool" if !["true", "false"].contains(&text) => {
                    Some(format!("`{text}` is neither `true` nor `false`"))
                }
                "list" if serde_json::from_str::<Vec<serde_json::Value>>(text).is_err() => {
                    Some(format!("`{text}` is not a JSON list"))
                }
                "map"
                    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_err() =>
                {
                    Some(format!("`{text}` is not a JSON map"))
                }
                _ if CLOSED_WIDGETS.contains(&spec.widget.as_str())
                    && !spec.values.is_empty()
                    && !spec.values.iter().any(|value| value == text) =>
                {
                    Some(format!("`{text}` is not one of its `values`"))
                }
                _ => None,
            };
            if let Some(wrong) = wrong {
                let message = format!("variable `{name}`: {wrong}");
                let mut finding = Diagnostic::warning(Code::InvalidValue, message);
                finding.hint = closest(text, spec.values.iter().map(String::as_str))
                    .map(|close| format!("did you mean `{close}`?"));
                self.findings.push(finding.at(Label::at(variable.value.span)));
            }
        }
    }
}
