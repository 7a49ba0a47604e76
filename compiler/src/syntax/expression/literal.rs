//! Numbers and text as written, with the reference's escapes.

use partita_artefact::expression::Node;

use super::SyntaxError;

/// `12`, `0x1F`, `1_000`, `1.5e3`, `.5`
pub(super) fn number(text: &str, at: usize) -> Result<Node, SyntaxError> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    let whole = |digits: &str, radix| {
        i64::from_str_radix(digits, radix)
            .map(Node::Int)
            .map_err(|error| {
                SyntaxError::new(at, format!("`{text}` is not a whole number of 64 bits: {error}"))
            })
    };
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return whole(hexadecimal, 16);
    }
    if digits.contains(['.', 'e']) {
        let value: f64 = digits
            .parse()
            .map_err(|_| SyntaxError::new(at, format!("`{text}` is not a number")))?;
        return if value.is_finite() {
            Ok(Node::Float(value))
        } else {
            Err(SyntaxError::new(at, format!("`{text}` is too large")))
        };
    }
    match (digits.strip_prefix("0b"), digits.strip_prefix("0o")) {
        (Some(binary), _) => whole(binary, 2),
        (_, Some(octal)) => whole(octal, 8),
        _ => whole(&digits, 10),
    }
}

/// Text between back-ticks: as it is, two back-ticks for one.
pub(super) fn raw(text: &str) -> String {
    text.get(1..text.len() - 1).unwrap_or_default().replace("``", "`")
}

/// Text between quotes, unescaped.
pub(super) fn quoted(text: &str, at: usize) -> Result<String, SyntaxError> {
    let quote = text.chars().next().unwrap_or('\'');
    let inner = text.get(1..text.len() - 1).unwrap_or_default();
    let inner = inner.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.as_str();
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (c, following) = escape(after, quote).ok_or_else(|| {
            let shown: String = after.chars().take(1).collect();
            SyntaxError::new(at, format!("`\\{shown}` is not an escape"))
                .hint("write `\\\\` for a backslash, or put the text between back-ticks")
        })?;
        out.push(c);
        rest = following;
    }
    out.push_str(rest);
    Ok(out)
}

/// The character that an escape stands for, and what follows it.
fn escape(after: &str, quote: char) -> Option<(char, &str)> {
    let c = after.chars().next()?;
    let rest = after.get(c.len_utf8()..)?;
    let simple = match c {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        c if c == quote => c,
        'u' if rest.starts_with('{') => {
            let (digits, following) = rest.get(1..)?.split_once('}')?;
            return if digits.len() <= 6 {
                character(digits, 16, following)
            } else {
                None
            };
        }
        'x' => return numeric(rest, 2, 16),
        'u' => return numeric(rest, 4, 16),
        'U' => return numeric(rest, 8, 16),
        '0'..='3' => return numeric(after, 3, 8),
        _ => return None,
    };
    Some((simple, rest))
}

fn numeric(rest: &str, length: usize, radix: u32) -> Option<(char, &str)> {
    character(rest.get(..length)?, radix, rest.get(length..)?)
}

/// Half of a surrogate pair becomes the replacement character, as in the reference.
fn character<'a>(digits: &str, radix: u32, following: &'a str) -> Option<(char, &'a str)> {
    if digits.starts_with('+') {
        return None;
    }
    let code = u32::from_str_radix(digits, radix)
        .ok()
        .filter(|code| *code <= u32::from(char::MAX))?;
    Some((
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        following,
    ))
}
