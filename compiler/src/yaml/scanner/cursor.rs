//! A position in the text, and what stands there.

use crate::yaml::Place;

/// Reads a text byte by byte and counts lines and columns. Beyond the end it reads zero bytes; the text itself holds
/// none (see [`super::refused`]).
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// Every character is a byte.
    ascii: bool,
    pub(super) mark: Mark,
}

/// Where the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// In bytes.
    pub(super) at: usize,
    /// From 0.
    pub(super) line: u32,
    /// In characters, from 0.
    pub(super) column: u32,
}

impl Mark {
    /// As people count, with that many characters.
    pub(super) fn place(self, length: u32) -> Place {
        Place {
            line: self.line.saturating_add(1),
            column: self.column.saturating_add(1),
            length,
        }
    }
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            ascii: text.is_ascii(),
            mark: Mark::default(),
        }
    }

    /// The byte that many bytes ahead.
    pub(super) fn ahead(&self, offset: usize) -> u8 {
        let at = self.mark.at + offset;
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    pub(super) fn byte(&self) -> u8 {
        self.ahead(0)
    }

    /// The bytes from here on.
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.mark.at..).unwrap_or_default()
    }

    /// The text between two places.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Goes on by bytes that are characters and no line breaks.
    pub(super) fn skip(&mut self, count: u32) {
        self.mark.at += count as usize;
        self.mark.column += count;
    }

    /// Goes on by bytes without a line break.
    pub(super) fn skip_run(&mut self, bytes: usize) {
        let run = self.rest().get(..bytes).unwrap_or_default();
        let characters = if self.ascii {
            bytes
        } else {
            run.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
        };
        self.mark.at += bytes;
        self.mark.column += u32::try_from(characters).unwrap_or(u32::MAX);
    }

    /// Goes on to the first byte from here that is wanted, or to the end; there is no line break before it.
    pub(super) fn skip_until(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.rest();
        let found = rest.iter().position(|byte| wanted(*byte));
        self.skip_run(found.unwrap_or(rest.len()));
    }

    pub(super) fn skip_blanks(&mut self) {
        while is_blank(self.byte()) {
            self.skip(1);
        }
    }

    /// Goes on to the end of the line.
    pub(super) fn skip_to_break(&mut self) {
        loop {
            self.skip_until(|byte| matches!(byte, b'\n' | b'\r' | 0xc2 | 0xe2));
            if self.at_break_or_end(0) {
                return;
            }
            self.skip_run(1);
        }
    }

    /// Goes over the line break that stands here and gives what it means: `\n`, but for the two separators of Unicode.
    pub(super) fn skip_break(&mut self) -> &'static str {
        let (length, meaning) = self.line_break(0).unwrap_or((0, ""));
        self.mark.at += length;
        self.mark.line += 1;
        self.mark.column = 0;
        meaning
    }

    /// Bytes and meaning of the line break that many bytes ahead. YAML 1.1 has more of them than 1.2.
    fn line_break(&self, offset: usize) -> Option<(usize, &'static str)> {
        match self.ahead(offset) {
            b'\r' if self.ahead(offset + 1) == b'\n' => Some((2, "\n")),
            b'\n' | b'\r' => Some((1, "\n")),
            0xc2 if self.ahead(offset + 1) == 0x85 => Some((2, "\n")),
            0xe2 if self.ahead(offset + 1) == 0x80 => match self.ahead(offset + 2) {
                0xa8 => Some((3, "\u{2028}")),
                0xa9 => Some((3, "\u{2029}")),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn at_break(&self) -> bool {
        self.line_break(0).is_some()
    }

    pub(super) fn at_break_or_end(&self, offset: usize) -> bool {
        self.ahead(offset) == 0 || self.line_break(offset).is_some()
    }

    /// White space, a line break or the end.
    pub(super) fn at_gap(&self, offset: usize) -> bool {
        is_blank(self.ahead(offset)) || self.at_break_or_end(offset)
    }

    /// `---` or `...` at the beginning of a line.
    pub(super) fn at_document_sign(&self) -> Option<u8> {
        let sign = self.byte();
        let found = self.mark.column == 0
            && matches!(sign, b'-' | b'.')
            && self.ahead(1) == sign
            && self.ahead(2) == sign
            && self.at_gap(3);
        found.then_some(sign)
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What names of anchors and tags are made of.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
