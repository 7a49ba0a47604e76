//! The tokens of the parser: what stands at a place, and the step to the next.

use super::{Parsed, Parser, STUCK};
use crate::syntax::expression::{SyntaxError, literal};

impl<'t> Parser<'t> {
    pub(super) fn stuck<T>(&self) -> Parsed<T> {
        Err(SyntaxError::new(self.at, STUCK))
    }

    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn sees(&self, byte: u8) -> bool {
        self.byte(0) == Some(byte)
    }

    /// A token of that length is done with.
    pub(super) fn take(&mut self, length: usize) {
        self.at += length;
        self.skip();
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let sees = self.sees(byte);
        if sees {
            self.take(1);
        }
        sees
    }

    pub(super) fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.eat(byte) { Ok(()) } else { self.stuck() }
    }

    pub(super) fn sees_colon(&self) -> bool {
        self.sees(b':') && self.byte(1) != Some(b':')
    }

    pub(super) fn colon(&mut self) -> Parsed<()> {
        if self.sees_colon() {
            self.take(1);
            Ok(())
        } else {
            self.stuck()
        }
    }

    /// White space and comments.
    pub(super) fn skip(&mut self) {
        while let Some(byte) = self.byte(0) {
            self.at += match byte {
                b' ' | b'\t'..=b'\r' => 1,
                b'/' => match comment(self.rest()) {
                    Some(length) => length,
                    None => return,
                },
                0x80.. => match self.rest().chars().next() {
                    Some(c) if pest::unicode::WHITE_SPACE(c) => c.len_utf8(),
                    _ => return,
                },
                _ => return,
            };
        }
    }

    /// The byte after a token of that length, white space and comments left out.
    pub(super) fn byte_after(&mut self, length: usize) -> Option<u8> {
        let at = self.at;
        self.take(length);
        let byte = self.byte(0);
        self.at = at;
        byte
    }

    /// All letters and digits from here on.
    pub(super) fn word(&self) -> &'t str {
        let rest = self.rest();
        rest.get(..word_length(rest)).unwrap_or_default()
    }

    pub(super) fn identifier(&mut self) -> Parsed<&'t str> {
        let word = self.word();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) || is_keyword(word) {
            return self.stuck();
        }
        self.take(word.len());
        Ok(word)
    }

    pub(super) fn sees_number(&self) -> bool {
        let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
        digit(self.byte(0)) || self.sees(b'.') && digit(self.byte(1))
    }

    pub(super) fn number(&mut self) -> Parsed<&'t str> {
        let rest = self.rest();
        let length = number_length(rest.as_bytes());
        let (number, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if word_length(after) > 0 {
            return self.stuck();
        }
        self.take(length);
        Ok(number)
    }

    /// Text in quotes or back-ticks, as it is meant.
    pub(super) fn string(&mut self) -> Parsed<String> {
        let (at, rest) = (self.at, self.rest());
        let raw = self.sees(b'`');
        let length = if raw {
            raw_length(rest.as_bytes())
        } else {
            quoted_length(rest.as_bytes())
        };
        let Some(written) = length.and_then(|length| rest.get(..length)) else {
            return self.stuck();
        };
        self.take(written.len());
        if raw {
            Ok(literal::raw(written))
        } else {
            literal::quoted(written, at)
        }
    }
}

fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        Some(text.find('\n').unwrap_or(text.len()))
    } else {
        let inside = text.strip_prefix("/*")?;
        Some("/*".len() + inside.find("*/")? + "*/".len())
    }
}

fn word_length(text: &str) -> usize {
    let mut length = 0;
    for c in text.chars() {
        let letter = if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '_' || c == '$'
        } else {
            pest::unicode::LETTER(c) || pest::unicode::DECIMAL_NUMBER(c)
        };
        if !letter {
            break;
        }
        length += c.len_utf8();
    }
    length
}

fn number_length(bytes: &[u8]) -> usize {
    let run = |from: usize, of: fn(u8) -> bool| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter()
            .take_while(|byte| **byte == b'_' || of(**byte))
            .count()
    };
    let digit = |byte: u8| byte.is_ascii_digit();
    let mut length = match bytes {
        [b'0', b'x' | b'X', ..] => 2 + run(2, |byte| byte.is_ascii_hexdigit()),
        [b'0', b'o' | b'O', ..] => 2 + run(2, |byte| matches!(byte, b'0'..=b'7')),
        [b'0', b'b' | b'B', ..] => 2 + run(2, |byte| matches!(byte, b'0' | b'1')),
        [b'.', ..] => 1 + run(1, digit),
        _ => {
            let whole = run(0, digit);
            match bytes.get(whole..) {
                // `1..3` is a range.
                Some([b'.', b'.', ..]) => whole,
                Some([b'.', ..]) => whole + 1 + run(whole + 1, digit),
                _ => whole,
            }
        }
    };
    if let Some([b'e' | b'E', after @ ..]) = bytes.get(length..) {
        length += 1 + usize::from(matches!(after, [b'+' | b'-', ..]));
        length += run(length, digit);
    }
    length
}

/// Length of a text in quotes, both included; `None` if it does not end, or not on its line.
fn quoted_length(bytes: &[u8]) -> Option<usize> {
    let (quote, inside) = bytes.split_first()?;
    let mut inside = inside.iter().enumerate();
    while let Some((place, byte)) = inside.next() {
        match byte {
            b'\\' => drop(inside.next()?),
            b'\n' => return None,
            byte if byte == quote => return Some(place + 2),
            _ => {}
        }
    }
    None
}

/// Length of a text in back-ticks, both included; two of them stand for one in the text.
fn raw_length(bytes: &[u8]) -> Option<usize> {
    let mut inside = bytes.iter().enumerate().skip(1).peekable();
    while let Some((place, byte)) = inside.next() {
        if *byte == b'`' && inside.next_if(|(_, next)| **next == b'`').is_none() {
            return Some(place + 1);
        }
    }
    None
}

/// Words that are no identifiers.
fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "not"
            | "in"
            | "or"
            | "and"
            | "matches"
            | "contains"
            | "startsWith"
            | "endsWith"
            | "let"
            | "if"
            | "else"
            | "true"
            | "false"
            | "nil"
    )
}
