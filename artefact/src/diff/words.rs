//! Two texts word by word: of a long command line only what changed is worth reading.

/// A piece of two texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// In both.
    Same(String),
    /// Only in the first, and only in the second; one of them may be empty.
    Changed {
        /// Of the first.
        before: String,
        /// Of the second.
        after: String,
    },
}

/// Longest middle that is compared word by word, words of both multiplied; a longer one is one change.
const LONGEST: usize = 4_000_000;

/// The pieces of two texts, in order. Joined, the pieces of one text are that text.
pub fn words(before: &str, after: &str) -> Vec<Edit> {
    let (a, b) = (split(before), split(after));
    let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (
        a.get(front..).unwrap_or_default(),
        b.get(front..).unwrap_or_default(),
    );
    let back = rest_a
        .iter()
        .rev()
        .zip(rest_b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let middle_a = rest_a.get(..rest_a.len() - back).unwrap_or_default();
    let middle_b = rest_b.get(..rest_b.len() - back).unwrap_or_default();
    let mut edits = Edits::default();
    a.iter().take(front).for_each(|word| edits.same(word));
    middle(middle_a, middle_b, &mut edits);
    rest_a
        .iter()
        .skip(rest_a.len() - back)
        .for_each(|word| edits.same(word));
    edits.0
}

/// Words, and what is between them: blanks alone and each separator alone.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last: Option<Kind> = None;
    for (at, c) in text.char_indices() {
        let kind = Kind::of(c);
        if last.is_some_and(|last| last != kind || kind == Kind::Sign) {
            words.extend(text.get(start..at));
            start = at;
        }
        last = Some(kind);
    }
    words.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Blank,
    Sign,
}

impl Kind {
    fn of(c: char) -> Self {
        if c.is_whitespace() {
            Self::Blank
        } else if c.is_alphanumeric() || "-_./:".contains(c) {
            Self::Word
        } else {
            Self::Sign
        }
    }
}

/// The longest common subsequence of two lists of words.
fn middle(a: &[&str], b: &[&str], edits: &mut Edits) {
    let width = b.len() + 1;
    if a.is_empty() || b.is_empty() || a.len().saturating_mul(width) > LONGEST {
        for word in a {
            edits.removed(word);
        }
        for word in b {
            edits.added(word);
        }
        return;
    }
    // Length of the longest common subsequence of the rests of both from there on.
    let mut lengths = vec![0_u32; (a.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let length = if x == y {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x == y {
            edits.same(x);
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            edits.removed(x);
            i += 1;
        } else {
            edits.added(y);
            j += 1;
        }
    }
    a.iter().skip(i).for_each(|word| edits.removed(word));
    b.iter().skip(j).for_each(|word| edits.added(word));
}

#[derive(Default)]
struct Edits(Vec<Edit>);

impl Edits {
    fn same(&mut self, word: &str) {
        match self.0.last_mut() {
            Some(Edit::Same(text)) => text.push_str(word),
            _ => self.0.push(Edit::Same(word.to_owned())),
        }
    }

    fn removed(&mut self, word: &str) {
        self.changed(word, "");
    }

    fn added(&mut self, word: &str) {
        self.changed("", word);
    }

    fn changed(&mut self, gone: &str, new: &str) {
        if let Some(Edit::Changed { before, after }) = self.0.last_mut() {
            before.push_str(gone);
            after.push_str(new);
        } else {
            self.0.push(Edit::Changed {
                before: gone.to_owned(),
                after: new.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(edits: &[Edit]) -> (String, String) {
        let mut texts = (String::new(), String::new());
        for edit in edits {
            let (a, b) = match edit {
                Edit::Same(text) => (text, text),
                Edit::Changed { before, after } => (before, after),
            };
            texts.0.push_str(a);
            texts.1.push_str(b);
        }
        texts
    }

    #[test]
    fn only_the_changed_words_are_changed() {
        let edits = words(
            "exe --rate 100 --session default",
            "exe --rate 200 --session default",
        );
        let changed = Edit::Changed {
            before: "100".to_owned(),
            after: "200".to_owned(),
        };
        assert_eq!(edits.len(), 3);
        assert_eq!(edits[1], changed);
    }

    proptest! {
        #[test]
        fn the_pieces_of_each_text_are_that_text(a in "[ab =/é]{0,20}", b in "[ab =/é]{0,20}") {
            let edits = words(&a, &b);
            prop_assert_eq!(texts(&edits), (a.clone(), b.clone()));
            prop_assert_eq!(edits.iter().all(|edit| matches!(edit, Edit::Same(_))), a == b);
        }
    }
}
