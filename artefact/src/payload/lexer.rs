//! Tokens of a payload.

use super::Error;

/// Longest first.
const SYMBOLS: [&str; 33] = [
    "{{-", "-}}", "{%-", "-%}", "==", ">=", "<=", "&&", "||", "{{", "}}", "{%", "%}", "!=", "<>", "(", ")",
    "+", "-", "*", "<", ">", "/", "^", ",", ".", "!", "|", ":", "=", "%", "[", "]",
];

const KEYWORDS: [&str; 8] = ["in", "and", "or", "not", "true", "false", "as", "export"];

/// Line and column (in bytes), both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text outside of braces.
    Text,
    Symbol,
    Keyword,
    Name,
    Number,
    Str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) place: Place,
    /// A brace with `-`: white space beyond it goes.
    pub(super) trims: bool,
}

impl Token {
    pub(super) fn is(&self, kind: &Kind, text: &str) -> bool {
        self.kind == *kind && self.text == text
    }
}

/// Splits a payload into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut lexer = Lexer {
        text,
        at: 0,
        place: Place { line: 1, column: 1 },
        tokens: Vec::new(),
    };
    lexer.outside()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    place: Place,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes on by `length` bytes, which end at a character.
    fn advance(&mut self, length: usize) {
        for byte in self.rest().bytes().take(length) {
            self.place.column += 1;
            if byte == b'\n' {
                self.place = Place {
                    line: self.place.line + 1,
                    column: 1,
                };
            }
        }
        self.at += length;
    }

    fn push(&mut self, kind: Kind, text: &str, place: Place) {
        let trims = kind == Kind::Symbol && text.len() == 3;
        let text = if trims {
            text.replace('-', "")
        } else {
            text.to_owned()
        };
        self.tokens.push(Token {
            kind,
            text,
            place,
            trims,
        });
    }

    fn outside(&mut self) -> Result<(), Error> {
        while !self.rest().is_empty() {
            let rest = self.rest();
            let end = ["{{", "{%", "{#"]
                .iter()
                .filter_map(|mark| rest.find(mark))
                .min()
                .unwrap_or(rest.len());
            self.literal(end);
            if self.rest().starts_with("{#") {
                self.comment()?;
            } else if self.rest().starts_with("{% verbatim %}") {
                self.verbatim()?;
            } else if !self.rest().is_empty() {
                self.inside()?;
            }
        }
        Ok(())
    }

    fn literal(&mut self, length: usize) {
        let place = self.place;
        let text = self.rest().get(..length).unwrap_or_default();
        if !text.is_empty() {
            self.push(Kind::Text, text, place);
        }
        self.advance(length);
    }

    fn comment(&mut self) -> Result<(), Error> {
        let place = self.place;
        let rest = self.rest();
        let end = rest
            .get(2..)
            .and_then(|inside| inside.find("#}"))
            .map(|end| end + 4);
        let line = rest.find('\n').unwrap_or(rest.len());
        match end {
            Some(end) if end <= line => {
                self.advance(end);
                Ok(())
            }
            _ if line < rest.len() => fail(place, "Newline not permitted in a single-line comment."),
            _ => fail(place, "Single-line comment not closed."),
        }
    }

    fn verbatim(&mut self) -> Result<(), Error> {
        self.advance("{% verbatim %}".len());
        match self.rest().find("{% endverbatim %}") {
            Some(end) => {
                self.literal(end);
                self.advance("{% endverbatim %}".len());
                Ok(())
            }
            None => fail(self.place, "verbatim-tag not closed, got EOF."),
        }
    }

    /// From an opening brace to the closing one. What is no token ends it early, and the parser will say so.
    fn inside(&mut self) -> Result<(), Error> {
        loop {
            let place = self.place;
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return Ok(());
            };
            let length_of = |of: fn(&u8) -> bool| rest.bytes().take_while(of).count();
            match first {
                '\n' => return fail(place, "Newline not allowed within tag/variable."),
                ' ' | '\t' | '\r' => self.advance(1),
                '"' | '\'' => self.string(first)?,
                _ if is_word(first) => {
                    let length = length_of(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
                    let word = rest.get(..length).unwrap_or_default();
                    let kind = if KEYWORDS.contains(&word) {
                        Kind::Keyword
                    } else if word.bytes().all(|byte| byte.is_ascii_digit()) {
                        Kind::Number
                    } else {
                        Kind::Name
                    };
                    self.push(kind, word, place);
                    self.advance(length);
                }
                _ => {
                    let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) else {
                        let stray = first.len_utf8();
                        self.literal(stray);
                        return Ok(());
                    };
                    self.push(Kind::Symbol, symbol, place);
                    self.advance(symbol.len());
                    if matches!(*symbol, "%}" | "-%}" | "}}" | "-}}") {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn string(&mut self, quote: char) -> Result<(), Error> {
        let place = self.place;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        loop {
            match characters.next() {
                Some((end, c)) if c == quote => {
                    self.push(Kind::Str, &text, place);
                    self.advance(end + 1);
                    return Ok(());
                }
                Some((_, '\\')) => match characters.next() {
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    other => {
                        let c = other.map_or('\0', |(_, c)| c);
                        return fail(place, format!("Unknown escape sequence: \\{c}"));
                    }
                },
                Some((_, '\n')) => return fail(place, "Newline in string is not allowed."),
                Some((_, c)) => text.push(c),
                None => return fail(place, "Unexpected EOF, string not closed."),
            }
        }
    }
}

fn fail<T>(place: Place, message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new("lexer", message).at(place))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
