//! Points and lengths of time, as far as expressions need them: UTC only.

use std::fmt;

/// A point of time, in UTC: what `now()` and `date(…)` return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Nanoseconds since 1970-01-01 00:00:00 UTC.
    pub nanoseconds: i128,
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point of time as people write it.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Time {
    /// Seconds since 1970 and nanoseconds within the second.
    pub(crate) fn split(self) -> (i64, i64) {
        let seconds = self.nanoseconds.div_euclid(i128::from(SECOND));
        let rest = self.nanoseconds.rem_euclid(i128::from(SECOND));
        (
            i64::try_from(seconds).unwrap_or(0),
            i64::try_from(rest).unwrap_or(0),
        )
    }

    /// Year, month, day and so on (proleptic Gregorian; the algorithm of H. Hinnant's `civil_from_days`).
    pub(crate) fn civil(self) -> Civil {
        let (seconds, _) = self.split();
        let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Civil {
            year: year + era * 400 + i64::from(month <= 2),
            month,
            day,
            hour: time / 3_600,
            minute: time / 60 % 60,
            second: time % 60,
        }
    }

    fn of(civil: &Civil) -> Option<Self> {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = *civil;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = [
            31,
            if leap { 29 } else { 28 },
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ];
        let last = usize::try_from(month - 1)
            .ok()
            .and_then(|month| days.get(month))?;
        if !(1..=*last).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let year = if month <= 2 { year - 1 } else { year };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let seconds = days * DAY + hour * 3_600 + minute * 60 + second;
        Some(Self {
            nanoseconds: i128::from(seconds) * i128::from(SECOND),
        })
    }

    /// Reads a date, a time of day, both, or RFC 3339.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((date, time)) = text.split_once('T') {
            return Self::rfc3339_of(date, time);
        }
        if let Some((date, time)) = text.split_once(' ') {
            return Self::of(&with_time(&read_date(date)?, time)?);
        }
        match read_date(text) {
            Some(date) => Self::of(&date),
            None => Self::of(&with_time(
                &Civil {
                    year: 0,
                    month: 1,
                    day: 1,
                    hour: 0,
                    minute: 0,
                    second: 0,
                },
                text,
            )?),
        }
    }

    fn rfc3339_of(date: &str, time: &str) -> Option<Self> {
        let (time, offset) = if let Some(time) = time.strip_suffix('Z') {
            (time, 0)
        } else {
            let at = time.rfind(['+', '-'])?;
            let (hours, minutes) = time.get(at + 1..)?.split_once(':')?;
            let offset = digits(hours, 2)? * 3_600 + digits(minutes, 2)? * 60;
            (
                time.get(..at)?,
                if time.get(at..)?.starts_with('-') {
                    -offset
                } else {
                    offset
                },
            )
        };
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let nanoseconds = if fraction.is_empty() {
            0
        } else {
            let nine: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
            digits(&nine, 9)?
        };
        let whole = Self::of(&with_time(&read_date(date)?, time)?)?;
        let shift = i128::from(nanoseconds) - i128::from(offset) * i128::from(SECOND);
        Some(Self {
            nanoseconds: whole.nanoseconds + shift,
        })
    }

    pub(crate) fn rfc3339(self) -> String {
        self.text("T", "Z")
    }

    /// Date and time of day with `between` them and `zone` after them.
    fn text(self, between: &str, zone: &str) -> String {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self.civil();
        let fraction = fraction(self.split().1);
        format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
    }
}

fn fraction(nanoseconds: i64) -> String {
    if nanoseconds == 0 {
        return String::new();
    }
    format!(".{nanoseconds:09}").trim_end_matches('0').to_owned()
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(" ", " +0000 UTC"))
    }
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn read_date(text: &str) -> Option<Civil> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    Some(Civil {
        year,
        month,
        day,
        hour: 0,
        minute: 0,
        second: 0,
    })
}

fn with_time(date: &Civil, text: &str) -> Option<Civil> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    Some(Civil {
        hour,
        minute,
        second,
        ..*date
    })
}

/// A length of time as Go writes it: `1h0m0s`, `1.5s`, `20ms`.
pub(crate) fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let scaled = |unit: u64, name: &str| {
        let width = unit.to_string().len() - 1;
        let fraction = format!("{:0width$}", size % unit);
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() || unit == 1 { "" } else { "." };
        let fraction = if unit == 1 { "" } else { fraction };
        format!("{sign}{}{dot}{fraction}{name}", size / unit)
    };
    match size {
        0 => "0s".to_owned(),
        1..1_000 => scaled(1, "ns"),
        1_000..1_000_000 => scaled(1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "ms"),
        _ => {
            let (seconds, rest) = (size / 1_000_000_000, size % 1_000_000_000);
            let fraction = fraction(i64::try_from(rest).unwrap_or(0));
            let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{seconds}{fraction}s"),
                (0, _) => format!("{sign}{minutes}m{seconds}{fraction}s"),
                _ => format!("{sign}{hours}h{minutes}m{seconds}{fraction}s"),
            }
        }
    }
}
