//! How the lines of one scalar become one text.

use std::borrow::Cow;

use super::cursor::Cursor;

/// White space between two pieces of a scalar that goes over several lines.
#[derive(Default)]
pub(super) struct Gap {
    /// The first line break.
    first: &'static str,
    /// The others.
    more: String,
}

impl Gap {
    /// One more line break.
    pub(super) fn line(&mut self, line_break: &'static str, seen: bool) {
        if seen {
            self.more.push_str(line_break);
        } else {
            self.first = line_break;
        }
    }

    /// Adds what it means: one line break is a space, of more the first is dropped.
    pub(super) fn fold(&mut self, text: &mut String) {
        match (self.first, self.more.is_empty()) {
            ("\n", true) => text.push(' '),
            ("\n", false) => text.push_str(&self.more),
            (first, _) => {
                text.push_str(first);
                text.push_str(&self.more);
            }
        }
        self.first = "";
        self.more.clear();
    }
}

/// The text of a scalar; it is borrowed if it stands in the source as it is.
#[derive(Default)]
pub(super) struct Text {
    /// What is not to be borrowed.
    done: String,
    /// What follows it in the source, in bytes.
    from: usize,
    to: usize,
}

impl Text {
    pub(super) fn starting(at: usize) -> Self {
        Self {
            done: String::new(),
            from: at,
            to: at,
        }
    }

    /// It reaches up to there.
    pub(super) fn reach(&mut self, to: usize) {
        self.to = to;
    }

    /// To add what is not in the source; then it goes on in the source at `next`.
    pub(super) fn add(&mut self, cursor: &Cursor<'_>, next: usize) -> &mut String {
        self.done.push_str(cursor.slice(self.from, self.to));
        self.from = next;
        self.to = next;
        &mut self.done
    }

    pub(super) fn finish<'t>(mut self, cursor: &Cursor<'t>) -> Cow<'t, str> {
        let rest = cursor.slice(self.from, self.to);
        if self.done.is_empty() {
            return Cow::Borrowed(rest);
        }
        self.done.push_str(rest);
        Cow::Owned(self.done)
    }
}
