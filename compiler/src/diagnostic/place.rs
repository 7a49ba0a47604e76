//! From places in fields to places in files.

use partita_artefact::ir::Span;

/// How far an expression is looked for after its field begins, in bytes.
const FURTHEST: usize = 1 << 20;

/// A text and where its lines begin.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Where exactly something in an expression stands: `at` bytes into the text of an expression of the field that begins at
    /// `field`. The beginning of the field, if the expression is not found there.
    pub(crate) fn in_expression(&self, field: Span, expression: &str, at: u32) -> Span {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let found = self.offset(field).and_then(|from| {
            let rest = self.text.get(from..)?;
            Some(from + find(rest, expression, at)?)
        });
        found.map_or(field, |offset| self.span(field.source, offset))
    }

    fn offset(&self, span: Span) -> Option<usize> {
        let line = usize::try_from(span.line).ok()?.checked_sub(1)?;
        let start = *self.starts.get(line)?;
        let column = usize::try_from(span.column).ok()?.checked_sub(1)?;
        let (skip, _) = self.text.get(start..)?.char_indices().nth(column)?;
        Some(start + skip)
    }

    fn span(&self, source: u32, offset: usize) -> Span {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line
            .checked_sub(1)
            .and_then(|index| self.starts.get(index))
            .copied()
            .unwrap_or_default();
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count());
        Span {
            source,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }
}

/// The offset in `text`, which begins with a field as it is written in YAML, of what is `at` bytes into `expression`.
fn find(text: &str, expression: &str, at: usize) -> Option<usize> {
    let mut from = 0;
    while from < FURTHEST.min(text.len()) {
        let Some(braces) = text.get(from..)?.find("{{") else {
            break;
        };
        let start = from + braces + "{{".len();
        if let Some(offset) = aligned(text.get(start..)?, expression, at, "}}") {
            return Some(start + offset);
        }
        from = start;
    }
    // The function of a call is an expression without braces.
    let quote = usize::from(text.starts_with(['"', '\'']));
    aligned(text.get(quote..)?, expression, at, "").map(|offset| quote + offset)
}

/// Walks an expression and its source, where quotes and backslashes are escaped and lines are folded, in step. The offset in
/// the source of what is `at` bytes into the expression, if they agree up to `end`.
fn aligned(source: &str, expression: &str, at: usize, end: &str) -> Option<usize> {
    let mut found = None;
    let mut offset = 0;
    let mut read = 0;
    for character in expression.chars() {
        if read >= at && found.is_none() {
            found = Some(offset);
        }
        read += character.len_utf8();
        let rest = source.get(offset..)?;
        let next = rest.chars().next()?;
        offset += if character.is_whitespace() && next.is_whitespace() {
            let following = rest.trim_start();
            // A folded line: its break and indentation are one space.
            if rest.get(..rest.len() - following.len())?.contains('\n') {
                rest.len() - following.len()
            } else {
                next.len_utf8()
            }
        } else if next == character {
            // In single quotes, a quote is written twice.
            let doubled =
                character == '\'' && rest.starts_with("''") && !expression.get(read..)?.starts_with('\'');
            next.len_utf8() + usize::from(doubled)
        } else if next == '\\' && rest.get(1..)?.starts_with(character) {
            1 + character.len_utf8()
        } else {
            return None;
        };
    }
    source
        .get(offset..)?
        .starts_with(end)
        .then_some(found.unwrap_or(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, line: u32, column: u32, expression: &str, at: u32) -> (u32, u32) {
        let field = Span {
            source: 0,
            line,
            column,
        };
        let span = Lines::of(text).in_expression(field, expression, at);
        (span.line, span.column)
    }

    #[test]
    fn finds_what_is_written_as_it_is_meant() {
        assert_eq!(place("a: b\nname: x-{{ it }}\n", 2, 7, " it ", 1), (2, 12));
        assert_eq!(place("func: trg.Nope()\n", 1, 7, "trg.Nope()", 4), (1, 11));
        assert_eq!(place("func: \"trg.Nope()\"\n", 1, 7, "trg.Nope()", 4), (1, 12));
    }

    #[test]
    fn finds_it_through_escapes_and_folded_lines() {
        assert_eq!(
            place(r#"v: "{{ a + \"x\" + b }}""#, 1, 4, r#" a + "x" + b "#, 11),
            (1, 20)
        );
        assert_eq!(
            place("v: '{{ a + ''x'' + b }}'", 1, 4, " a + 'x' + b ", 11),
            (1, 20)
        );
        assert_eq!(place("v: >-\n  {{ a +\n     b }}\n", 1, 4, " a + b ", 5), (3, 6));
    }

    #[test]
    fn falls_back_to_the_field() {
        assert_eq!(place("v: {{ a }}\n", 1, 4, " b ", 1), (1, 4));
        assert_eq!(place("v: x\n", 9, 9, "b", 0), (9, 9));
    }
}
