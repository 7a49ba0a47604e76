//! Expressions as text again, with the fewest parentheses: for whoever shows a part of one.

use std::fmt::{self, Display, Formatter, Write as _};

use super::{Binary, Expression, Node, Unary};

/// How tightly an operator binds (`template-language.md` 4.3).
type Strength = u16;

const LOOSEST: Strength = 0;
const CONDITIONAL: Strength = 1;
const NOT: Strength = 50;
const SIGN: Strength = 90;
const TIGHTEST: Strength = 1000;

impl Binary {
    /// The sign or word between the operands.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Matches => "matches",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Range => "..",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "**",
            Self::Coalesce => "??",
        }
    }

    fn strength(self) -> Strength {
        match self {
            Self::Or => 10,
            Self::And => 15,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::Greater
            | Self::LessOrEqual
            | Self::GreaterOrEqual
            | Self::In
            | Self::Matches
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith => 20,
            Self::Range => 25,
            Self::Add | Self::Subtract => 30,
            Self::Multiply | Self::Divide | Self::Remainder => 60,
            Self::Power => 100,
            Self::Coalesce => 500,
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(self, LOOSEST, f)
    }
}

fn strength(node: &Node) -> Strength {
    match node {
        Node::Sequence(_) | Node::Let { .. } => LOOSEST,
        Node::Conditional(..) => CONDITIONAL,
        Node::Binary(operator, ..) => operator.strength(),
        Node::Unary(Unary::Not, _) => NOT,
        Node::Unary(..) => SIGN,
        _ => TIGHTEST,
    }
}

/// Writes an expression that stands beside an operator of the strength `around`.
fn write(expression: &Expression, around: Strength, f: &mut Formatter<'_>) -> fmt::Result {
    let enclosed = strength(&expression.node) < around;
    if enclosed {
        f.write_char('(')?;
    }
    bare(expression, f)?;
    if enclosed {
        f.write_char(')')?;
    }
    Ok(())
}

fn bare(expression: &Expression, f: &mut Formatter<'_>) -> fmt::Result {
    match &expression.node {
        Node::Nil => f.write_str("nil"),
        Node::Bool(value) => write!(f, "{value}"),
        Node::Int(value) => write!(f, "{value}"),
        Node::Float(value) => write!(f, "{value:?}"),
        Node::Str(text) => f.write_str(&quote(text)),
        Node::Array(items) => {
            f.write_char('[')?;
            list(items, f)?;
            f.write_char(']')
        }
        Node::Map(entries) => map(entries, f),
        Node::Name(name) => f.write_str(name),
        Node::Member {
            object,
            property,
            optional,
        } => member(object, property, *optional, f),
        Node::Slice { object, from, to } => {
            write(object, TIGHTEST, f)?;
            f.write_char('[')?;
            from.as_deref().map_or(Ok(()), |from| write(from, LOOSEST, f))?;
            f.write_char(':')?;
            to.as_deref().map_or(Ok(()), |to| write(to, LOOSEST, f))?;
            f.write_char(']')
        }
        Node::Unary(operator, operand) => {
            let (sign, strength) = match operator {
                Unary::Not => ("!", SIGN),
                Unary::Minus => ("-", SIGN),
                Unary::Plus => ("+", SIGN),
            };
            f.write_str(sign)?;
            write(operand, strength, f)
        }
        Node::Binary(operator, left, right) => {
            let strength = operator.strength();
            write(left, strength, f)?;
            write!(f, " {} ", operator.symbol())?;
            write(right, strength + 1, f)
        }
        Node::Conditional(condition, then, otherwise) => {
            write(condition, CONDITIONAL + 1, f)?;
            f.write_str(" ? ")?;
            write(then, CONDITIONAL, f)?;
            f.write_str(" : ")?;
            write(otherwise, CONDITIONAL, f)
        }
        Node::Call { callee, arguments } => {
            write(callee, TIGHTEST, f)?;
            call(arguments, f)
        }
        Node::Predicate { name, arguments } => {
            f.write_str(name)?;
            call(arguments, f)
        }
        Node::Closure(body) => write(body, LOOSEST, f),
        Node::Pointer(name) => write!(f, "#{}", name.as_deref().unwrap_or_default()),
        Node::Let { name, value, body } => write!(f, "let {name} = {value}; {body}"),
        Node::Sequence(clauses) => {
            for (place, clause) in clauses.iter().enumerate() {
                if place > 0 {
                    f.write_str("; ")?;
                }
                write(clause, CONDITIONAL, f)?;
            }
            Ok(())
        }
    }
}

fn map(entries: &[(Expression, Expression)], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('{')?;
    for (place, (key, value)) in entries.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        // A bare word would be text.
        match &key.node {
            Node::Str(_) => write!(f, "{key}: {value}")?,
            _ => write!(f, "({key}): {value}")?,
        }
    }
    f.write_char('}')
}

fn member(object: &Expression, property: &Expression, optional: bool, f: &mut Formatter<'_>) -> fmt::Result {
    write(object, TIGHTEST, f)?;
    let dot = if optional { "?." } else { "." };
    match &property.node {
        Node::Str(name) if is_identifier(name) => write!(f, "{dot}{name}"),
        _ => {
            f.write_str(if optional { "?.[" } else { "[" })?;
            write(property, LOOSEST, f)?;
            f.write_char(']')
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

fn call(arguments: &[Expression], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('(')?;
    list(arguments, f)?;
    f.write_char(')')
}

fn list(items: &[Expression], f: &mut Formatter<'_>) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write(item, LOOSEST, f)?;
    }
    Ok(())
}

/// A text as it stands in an expression. In single quotes, as workflow authors write it: the field around it mostly has
/// double ones.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}
