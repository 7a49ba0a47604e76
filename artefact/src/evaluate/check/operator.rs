use super::{Checker, Rigour};
use crate::evaluate::nature::Nature;
use crate::evaluate::{Fault, operators};
use crate::expression::{Binary, Expression, Node};

impl<'a> Checker<'a, '_> {
    pub(super) fn binary(
        &mut self,
        operator: Binary,
        left: &'a Expression,
        right: &'a Expression,
        at: u32,
    ) -> Nature {
        let l = self.nature(left);
        let r = self.nature(right);
        if let (Binary::Matches, Node::Str(pattern)) = (operator, &right.node)
            && let Err(message) = operators::pattern(pattern)
        {
            return self.wrong_kind(at, message);
        }
        if operator.orders() && l == Nature::Str && r == Nature::Str {
            self.order_of_texts(at);
        }
        if let Some(nature) = result(operator, &l, &r) {
            return nature;
        }
        let hint = hint(operator, &l, &r);
        if self.rigour == Rigour::Full && matches!(operator, Binary::Equal | Binary::NotEqual) {
            self.misleads(at, format!("a {l} never equals a {r}"), hint);
            return Nature::Bool;
        }
        let fault = Fault::kind(
            at,
            format!("`{}` does not work on {l} and {r}", operator.symbol()),
        );
        self.fault(fault.hint(hint))
    }
}

impl Checker<'_, '_> {
    /// Texts are compared byte by byte, and all variables are texts: hardly ever what is meant.
    fn order_of_texts(&mut self, at: u32) {
        let hint = Some("compare numbers: `int(a) < int(b)`".to_owned());
        if let Err(message) = operators::ordered_texts(self.context.edition) {
            self.fault(Fault::kind(at, message).hint(hint));
        } else if self.rigour == Rigour::Full {
            self.misleads(
                at,
                "texts are compared letter by letter: \"10\" is less than \"2\"",
                hint,
            );
        }
    }
}

/// Nature of the result; `None` if the operator does not take these.
fn result(operator: Binary, l: &Nature, r: &Nature) -> Option<Nature> {
    use Nature as N;
    let numbers = l.is_number() && r.is_number();
    let texts = *l == N::Str && *r == N::Str;
    let pair = (l, r);
    match operator {
        Binary::Equal | Binary::NotEqual => l.comparable_to(r).then_some(N::Bool),
        Binary::And | Binary::Or => {
            let fits = pair == (&N::Bool, &N::Bool) || l.maybe(r, |n| *n == N::Bool);
            fits.then_some(N::Bool)
        }
        Binary::Less | Binary::Greater | Binary::LessOrEqual | Binary::GreaterOrEqual => {
            let fits = numbers
                || texts
                || matches!(pair, (N::Time, N::Time) | (N::Duration, N::Duration))
                || l.maybe(r, ordered);
            fits.then_some(N::Bool)
        }
        Binary::Add => match pair {
            _ if numbers => Some(l.promote(r)),
            _ if texts => Some(N::Str),
            (N::Time, N::Duration) | (N::Duration, N::Time) => Some(N::Time),
            (N::Duration, N::Duration) => Some(N::Duration),
            _ => l.maybe(r, ordered).then_some(N::Unknown),
        },
        Binary::Subtract => match pair {
            _ if numbers => Some(l.promote(r)),
            (N::Time, N::Time) | (N::Duration, N::Duration) => Some(N::Duration),
            (N::Time, N::Duration) => Some(N::Time),
            _ => l.maybe(r, |n| ordered(n) && *n != N::Str).then_some(N::Unknown),
        },
        Binary::Multiply => match pair {
            _ if numbers => Some(l.promote(r)),
            (N::Duration, N::Duration | N::Int | N::Float) | (N::Int | N::Float, N::Duration) => {
                Some(N::Duration)
            }
            _ => l
                .maybe(r, |n| n.is_number() || *n == N::Duration)
                .then_some(N::Unknown),
        },
        Binary::Divide | Binary::Power => (numbers || l.maybe(r, N::is_number)).then_some(N::Float),
        Binary::Remainder => (pair == (&N::Int, &N::Int) || l.maybe(r, |n| *n == N::Int)).then_some(N::Int),
        Binary::Range => {
            let fits = pair == (&N::Int, &N::Int) || l.maybe(r, |n| *n == N::Int);
            fits.then(|| N::list(N::Int))
        }
        Binary::In => contained(l, r).then_some(N::Bool),
        Binary::Matches | Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
            (texts || l.maybe(r, |n| *n == N::Str)).then_some(N::Bool)
        }
        Binary::Coalesce => Some(match pair {
            (N::Nil, other) | (other, N::Nil) => other.clone(),
            _ if r.assignable_to(l) => l.clone(),
            _ => N::Unknown,
        }),
    }
}

fn ordered(nature: &Nature) -> bool {
    nature.is_number() || matches!(nature, Nature::Str | Nature::Time | Nature::Duration)
}

fn contained(l: &Nature, r: &Nature) -> bool {
    match r {
        Nature::Role => matches!(l, Nature::Str | Nature::Unknown),
        Nature::Map { any_key: false } => matches!(l, Nature::Str | Nature::Unknown),
        Nature::Map { any_key: true } | Nature::Unknown => true,
        Nature::List(_) | Nature::Strings => l.comparable_to(&r.element()),
        Nature::Str => l.is_unknown(),
        _ => false,
    }
}

fn hint(operator: Binary, l: &Nature, r: &Nature) -> Option<String> {
    let one_is_text = (*l == Nature::Str) != (*r == Nature::Str);
    let hint = match operator {
        Binary::In if *r == Nature::Str => "use `contains` for text, or json.Unmarshal to make a list of it",
        Binary::And | Binary::Or if *l == Nature::Str || *r == Nature::Str => {
            "variables are text: compare with `== 'true'`"
        }
        Binary::Add if *l == Nature::Nil || *r == Nature::Nil => "use `?? ''` where a value may be missing",
        Binary::Add if one_is_text => "use string() to make text of it, or int() to make a number",
        Binary::Equal | Binary::NotEqual if *l == Nature::Bool || *r == Nature::Bool => {
            "one is a text, the other is true or false: put both in quotes, or leave the comparison out"
        }
        _ if one_is_text => "variables are text: put the other in quotes, or use int() to make a number",
        _ => return None,
    };
    Some(hint.to_owned())
}
