//! What values cost: whoever makes or reads a large one pays for its size, not only for the operation. Otherwise a
//! predicate that makes a list of a million numbers a million times would take two million steps.

use regex::Regex;

use super::Run;
use crate::evaluate::operators;
use crate::evaluate::value::Value;
use crate::evaluate::{Fault, MAX_STEPS, Step};
use crate::limits::evaluation::MAX_VALUE_DEPTH;

/// Elements of a list that cost one step; a list in a list costs a whole one.
const ELEMENTS: usize = 16;

/// Bytes of a text that cost as much as an element.
const BYTES: usize = 64;

/// Steps that the compilation of a pattern costs.
const PATTERN: usize = 1_000;

impl<'a> Run<'a, '_> {
    /// Counts the cost of a value that is made or read as a whole.
    pub(super) fn pay(&mut self, value: &Value<'_>, at: u32) -> Step<()> {
        if !matches!(value, Value::Str(_) | Value::List(_) | Value::Map(_)) {
            return Ok(());
        }
        let left = MAX_STEPS.saturating_sub(self.steps).saturating_mul(ELEMENTS);
        let mut paid = 0;
        if !cost(value, 0, left, &mut paid) {
            let message = format!("makes lists nested more than {MAX_VALUE_DEPTH} levels deep");
            return Err(Fault::limit(at, message));
        }
        self.steps += paid / ELEMENTS;
        if paid > left {
            return Err(Fault::limit(at, format!("takes more than {MAX_STEPS} steps")));
        }
        Ok(())
    }

    /// The same for several.
    pub(super) fn pay_all(&mut self, values: &[Value<'_>], at: u32) -> Step<()> {
        values.iter().try_for_each(|value| self.pay(value, at))
    }

    /// `text matches pattern`. In a predicate the pattern mostly is the one of the last element.
    pub(super) fn matches(&mut self, text: &str, pattern: &str, at: u32) -> Step<Value<'a>> {
        if let Some(known) = self.pattern.as_ref().filter(|known| known.as_str() == pattern) {
            return Ok(Value::Bool(known.is_match(text)));
        }
        self.steps += PATTERN;
        let compiled: Regex = operators::pattern(pattern).map_err(|message| Fault::run(at, message))?;
        let found = compiled.is_match(text);
        self.pattern = Some(compiled);
        Ok(Value::Bool(found))
    }
}

/// Adds the cost of a value, as far as `most`; false if it nests too deep.
fn cost(value: &Value<'_>, depth: usize, most: usize, paid: &mut usize) -> bool {
    if *paid > most {
        return true;
    }
    match value {
        Value::Str(text) => *paid += 1 + text.len() / BYTES,
        Value::List(list) => {
            *paid += ELEMENTS;
            return depth < MAX_VALUE_DEPTH
                && list.items.iter().all(|item| cost(item, depth + 1, most, paid));
        }
        Value::Map(map) => {
            *paid += ELEMENTS;
            return depth < MAX_VALUE_DEPTH
                && map.entries.values().all(|item| cost(item, depth + 1, most, paid));
        }
        _ => *paid += 1,
    }
    true
}
