//! Text to tokens, by the rules of the reference's YAML library, which reads YAML 1.1 and some more.
//!
//! A key is known as such only at its `:`. So tokens wait in a queue until it is clear that none has to stand before
//! them.

mod block;
mod cursor;
mod fold;
mod name;
mod plain;
mod quoted;

use std::borrow::Cow;
use std::collections::VecDeque;

use cursor::{Cursor, Mark};

use super::{Place, limit};

/// A token and where it is: the text itself for a scalar.
#[derive(Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) place: Place,
    pub(super) kind: Kind<'t>,
}

/// What a token is.
#[derive(Debug, PartialEq)]
pub(super) enum Kind<'t> {
    /// End of the text.
    End,
    /// `%YAML`.
    Version,
    /// `%TAG`.
    Prefix { handle: &'t str, prefix: Cow<'t, str> },
    /// `---`.
    DocumentStart,
    /// `...`.
    DocumentEnd,
    /// Before the first `-`.
    BlockSequence,
    /// Before the first key.
    BlockMapping,
    /// After what is further to the right.
    BlockEnd,
    /// `[`.
    FlowSequence,
    /// `]`.
    FlowSequenceEnd,
    /// `{`.
    FlowMapping,
    /// `}`.
    FlowMappingEnd,
    /// `-`.
    BlockEntry,
    /// `,`.
    FlowEntry,
    /// Before a key, `?` or nothing.
    Key,
    /// `:`.
    Value,
    /// `*name`.
    Alias(&'t str),
    /// `&name`.
    Anchor(&'t str),
    /// `!name`; the handle is empty where it does not count.
    Tag { handle: &'t str, suffix: Cow<'t, str> },
    /// Text.
    Scalar { text: Cow<'t, str>, plain: bool },
}

/// Where a text is not YAML, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScanError {
    pub(super) message: &'static str,
    pub(super) place: Place,
    /// It is not wrong but too deep.
    pub(super) deep: bool,
}

impl ScanError {
    fn at(mark: Mark, message: &'static str) -> Self {
        Self {
            message,
            place: mark.place(1),
            deep: false,
        }
    }
}

/// Something that turns out to be a key if a `:` follows it.
#[derive(Clone, Copy)]
struct Candidate {
    mark: Mark,
    /// Number of its first token.
    token: usize,
    /// Nothing else can stand there.
    required: bool,
}

/// How far a `:` may be from the beginning of its key, in characters.
const KEY_LENGTH: u32 = 1024;

/// The tokens of a text.
pub(super) struct Scanner<'t> {
    cursor: Cursor<'t>,
    /// Tokens that wait, and how many have been taken.
    tokens: VecDeque<Token<'t>>,
    taken: usize,
    /// Nothing can come before the first of them any more.
    settled: bool,
    /// Column of the block that is open, -1 outside of any; those around it.
    indent: i64,
    indents: Vec<i64>,
    /// How many `[` and `{` are open.
    flow: usize,
    /// A key may begin here.
    key_allowed: bool,
    /// One for each open `[` and `{`, and one for the block.
    candidates: Vec<Option<Candidate>>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            settled: false,
            indent: -1,
            indents: Vec::new(),
            flow: 0,
            key_allowed: true,
            candidates: vec![None],
        }
    }

    /// The next token, which stays. After the end come ends.
    pub(super) fn peek(&mut self) -> Result<&Token<'t>, ScanError> {
        while !self.settled {
            self.settled = !self.tokens.is_empty() && !self.may_change()?;
            if !self.settled {
                self.fetch()?;
            }
        }
        self.tokens
            .front()
            .ok_or_else(|| ScanError::at(self.cursor.mark, "unexpected end"))
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'t>, ScanError> {
        self.peek()?;
        self.settled = false;
        self.taken += 1;
        self.tokens
            .pop_front()
            .ok_or_else(|| ScanError::at(self.cursor.mark, "unexpected end"))
    }

    /// The first token that waits may still turn out to be a key.
    fn may_change(&mut self) -> Result<bool, ScanError> {
        let taken = self.taken;
        let level = |candidate: &Option<Candidate>| candidate.is_some_and(|found| found.token == taken);
        match self.candidates.iter().position(level) {
            Some(level) => Ok(self.candidate(level)?.is_some()),
            None => Ok(false),
        }
    }

    /// What may be a key on that level; no longer so if it is too long.
    fn candidate(&mut self, level: usize) -> Result<Option<Candidate>, ScanError> {
        let now = self.cursor.mark;
        let Some(slot) = self.candidates.get_mut(level) else {
            return Ok(None);
        };
        if let Some(found) = slot.take_if(|found| {
            found.mark.line < now.line || found.mark.column.saturating_add(KEY_LENGTH) < now.column
        }) && found.required
        {
            return Err(no_colon(found));
        }
        Ok(*slot)
    }

    /// What begins here may turn out to be a key.
    fn save_key(&mut self) -> Result<(), ScanError> {
        if !self.key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let found = Candidate {
            mark: self.cursor.mark,
            token: self.taken + self.tokens.len(),
            required: self.flow == 0 && self.indent == i64::from(self.cursor.mark.column),
        };
        if let Some(slot) = self.candidates.last_mut() {
            *slot = Some(found);
        }
        Ok(())
    }

    /// What was a candidate is no key.
    fn remove_key(&mut self) -> Result<(), ScanError> {
        match self.candidates.last_mut().and_then(Option::take) {
            Some(found) if found.required => Err(no_colon(found)),
            _ => Ok(()),
        }
    }

    fn push(&mut self, start: Mark, length: u32, kind: Kind<'t>) {
        let place = start.place(length);
        self.tokens.push_back(Token { place, kind });
    }

    /// The column is left of the content of the open block.
    fn outside(&self) -> bool {
        i64::from(self.cursor.mark.column) <= self.indent
    }

    fn wrong(&self, message: &'static str) -> ScanError {
        ScanError::at(self.cursor.mark, message)
    }

    /// Opens a block at that column, if it is further to the right; its token stands before the token `before`, if
    /// given.
    fn roll(&mut self, mark: Mark, before: Option<usize>, kind: Kind<'t>) {
        let column = i64::from(mark.column);
        if self.flow > 0 || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        self.insert(mark, before, kind);
    }

    fn insert(&mut self, mark: Mark, before: Option<usize>, kind: Kind<'t>) {
        let place = mark.place(0);
        let at = before.map_or(self.tokens.len(), |token| token.saturating_sub(self.taken));
        self.tokens
            .insert(at.min(self.tokens.len()), Token { place, kind });
    }

    /// Closes the blocks that are further to the right than the column.
    fn unroll(&mut self, column: i64) {
        while self.flow == 0 && self.indent > column {
            self.push(self.cursor.mark, 0, Kind::BlockEnd);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Reads on until there is one more token.
    fn fetch(&mut self) -> Result<(), ScanError> {
        self.skip_space();
        self.unroll(i64::from(self.cursor.mark.column));
        let byte = self.cursor.byte();
        if self.cursor.mark.column == 0 {
            if byte == b'%' {
                return self.directive();
            }
            if let Some(sign) = self.cursor.at_document_sign() {
                return self.document_sign(sign);
            }
        }
        match byte {
            0 => self.end(),
            b'[' => self.open(Kind::FlowSequence),
            b'{' => self.open(Kind::FlowMapping),
            b']' => self.close(Kind::FlowSequenceEnd),
            b'}' => self.close(Kind::FlowMappingEnd),
            b',' => self.flow_entry(),
            b'-' if self.cursor.at_gap(1) => self.block_entry(),
            b'?' if self.flow > 0 || self.cursor.at_gap(1) => self.key(),
            b':' if self.flow > 0 || self.cursor.at_gap(1) => self.value(),
            b'*' => self.anchor(true),
            b'&' => self.anchor(false),
            b'!' => self.tag(),
            b'|' if self.flow == 0 => self.block(true),
            b'>' if self.flow == 0 => self.block(false),
            b'\'' | b'"' => self.quoted(byte),
            b'\t' => Err(self.wrong("a tab stands where only spaces may: indent with spaces")),
            b'%' | b'@' | b'`' | b'|' | b'>' => {
                Err(self.wrong("no value begins with this sign: put the text into quotes"))
            }
            _ => self.plain(),
        }
    }

    /// Goes over white space, line breaks and comments.
    fn skip_space(&mut self) {
        let mut comment = false;
        loop {
            while self.cursor.byte() == b' '
                || (self.cursor.byte() == b'\t' && (self.flow > 0 || !self.key_allowed))
            {
                self.cursor.skip(1);
            }
            if comment && self.cursor.byte() == b'\t' && self.comment_follows() {
                self.cursor.skip_blanks();
            }
            if self.cursor.byte() == b'#' {
                self.cursor.skip_to_break();
                comment = true;
            }
            if !self.cursor.at_break() {
                return;
            }
            self.cursor.skip_break();
            if self.flow == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// Only white space is before the next comment: then it may hold tabs, if a comment is before it too.
    fn comment_follows(&self) -> bool {
        let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let blanks = self.cursor.rest().iter().take(MOST_SPACE).take_while(space);
        self.cursor.ahead(blanks.count()) == b'#'
    }

    fn end(&mut self) -> Result<(), ScanError> {
        if self.cursor.mark.column != 0 {
            self.cursor.mark.column = 0;
            self.cursor.mark.line += 1;
        }
        self.unroll(-1);
        self.remove_key()?;
        self.key_allowed = false;
        self.push(self.cursor.mark, 0, Kind::End);
        Ok(())
    }

    fn document_sign(&mut self, sign: u8) -> Result<(), ScanError> {
        self.unroll(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let kind = if sign == b'-' {
            Kind::DocumentStart
        } else {
            Kind::DocumentEnd
        };
        self.push(self.cursor.mark, 3, kind);
        self.cursor.skip(3);
        Ok(())
    }

    fn open(&mut self, kind: Kind<'t>) -> Result<(), ScanError> {
        self.save_key()?;
        if self.flow >= limit::DEPTH {
            let error = self.wrong("nested too deep");
            return Err(ScanError { deep: true, ..error });
        }
        self.flow += 1;
        self.candidates.push(None);
        self.key_allowed = true;
        self.sign(kind);
        Ok(())
    }

    fn close(&mut self, kind: Kind<'t>) -> Result<(), ScanError> {
        self.remove_key()?;
        if self.flow > 0 {
            self.flow -= 1;
            self.candidates.pop();
        }
        self.key_allowed = false;
        self.sign(kind);
        Ok(())
    }

    fn flow_entry(&mut self) -> Result<(), ScanError> {
        self.remove_key()?;
        self.key_allowed = true;
        self.sign(Kind::FlowEntry);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<(), ScanError> {
        if self.flow == 0 {
            if !self.key_allowed {
                return Err(self.wrong("a list cannot begin here: write its `-` on a line of its own"));
            }
            self.roll(self.cursor.mark, None, Kind::BlockSequence);
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.sign(Kind::BlockEntry);
        Ok(())
    }

    /// `?`.
    fn key(&mut self) -> Result<(), ScanError> {
        if self.flow == 0 {
            if !self.key_allowed {
                return Err(self.wrong("a key cannot begin here"));
            }
            self.roll(self.cursor.mark, None, Kind::BlockMapping);
        }
        self.remove_key()?;
        self.key_allowed = self.flow == 0;
        self.sign(Kind::Key);
        Ok(())
    }

    /// `:`. It tells what was a key.
    fn value(&mut self) -> Result<(), ScanError> {
        let level = self.candidates.len().saturating_sub(1);
        if let Some(key) = self.candidate(level)? {
            if let Some(slot) = self.candidates.last_mut() {
                *slot = None;
            }
            self.insert(key.mark, Some(key.token), Kind::Key);
            self.roll(key.mark, Some(key.token), Kind::BlockMapping);
            self.key_allowed = false;
        } else {
            if self.flow == 0 {
                if !self.key_allowed {
                    return Err(self.wrong("a `: ` cannot stand here: put a text that holds one into quotes"));
                }
                self.roll(self.cursor.mark, None, Kind::BlockMapping);
            }
            self.key_allowed = self.flow == 0;
        }
        self.sign(Kind::Value);
        Ok(())
    }

    /// A token of one character.
    fn sign(&mut self, kind: Kind<'t>) {
        self.push(self.cursor.mark, 1, kind);
        self.cursor.skip(1);
    }
}

fn no_colon(key: Candidate) -> ScanError {
    ScanError::at(key.mark, "this key has no `:`")
}

/// How far the reference looks for the next comment, in bytes.
const MOST_SPACE: usize = 512;

/// The first character of a text that YAML does not have: control characters, for the most part.
pub(super) fn refused(text: &str) -> Option<(usize, char)> {
    let suspect = |byte: u8| !matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    // Without an end in between, many bytes are looked at in one step.
    if !text.bytes().fold(false, |any, byte| any | suspect(byte)) {
        return None;
    }
    text.char_indices().find(|(_, character)| {
        !matches!(character,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
    })
}
