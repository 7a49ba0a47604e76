//! Values that cannot be what they are used for, where they are written down.
//!
//! A field that is nothing but a variable is followed to the nearest literal value that this file gives it: most ranges and
//! time-outs are written so.

use std::collections::BTreeMap;

use partita_artefact::duration;
use partita_artefact::evaluate::{Context, Snapshot, evaluate};
use partita_artefact::expression::{Expression, Node};
use partita_artefact::instantiate::Surprise;
use partita_artefact::ir::{
    Artefact, Body, Edition, Module, Part, Range, RoleTemplate, Span, TaskClass, Template, TraitsTemplate,
    Variable,
};
use partita_artefact::similar::closest;
use partita_stdlib::Purity;

use super::fields;
use super::file::File;
use crate::diagnostic::{Code, Diagnostic, Label};

/// What `stdout` and `stderr` of a task can be (`template-language.md` 2.6).
const OUTPUTS: [&str; 3] = ["none", "stdout", "all"];
/// The variable that is pushed to tasks (`template-language.md` 3.7).
const START_TIME: &str = "pdp_override_run_start_time";
/// Widgets that let people choose from `values` and from nothing else (`template-language.md` 10).
const CLOSED_WIDGETS: [&str; 3] = ["dropDownBox", "listBox", "radioButtonBox"];

