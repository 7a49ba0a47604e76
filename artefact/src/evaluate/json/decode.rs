use std::collections::BTreeMap;

use crate::evaluate::value::{Key, Value};
use crate::limits::evaluation::{MAX_JSON_DEPTH, MAX_LIST};

/// JSON text as a value: all numbers are floating-point, the last of equal keys counts, half a surrogate pair
/// becomes a replacement character.
pub(crate) fn decode(text: &str) -> Result<Value<'static>, String> {
    let mut reader = Reader {
        text,
        at: 0,
        values: 0,
    };
    let value = reader.value(0)?;
    reader.space();
    if reader.peek().is_some() {
        return Err(reader.fail("more text after the value"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Values read so far: one of two bytes takes thirty times as much.
    values: i64,
}

impl<'t> Reader<'t> {
    fn fail(&self, what: &str) -> String {
        format!("not JSON: {what} at byte {}", self.at)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Skips this byte after white space, if it stands there.
    fn skip(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Value<'static>, String> {
        if depth > MAX_JSON_DEPTH {
            return Err(self.fail("too many levels"));
        }
        self.values += 1;
        if self.values > MAX_LIST {
            return Err(self.fail("too many values"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            _ => Err(self.fail("a value is missing")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'static>) -> Result<Value<'static>, String> {
        if !self.rest().starts_with(word) {
            return Err(self.fail("a value is missing"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value<'static>, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.skip(b']') {
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.skip(b']') {
                return Ok(Value::list(items));
            }
            if !self.skip(b',') {
                return Err(self.fail("`,` or `]` is missing"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'static>, String> {
        self.at += 1;
        let mut entries = BTreeMap::new();
        if self.skip(b'}') {
            return Ok(Value::map(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fail("a key is missing"));
            }
            let key = self.string()?;
            if !self.skip(b':') {
                return Err(self.fail("`:` is missing"));
            }
            let value = self.value(depth + 1)?;
            entries.insert(Key::Str(key.into()), value);
            if self.skip(b'}') {
                return Ok(Value::map(entries));
            }
            if !self.skip(b',') {
                return Err(self.fail("`,` or `}` is missing"));
            }
        }
    }

    fn number(&mut self) -> Result<Value<'static>, String> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(self.fail("a number is out of range")),
        }
    }

    fn digits(&mut self) -> Result<(), String> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.fail("a digit is missing"))
        } else {
            Ok(())
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self
                .rest()
                .bytes()
                .position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')
                .ok_or_else(|| self.fail("a text does not end"))?;
            out.push_str(self.rest().get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.fail("a control character stands in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let kind = self.text.as_bytes().get(self.at + 1).copied();
        let simple = match kind {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.fail("an escape is wrong")),
        };
        self.at += 2;
        Ok(simple)
    }

    fn unicode(&mut self) -> Result<char, String> {
        let high = self.unit().ok_or_else(|| self.fail("an escape is wrong"))?;
        self.at += 6;
        if (0xd800..0xdc00).contains(&high)
            && let Some(low) = self.unit().filter(|low| (0xdc00..0xe000).contains(low))
        {
            self.at += 6;
            let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The code of a `\uXXXX` that stands here.
    fn unit(&self) -> Option<u32> {
        let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
        if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            u32::from_str_radix(digits, 16).ok()
        } else {
            None
        }
    }
}
