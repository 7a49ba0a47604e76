//! `InfluxDB` line protocol (<https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>), as users scrape it
//! from the existing core (`runtime.md` 8.4): transitions as points, and every other figure as one.
//!
//! Points stay readable for a while instead of vanishing with the first who asks: two who ask do not rob each other, and a
//! point that is read twice is the same point.

use std::fmt::Write as _;

use super::tally::Point;
use super::{Family, Kind, Tally, Value};

/// Writes everything. `now`: milliseconds since 1970.
pub(super) fn write(families: impl Iterator<Item = Family>, tally: &Tally, now: u64) -> String {
    let mut text = String::new();
    for point in tally.points() {
        // Writing to a string cannot fail.
        let _ = write_point(&mut text, point);
    }
    for family in families {
        for sample in &family.samples {
            let Value::Number(value) = sample.value else {
                continue;
            };
            let tags: String = sample
                .labels
                .iter()
                .map(|(name, value)| tag(name, value))
                .collect();
            let suffix = if family.kind == Kind::Counter {
                "_total"
            } else {
                ""
            };
            let _ = writeln!(text, "{}{suffix}{tags} value={value} {now}000000", family.name);
        }
    }
    text
}

/// The transitions of one kind in one second, with the names that dashboards know.
fn write_point(text: &mut String, point: &Point) -> std::fmt::Result {
    let mut sorted = point.durations.clone();
    sorted.sort_unstable();
    let count = sorted.len();
    let quantile = |percent: usize| {
        sorted
            .get((count.saturating_sub(1)) * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    let mean = sorted.iter().sum::<u64>() / (count as u64).max(1);
    let tags = [
        ("transition", point.transition),
        ("env", &point.environment),
        ("function", "try"),
        ("result", if point.well { "success" } else { "error" }),
    ];
    let tags: String = tags.iter().map(|(name, value)| tag(name, value)).collect();
    let fields: Vec<String> = [
        ("count", count as u64),
        ("mean", mean),
        ("median", quantile(50)),
        ("min", quantile(0)),
        ("max", quantile(100)),
        ("p10", quantile(10)),
        ("p30", quantile(30)),
        ("p70", quantile(70)),
        ("p90", quantile(90)),
    ]
    .iter()
    .map(|(name, value)| format!("{name}={value}i"))
    .collect();
    writeln!(
        text,
        "transition{tags} {} {}000000000",
        fields.join(","),
        point.second
    )
}

/// `,name=value`; an empty value cannot be written and is left out.
fn tag(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let mut text = format!(",{name}=");
    for character in value.chars() {
        match character {
            ',' | '=' | ' ' => text.extend(['\\', character]),
            '\n' | '\r' => text.push_str("\\ "),
            _ => text.push(character),
        }
    }
    text
}
