//! Scalars after `|` and `>`.

use std::borrow::Cow;

use super::cursor::{Mark, is_blank};
use super::{Kind, ScanError, Scanner};

/// What becomes of the line breaks at the end.
#[derive(PartialEq)]
enum Chomp {
    /// One stays.
    Clip,
    /// `-`: none stays.
    Strip,
    /// `+`: all stay.
    Keep,
}

impl Scanner<'_> {
    /// A scalar whose lines are kept as they are (`|`), or folded (`>`).
    pub(super) fn block(&mut self, literal: bool) -> Result<(), ScanError> {
        self.remove_key()?;
        self.key_allowed = true;
        let sign = self.cursor.mark;
        self.cursor.skip(1);
        let (chomp, increment) = self.block_header(sign)?;
        let mut indent = increment.map(|increment| {
            let around = u32::try_from(self.indent).unwrap_or(0);
            around + increment
        });
        let mut breaks = String::new();
        let indent = self.block_breaks(sign, &mut indent, &mut breaks)?;
        let start = self.cursor.mark;
        let mut text = String::new();
        // The line break after the last line, and whether that began with white space.
        let mut line_break = "";
        let mut indented = false;
        while self.cursor.mark.column == indent && self.cursor.byte() != 0 {
            let blank = is_blank(self.cursor.byte());
            if !literal && line_break == "\n" && !indented && !blank {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(line_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            indented = blank;
            let from = self.cursor.mark.at;
            self.cursor.skip_to_break();
            text.push_str(self.cursor.slice(from, self.cursor.mark.at));
            line_break = if self.cursor.at_break() {
                self.cursor.skip_break()
            } else {
                ""
            };
            self.block_breaks(sign, &mut Some(indent), &mut breaks)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(line_break);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
        }
        let (start, text) = (if text.is_empty() { sign } else { start }, Cow::Owned(text));
        self.push(start, 0, Kind::Scalar { text, plain: false });
        Ok(())
    }

    /// What stands on the line of the sign: chomping and indentation in any order, and a comment.
    fn block_header(&mut self, sign: Mark) -> Result<(Chomp, Option<u32>), ScanError> {
        let mut chomp = None;
        let mut increment = None;
        loop {
            match self.cursor.byte() {
                b'+' if chomp.is_none() => chomp = Some(Chomp::Keep),
                b'-' if chomp.is_none() => chomp = Some(Chomp::Strip),
                b'0' if increment.is_none() => {
                    return Err(ScanError::at(sign, "a block of text is indented by at least 1"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(u32::from(digit - b'0')),
                _ => break,
            }
            self.cursor.skip(1);
        }
        self.cursor.skip_blanks();
        if self.cursor.byte() == b'#' {
            self.cursor.skip_to_break();
        }
        if self.cursor.at_break() {
            self.cursor.skip_break();
        } else if self.cursor.byte() != 0 {
            return Err(self.wrong("a block of text begins on the line after its sign"));
        }
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    /// Goes over empty lines and the indentation of the next one. Without a given indentation, it is that of the first
    /// line with text, or of a longer empty one before it.
    fn block_breaks(
        &mut self,
        sign: Mark,
        indent: &mut Option<u32>,
        breaks: &mut String,
    ) -> Result<u32, ScanError> {
        let mut most = 0;
        let within = |column: u32, indent: &Option<u32>| indent.is_none_or(|indent| column < indent);
        loop {
            while within(self.cursor.mark.column, indent) && self.cursor.byte() == b' ' {
                self.cursor.skip(1);
            }
            most = most.max(self.cursor.mark.column);
            if within(self.cursor.mark.column, indent) && self.cursor.byte() == b'\t' {
                let message = "a tab stands where this block of text is to be indented by spaces";
                return Err(ScanError::at(sign, message));
            }
            if !self.cursor.at_break() {
                break;
            }
            breaks.push_str(self.cursor.skip_break());
        }
        let least = u32::try_from(self.indent + 1).unwrap_or(0).max(1);
        Ok(*indent.get_or_insert(most.max(least)))
    }
}
