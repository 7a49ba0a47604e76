//! Scalars without quotes.

use super::cursor::is_blank;
use super::fold::{Gap, Text};
use super::{Kind, ScanError, Scanner};

impl Scanner<'_> {
    /// A scalar that ends at a `: `, a ` #`, a line that is not further to the right, and within `[]` and `{}` at
    /// their signs.
    pub(super) fn plain(&mut self) -> Result<(), ScanError> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let mut end = start;
        let mut text = Text::starting(start.at);
        let mut gap = Gap::default();
        // Since the last piece of text, lines have ended.
        let mut lines = false;
        while self.cursor.at_document_sign().is_none() && self.cursor.byte() != b'#' {
            let from = self.cursor.mark.at;
            self.plain_run();
            if self.cursor.mark.at > from {
                if lines {
                    gap.fold(text.add(&self.cursor, from));
                    lines = false;
                }
                end = self.cursor.mark;
                text.reach(end.at);
            }
            if !is_blank(self.cursor.byte()) && !self.cursor.at_break() {
                break;
            }
            lines = self.plain_gap(&mut gap)?;
            if self.flow == 0 && self.outside() {
                break;
            }
        }
        if lines {
            self.key_allowed = true;
        }
        let length = if start.line == end.line {
            end.column - start.column
        } else {
            0
        };
        self.push(
            start,
            length,
            Kind::Scalar {
                text: text.finish(&self.cursor),
                plain: true,
            },
        );
        Ok(())
    }

    /// Goes over white space and line breaks; true if there are line breaks.
    fn plain_gap(&mut self, gap: &mut Gap) -> Result<bool, ScanError> {
        let mut lines = false;
        loop {
            if self.cursor.at_break() {
                gap.line(self.cursor.skip_break(), lines);
                lines = true;
            } else if is_blank(self.cursor.byte()) {
                if lines && self.cursor.byte() == b'\t' && self.outside() {
                    return Err(self.wrong("a tab stands where the text is to be indented by spaces"));
                }
                self.cursor.skip(1);
            } else {
                return Ok(lines);
            }
        }
    }

    /// Goes over what is neither white space nor the end of the scalar.
    fn plain_run(&mut self) {
        let flow = self.flow > 0;
        loop {
            self.cursor.skip_until(|byte| match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b':' | 0xc2 | 0xe2 => true,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow,
                _ => false,
            });
            match self.cursor.byte() {
                b':' if !self.cursor.at_gap(1) => self.cursor.skip(1),
                0xc2 | 0xe2 if !self.cursor.at_break() => self.cursor.skip_run(1),
                _ => return,
            }
        }
    }
}
