//! Changes that are the same on many hosts are read once.

use std::collections::BTreeMap;

use super::matching::Match;
use super::words::{Edit, words};
use super::{Change, Cost, Diff, FieldChange};
use crate::behaviour::{Kind, Value};

/// The same change of one or more roles.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded<'a> {
    /// In the order of the difference; never empty.
    pub changes: Vec<&'a Change>,
    /// The first of them, which stands for all.
    pub first: &'a Change,
}

/// What two changes have in common that are told as one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sameness {
    cost: std::cmp::Reverse<Cost>,
    kind: Kind,
    /// Of roles that come and go: what they load or call. Of others the fields say enough.
    what: String,
    uncritical: bool,
    matched: u8,
    /// Depth and number of roles below, for roles that come and go.
    size: (usize, usize),
    fields: Vec<(String, Vec<Edit>)>,
}

/// The changes of a difference, those that are the same put together, worst first. Roles that come or go along with the
/// role above are told with it.
pub fn fold(diff: &Diff) -> Vec<Folded<'_>> {
    let mut groups: BTreeMap<Sameness, Vec<&Change>> = BTreeMap::new();
    for change in &diff.changes {
        let place = change.after.as_ref().or(change.before.as_ref());
        if !place.is_some_and(|place| place.along) {
            groups.entry(sameness(change)).or_default().push(change);
        }
    }
    let mut folded: Vec<Folded<'_>> = groups
        .into_values()
        .filter_map(|changes| {
            let first = *changes.first()?;
            Some(Folded { changes, first })
        })
        .collect();
    // Within one cost, what concerns more roles first.
    folded.sort_by_key(|folded| {
        let Change { cost, critical, .. } = folded.first;
        (
            std::cmp::Reverse(*cost),
            !critical,
            std::cmp::Reverse(folded.changes.len()),
        )
    });
    folded
}

fn sameness(change: &Change) -> Sameness {
    let place = change.after.as_ref().or(change.before.as_ref());
    let lone = change.matched == Match::Alone;
    Sameness {
        cost: std::cmp::Reverse(change.cost),
        kind: change.kind,
        what: if change.fields.is_empty() {
            change.what.clone()
        } else {
            String::new()
        },
        uncritical: !change.critical,
        matched: match change.matched {
            Match::Path => 0,
            Match::Renamed => 1,
            Match::Moved => 2,
            Match::Similar { .. } => 3,
            Match::Alone => 4,
        },
        size: place
            .filter(|_| lone)
            .map_or((0, 0), |place| (place.path.matches('.').count(), place.below)),
        fields: change
            .fields
            .iter()
            .map(|field| (field.field.to_string(), edits(change, field)))
            .collect(),
    }
}

/// What changes of a value, with the host's name left out.
fn edits(change: &Change, field: &FieldChange) -> Vec<Edit> {
    let (before, after) = (text(field.before.as_ref()), text(field.after.as_ref()));
    let host = |place: &Option<super::Place>| place.as_ref().and_then(|place| place.host.clone());
    let names = [
        (host(&change.before), "<host before>"),
        (host(&change.after), "<host>"),
    ];
    let unnamed = |mut text: String| {
        for (name, instead) in &names {
            if let Some(name) = name.as_ref().filter(|name| !name.is_empty()) {
                text = replaced(&text, name, instead);
            }
        }
        text
    };
    if before == after {
        // The address behind it changes; which one differs from host to host.
        return Vec::new();
    }
    words(&before, &after)
        .into_iter()
        .filter_map(|edit| match edit {
            Edit::Same(_) => None,
            Edit::Changed { before, after } => Some(Edit::Changed {
                before: unnamed(before),
                after: unnamed(after),
            }),
        })
        .collect()
}

/// The text with another name, where that stands by itself.
fn replaced(text: &str, name: &str, instead: &str) -> String {
    let part_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (front, back) = (
            rest.get(..at).unwrap_or_default(),
            rest.get(at + name.len()..).unwrap_or_default(),
        );
        let before = front.chars().next_back().or_else(|| out.chars().next_back());
        let inside = part_of_word(before) || part_of_word(back.chars().next());
        out.push_str(front);
        out.push_str(if inside { name } else { instead });
        rest = back;
    }
    out.push_str(rest);
    out
}

/// A value in one line.
pub(super) fn text(value: Option<&Value>) -> String {
    value.map(|value| value.shown().join(" ")).unwrap_or_default()
}

/// What paths have in common: elements that differ become `*` between what their beginnings and ends share.
pub(super) fn pattern(paths: &[&str]) -> String {
    let split: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
    let Some((first, others)) = split.split_first() else {
        return String::new();
    };
    if others.iter().any(|other| other.len() != first.len()) {
        return generalised(paths);
    }
    let elements = (0..first.len()).map(|place| {
        let column: Vec<&str> = split.iter().filter_map(|path| path.get(place).copied()).collect();
        generalised(&column)
    });
    elements.collect::<Vec<_>>().join(".")
}

/// The beginning and the end that texts share, with `*` between them.
fn generalised(texts: &[&str]) -> String {
    let Some((first, others)) = texts.split_first() else {
        return String::new();
    };
    if others.iter().all(|other| other == first) {
        return (*first).to_owned();
    }
    let shared = |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    let front = others.iter().map(|other| shared(first, other)).min().unwrap_or(0);
    let shortest = texts.iter().map(|text| text.chars().count()).min().unwrap_or(0);
    let back = others
        .iter()
        .map(|other| shared(&reversed(first), &reversed(other)))
        .min()
        .unwrap_or(0);
    let back = back.min(shortest - front);
    let length = first.chars().count();
    let begin: String = first.chars().take(front).collect();
    let end: String = first.chars().skip(length - back).collect();
    // A number is not cut in two: flp00* says less than flp*.
    let begin = begin.trim_end_matches(|c: char| c.is_ascii_digit());
    let end = end.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{begin}*{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_left_out_as_whole_words() {
        assert_eq!(
            replaced("d://d/debug-d", "d", "<host>"),
            "<host>://<host>/debug-<host>"
        );
        assert_eq!(replaced("flp001:1 flp0011", "flp001", "*"), "*:1 flp0011");
    }

    #[test]
    fn paths_are_generalised_element_by_element() {
        for (paths, expected) in [
            (
                &["a.host-flp001.readout", "a.host-flp002.readout"][..],
                "a.host-flp*.readout",
            ),
            (&["a.b", "a.b"], "a.b"),
            (&["a.x-1.y", "a.x-2.z"], "a.x-*.*"),
            (&["a.b", "a.b.c"], "a.b*"),
            (&["aba", "aa"], "a*a"),
        ] {
            assert_eq!(pattern(paths), expected);
        }
    }
}
