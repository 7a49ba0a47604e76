use crate::evaluate::{ListKind, Value, plain_text};

const TRUTHY: [&str; 6] = ["true", "yes", "y", "1", "on", "ok"];
const FALSY: [&str; 6] = ["false", "no", "n", "0", "off", "none"];

/// Decimal text as a number; the error is the nearest number: 0, or the largest or smallest there is.
pub(super) fn atoi(text: &str) -> Result<i64, i64> {
    use std::num::IntErrorKind as Kind;
    text.parse::<i64>().map_err(|error| match error.kind() {
        Kind::PosOverflow => i64::MAX,
        Kind::NegOverflow => i64::MIN,
        _ => 0,
    })
}

pub(crate) fn is_truthy(text: &str) -> bool {
    let text = crate::evaluate::case::lower(text.trim());
    TRUTHY.contains(&text.as_str())
}

pub(crate) fn is_falsy(text: &str) -> bool {
    let text = crate::evaluate::case::lower(text.trim());
    text.is_empty() || FALSY.contains(&text.as_str())
}

/// A list as sorted texts; anything else as it is.
pub(super) fn sort<'a>(value: &Value<'a>) -> Result<Value<'a>, String> {
    let Value::List(list) = value else {
        return Ok(value.clone());
    };
    if list.kind != ListKind::Any {
        return Ok(value.clone());
    }
    let mut texts = list.items.iter().map(plain_text).collect::<Result<Vec<_>, _>>()?;
    texts.sort();
    Ok(Value::list(texts.into_iter().map(Value::text).collect()))
}
