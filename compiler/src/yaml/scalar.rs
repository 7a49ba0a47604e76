//! What scalars mean to a reader that wants text, a bool or a number: the rules of Go's `yaml.v3`.

use super::{Content, Node};

/// Why a node is not what its reader wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScalarError {
    /// A list or mapping.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// What is wanted.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A scalar of another type.
    #[error("expected {expected}, found `{text}`")]
    Type {
        /// What is wanted.
        expected: &'static str,
        /// What is there.
        text: String,
    },
    /// A tag says what the text is not: `!!int abc`.
    #[error("`{text}` is not a {tag}")]
    Tag {
        /// The text.
        text: String,
        /// The tag.
        tag: String,
    },
    /// `!!binary` that is not base64, or not UTF-8 inside.
    #[error("`!!binary` needs base64 of UTF-8 text")]
    Binary,
}

/// What a scalar is by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved {
    /// `null`, `~`, nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i128),
    /// Another number.
    Float(f64),
    /// A date, with or without a time.
    Timestamp,
    /// Anything else.
    Text,
}

impl Resolved {
    fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Text => "!!str",
        }
    }
}

/// What an untagged plain scalar is.
pub fn resolve_plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Resolved::Text;
    }
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let plain = text.replace('_', "");
    if let Some(int) = integer(&plain) {
        return Resolved::Int(int);
    }
    if is_float(&plain) {
        plain.parse().map_or(Resolved::Text, Resolved::Float)
    } else {
        Resolved::Text
    }
}

/// The scalar with its tag taken into account; `None` for lists and mappings.
fn resolve(node: &Node) -> Option<Result<Resolved, ScalarError>> {
    let text = node.source_text()?;
    let quoted = matches!(node.content, Content::Quoted(_));
    let tag = match node.tag.as_deref() {
        None | Some("!") if quoted => return Some(Ok(Resolved::Text)),
        None | Some("!") => return Some(Ok(resolve_plain(text))),
        Some(tag) => tag,
    };
    let resolved = match tag {
        "!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp" => resolve_plain(text),
        _ => return Some(Ok(Resolved::Text)),
    };
    let resolved = match (tag, resolved) {
        ("!!float", Resolved::Int(int)) =>
        {
            #[allow(clippy::cast_precision_loss, reason = "the reference converts so too")]
            Resolved::Float(int as f64)
        }
        (_, other) => other,
    };
    if resolved.tag() == tag {
        Some(Ok(resolved))
    } else {
        Some(Err(ScalarError::Tag {
            text: text.to_owned(),
            tag: tag.to_owned(),
        }))
    }
}

/// A key with this value counts as not written.
pub fn is_null(node: &Node) -> bool {
    matches!(resolve(node), Some(Ok(Resolved::Null)))
}

/// The text of a scalar, its source text whatever it stands for; `None` if it is null.
pub fn text(node: &Node) -> Result<Option<String>, ScalarError> {
    let Some(resolved) = resolve(node) else {
        return Err(ScalarError::Shape {
            expected: "text",
            found: node.describe(),
        });
    };
    let source = node.source_text().unwrap_or_default();
    match resolved? {
        Resolved::Null => Ok(None),
        _ if node.tag.as_deref() == Some("!!binary") => base64(source).map(Some).ok_or(ScalarError::Binary),
        _ => Ok(Some(source.to_owned())),
    }
}

/// A bool, with the words of YAML 1.1; `None` if it is null.
pub fn boolean(node: &Node) -> Result<Option<bool>, ScalarError> {
    let expected = "true or false";
    let Some(resolved) = resolve(node) else {
        return Err(ScalarError::Shape {
            expected,
            found: node.describe(),
        });
    };
    match resolved? {
        Resolved::Null => Ok(None),
        Resolved::Bool(value) => Ok(Some(value)),
        _ => {
            let source = node.source_text().unwrap_or_default();
            let plain = matches!(node.content, Content::Plain(_));
            match source {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if plain => Ok(Some(true)),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if plain => Ok(Some(false)),
                _ => Err(ScalarError::Type {
                    expected,
                    text: source.to_owned(),
                }),
            }
        }
    }
}

/// An integer; `None` if it is null.
pub fn int(node: &Node) -> Result<Option<i64>, ScalarError> {
    let expected = "an integer";
    let Some(resolved) = resolve(node) else {
        return Err(ScalarError::Shape {
            expected,
            found: node.describe(),
        });
    };
    let other = || ScalarError::Type {
        expected,
        text: node.source_text().unwrap_or_default().to_owned(),
    };
    match resolved? {
        Resolved::Null => Ok(None),
        Resolved::Int(value) => i64::try_from(value).map(Some).map_err(|_| other()),
        _ => Err(other()),
    }
}

/// Go's `strconv.ParseInt` with base 0 on text without underscores, and the `0o` of YAML 1.2.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?)
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&value)
        .then_some(value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    mantissa_ok && exponent_ok
}

/// `2006-1-2`, alone or followed by a time.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let field = |s: Option<&str>, lengths: std::ops::RangeInclusive<usize>, max: u32| {
        s.is_some_and(|s| {
            lengths.contains(&s.len())
                && s.chars().all(|c| c.is_ascii_digit())
                && s.parse().is_ok_and(|n: u32| n <= max)
        })
    };
    field(fields.next(), 4..=4, 9999)
        && field(fields.next(), 1..=2, 12)
        && field(fields.next(), 1..=2, 31)
        && fields.next().is_none()
        && time.is_none_or(|t| t.trim_start().starts_with(|c: char| c.is_ascii_digit()) && t.contains(':'))
}

/// Standard base64 with padding; line breaks are ignored, as in Go.
fn base64(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0u32;
    let mut count = 0u32;
    let mut padding = 0u32;
    for c in text.bytes().filter(|c| !matches!(c, b'\r' | b'\n')) {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                count += 1;
                bits <<= 6;
                0
            }
            _ => return None,
        };
        if c != b'=' {
            if padding > 0 {
                return None;
            }
            bits = (bits << 6) | u32::from(value);
            count += 1;
        }
        if count == 4 {
            let group = bits.to_be_bytes();
            let keep = 3usize.checked_sub(usize::try_from(padding).ok()?)?;
            if keep == 0 {
                return None;
            }
            out.extend(group.iter().skip(1).take(keep));
            bits = 0;
            count = 0;
        }
    }
    if count != 0 || padding > 2 {
        return None;
    }
    String::from_utf8(out).ok()
}
