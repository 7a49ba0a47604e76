//! Durations as Go writes them (`1h15m30.5s`, `-1.5h`, `300ms`), the text form of `timeout`.

use std::time::Duration;

/// Why a text is not a duration that a time-out can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not in the form of a duration.
    #[error("`{0}` is not a duration: write a number with a unit, such as 30s, 1m30s or 500ms")]
    Syntax(String),
    /// A number without unit.
    #[error("`{0}` has no unit: write for example {0}s")]
    NoUnit(String),
    /// Below zero.
    #[error("`{0}` is negative: nothing can happen before it begins")]
    Negative(String),
    /// Longer than Go can count (about 292 years).
    #[error("`{0}` is too long: the longest duration is about 292 years")]
    TooLong(String),
}

/// Nanoseconds in each unit (Go's `time.ParseDuration`).
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration as Go's `time.ParseDuration` does; negative ones are refused.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let syntax = || DurationError::Syntax(text.to_owned());
    let too_long = || DurationError::TooLong(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(syntax());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(syntax());
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(DurationError::NoUnit(text.to_owned()));
        }
        let (_, scale) = UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(syntax)?;
        let whole: u128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| too_long())?
        };
        let part = whole
            .checked_mul(scale)
            .and_then(|n| n.checked_add(nanoseconds(fraction, scale)));
        total = part.and_then(|n| n.checked_add(total)).ok_or_else(too_long)?;
        rest = after;
    }
    let nanoseconds = i64::try_from(total).map_err(|_| too_long())?;
    if negative && nanoseconds != 0 {
        return Err(DurationError::Negative(text.to_owned()));
    }
    Ok(Duration::from_nanos(nanoseconds.unsigned_abs()))
}

/// The leading decimal digits, and what follows.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// `0.<fraction>` units in nanoseconds, rounded down. No unit is finer than 14 digits, so the rest cannot count.
fn nanoseconds(fraction: &str, scale: u128) -> u128 {
    let mut value = 0;
    let mut scale = scale;
    let mut divisor = 1;
    for digit in fraction.bytes().take(14) {
        value = value * 10 + u128::from(digit - b'0');
        divisor *= 10;
    }
    scale *= value;
    scale / divisor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("+0", 0),
            ("-0s", 0),
            ("30s", 30_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("0.3333333333333333333h", 1_199_999_999_999),
            ("10\u{b5}s", 10_000),
            ("1us1ns", 1_001),
            ("9223372036854775807ns", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time_out() {
        for text in ["", "+", "s", ".", "-.s", "+.s", "1x", "1 s", "s1", "1s ", "3e5s"] {
            assert_eq!(parse(text), Err(DurationError::Syntax(text.to_owned())), "{text}");
        }
        assert_eq!(parse("30"), Err(DurationError::NoUnit("30".to_owned())));
        assert_eq!(parse("-1s"), Err(DurationError::Negative("-1s".to_owned())));
        assert_eq!(
            parse("9223372036854775808ns"),
            Err(DurationError::TooLong("9223372036854775808ns".to_owned()))
        );
        assert_eq!(
            parse("99999999999999999999999999999999999999999h"),
            Err(DurationError::TooLong(
                "99999999999999999999999999999999999999999h".to_owned()
            ))
        );
    }
}
