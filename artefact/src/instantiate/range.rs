//! What an iterator runs over (`template-language.md` 6).

use std::ops::RangeInclusive;

use super::error::ErrorKind;

/// The items of an iterator. Those of a counting one are not made until they are needed: it may count to a billion.
#[derive(Debug)]
pub(super) enum Items {
    List(std::vec::IntoIter<String>),
    Count(RangeInclusive<i64>),
}

impl Iterator for Items {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        match self {
            Self::List(items) => items.next(),
            Self::Count(items) => items.next().map(|item| item.to_string()),
        }
    }
}

/// Longest text quoted in a message, characters.
const QUOTED: usize = 80;

/// Reads a JSON list of strings. As in Go, `null` is an empty list, and a `null` in the list an empty string.
pub(super) fn list(text: &str) -> Result<Items, ErrorKind> {
    match serde_json::from_str::<Option<Vec<Option<String>>>>(text) {
        Ok(items) => {
            let items: Vec<_> = items
                .unwrap_or_default()
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect();
            Ok(Items::List(items.into_iter()))
        }
        Err(error) => Err(ErrorKind::Range {
            text: quoted(text),
            reason: error.to_string(),
        }),
    }
}

/// Reads the bounds of a counting iterator; both are included.
pub(super) fn count(begin: &str, end: &str) -> Result<Items, ErrorKind> {
    let number = |bound, text: &str| {
        text.parse().map_err(|_| ErrorKind::Bound {
            bound,
            text: quoted(text),
        })
    };
    Ok(Items::Count(number("begin", begin)?..=number("end", end)?))
}

/// A text for a message, cut if long.
pub(super) fn quoted(text: &str) -> String {
    let mut start: String = text.chars().take(QUOTED).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_strings_only() {
        let items = |text| list(text).map(Iterator::collect::<Vec<_>>);
        assert_eq!(items(r#"["a","b"]"#).unwrap(), ["a", "b"]);
        assert_eq!(items(r#"["a",null]"#).unwrap(), ["a", ""]);
        assert_eq!(items("null").unwrap(), Vec::<String>::new());
        for bad in ["", "[1]", "a b", "- a", r#"{"a":"b"}"#, r#""a""#, r#"["a"] x"#] {
            assert!(matches!(list(bad), Err(ErrorKind::Range { .. })), "{bad}");
        }
    }

    #[test]
    fn counts_include_both_ends() {
        let items = |begin, end| count(begin, end).map(Iterator::collect::<Vec<_>>);
        assert_eq!(items("-1", "+01").unwrap(), ["-1", "0", "1"]);
        assert_eq!(items("2", "1").unwrap(), Vec::<String>::new());
        for bad in ["", " 1", "1.0", "0x1", "1_0"] {
            assert!(
                matches!(count("0", bad), Err(ErrorKind::Bound { bound: "end", .. })),
                "{bad}"
            );
        }
    }
}
