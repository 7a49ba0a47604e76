//! Refuses text that nests too deeply before the recursive parser sees it.

use super::SyntaxError;
use crate::limits::expression::{MAX_BRACKETS, MAX_DEPTH};

/// Counts what makes the parser recurse: open brackets, and the constructs that nest to the right without any.
pub(super) fn check(text: &str) -> Result<(), SyntaxError> {
    let mut open = 0_usize;
    let mut right = 0_usize;
    let mut word_before = false;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\'' | '"' => skip_text(&mut rest, c),
            '`' => while rest.next().is_some_and(|(_, c)| c != '`') {},
            '/' if rest.peek().is_some_and(|(_, c)| *c == '/') => {
                while rest.next().is_some_and(|(_, c)| c != '\n') {}
            }
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => right += 1,
            'l' | 'i' if !word_before && starts_clause(text.get(at..).unwrap_or_default()) => right += 1,
            _ => {}
        }
        word_before = c.is_alphanumeric() || c == '_';
        if open > MAX_BRACKETS || right > MAX_BRACKETS {
            return Err(
                SyntaxError::new(at, format!("nested more than {MAX_BRACKETS} levels deep"))
                    .hint("split it: give a part a name under `vars`"),
            );
        }
    }
    Ok(())
}

fn starts_clause(rest: &str) -> bool {
    ["let", "if"].iter().any(|word| {
        rest.strip_prefix(word)
            .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

fn skip_text(rest: &mut impl Iterator<Item = (usize, char)>, quote: char) {
    while let Some((_, c)) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            c if c == quote => return,
            _ => {}
        }
    }
}

/// The deepest a tree may become by adding a level to one of this depth.
pub(super) fn deeper(depth: usize, at: usize) -> Result<usize, SyntaxError> {
    if depth >= MAX_DEPTH {
        return Err(
            SyntaxError::new(at, format!("more than {MAX_DEPTH} operations in a row"))
                .hint("split it: give a part a name under `vars`"),
        );
    }
    Ok(depth + 1)
}
