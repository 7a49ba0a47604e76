//! The texts that a template can become: its literal parts, with gaps where anything may stand.

use partita_artefact::expression::{Binary, Expression, Node};
use partita_artefact::ir::{Part, Template};

/// More alternatives than this are not told apart.
const ALTERNATIVES: usize = 64;

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    Gap,
}

impl Piece {
    fn literal(piece: Option<&Self>) -> &str {
        match piece {
            Some(Self::Text(text)) => text,
            Some(Self::Gap) | None => "",
        }
    }
}

/// What a template can become. `value` knows the variables whose value is certain. Nothing, if it always fails.
pub(super) fn of_template<'v>(template: &Template, value: &dyn Fn(&str) -> Option<&'v str>) -> Vec<Pattern> {
    template
        .parts
        .iter()
        .fold(vec![Pattern(Vec::new())], |before, part| {
            let next = match part {
                Part::Text(text) => vec![Pattern::text(text)],
                Part::Expression(code) => of_expression(&code.expression, value),
                Part::Malformed { .. } => Vec::new(),
            };
            joined(&before, &next)
        })
}

fn of_expression<'v>(expression: &Expression, value: &dyn Fn(&str) -> Option<&'v str>) -> Vec<Pattern> {
    match &expression.node {
        Node::Str(text) => vec![Pattern::text(text)],
        Node::Name(name) => vec![value(name).map_or_else(Pattern::gap, Pattern::text)],
        Node::Conditional(_, yes, no) => either(of_expression(yes, value), of_expression(no, value)),
        Node::Binary(Binary::Coalesce, first, second) => {
            either(of_expression(first, value), of_expression(second, value))
        }
        Node::Binary(Binary::Add, left, right) => {
            joined(&of_expression(left, value), &of_expression(right, value))
        }
        _ => vec![Pattern::gap()],
    }
}

fn either(mut one: Vec<Pattern>, other: Vec<Pattern>) -> Vec<Pattern> {
    one.extend(other);
    limited(one)
}

fn joined(first: &[Pattern], second: &[Pattern]) -> Vec<Pattern> {
    let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
    limited(pairs.map(|(a, b)| a.followed_by(b)).collect())
}

fn limited(mut patterns: Vec<Pattern>) -> Vec<Pattern> {
    patterns.sort();
    patterns.dedup();
    if patterns.len() > ALTERNATIVES {
        vec![Pattern::gap()]
    } else {
        patterns
    }
}

impl Pattern {
    fn text(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    fn gap() -> Self {
        Self(vec![Piece::Gap])
    }

    /// Neighbouring texts are one piece, and so are neighbouring gaps.
    fn followed_by(&self, other: &Self) -> Self {
        let mut pieces = self.0.clone();
        for piece in &other.0 {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(text),
                (Some(Piece::Gap), Piece::Gap) => {}
                _ => pieces.push(piece.clone()),
            }
        }
        Self(pieces)
    }

    /// The text, if there is no gap.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The literal text before the first gap, and that after the last.
    pub(super) fn ends(&self) -> (&str, &str) {
        (Piece::literal(self.0.first()), Piece::literal(self.0.last()))
    }

    /// Whether it can become `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (first, last) = self.ends();
        if let Some(literal) = self.literal() {
            return literal == text;
        }
        let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
            return false;
        };
        let inner = self.0.get(1..self.0.len() - 1).unwrap_or_default();
        for piece in inner {
            if let Piece::Text(text) = piece {
                // Behind a gap, the first place where a text fits leaves most for the others.
                match rest.split_once(text.as_str()) {
                    Some((_, after)) => rest = after,
                    None => return false,
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use partita_artefact::ir::Span;

    use super::*;
    use crate::syntax::template;

    fn patterns(text: &str) -> Vec<Pattern> {
        let known = |name: &str| (name == "known").then_some("value");
        of_template(&template::parse(text, Span::default()), &known)
    }

    fn matches(template: &str, text: &str) -> bool {
        patterns(template).iter().any(|pattern| pattern.matches(text))
    }

    #[test]
    fn gaps_stand_for_anything() {
        for (template, text, expected) in [
            ("{{ x }}", "", true),
            ("{{ x }}", "a/b@c", true),
            ("a{{ x }}", "ab", true),
            ("a{{ x }}", "ba", false),
            ("{{ x }}b", "ab", true),
            ("a{{ x }}b{{ y }}c", "abbc", true),
            ("a{{ x }}b{{ y }}c", "ac", false),
            ("a{{ x }}a", "a", false),
            ("{{ x }}ab{{ y }}", "aab", true),
            ("{{ 'a' + x }}", "ab", true),
            ("{{ 'a' + x }}", "ba", false),
            ("{{ x == '1' ? 'a' : b + 'c' }}", "a", true),
            ("{{ x == '1' ? 'a' : b + 'c' }}", "xc", true),
            ("{{ x == '1' ? 'a' : b + 'c' }}", "x", false),
            ("{{ known }}-{{ x }}", "value-1", true),
            ("{{ known }}-{{ x }}", "other-1", false),
            ("a{{ }}", "a", false),
        ] {
            assert_eq!(matches(template, text), expected, "{template} {text}");
        }
    }

    #[test]
    fn what_is_known_has_no_gap() {
        let literals: Vec<_> = patterns("{{ x ? 'a' : known }}.b")
            .iter()
            .map(|pattern| pattern.literal().map(str::to_owned))
            .collect();
        assert_eq!(literals, [Some("a.b".to_owned()), Some("value.b".to_owned())]);
    }

    #[test]
    fn too_many_alternatives_are_one_gap() {
        let text = "{{ x ? 'a' : 'b' }}".repeat(7);
        assert_eq!(patterns(&text), [Pattern::gap()]);
    }
}
