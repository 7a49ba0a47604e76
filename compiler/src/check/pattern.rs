//! Texts that are not wholly known: what can be said about two of them without knowing any variable.

use std::fmt;

/// A piece of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// Known.
    Text(String),
    /// Any text; how it is written.
    Hole(String),
}

/// A text with holes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

impl Pattern {
    /// A text without holes.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let mut pattern = Self::default();
        pattern.push_text(&text.into());
        pattern
    }

    /// Nothing but a hole, written like this.
    pub(crate) fn hole(written: impl Into<String>) -> Self {
        Self {
            pieces: vec![Piece::Hole(written.into())],
        }
    }

    /// Adds known text.
    pub(crate) fn push_text(&mut self, more: &str) {
        match self.pieces.last_mut() {
            _ if more.is_empty() => {}
            Some(Piece::Text(text)) => text.push_str(more),
            _ => self.pieces.push(Piece::Text(more.to_owned())),
        }
    }

    /// Adds another pattern.
    pub(crate) fn push(&mut self, more: &Self) {
        for piece in &more.pieces {
            match piece {
                Piece::Text(text) => self.push_text(text),
                Piece::Hole(_) => self.pieces.push(piece.clone()),
            }
        }
    }

    /// The whole text, if all of it is known.
    pub(crate) fn known(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What is left without these first pieces; `None` if it does not begin with them.
    pub(crate) fn strip_hole(&self, written: &str) -> Option<Self> {
        match self.pieces.split_first() {
            Some((Piece::Hole(first), rest)) if first == written => Some(Self {
                pieces: rest.to_vec(),
            }),
            _ => None,
        }
    }

    /// Whether both can be the same text.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.known(), other.known()) {
            return a == b;
        }
        self.fits_at_ends(other) && overlap(&self.signs(), &other.signs())
    }

    /// The known text that it begins with.
    pub(crate) fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    fn suffix(&self) -> &str {
        match self.pieces.last() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// A cheap test that most pairs fail.
    fn fits_at_ends(&self, other: &Self) -> bool {
        let same = |mut a: std::str::Bytes<'_>, mut b: std::str::Bytes<'_>| {
            std::iter::from_fn(|| Some((a.next()?, b.next()?))).all(|(a, b)| a == b)
        };
        let backwards = |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).all(|(a, b)| a == b);
        same(self.prefix().bytes(), other.prefix().bytes()) && backwards(self.suffix(), other.suffix())
    }

    fn signs(&self) -> Vec<Option<u8>> {
        let mut signs = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => signs.extend(text.bytes().map(Some)),
                Piece::Hole(_) => signs.push(None),
            }
        }
        signs
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => formatter.write_str(text)?,
                Piece::Hole(written) => write!(formatter, "{{{{{written}}}}}")?,
            }
        }
        Ok(())
    }
}

/// Whether two texts, in which `None` stands for any text, have a text in common. Time is the product of their lengths.
fn overlap(a: &[Option<u8>], b: &[Option<u8>]) -> bool {
    // `row[j]`: the rest of `a` and `b[j..]` have a text in common.
    let mut row = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut next = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            let without = |row: &[bool], at: usize| row.get(at).copied().unwrap_or(false);
            let common = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some(None), _) => without(&row, j) || (j < b.len() && without(&next, j + 1)),
                (_, Some(None)) => without(&next, j + 1) || (i < a.len() && without(&row, j)),
                (Some(x), Some(y)) => x == y && without(&row, j + 1),
                (None, Some(_)) | (Some(_), None) => false,
            };
            if let Some(slot) = next.get_mut(j) {
                *slot = common;
            }
        }
        row = next;
    }
    row.first().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `*` is a hole.
    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for (index, part) in text.split('*').enumerate() {
            if index > 0 {
                pattern.push(&Pattern::hole("x"));
            }
            pattern.push_text(part);
        }
        pattern
    }

    #[test]
    fn two_patterns_meet_if_a_text_fits_both() {
        for (a, b, meet) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "b", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "*b", true),
            ("a*c", "ab*", true),
            ("r.h-*.source:d", "r.h-*.sauce:d", false),
            ("r.h-*.source:d", "r.*:d", true),
            ("*.source:d", "r.source:e", false),
            ("a*b*c", "axc", false),
            ("a*b*c", "axbxc", true),
            ("*ab*", "*ba*", true),
        ] {
            assert_eq!(pattern(a).meets(&pattern(b)), meet, "{a} {b}");
            assert_eq!(pattern(b).meets(&pattern(a)), meet, "{b} {a}");
        }
    }
}
