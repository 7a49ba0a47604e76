//! Places of findings in texts and in files.

use std::ops::Range;

use partita_artefact::ir::Span;

use crate::diagnostic::{Label, SourceMap, SourceText};

/// The place of a label as tools take it: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// Identifier of the repository; empty for the one at hand.
    pub(super) repository: &'a str,
    /// Path in it.
    pub(super) path: &'a str,
    pub(super) line: u32,
    pub(super) column: u32,
    /// The column after the last character.
    pub(super) end_column: u32,
}

impl<'a> Place<'a> {
    /// Where a label is; `None` if its file is not known.
    pub(super) fn of(label: &Label, sources: &'a SourceMap) -> Option<Self> {
        let file = sources.get(label.span.source)?;
        let covered = file.text.get(range(label.span, label.length, &file.text));
        let width = covered.map_or(0, |text| text.chars().count());
        Some(Self {
            repository: repository(file),
            path: &file.source.path,
            line: label.span.line,
            column: label.span.column,
            end_column: label
                .span
                .column
                .saturating_add(u32::try_from(width).unwrap_or(0)),
        })
    }
}

fn repository(file: &SourceText) -> &str {
    match file.source.repository.as_str() {
        crate::source::LOCAL => "",
        identifier => identifier,
    }
}

/// A path as people read it: with its repository, unless that is the one at hand.
pub(super) fn display_path(file: &SourceText) -> String {
    match repository(file) {
        "" => file.source.path.clone(),
        repository => format!("{repository}/{}", file.source.path),
    }
}

/// The bytes that a label covers. A place outside the text becomes the empty range at its end: a wrong frame is
/// better than no message.
pub(super) fn range(span: Span, length: u32, text: &str) -> Range<usize> {
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
