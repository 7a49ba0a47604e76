//! Differences as people and programs read them.

mod json;
mod markdown;
mod text;

pub use json::{SCHEMA, json};
pub use markdown::markdown;
pub use text::text;

use std::fmt::Write as _;

use super::fold::{self, Folded};
use super::matching::Match;
use super::summary::{many, number};
use super::words::{Edit, words};
use super::{Change, Cost, FieldChange, ParameterChange, ParameterPart};
use crate::behaviour::Kind;

/// Most characters of unchanged text shown on each side of a change.
const CONTEXT: usize = 40;

/// Most roles that are named one by one.
const NAMED: usize = 3;

/// A piece of a value, ready to be shown.
enum Piece {
    Same(String),
    Gone(String),
    New(String),
}

/// Word by word, with what is far from any change left out.
fn pieces(before: &str, after: &str) -> Vec<Piece> {
    let edits = words(before, after);
    let last = edits.len().saturating_sub(1);
    let mut pieces = Vec::new();
    for (place, edit) in edits.into_iter().enumerate() {
        match edit {
            Edit::Same(text) => pieces.push(Piece::Same(shortened(&text, place > 0, place < last))),
            Edit::Changed { before, after } => {
                if !before.is_empty() {
                    pieces.push(Piece::Gone(before));
                }
                if !after.is_empty() {
                    pieces.push(Piece::New(after));
                }
            }
        }
    }
    pieces
}

/// The ends of a text that touch a change.
fn shortened(text: &str, front: bool, back: bool) -> String {
    let length = text.chars().count();
    let kept = CONTEXT * (usize::from(front) + usize::from(back));
    if length <= kept + 3 {
        return text.to_owned();
    }
    let begin: String = text.chars().take(if front { CONTEXT } else { 0 }).collect();
    let end: String = text
        .chars()
        .skip(length - if back { CONTEXT } else { 0 })
        .collect();
    format!("{begin} … {end}")
}

/// `readout.host-*.readout (202 roles)`, or the roles one by one where they are few.
fn roles(folded: &Folded<'_>) -> String {
    let paths: Vec<&str> = folded.changes.iter().map(|change| path(change)).collect();
    if paths.len() <= NAMED {
        return paths.join(", ");
    }
    format!("{} ({})", fold::pattern(&paths), many(paths.len(), "role"))
}

fn path(change: &Change) -> &str {
    change
        .after
        .as_ref()
        .or(change.before.as_ref())
        .map_or("", |place| place.path.as_str())
}

/// What the roles are: `task stfbuilder`, `call bookkeeping.StartOfRun()`, with what they bring along.
fn what(folded: &Folded<'_>) -> String {
    let change = folded.first;
    let one = folded.changes.iter().all(|other| other.what == change.what);
    let kind = match change.kind {
        Kind::Task => "task",
        Kind::Call => "call",
        Kind::Aggregator => "",
        Kind::Include => "include",
    };
    let mut text = match (one, kind) {
        (true, _) => format!("{kind} {}", change.what).trim().to_owned(),
        (false, "") => String::new(),
        (false, kind) => format!("{kind}s"),
    };
    if matches!(change.kind, Kind::Task | Kind::Call) && !change.critical {
        text.push_str(", not critical");
    }
    let below = change
        .after
        .as_ref()
        .or(change.before.as_ref())
        .map_or(0, |place| place.below);
    if change.matched == Match::Alone && below > 0 {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}with {} below", many(below, "role"));
    }
    text
}

/// Why two roles of different paths are taken for one; nothing for those of one path.
fn why(folded: &Folded<'_>) -> Option<String> {
    let paths: Vec<&str> = folded
        .changes
        .iter()
        .filter_map(|change| change.before.as_ref())
        .map(|place| place.path.as_str())
        .collect();
    let was = if paths.len() <= NAMED {
        paths.join(", ")
    } else {
        fold::pattern(&paths)
    };
    match folded.first.matched {
        Match::Path | Match::Alone => None,
        Match::Renamed => Some(format!("was {was}: the same content under another name")),
        Match::Moved => Some(format!("was {was}: the same content on another host")),
        Match::Similar { percent } => Some(format!("was {was}: {percent} % of it is the same")),
    }
}

/// What happens, in a word or two.
fn verb(cost: Cost) -> &'static str {
    match cost {
        Cost::None => "no cost",
        other => other.name(),
    }
}

/// Why a field costs what it costs; and what, where that is less than the whole change.
fn because(change: &Change, field: &FieldChange) -> String {
    if field.cost == change.cost {
        format!("({})", field.reason)
    } else {
        format!("({}: {})", verb(field.cost), field.reason)
    }
}

/// The two sides of a field as texts.
fn sides(field: &FieldChange) -> (String, String) {
    let (before, after) = (
        fold::text(field.before.as_ref()),
        fold::text(field.after.as_ref()),
    );
    match (&field.before, &field.after) {
        // An empty text that comes or goes must be seen.
        (None, Some(_)) if after.is_empty() => (before, EMPTY.to_owned()),
        (Some(_), None) if before.is_empty() => (EMPTY.to_owned(), after),
        _ => (before, after),
    }
}

/// An empty text.
const EMPTY: &str = "\"\"";

/// A changed parameter without its values.
fn parameter(change: &ParameterChange) -> &'static str {
    match (change.part, change.before.is_some(), change.after.as_deref()) {
        (ParameterPart::Required, _, Some("true")) => "must be given now",
        (ParameterPart::Required, ..) => "need not be given any more",
        (ParameterPart::Added, ..) => "new",
        (ParameterPart::Removed, ..) => "gone",
        (ParameterPart::Default, ..) => "default",
        (ParameterPart::Form, ..) => "form",
    }
}
