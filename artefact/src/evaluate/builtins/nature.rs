use crate::evaluate::nature::Nature;

use Nature as N;

/// Kind of the result of a built-in, or why it does not take these arguments.
pub(in crate::evaluate) fn nature(name: &str, arguments: &[Nature]) -> Result<Nature, String> {
    let shape = shape(name);
    if !shape.number.contains(&arguments.len()) {
        let (least, most) = (shape.number.start(), shape.number.end());
        let wanted = if least == most {
            format!("{least}")
        } else {
            format!("{least} to {most}")
        };
        return Err(format!(
            "{name} takes {wanted} arguments, not {}",
            arguments.len()
        ));
    }
    let kinds = shape.kinds.iter().chain(shape.kinds.last().into_iter().cycle());
    for (argument, takes) in arguments.iter().zip(kinds) {
        if !takes(argument) {
            return Err(format!("{name} does not take a {argument}"));
        }
    }
    let first = arguments.first();
    Ok(match shape.result {
        Outcome::Is(nature) => nature,
        Outcome::First => first.cloned().unwrap_or(N::Unknown),
        Outcome::Element => first.map_or(N::Unknown, N::element),
        Outcome::Aggregate if arguments.iter().all(N::is_number) => first.cloned().unwrap_or(N::Unknown),
        Outcome::Aggregate => N::Unknown,
    })
}

type Takes = fn(&Nature) -> bool;

/// What a built-in takes and returns.
struct Shape {
    number: std::ops::RangeInclusive<usize>,
    /// What each argument may be; the last one also stands for those that follow.
    kinds: &'static [Takes],
    result: Outcome,
}

enum Outcome {
    Is(Nature),
    /// That of the first argument.
    First,
    /// That of the elements of the first argument.
    Element,
    /// That of the first argument if all are numbers.
    Aggregate,
}

#[allow(
    clippy::match_same_arms,
    reason = "a table: one row a built-in, in the order of the documentation"
)]
fn shape(name: &str) -> Shape {
    let (number, kinds, result): (_, &'static [Takes], _) = match name {
        "len" => (
            1..=1,
            &[|n| n.is_list() || matches!(n, N::Str | N::Map { .. } | N::Unknown)],
            is(N::Int),
        ),
        "type" | "string" | "toJSON" => (1..=1, &[any], is(N::Str)),
        "abs" => (1..=1, &[number], Outcome::First),
        "ceil" | "floor" | "round" => (1..=1, &[number], is(N::Float)),
        "int" => (1..=1, &[|n| number(n) || text(n)], is(N::Int)),
        "float" => (1..=1, &[|n| number(n) || text(n)], is(N::Float)),
        "trim" | "trimPrefix" | "trimSuffix" => (1..=2, &[text], is(N::Str)),
        "upper" | "lower" | "toBase64" | "fromBase64" => (1..=1, &[text], is(N::Str)),
        "split" | "splitAfter" => (2..=3, &[text, text, whole], is(N::Strings)),
        "replace" => (3..=4, &[text, text, text, whole], is(N::Str)),
        "repeat" => (2..=2, &[text, whole], is(N::Str)),
        "join" => (1..=2, &[list, text], is(N::Str)),
        "indexOf" | "lastIndexOf" => (2..=2, &[text], is(N::Int)),
        "hasPrefix" | "hasSuffix" => (2..=2, &[text], is(N::Bool)),
        "max" | "min" | "mean" | "median" => (1..=MANY, &[|n| number(n) || n.is_list()], Outcome::Aggregate),
        "fromJSON" => (1..=1, &[text], is(N::Unknown)),
        "now" => (0..=0, &[any], is(N::Time)),
        "duration" => (1..=1, &[text], is(N::Duration)),
        "date" => (1..=3, &[any], is(N::Time)),
        "timezone" => (1..=1, &[text], is(N::Unknown)),
        "first" | "last" => (1..=1, &[list], Outcome::Element),
        "get" => (
            2..=2,
            &[|n| n.is_list() || matches!(n, N::Map { .. } | N::Unknown), any],
            Outcome::Element,
        ),
        "take" => (2..=2, &[list, whole], Outcome::First),
        "keys" | "values" | "toPairs" => (1..=1, &[|n| matches!(n, N::Map { .. } | N::Unknown)], anything()),
        "fromPairs" => (1..=1, &[list], is(N::Map { any_key: true })),
        "reverse" | "uniq" | "flatten" => (1..=1, &[list], anything()),
        "concat" => (1..=MANY, &[list], anything()),
        "sort" => (1..=2, &[list, text], anything()),
        "bitnot" => (1..=1, &[whole], is(N::Int)),
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" => {
            (2..=2, &[whole], is(N::Int))
        }
        // Those with a predicate are checked where predicates are.
        _ => (0..=MANY, &[any], is(N::Unknown)),
    };
    Shape {
        number,
        kinds,
        result,
    }
}

const MANY: usize = 10_000;

fn is(nature: Nature) -> Outcome {
    Outcome::Is(nature)
}

fn anything() -> Outcome {
    Outcome::Is(N::list(N::Unknown))
}

fn any(_: &Nature) -> bool {
    true
}

fn number(nature: &Nature) -> bool {
    nature.is_number() || nature.is_unknown()
}

fn whole(nature: &Nature) -> bool {
    matches!(nature, N::Int | N::Unknown)
}

fn text(nature: &Nature) -> bool {
    matches!(nature, N::Str | N::Unknown)
}

fn list(nature: &Nature) -> bool {
    nature.is_list() || nature.is_unknown()
}
