//! `OpenMetrics` 1.0 as text (<https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>).

use std::fmt::Write as _;

use super::{Family, Kind, Value};

/// Writes all families. Those of one name come together, and the end is marked.
pub(super) fn write(families: impl Iterator<Item = Family>) -> String {
    let mut text = String::new();
    for family in families {
        // Writing to a string cannot fail.
        let _ = write_family(&mut text, &family);
    }
    text.push_str("# EOF\n");
    text
}

fn write_family(text: &mut String, family: &Family) -> std::fmt::Result {
    let Family {
        name,
        kind,
        help,
        unit,
        samples,
    } = family;
    let kind_name = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram => "histogram",
    };
    writeln!(text, "# TYPE {name} {kind_name}")?;
    if !unit.is_empty() {
        writeln!(text, "# UNIT {name} {unit}")?;
    }
    writeln!(text, "# HELP {name} {help}")?;
    for sample in samples {
        let labels = |more: Option<(&str, String)>| {
            let own = sample.labels.iter().map(|(name, value)| (*name, value.clone()));
            let all: Vec<String> = own
                .chain(more)
                .map(|(name, value)| format!("{name}=\"{}\"", escape(&value)))
                .collect();
            if all.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", all.join(","))
            }
        };
        match &sample.value {
            Value::Number(value) => {
                let suffix = if *kind == Kind::Counter { "_total" } else { "" };
                writeln!(text, "{name}{suffix}{} {value}", labels(None))?;
            }
            Value::Histogram { buckets, count, sum } => {
                for (bound, below) in buckets {
                    writeln!(
                        text,
                        "{name}_bucket{} {below}",
                        labels(Some(("le", float(*bound))))
                    )?;
                }
                writeln!(
                    text,
                    "{name}_bucket{} {count}",
                    labels(Some(("le", "+Inf".to_owned())))
                )?;
                writeln!(text, "{name}_count{} {count}", labels(None))?;
                writeln!(text, "{name}_sum{} {sum}", labels(None))?;
            }
        }
    }
    Ok(())
}

/// Bounds are written as floats, so that they compare as text.
fn float(bound: f64) -> String {
    format!("{bound:?}")
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
