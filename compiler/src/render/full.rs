//! Findings with the lines that they are about.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level as Title, Renderer, Snippet};

use super::Findings;
use super::place::{display_path, range};
use crate::diagnostic::{Diagnostic, Label, Level, SourceMap};

/// Each finding with a frame of the source it is about. `colour`: with terminal colours; whether the reader wants them
/// is for the caller to know.
pub fn frames<'d>(findings: impl Into<Findings<'d>>, sources: &SourceMap, colour: bool) -> String {
    let findings = findings.into();
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
    .decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in findings.told() {
        out.push_str(&renderer.render(&[frame(diagnostic, sources)]));
        out.push_str("\n\n");
    }
    out + &findings.rest_line()
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
