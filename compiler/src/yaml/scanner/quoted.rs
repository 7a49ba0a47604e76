//! Scalars in quotes.

use super::cursor::{Mark, is_blank};
use super::fold::{Gap, Text};
use super::{Kind, ScanError, Scanner};

impl Scanner<'_> {
    /// A scalar in `'` or `"`. Its lines may stand anywhere: the reference does not look at their indentation.
    pub(super) fn quoted(&mut self, quote: u8) -> Result<(), ScanError> {
        self.save_key()?;
        self.key_allowed = false;
        let open = self.cursor.mark;
        self.cursor.skip(1);
        let start = self.cursor.mark;
        let mut text = Text::starting(start.at);
        loop {
            self.cursor.skip_until(|byte| {
                byte == quote || matches!(byte, b'\\' | b'\n' | b'\r' | b' ' | b'\t' | 0xc2 | 0xe2)
            });
            text.reach(self.cursor.mark.at);
            match self.cursor.byte() {
                0 => return Err(ScanError::at(open, "the quote that begins here is never closed")),
                b'\'' if quote == b'\'' && self.cursor.ahead(1) == b'\'' => {
                    self.cursor.skip(2);
                    text.add(&self.cursor, self.cursor.mark.at).push('\'');
                }
                byte if byte == quote => break,
                b'\\' if quote == b'"' => self.escape(open, &mut text)?,
                _ if self.cursor.at_break() => self.quoted_gap(open, &mut text, false)?,
                b' ' | b'\t' => {
                    self.cursor.skip_blanks();
                    // White space at the end of a line does not count.
                    if self.cursor.at_break() {
                        self.quoted_gap(open, &mut text, false)?;
                    } else {
                        text.reach(self.cursor.mark.at);
                    }
                }
                _ => {
                    self.cursor.skip_run(1);
                    text.reach(self.cursor.mark.at);
                }
            }
        }
        let end = self.cursor.mark;
        let length = if start.line == end.line {
            end.column - start.column
        } else {
            0
        };
        self.cursor.skip(1);
        let text = text.finish(&self.cursor);
        self.push(start, length, Kind::Scalar { text, plain: false });
        Ok(())
    }

    /// Goes over line breaks and the white space around them, the first of them escaped or not.
    fn quoted_gap(&mut self, open: Mark, text: &mut Text, escaped: bool) -> Result<(), ScanError> {
        let mut gap = Gap::default();
        let mut lines = escaped;
        loop {
            if self.cursor.at_break() {
                gap.line(self.cursor.skip_break(), lines);
                lines = true;
            } else if is_blank(self.cursor.byte()) {
                self.cursor.skip(1);
            } else {
                break;
            }
        }
        if self.cursor.at_document_sign().is_some() {
            let message = "the quote that begins here is not closed before the document ends";
            return Err(ScanError::at(open, message));
        }
        gap.fold(text.add(&self.cursor, self.cursor.mark.at));
        Ok(())
    }

    /// `\` and what follows.
    fn escape(&mut self, open: Mark, text: &mut Text) -> Result<(), ScanError> {
        let start = self.cursor.mark;
        self.cursor.skip(1);
        if self.cursor.at_break() {
            self.cursor.skip_break();
            return self.quoted_gap(open, text, true);
        }
        let letter = self.cursor.byte();
        let (digits, meaning) = match letter {
            b'0' => (0, '\0'),
            b'a' => (0, '\u{7}'),
            b'b' => (0, '\u{8}'),
            b't' | b'\t' => (0, '\t'),
            b'n' => (0, '\n'),
            b'v' => (0, '\u{b}'),
            b'f' => (0, '\u{c}'),
            b'r' => (0, '\r'),
            b'e' => (0, '\u{1b}'),
            b' ' | b'"' | b'\'' | b'\\' => (0, char::from(letter)),
            b'N' => (0, '\u{85}'),
            b'_' => (0, '\u{a0}'),
            b'L' => (0, '\u{2028}'),
            b'P' => (0, '\u{2029}'),
            b'x' => (2, '\0'),
            b'u' => (4, '\0'),
            b'U' => (8, '\0'),
            _ => {
                let message = "there is no such escape: write `\\\\` for a backslash, or use single quotes";
                return Err(ScanError::at(start, message));
            }
        };
        self.cursor.skip(1);
        let meaning = if digits == 0 {
            meaning
        } else {
            self.code(digits)
                .ok_or_else(|| ScanError::at(start, "no character has this code"))?
        };
        text.add(&self.cursor, self.cursor.mark.at).push(meaning);
        Ok(())
    }

    /// The character whose code follows in so many hexadecimal digits.
    fn code(&mut self, digits: u32) -> Option<char> {
        let mut code = 0;
        for _ in 0..digits {
            code = code << 4 | char::from(self.cursor.byte()).to_digit(16)?;
            self.cursor.skip(1);
        }
        char::from_u32(code)
    }
}
