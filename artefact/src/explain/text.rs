//! Explanations as people read them.

use std::fmt::Write as _;

use super::{Absence, Cause, Definition, Explanation, Layer, Origin, Overview, Step};
use crate::ir::{Artefact, Span};

/// Longest value on a line, characters: the JSON has it whole.
const LONGEST: usize = 160;

/// Longest value in a list of many.
const SHORT: usize = 60;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    fn place(self, text: &str) -> String {
        self.with("36", text)
    }
}

/// Writes text for one artefact.
struct Writer<'a> {
    artefact: &'a Artefact,
    paint: Paint,
    out: String,
}

impl Explanation {
    /// As a person reads it.
    pub fn text(&self, artefact: &Artefact, paint: Paint) -> String {
        let mut writer = Writer::new(artefact, paint);
        writer.explanation(self);
        writer.out
    }
}

impl Overview {
    /// As a person reads it: one line for each variable and field.
    pub fn text(&self, artefact: &Artefact, paint: Paint) -> String {
        let mut writer = Writer::new(artefact, paint);
        writer.overview(self);
        writer.out
    }
}

impl Absence {
    /// As a person reads it.
    pub fn text(&self, artefact: &Artefact, paint: Paint) -> String {
        let mut writer = Writer::new(artefact, paint);
        for cause in &self.causes {
            writer.cause(cause, "");
        }
        if self.more > 0 {
            writer.line("", &format!("and {} more of that path", self.more));
        }
        writer.out
    }
}

impl<'a> Writer<'a> {
    fn new(artefact: &'a Artefact, paint: Paint) -> Self {
        Self {
            artefact,
            paint,
            out: String::new(),
        }
    }

    fn line(&mut self, indent: &str, text: &str) {
        let _ = writeln!(self.out, "{}", format!("{indent}{text}").trim_end());
    }

    fn place(&self, span: Span) -> String {
        self.paint.place(&place(self.artefact, span))
    }

    fn value(&self, value: &Result<String, String>, longest: usize) -> String {
        match value {
            Ok(text) => self.paint.strong(&shown(text, longest)),
            Err(message) => self.paint.bad(&format!("error: {message}")),
        }
    }

    fn explanation(&mut self, explanation: &Explanation) {
        let head = format!(
            "{}  {} = ",
            explanation.role,
            self.paint.strong(&explanation.subject)
        );
        let value = explanation
            .value
            .as_ref()
            .map_or_else(String::new, |value| self.value(value, LONGEST));
        self.line("", &format!("{head}{value}"));
        for definition in &explanation.definitions {
            self.definition(definition);
        }
        for note in &explanation.notes {
            self.line("  ", &format!("note: {note}"));
        }
    }

    fn definition(&mut self, definition: &Definition) {
        let who = who(definition);
        let at = definition.span.map_or_else(String::new, |span| self.place(span));
        if definition.wins {
            let verdict = if definition.layer == Layer::Field && definition.why == "the only definition" {
                String::new()
            } else {
                self.paint.good(&format!("wins: {}", definition.why))
            };
            self.line("", &spaced(&[&format!("▸ {who}"), &at, &verdict]));
        } else {
            let verdict = self.paint.faint(&format!("loses: {}", definition.why));
            self.line(
                "",
                &spaced(&[&self.paint.faint(&format!("  {who}")), &at, &verdict]),
            );
        }
        match (&definition.written, definition.wins) {
            (Some(written), true) => self.line("    ", &shown(written, LONGEST)),
            (Some(written), false) => {
                let value = match &definition.value {
                    Ok(value) => shown(value, LONGEST),
                    Err(message) => format!("error: {message}"),
                };
                let both = format!("{} = {value}", shown(written, LONGEST));
                let both = self.paint.faint(&both);
                self.line("    ", &both);
            }
            (None, false) => {
                let value = definition.value.clone().unwrap_or_else(|message| message);
                let value = self.paint.faint(&shown(&value, LONGEST));
                self.line("    ", &value);
            }
            (None, true) => {}
        }
        self.steps(&definition.steps, "    ");
    }

