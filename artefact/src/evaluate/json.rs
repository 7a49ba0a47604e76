//! JSON as Go's `encoding/json` reads and writes it (template-language.md 4.4, 5.1).

mod decode;

use std::fmt::Write as _;

pub(crate) use decode::decode;

use super::format::{json_float, json_key};
use super::value::Value;

/// Compact JSON, keys sorted, `<`, `>` and `&` escaped.
pub(crate) fn encode(value: &Value<'_>) -> Result<String, String> {
    let mut writer = Writer {
        out: String::new(),
        indent: None,
    };
    writer.value(value)?;
    Ok(writer.out)
}

/// The same over several lines, indented by two spaces.
pub(crate) fn encode_indented(value: &Value<'_>) -> Result<String, String> {
    let mut writer = Writer {
        out: String::new(),
        indent: Some(0),
    };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    /// Levels to indent by; `None`: everything on one line.
    indent: Option<usize>,
}

impl Writer {
    fn value(&mut self, value: &Value<'_>) -> Result<(), String> {
        match value {
            Value::Nil | Value::Role(None) => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(i) | Value::Duration(i) => self.out.push_str(&i.to_string()),
            Value::Float(f) => {
                self.out
                    .push_str(&json_float(*f).ok_or_else(|| format!("{f} has no JSON form"))?);
            }
            Value::Str(text) => self.text(text),
            Value::List(list) => {
                self.enclosed('[', ']', list.items.iter(), |writer, item| writer.value(item))?;
            }
            Value::Map(map) => {
                if map.any_key {
                    return Err("a map whose keys may be other than text has no JSON form".to_owned());
                }
                self.enclosed('{', '}', map.entries.iter(), |writer, (key, item)| {
                    writer.key(json_key(key).unwrap_or_default());
                    writer.value(item)
                })?;
            }
            Value::Role(Some(role)) => {
                let members = [("Name", role.name), ("Path", role.path)];
                self.enclosed('{', '}', members.into_iter(), |writer, (key, text)| {
                    writer.key(key);
                    writer.text(text);
                    Ok(())
                })?;
            }
            Value::Time(time) => self.text(&time.rfc3339()),
            Value::Namespace(name) if partita_stdlib::NAMESPACES.contains(name) || *name == "$env" => {
                return Err(format!("{name} has no JSON form"));
            }
            Value::Namespace(_) => self.out.push_str("{}"),
            Value::Function(name) => return Err(format!("{name} is a function and has no JSON form")),
        }
        Ok(())
    }

    fn enclosed<T>(
        &mut self,
        open: char,
        close: char,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        let mut any = false;
        for item in items {
            if any {
                self.out.push(',');
            }
            any = true;
            self.line(1);
            self.indent = self.indent.map(|level| level + 1);
            write(self, item)?;
            self.indent = self.indent.map(|level| level - 1);
        }
        if any {
            self.line(0);
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, deeper: usize) {
        if let Some(level) = self.indent {
            self.out.push('\n');
            for _ in 0..level + deeper {
                self.out.push_str("  ");
            }
        }
    }

    fn key(&mut self, key: &str) {
        self.text(key);
        self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => self.code(c),
                c if c < ' ' => self.code(c),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn code(&mut self, c: char) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "\\u{:04x}", u32::from(c));
    }
}