/// Values in a workflow template.
pub(super) fn workflow(_: &File<Module>, module: &Module, _: &str, findings: &mut Vec<Diagnostic>) {
    Walk {
        edition: module.edition,
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
    (!is_nothing(text)).then_some(Known {
        text,
        span: definition.value.span,
        used: Some(field.span),
    })
}

/// Values that are there to be replaced, or tested for.
fn is_nothing(text: &str) -> bool {
    matches!(
        text.trim().to_lowercase().as_str(),
        "" | "none" | "false" | "no" | "off" | "0" | "null" | "{}" | "[]"
    )
}

struct Walk<'a, 'f> {
    edition: Edition,
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
        self.start_time(role);
        self.specifications(&role.defaults);
        self.specifications(&role.vars);
        let outside = self.locals.len();
        self.locals
            .extend(role.iterator.as_ref().map(|iterator| iterator.variable.as_str()));
        self.vars.push(&role.vars);
        self.defaults.push(&role.defaults);
        for used in fields::of_role(role) {
            self.surprise(&used);
        }
        match &role.body {
            Body::Aggregator(children) => {
                for child in children {
                    self.role(child);
                }
            }
            Body::Task { traits, .. } => {
                self.timeout(traits, true);
                self.empty_trigger(traits);
            }
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
                if list
                    .literal()
                    .is_some_and(|text| matches!(text.trim(), "[]" | "null"))
                {
                    self.nothing(role, "runs over nothing");
                }
                let Some(value) = self.known(list) else { return };
                if let Err(reason) = serde_json::from_str::<Option<Vec<Option<String>>>>(value.text) {
                    let message = format!("`range` is not a JSON list of texts: {reason}");
                    let finding = value.wrong(Diagnostic::of(Code::InvalidValue, message));
                    self.findings
                        .push(finding.hint("write it like this: '[\"a\", \"b\"]'"));
                }
            }
            Some(Range::Count { begin, end }) => {
                let number = |bound: &Template| bound.literal()?.parse::<i64>().ok();
                if number(begin)
                    .zip(number(end))
                    .is_some_and(|(begin, end)| end < begin)
                {
                    self.nothing(role, "ends before it begins");
                }
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

    /// A text that hardly anybody means, made of values that are written down.
    fn surprise(&mut self, used: &fields::Use<'_>) {
        // Only these make one, and few expressions have them.
        let json = used.code.text.to_lowercase().contains("json");
        if used.stage == fields::Stage::Call || !json && !used.code.text.contains("nil") {
            return;
        }
        let reads = used.code.expression.reads();
        let pure = reads
            .functions
            .iter()
            .all(|function| function.purity == Purity::Pure);
        if !pure || reads.any || reads.services || !reads.overrides.is_empty() {
            return;
        }
        let mut variables = BTreeMap::new();
        for read in &reads.variables {
            let Some(value) = self.value_of(read.name) else {
                return;
            };
            variables.insert(read.name.to_owned(), value.to_owned());
        }
        let artefact = Artefact::default();
        let template = Template {
            span: used.field,
            parts: vec![Part::Expression(used.code.clone())],
        };
        let context = Context {
            variables: &variables,
            place: used.stage.place(),
            world: &Snapshot::new(&artefact, String::new),
            edition: self.edition,
            within: 0,
        };
        let Ok(text) = evaluate(&template, &context) else {
            return;
        };
        // nil out of constants is told as what it is: an expression that misleads.
        let Some(surprise) = Surprise::of(&template, &text, self.edition)
            .filter(|surprise| *surprise != Surprise::Nil || !variables.is_empty())
        else {
            return;
        };
        let finding = Diagnostic::of(Code::SurprisingText, surprise.message(&text));
        self.findings
            .push(finding.at(Label::at(used.field)).hint(surprise.hint()));
    }

    /// The value of a variable where it is written down and says something.
    fn value_of(&self, name: &str) -> Option<&'a str> {
        let mut around = self.vars.iter().rev().chain(self.defaults.iter().rev());
        let variable = around.find_map(|list| list.iter().find(|variable| variable.name == name))?;
        let text = variable.value.literal().filter(|text| !is_nothing(text))?;
        (!self.locals.contains(&name)).then_some(text)
    }

    /// An iterator that never makes a role. It keeps the role around it all the same (3.5).
    fn nothing(&mut self, role: &RoleTemplate, why: &str) {
        let Some(iterator) = &role.iterator else { return };
        let kept = if self.edition.empty_iterators_leave_nothing() {
            ""
        } else {
            ", and still keeps the role around it, which may be empty then"
        };
        let message = format!("this iterator {why}: it never makes a role{kept}");
        self.findings.push(
            Diagnostic::of(Code::EmptyIterator, message)
                .at(Label::at(iterator.span))
                .hint("remove it, or let a variable say what it runs over"),
        );
    }

    /// The start time of a run is pushed to tasks wherever its variable exists (3.7).
    fn start_time(&mut self, role: &RoleTemplate) {
        if self.edition.empty_orbit_reset_is_not_pushed() {
            return;
        }
        let all = role.defaults.iter().chain(&role.vars);
        for variable in all.filter(|variable| variable.name == START_TIME) {
            if variable
                .value
                .literal()
                .is_some_and(|text| text.trim().is_empty())
            {
                let message =
                    format!("`{START_TIME}` is empty, and still pushed to tasks as `orbit-reset-time`");
                self.findings.push(
                    Diagnostic::of(Code::EmptyStartTime, message)
                        .at(Label::at(variable.value.span))
                        .hint("edition 2026 pushes it only if it says something; here, only leaving it out does that"),
                );
            }
        }
    }

    /// A trigger that may turn out empty: the time-out that comes with a trigger stays (2.5).
    fn empty_trigger(&mut self, traits: &TraitsTemplate) {
        let [Part::Expression(code)] = traits.trigger.parts.as_slice() else {
            return;
        };
        // One that is written has a place of its own.
        let left_over = traits.timeout.span == traits.trigger.span;
        if self.edition.empty_trigger_is_none() || !left_over || !self.may_be_empty(&code.expression) {
            return;
        }
        let timeout = traits.timeout.source();
        let message =
            format!("`trigger` may be empty: its time-out of {timeout} stays and ends a basic task");
        self.findings.push(
            Diagnostic::of(Code::EmptyTrigger, message)
                .at(Label::at(traits.trigger.span))
                .hint("write `timeout`, or two roles with `enabled`: one with the trigger, one without"),
        );
    }

    /// It is the empty text as it is written, or in one of its branches.
    fn may_be_empty(&self, expression: &Expression) -> bool {
        match &expression.node {
            Node::Str(text) => text.is_empty(),
            Node::Conditional(_, then, otherwise) => self.may_be_empty(then) || self.may_be_empty(otherwise),
            Node::Name(name) => {
                let mut around = self.vars.iter().rev().chain(self.defaults.iter().rev());
                let written = around.find_map(|list| list.iter().find(|variable| variable.name == *name));
                written.is_some_and(|variable| variable.value.literal() == Some(""))
            }
            _ => false,
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
