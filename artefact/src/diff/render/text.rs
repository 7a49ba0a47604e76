//! For the terminal.

use std::fmt::Write as _;

use super::{Piece, because, parameter, path, pieces, roles, sides, verb, what, why};
use crate::diff::{Change, Cost, Diff, FieldChange, ParameterPart, fold};

/// A difference as text; `colours` for a terminal that shows them, otherwise changes stand in `[-…-]{+…+}`. The last
/// line is the summary.
pub fn text(diff: &Diff, colours: bool) -> String {
    let mut text = String::new();
    let paint = Paint { colours };
    for note in &diff.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for folded in fold(diff) {
        let change = folded.first;
        let _ = write!(
            text,
            "{}  {}",
            paint.cost(change.cost),
            paint.bold(&roles(&folded))
        );
        let what = what(&folded);
        if !what.is_empty() {
            let _ = write!(text, "  {what}");
        }
        text.push('\n');
        if let Some(why) = why(&folded) {
            let _ = writeln!(text, "    {why}");
        }
        let example = folded.changes.len() > super::NAMED && !change.fields.is_empty();
        if example {
            let _ = writeln!(text, "    for example {}", path(change));
        }
        for field in &change.fields {
            let _ = writeln!(text, "    {}", one(change, field, &paint));
        }
    }
    if !diff.parameters.is_empty() {
        let _ = writeln!(text, "{}", paint.bold("parameters"));
    }
    for change in &diff.parameters {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        let values = match change.part {
            ParameterPart::Required => String::new(),
            _ => paint.values(before.unwrap_or_default(), after.unwrap_or_default()),
        };
        let line = format!("    {}  {}  {values}", change.name, parameter(change));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "{}", diff.summary());
    text
}

fn one(change: &Change, field: &FieldChange, paint: &Paint) -> String {
    let name = field.field.to_string();
    let (before, after) = sides(field);
    let values = if before == after {
        after
    } else {
        paint.values(&before, &after)
    };
    format!("{name}  {values}  {}", paint.dim(&because(change, field)))
}

struct Paint {
    colours: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }

    fn cost(&self, cost: Cost) -> String {
        let code = match cost {
            Cost::None => "2",
            Cost::Depends | Cost::Reconfigure => "33",
            Cost::Restart | Cost::Move | Cost::Remove => "1;31",
            Cost::Add => "1;32",
        };
        self.with(code, &format!("{:11}", verb(cost)))
    }

    fn values(&self, before: &str, after: &str) -> String {
        let mut text = String::new();
        for piece in pieces(before, after) {
            match piece {
                Piece::Same(same) => text.push_str(&same),
                Piece::Gone(gone) if self.colours => text.push_str(&self.with("31;9", &gone)),
                Piece::New(new) if self.colours => text.push_str(&self.with("32", &new)),
                Piece::Gone(gone) => _ = write!(text, "[-{gone}-]"),
                Piece::New(new) => _ = write!(text, "{{+{new}+}}"),
            }
        }
        text.replace('\n', "⏎")
    }
}
