//! Quoted texts whose further lines stand too far to the left.
//!
//! YAML 1.2 refuses them and so does our parser; the reference's accepts them, and files in use have them. White
//! space at the beginning of such a line never counts, so the lines are moved to the right and the text is the same.

/// How many of such texts a document may have.
pub(super) const REPAIRS: usize = 100;

/// What the parser says about them; its position is that of the opening quote.
pub(super) const MESSAGE: &str = "invalid indentation in quoted scalar";

/// `text` with the lines of the quoted scalar at `line` (from 1) and `column` (from 0, in characters) moved to the
/// right of its quote. `None` if there is no such scalar.
pub(super) fn deepen(text: &str, line: usize, column: usize) -> Option<String> {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let quote_at = start + text.get(start..)?.char_indices().nth(column)?.0;
    let mut characters = text.get(quote_at..)?.chars();
    let quote = characters.next().filter(|c| matches!(c, '"' | '\''))?;
    let mut out = text.get(..quote_at)?.to_owned();
    out.push(quote);
    while let Some(c) = characters.next() {
        out.push(c);
        match c {
            '\n' => out.extend(std::iter::repeat_n(' ', column + 1)),
            '\\' if quote == '"' && !characters.as_str().starts_with('\n') => out.extend(characters.next()),
            _ if c == quote => {
                // Two single quotes are one quote in the text, which goes on.
                if quote == '\'' && characters.as_str().starts_with('\'') {
                    out.extend(characters.next());
                    continue;
                }
                out.push_str(characters.as_str());
                return (out.len() > text.len()).then_some(out);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{load, scalar};

    #[test]
    fn lines_left_of_the_key_belong_to_the_text() {
        for quote in ['"', '\''] {
            let text = format!("a:\n  key: {quote}one\n two\n\n   three{quote}\n  next: x\n");
            let root = load(&text).unwrap().unwrap();
            let super::super::Content::Mapping(entries) = &root.content else {
                panic!("{root:?}")
            };
            let super::super::Content::Mapping(entries) = &entries[0].1.content else {
                panic!("{root:?}")
            };
            assert_eq!(scalar::text(&entries[0].1), Ok(Some("one two\nthree".to_owned())));
            assert_eq!(scalar::text(&entries[1].1), Ok(Some("x".to_owned())));
        }
    }

    #[test]
    fn an_escaped_line_end_is_moved_too() {
        let root = load("a:\n  key: \"one\\\n two\"\n").unwrap().unwrap();
        let super::super::Content::Mapping(entries) = &root.content else {
            panic!("{root:?}")
        };
        let super::super::Content::Mapping(entries) = &entries[0].1.content else {
            panic!("{root:?}")
        };
        assert_eq!(scalar::text(&entries[0].1), Ok(Some("onetwo".to_owned())));
    }
}
