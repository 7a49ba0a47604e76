//! Anchors, aliases, tags and directives.

use std::borrow::Cow;

use super::cursor::{Mark, is_word};
use super::{Kind, ScanError, Scanner};

impl<'t> Scanner<'t> {
    /// `&name` or `*name`.
    pub(super) fn anchor(&mut self, alias: bool) -> Result<(), ScanError> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip(1);
        let name = self.word();
        let after = self.cursor.byte();
        let ends =
            self.cursor.at_gap(0) || matches!(after, b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            let message = "the name of an anchor is made of letters, digits, `_` and `-`";
            return Err(ScanError::at(start, message));
        }
        let length = self.cursor.mark.column - start.column;
        let kind = if alias {
            Kind::Alias(name)
        } else {
            Kind::Anchor(name)
        };
        self.push(start, length, kind);
        Ok(())
    }

    /// `!name`, `!!name`, `!handle!name`, `!<name>` or `!`.
    pub(super) fn tag(&mut self) -> Result<(), ScanError> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let (handle, suffix);
        if self.cursor.ahead(1) == b'<' {
            self.cursor.skip(2);
            (handle, suffix) = ("", self.uri(start, "")?);
            if self.cursor.byte() != b'>' {
                return Err(ScanError::at(start, "the tag lacks its `>`"));
            }
            self.cursor.skip(1);
        } else {
            let head = self.handle();
            if head.len() > 1 && head.ends_with('!') {
                (handle, suffix) = (head, self.uri(start, "")?);
            } else {
                let rest = self.uri(start, head)?;
                (handle, suffix) = if rest.is_empty() {
                    ("", Cow::Borrowed("!"))
                } else {
                    ("!", rest)
                };
            }
        }
        if !self.cursor.at_gap(0) {
            return Err(self.wrong("a space is missing after the tag"));
        }
        let length = self.cursor.mark.column - start.column;
        self.push(start, length, Kind::Tag { handle, suffix });
        Ok(())
    }

    /// `%YAML 1.1` and `%TAG !handle! prefix`.
    pub(super) fn directive(&mut self) -> Result<(), ScanError> {
        self.unroll(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip(1);
        let name = self.word();
        self.cursor.skip_blanks();
        let kind = match name {
            "YAML" => {
                let from = self.cursor.mark.at;
                self.cursor
                    .skip_until(|byte| !byte.is_ascii_digit() && byte != b'.');
                let version = self.cursor.slice(from, self.cursor.mark.at);
                if !matches!(version, "1.1" | "01.1" | "1.01" | "01.01") {
                    let message = "the language is YAML 1.1, that is what a `%YAML` line may say";
                    return Err(ScanError::at(start, message));
                }
                Kind::Version
            }
            "TAG" => self.tag_directive(start)?,
            _ => {
                return Err(ScanError::at(
                    start,
                    "there are only the directives `%YAML` and `%TAG`",
                ));
            }
        };
        self.cursor.skip_blanks();
        if self.cursor.byte() == b'#' {
            self.cursor.skip_to_break();
        }
        if !self.cursor.at_break_or_end(0) {
            return Err(self.wrong("nothing may follow a directive on its line"));
        }
        self.push(start, 0, kind);
        Ok(())
    }

    fn tag_directive(&mut self, start: Mark) -> Result<Kind<'t>, ScanError> {
        let handle = self.handle();
        if handle.is_empty() || (handle != "!" && !handle.ends_with('!')) {
            return Err(ScanError::at(
                start,
                "the handle of a `%TAG` line stands between two `!`",
            ));
        }
        if !super::cursor::is_blank(self.cursor.byte()) {
            return Err(self.wrong("a space is missing after the handle"));
        }
        self.cursor.skip_blanks();
        let prefix = self.uri(start, "")?;
        if !self.cursor.at_gap(0) {
            return Err(self.wrong("a space is missing after the prefix"));
        }
        Ok(Kind::Prefix { handle, prefix })
    }

    fn word(&mut self) -> &'t str {
        let from = self.cursor.mark.at;
        self.cursor.skip_until(|byte| !is_word(byte));
        self.cursor.slice(from, self.cursor.mark.at)
    }

    /// `!`, `!word` or `!word!`; empty if there is no `!`.
    fn handle(&mut self) -> &'t str {
        let from = self.cursor.mark.at;
        if self.cursor.byte() == b'!' {
            self.cursor.skip(1);
            self.word();
            if self.cursor.byte() == b'!' {
                self.cursor.skip(1);
            }
        }
        self.cursor.slice(from, self.cursor.mark.at)
    }

    /// The rest of a tag after its `head`, whose `!` is left out.
    fn uri(&mut self, start: Mark, head: &'t str) -> Result<Cow<'t, str>, ScanError> {
        let from = self.cursor.mark.at - head.len().saturating_sub(1);
        self.cursor
            .skip_until(|byte| !is_word(byte) && !b";/?:@&=+$,.!~*'()[]%".contains(&byte));
        let uri = self.cursor.slice(from, self.cursor.mark.at);
        if uri.is_empty() && head.is_empty() {
            return Err(ScanError::at(start, "the tag has no name"));
        }
        if !uri.contains('%') {
            return Ok(Cow::Borrowed(uri));
        }
        unescaped(uri)
            .map(Cow::Owned)
            .ok_or_else(|| ScanError::at(start, "after `%` come two hexadecimal digits of UTF-8"))
    }
}

/// `uri` with its `%41` replaced.
fn unescaped(uri: &str) -> Option<String> {
    let mut bytes = uri.bytes();
    let mut out = Vec::with_capacity(uri.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let code = digit()? << 4 | digit()?;
            out.push(u8::try_from(code).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