    fn steps(&mut self, steps: &[Step], indent: &str) {
        for (place, step) in steps.iter().enumerate() {
            let last = place + 1 == steps.len();
            let (fork, under) = if last { ("└ ", "  ") } else { ("├ ", "│ ") };
            let outcome = match &step.outcome {
                Ok(value) => shown(value, LONGEST),
                Err(message) => self.paint.bad(&format!("error: {message}")),
            };
            let mut line = format!("{fork}{} = {outcome}", shown(&step.source, LONGEST));
            if let Some(origin) = &step.origin {
                let at = origin.span.map_or_else(String::new, |span| self.place(span));
                let again = if step.again && !origin.steps.is_empty() {
                    "as above"
                } else {
                    ""
                };
                line = spaced(&[&line, &self.paint.faint(&who(origin)), &at, again]);
            }
            self.line(indent, &line);
            let below = format!("{indent}{under}");
            self.steps(&step.parts, &below);
            if let Some(origin) = &step.origin {
                if let Some(written) = origin.written.as_ref().filter(|_| !origin.steps.is_empty()) {
                    let written = self.paint.faint(&shown(written, LONGEST));
                    self.line(&below, &written);
                }
                self.steps(&origin.steps, &below);
            }
        }
    }

    fn overview(&mut self, overview: &Overview) {
        let head = spaced(&[&self.paint.strong(&overview.role), &self.place(overview.span)]);
        self.line("", &head);
        for (title, all) in [("variables", &overview.variables), ("fields", &overview.fields)] {
            if all.is_empty() {
                continue;
            }
            self.line("", title);
            let width = all
                .iter()
                .map(|one| one.subject.chars().count())
                .max()
                .unwrap_or(0)
                .min(32);
            for one in all {
                let value = one
                    .value
                    .as_ref()
                    .map_or_else(String::new, |value| self.value(value, SHORT));
                let origin = one.definitions.first();
                let who = origin
                    .filter(|origin| origin.layer != Layer::Field)
                    .map_or_else(String::new, who);
                let at = origin
                    .and_then(|origin| origin.span)
                    .map_or_else(String::new, |span| self.place(span));
                let line = spaced(&[
                    &format!("{:width$} = {value}", one.subject),
                    &self.paint.faint(&who),
                    &at,
                ]);
                self.line("  ", &line);
            }
        }
    }

    fn cause(&mut self, cause: &Cause, indent: &str) {
        let head = spaced(&[
            &format!("{}: {}", self.paint.strong(&cause.role), cause.reason),
            &self.place(cause.written.as_ref().map_or(cause.span, |(span, _)| *span)),
        ]);
        self.line(indent, &head);
        let below = format!("{indent}    ");
        if let Some((_, written)) = cause.written.as_ref().filter(|_| !cause.steps.is_empty()) {
            self.line(&below, &shown(written, LONGEST));
        }
        self.steps(&cause.steps, &below);
        for child in &cause.below {
            self.cause(child, &format!("{indent}  "));
        }
    }
}

/// A definition in words.
fn who(definition: &Definition) -> String {
    let layer = definition.layer.name();
    match &definition.origin {
        Origin::Given { compiled: true } => format!("{layer}, given when it was compiled"),
        Origin::Given { compiled: false } => format!("{layer}, given now"),
        Origin::Role(path) if definition.layer == Layer::Field => format!("role {path}"),
        Origin::Role(path) => format!("{layer} of {path}"),
        Origin::Include(path) => format!("{layer} of the include {path}"),
        Origin::Iterator(path) if definition.layer == Layer::Vars => {
            format!("vars of {path}, from its iterator")
        }
        Origin::Iterator(path) => format!("iterator of {path}"),
        Origin::Class(identity) if definition.layer == Layer::Field => {
            format!("task template {}", crate::show::short(identity))
        }
        Origin::Class(identity) => format!("{layer} of {}", crate::show::short(identity)),
        Origin::Core => format!("{layer}, will be given by the core"),
        Origin::Deployment => "set by the deployment".to_owned(),
    }
}

/// Parts of a line with two blanks between them; empty ones are left out.
fn spaced(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

/// A text on one line, cut where it gets too long.
fn shown(text: &str, longest: usize) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let mut line = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == longest {
            let all = text.chars().count();
            let _ = write!(line, "… ({all} characters)");
            break;
        }
        match c {
            '\n' => line.push('⏎'),
            c if c.is_control() => line.push('·'),
            c => line.push(c),
        }
    }
    line
}

/// `path:line:column`
pub(super) fn place(artefact: &Artefact, span: Span) -> String {
    let source = usize::try_from(span.source)
        .ok()
        .and_then(|index| artefact.sources.get(index));
    let path = source.map_or("?", |source| source.path.as_str());
    format!("{path}:{}:{}", span.line, span.column)
}
