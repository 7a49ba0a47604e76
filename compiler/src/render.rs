//! Findings as text: `full` with a frame of the source, `concise` with one line each.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level as Title, Renderer, Snippet};
use partita_artefact::ir::Span;

use crate::diagnostic::{Diagnostic, Label, Level, SourceMap, SourceText};

/// Each finding with a frame of the source it is about, and a last line that counts them.
pub fn full(diagnostics: &[Diagnostic], sources: &SourceMap, colour: bool) -> String {
    frames(diagnostics, sources, colour) + &count(diagnostics)
}

/// Each finding with a frame of the source it is about. `colour`: with terminal colours; whether the reader wants them
/// is for the caller to know.
pub fn frames(diagnostics: &[Diagnostic], sources: &SourceMap, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
    .decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[frame(diagnostic, sources)]));
        out.push_str("\n\n");
    }
    out
}

/// Each finding on one line: `path:line:column: error[code]: message (hint)`.
pub fn concise(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| line(diagnostic, sources))
        .collect()
}

fn line(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let place = diagnostic.primary.as_ref().map_or_else(String::new, |label| {
        let path = sources
            .get(label.span.source)
            .map_or("?", |file| file.source.path.as_str());
        format!("{path}:{}:{}: ", label.span.line, label.span.column)
    });
    let hint = diagnostic
        .hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    let level = diagnostic.level.as_str();
    format!(
        "{place}{level}[{}]: {}{hint}\n",
        diagnostic.code.as_str(),
        diagnostic.message
    )
}

/// How many findings of each level: `2 errors, 1 warning`, with a line end; empty without any.
pub fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    match (errors, warnings) {
        (0, 0) => String::new(),
        (0, w) => plural(w, "warning") + "\n",
        (e, 0) => plural(e, "error") + "\n",
        (e, w) => format!("{}, {}\n", plural(e, "error"), plural(w, "warning")),
    }
}

/// `1 error`, `2 errors`.
pub fn plural(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn frame<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Group<'a> {
    let title = match diagnostic.level {
        Level::Error => Title::ERROR,
        Level::Warning | Level::Off => Title::WARNING,
    };
    let title = title
        .primary_title(&diagnostic.message)
        .id(diagnostic.code.as_str());
    let mut elements: Vec<Element<'a>> = Vec::new();
    if let Some(primary) = &diagnostic.primary {
        elements.extend(snippets(primary, &diagnostic.secondary, sources));
    }
    if let Some(hint) = &diagnostic.hint {
        elements.push(Title::HELP.message(hint).into());
    }
    title.elements(elements)
}

/// One snippet a file, that of the primary label first.
fn snippets<'a>(primary: &'a Label, secondary: &'a [Label], sources: &'a SourceMap) -> Vec<Element<'a>> {
    let mut files = vec![primary.span.source];
    for label in secondary {
        if !files.contains(&label.span.source) {
            files.push(label.span.source);
        }
    }
    files
        .into_iter()
        .filter_map(|index| Some((index, sources.get(index)?)))
        .map(|(index, file)| {
            let mut snippet = Snippet::source(file.text.as_str())
                .path(display_path(file))
                .fold(true);
            if primary.span.source == index {
                snippet = snippet.annotation(annotation(AnnotationKind::Primary, primary, &file.text));
            }
            for label in secondary.iter().filter(|label| label.span.source == index) {
                snippet = snippet.annotation(annotation(AnnotationKind::Context, label, &file.text));
            }
            snippet.into()
        })
        .collect()
}

fn annotation<'a>(kind: AnnotationKind, label: &'a Label, text: &str) -> annotate_snippets::Annotation<'a> {
    let annotation = kind.span(range(label.span, label.length, text));
    if label.message.is_empty() {
        annotation
    } else {
        annotation.label(&label.message)
    }
}

fn display_path(file: &SourceText) -> String {
    if file.source.repository.is_empty() || file.source.repository == crate::source::LOCAL {
        file.source.path.clone()
    } else {
        format!("{}/{}", file.source.repository, file.source.path)
    }
}

/// The bytes that a label covers. A place outside the text becomes the empty range at its end: a wrong frame is
/// better than no message.
fn range(span: Span, length: u32, text: &str) -> Range<usize> {
    let line_number = usize::try_from(span.line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some((start, line)) = line_at(text, line_number) else {
        return text.len()..text.len();
    };
    let column = usize::try_from(span.column)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let skip = line
        .char_indices()
        .nth(column)
        .map_or(line.len(), |(offset, _)| offset);
    let rest = line.get(skip..).unwrap_or("");
    let width = match usize::try_from(length).unwrap_or(usize::MAX) {
        0 => word(rest),
        n => rest
            .char_indices()
            .nth(n)
            .map_or(rest.trim_end().len(), |(offset, _)| offset),
    };
    start + skip..start + skip + width
}

fn line_at(text: &str, number: usize) -> Option<(usize, &str)> {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index == number {
            return Some((start, line.trim_end_matches(['\n', '\r'])));
        }
        start += line.len();
    }
    None
}

/// Length of the word at the beginning of `rest`: up to a space, or one character at least.
fn word(rest: &str) -> usize {
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '}' | ']'))
        .unwrap_or(rest.len());
    if end == 0 {
        rest.chars().next().map_or(0, char::len_utf8)
    } else {
        end
    }
}
