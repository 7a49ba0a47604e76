//! The built-ins of the language itself (expr-lang v1.17.7, `builtin`): names, kinds, behaviour.

mod convert;
mod lists;
mod nature;
mod numbers;
mod strings;

pub(super) use convert::method;
pub(super) use lists::sort_by;
pub(super) use nature::nature;

use super::World;
use super::value::Value;

type Outcome<'a> = Result<Value<'a>, String>;

/// Built-ins that take a predicate; the parser knows them by name.
const PREDICATES: &[&str] = &[
    "all",
    "any",
    "count",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "groupBy",
    "map",
    "none",
    "one",
    "reduce",
    "sortBy",
    "sum",
];

const PLAIN: &[&str] = &[
    "abs",
    "bitand",
    "bitnand",
    "bitnot",
    "bitor",
    "bitshl",
    "bitshr",
    "bitushr",
    "bitxor",
    "ceil",
    "concat",
    "date",
    "duration",
    "first",
    "flatten",
    "float",
    "floor",
    "fromBase64",
    "fromJSON",
    "fromPairs",
    "get",
    "hasPrefix",
    "hasSuffix",
    "indexOf",
    "int",
    "join",
    "keys",
    "last",
    "lastIndexOf",
    "len",
    "lower",
    "max",
    "mean",
    "median",
    "min",
    "now",
    "repeat",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "splitAfter",
    "string",
    "take",
    "timezone",
    "toBase64",
    "toJSON",
    "toPairs",
    "trim",
    "trimPrefix",
    "trimSuffix",
    "type",
    "uniq",
    "upper",
    "values",
];

/// Whether the language has a built-in of this name.
pub(super) fn exists(name: &str) -> bool {
    PLAIN.binary_search(&name).is_ok() || PREDICATES.binary_search(&name).is_ok()
}

/// The names of all built-ins.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PLAIN.iter().chain(PREDICATES).copied()
}

/// Calls a built-in that takes no predicate.
pub(super) fn call<'a>(name: &str, arguments: &[Value<'a>], world: &dyn World) -> Outcome<'a> {
    match name {
        "abs" | "ceil" | "floor" | "round" | "max" | "min" | "mean" | "median" => {
            numbers::call(name, arguments)
        }
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" | "bitnot" => {
            numbers::bits(name, arguments)
        }
        "concat" | "first" | "flatten" | "fromPairs" | "get" | "join" | "keys" | "last" | "len"
        | "reverse" | "sort" | "take" | "toPairs" | "uniq" | "values" => lists::call(name, arguments),
        "hasPrefix" | "hasSuffix" | "indexOf" | "lastIndexOf" | "lower" | "repeat" | "replace" | "split"
        | "splitAfter" | "trim" | "trimPrefix" | "trimSuffix" | "upper" => strings::call(name, arguments),
        _ => convert::call(name, arguments, world),
    }
}

/// The arguments of a built-in that is called with a wrong number of them.
fn wrong_number(name: &str, given: usize) -> String {
    format!("{name} does not take {given} arguments")
}

fn wrong_kind(name: &str, value: &Value<'_>) -> String {
    format!("{name} does not take a {}", value.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(PLAIN.is_sorted());
        assert!(PREDICATES.is_sorted());
    }
}
