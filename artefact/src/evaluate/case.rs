//! Upper and lower case as Go's simple mapping has it: character by character, `ß` stays `ß`.

/// Upper case of a text.
pub(crate) fn upper(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_uppercase())).collect()
}

/// Lower case of a text.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_lowercase())).collect()
}

/// A mapping to more than one character is not a simple one; `İ` is the only letter whose simple lower case is the
/// first of them.
fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        (Some(first), Some(_)) if c == 'İ' => first,
        _ => c,
    }
}
