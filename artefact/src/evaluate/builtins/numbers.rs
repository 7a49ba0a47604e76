use super::{Outcome, wrong_kind, wrong_number};
use crate::evaluate::value::Value;

#[allow(clippy::cast_precision_loss, reason = "the reference converts the same way")]
fn float(name: &str, value: &Value<'_>) -> Result<f64, String> {
    match value {
        Value::Int(i) => Ok(*i as f64),
        Value::Float(f) => Ok(*f),
        other => Err(wrong_kind(name, other)),
    }
}

pub(super) fn call<'a>(name: &str, arguments: &[Value<'a>]) -> Outcome<'a> {
    match (name, arguments) {
        ("abs", [Value::Int(i)]) => Ok(Value::Int(i.wrapping_abs())),
        ("abs", [value]) => Ok(Value::Float(float(name, value)?.abs())),
        ("ceil", [value]) => Ok(Value::Float(float(name, value)?.ceil())),
        ("floor", [value]) => Ok(Value::Float(float(name, value)?.floor())),
        ("round", [value]) => Ok(Value::Float(float(name, value)?.round())),
        ("max", _) => extreme(name, arguments, std::cmp::Ordering::Greater),
        ("min", _) => extreme(name, arguments, std::cmp::Ordering::Less),
        ("mean" | "median", _) => {
            let mut numbers = Vec::new();
            for value in arguments {
                collect(name, value, &mut numbers)?;
            }
            Ok(Value::Float(if name == "mean" {
                mean(&numbers)
            } else {
                median(numbers)
            }))
        }
        _ => Err(wrong_number(name, arguments.len())),
    }
}

/// The greatest or least number, also of lists in lists; a single value of another kind is returned as it is.
fn extreme<'a>(name: &str, arguments: &[Value<'a>], wanted: std::cmp::Ordering) -> Outcome<'a> {
    let mut best: Option<(f64, Value<'a>)> = None;
    let mut consider = |value: &Value<'a>| -> Result<(), String> {
        let number = float(name, value)?;
        if best
            .as_ref()
            .is_none_or(|(best, _)| number.partial_cmp(best) == Some(wanted))
        {
            best = Some((number, value.clone()));
        }
        Ok(())
    };
    for value in arguments {
        match value {
            Value::List(list) => {
                for item in &list.items {
                    let item = match item {
                        Value::List(_) => extreme(name, std::slice::from_ref(item), wanted)?,
                        item => item.clone(),
                    };
                    consider(&item)?;
                }
            }
            Value::Int(_) | Value::Float(_) => consider(value)?,
            other if arguments.len() == 1 => return Ok(other.clone()),
            other => return Err(wrong_kind(name, other)),
        }
    }
    Ok(best.map_or(Value::Nil, |(_, value)| value))
}

fn collect(name: &str, value: &Value<'_>, numbers: &mut Vec<f64>) -> Result<(), String> {
    if let Value::List(list) = value {
        return list
            .items
            .iter()
            .try_for_each(|item| collect(name, item, numbers));
    }
    numbers.push(float(name, value)?);
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "lists are far shorter")]
fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() {
        0.0
    } else {
        numbers.iter().sum::<f64>() / numbers.len() as f64
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied().unwrap_or(0.0);
    if numbers.len() % 2 == 1 || middle == 0 {
        return upper;
    }
    f64::midpoint(numbers.get(middle - 1).copied().unwrap_or(0.0), upper)
}

pub(super) fn bits<'a>(name: &str, arguments: &[Value<'a>]) -> Outcome<'a> {
    let whole = |value: &Value<'a>| match value {
        Value::Int(i) => Ok(*i),
        other => Err(wrong_kind(name, other)),
    };
    if let ("bitnot", [value]) = (name, arguments) {
        return Ok(Value::Int(!whole(value)?));
    }
    let [x, y] = arguments else {
        return Err(wrong_number(name, arguments.len()));
    };
    let (x, y) = (whole(x)?, whole(y)?);
    // Shifting out everything leaves zero, or the sign.
    let shift = || u32::try_from(y).map_err(|_| format!("{name} cannot shift by {y}"));
    Ok(Value::Int(match name {
        "bitand" => x & y,
        "bitor" => x | y,
        "bitxor" => x ^ y,
        "bitnand" => x & !y,
        "bitshl" => x.checked_shl(shift()?).unwrap_or(0),
        "bitshr" => x.checked_shr(shift()?).unwrap_or(if x < 0 { -1 } else { 0 }),
        _ => x.cast_unsigned().checked_shr(shift()?).unwrap_or(0).cast_signed(),
    }))
}
