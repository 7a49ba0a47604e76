//! Patterns with which clients choose roles, repositories and revisions: `*`, `**`, `?`, `[a-z]`, `[!a]`, `{a,b}` and
//! `\` before a character that is to mean itself.

use regex::{Regex, RegexBuilder};

/// Longest pattern, bytes.
const LONGEST: usize = 1024;

/// Largest program that a pattern may become, bytes.
const LARGEST: usize = 1024 * 1024;

/// A pattern.
#[derive(Debug, Clone)]
pub struct Glob(Regex);

/// Not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no pattern: {reason}")]
pub struct GlobError {
    /// As given.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Glob {
    /// Reads a pattern. `*` and `?` stop at `separator`, if there is one; `**` does not.
    ///
    /// # Errors
    ///
    /// Brackets or braces that do not match, or a pattern that is too long.
    pub fn new(pattern: &str, separator: Option<char>) -> Result<Self, GlobError> {
        let error = |reason: &str| GlobError {
            pattern: pattern.chars().take(80).collect(),
            reason: reason.to_owned(),
        };
        if pattern.len() > LONGEST {
            return Err(error("it is too long"));
        }
        let text = expression(pattern, separator).map_err(error)?;
        let built = RegexBuilder::new(&text)
            .size_limit(LARGEST)
            .dot_matches_new_line(true)
            .build();
        built.map(Self).map_err(|_| error("a range in it is none"))
    }

    /// Whether the whole text is of this pattern.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn expression(pattern: &str, separator: Option<char>) -> Result<String, &'static str> {
    let one = separator.map_or_else(
        || ".".to_owned(),
        |separator| format!("[^{}]", regex::escape(&separator.to_string())),
    );
    let literal = |c: char| regex::escape(&c.to_string());
    let mut text = String::from("^(?:");
    let mut characters = pattern.chars().peekable();
    let mut open = 0_u32;
    while let Some(c) = characters.next() {
        match c {
            '*' if characters.next_if_eq(&'*').is_some() => text.push_str(".*"),
            '*' => {
                text.push_str(&one);
                text.push('*');
            }
            '?' => text.push_str(&one),
            '\\' => text.push_str(&literal(characters.next().ok_or("it ends in `\\`")?)),
            '[' => {
                text.push('[');
                if characters.next_if_eq(&'!').is_some() {
                    text.push('^');
                }
                let mut members = 0_u32;
                loop {
                    match characters.next().ok_or("a `[` is not closed")? {
                        ']' => break,
                        '-' if members > 0 && characters.peek() != Some(&']') => text.push('-'),
                        c => {
                            members += 1;
                            text.push_str(&class_member(c));
                        }
                    }
                }
                if members == 0 {
                    return Err("a `[]` is empty");
                }
                text.push(']');
            }
            '{' => {
                open += 1;
                text.push_str("(?:");
            }
            '}' if open > 0 => {
                open -= 1;
                text.push(')');
            }
            ',' if open > 0 => text.push('|'),
            c => text.push_str(&literal(c)),
        }
    }
    if open > 0 {
        return Err("a `{` is not closed");
    }
    text.push_str(")$");
    Ok(text)
}

/// A character between brackets, where others than usual mean something.
fn class_member(c: char) -> String {
    if c.is_alphanumeric() || c == '_' {
        c.to_string()
    } else {
        format!("\\x{{{:x}}}", u32::from(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern, Some('.')).is_ok_and(|glob| glob.matches(text))
    }

    #[test]
    fn one_star_stops_where_two_do_not() {
        assert!(matches("flp.*.readout", "flp.host1.readout"));
        assert!(!matches("flp.*", "flp.host1.readout"));
        assert!(matches("flp.**", "flp.host1.readout"));
        assert!(matches("flp.host?.{readout,stfb}", "flp.host2.stfb"));
        assert!(matches("flp.host[1-3].*", "flp.host3.x") && !matches("flp.host[!1-3].*", "flp.host3.x"));
    }

    #[test]
    fn everything_else_means_itself() {
        assert!(matches("a+(b)|c$", "a+(b)|c$") && !matches("a+", "aa"));
        assert!(matches(r"\*", "*") && !matches(r"\*", "x"));
        assert!(matches("[^.&&]", "&"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in ["[a", "{a", "[]", "x\\", "[z-a]"] {
            assert!(Glob::new(wrong, None).is_err(), "{wrong}");
        }
        assert!(Glob::new(&"a".repeat(LONGEST + 1), None).is_err());
    }
}
