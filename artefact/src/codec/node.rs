//! Expressions as flat lists of nodes, children before their parent.

use partita_proto::artefact as wire;
use wire::node::Kind;

use super::decode::Decoder;
use super::encode::Encoder;
use super::{DecodeError, EncodeError, MAX_EXPRESSION_DEPTH};
use crate::expression::{Binary, Expression, Node, Unary};
use crate::ir::Code;

const UNARY: [(Kind, Unary); 3] = [
    (Kind::Not, Unary::Not),
    (Kind::Minus, Unary::Minus),
    (Kind::Plus, Unary::Plus),
];

const BINARY: [(Kind, Binary); 21] = [
    (Kind::Or, Binary::Or),
    (Kind::And, Binary::And),
    (Kind::Equal, Binary::Equal),
    (Kind::NotEqual, Binary::NotEqual),
    (Kind::Less, Binary::Less),
    (Kind::Greater, Binary::Greater),
    (Kind::LessOrEqual, Binary::LessOrEqual),
    (Kind::GreaterOrEqual, Binary::GreaterOrEqual),
    (Kind::In, Binary::In),
    (Kind::Matches, Binary::Matches),
    (Kind::Contains, Binary::Contains),
    (Kind::StartsWith, Binary::StartsWith),
    (Kind::EndsWith, Binary::EndsWith),
    (Kind::Range, Binary::Range),
    (Kind::Add, Binary::Add),
    (Kind::Subtract, Binary::Subtract),
    (Kind::Multiply, Binary::Multiply),
    (Kind::Divide, Binary::Divide),
    (Kind::Remainder, Binary::Remainder),
    (Kind::Power, Binary::Power),
    (Kind::Coalesce, Binary::Coalesce),
];

pub(super) fn encode<'a>(code: &'a Code, encoder: &mut Encoder<'a>) -> Result<wire::Code, EncodeError> {
    let mut nodes = Vec::new();
    if push(&code.expression, &mut nodes, encoder, 1) {
        Ok(wire::Code {
            text: encoder.text(&code.text),
            nodes,
        })
    } else {
        Err(EncodeError::ExpressionDepth {
            text: code.text.clone(),
        })
    }
}

/// Appends an expression; false if it is too deep.
fn push<'a>(
    expression: &'a Expression,
    nodes: &mut Vec<wire::Node>,
    encoder: &mut Encoder<'a>,
    depth: usize,
) -> bool {
    if depth > MAX_EXPRESSION_DEPTH {
        return false;
    }
    let mut node = wire::Node {
        at: expression.at,
        ..wire::Node::default()
    };
    let (kind, children): (Kind, Vec<&'a Expression>) = match &expression.node {
        Node::Nil => (Kind::Nil, vec![]),
        Node::Bool(value) => {
            node.integer = i64::from(*value);
            (Kind::Bool, vec![])
        }
        Node::Int(value) => {
            node.integer = *value;
            (Kind::Int, vec![])
        }
        Node::Float(value) => {
            node.real = *value;
            (Kind::Float, vec![])
        }
        Node::Str(text) => (Kind::Str, named(&mut node, text, vec![], encoder)),
        Node::Array(items) => (Kind::Array, items.iter().collect()),
        Node::Map(entries) => (
            Kind::Map,
            entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        ),
        Node::Name(text) => (Kind::Name, named(&mut node, text, vec![], encoder)),
        Node::Member {
            object,
            property,
            optional,
        } => (
            if *optional {
                Kind::OptionalMember
            } else {
                Kind::Member
            },
            vec![&**object, &**property],
        ),
        Node::Slice { object, from, to } => {
            let kind = match (from, to) {
                (None, None) => Kind::Slice,
                (Some(_), None) => Kind::SliceFrom,
                (None, Some(_)) => Kind::SliceTo,
                (Some(_), Some(_)) => Kind::SliceFromTo,
            };
            (
                kind,
                [Some(object), from.as_ref(), to.as_ref()]
                    .into_iter()
                    .flatten()
                    .map(|child| &**child)
                    .collect(),
            )
        }
        Node::Unary(operator, operand) => {
            let kind = UNARY
                .iter()
                .find(|(_, other)| other == operator)
                .map_or(Kind::Not, |(kind, _)| *kind);
            (kind, vec![&**operand])
        }
        Node::Binary(operator, left, right) => {
            let kind = BINARY
                .iter()
                .find(|(_, other)| other == operator)
                .map_or(Kind::Or, |(kind, _)| *kind);
            (kind, vec![&**left, &**right])
        }
        Node::Conditional(condition, then, otherwise) => {
            (Kind::Conditional, vec![&**condition, &**then, &**otherwise])
        }
        Node::Call { callee, arguments } => {
            (Kind::Call, std::iter::once(&**callee).chain(arguments).collect())
        }
        Node::Predicate { name, arguments } => (
            Kind::Predicate,
            named(&mut node, name, arguments.iter().collect(), encoder),
        ),
        Node::Closure(body) => (Kind::Closure, vec![&**body]),
        Node::Pointer(None) => (Kind::Pointer, vec![]),
        Node::Pointer(Some(name)) => (Kind::NamedPointer, named(&mut node, name, vec![], encoder)),
        Node::Let { name, value, body } => (
            Kind::Let,
            named(&mut node, name, vec![&**value, &**body], encoder),
        ),
        Node::Sequence(items) => (Kind::Sequence, items.iter().collect()),
    };
    node.set_kind(kind);
    node.children = Encoder::count(children.len());
    let whole = children
        .into_iter()
        .all(|child| push(child, nodes, encoder, depth + 1));
    nodes.push(node);
    whole
}

fn named<'a>(
    node: &mut wire::Node,
    text: &'a str,
    children: Vec<&'a Expression>,
    encoder: &mut Encoder<'a>,
) -> Vec<&'a Expression> {
    node.text = encoder.text(text);
    children
}

pub(super) fn decode(code: &wire::Code, decoder: &Decoder) -> Result<Code, DecodeError> {
    // Expressions without a parent yet, each with its depth.
    let mut waiting: Vec<(Expression, usize)> = Vec::new();
    for node in &code.nodes {
        let count = node.children as usize;
        let first = waiting
            .len()
            .checked_sub(count)
            .ok_or(DecodeError::Invalid("an expression lacks operands"))?;
        let (children, depths): (Vec<_>, Vec<_>) = waiting.drain(first..).unzip();
        let depth = 1 + depths.into_iter().max().unwrap_or(0);
        if depth > MAX_EXPRESSION_DEPTH {
            return Err(DecodeError::Invalid("an expression nests too deep"));
        }
        waiting.push((
            Expression {
                at: node.at,
                node: build(node, children, decoder)?,
            },
            depth,
        ));
    }
    match (waiting.pop(), waiting.is_empty()) {
        (Some((expression, _)), true) => Ok(Code::new(decoder.text(code.text)?, expression)),
        _ => Err(DecodeError::Invalid("an expression has not exactly one root")),
    }
}

fn build(node: &wire::Node, children: Vec<Expression>, decoder: &Decoder) -> Result<Node, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("an expression has the wrong number of operands");
    let kind =
        Kind::try_from(node.kind).map_err(|_| DecodeError::Invalid("an unknown kind of expression"))?;
    let text = || decoder.text(node.text);
    let mut operands = children.into_iter();
    let built = match kind {
        Kind::Nil => Node::Nil,
        Kind::Bool => Node::Bool(node.integer != 0),
        Kind::Int => Node::Int(node.integer),
        Kind::Float => Node::Float(node.real),
        Kind::Str => Node::Str(text()?),
        Kind::Name => Node::Name(text()?),
        Kind::Pointer => Node::Pointer(None),
        Kind::NamedPointer => Node::Pointer(Some(text()?)),
        Kind::Array => Node::Array(operands.by_ref().collect()),
        Kind::Sequence => Node::Sequence(operands.by_ref().collect()),
        Kind::Predicate => Node::Predicate {
            name: text()?,
            arguments: operands.by_ref().collect(),
        },
        Kind::Map => {
            let mut entries = Vec::new();
            while let Some(key) = operands.next() {
                entries.push((key, operands.next().ok_or(WRONG)?));
            }
            Node::Map(entries)
        }
        Kind::Call => Node::Call {
            callee: Box::new(operands.next().ok_or(WRONG)?),
            arguments: operands.by_ref().collect(),
        },
        _ => {
            let mut one = || operands.next().map(Box::new).ok_or(WRONG);
            fixed(kind, &mut one, text)?
        }
    };
    if operands.next().is_some() {
        Err(WRONG)
    } else {
        Ok(built)
    }
}

/// The kinds with a fixed number of operands.
fn fixed(
    kind: Kind,
    one: &mut dyn FnMut() -> Result<Box<Expression>, DecodeError>,
    text: impl Fn() -> Result<String, DecodeError>,
) -> Result<Node, DecodeError> {
    Ok(match kind {
        Kind::Member => Node::Member {
            object: one()?,
            property: one()?,
            optional: false,
        },
        Kind::OptionalMember => Node::Member {
            object: one()?,
            property: one()?,
            optional: true,
        },
        Kind::Slice => Node::Slice {
            object: one()?,
            from: None,
            to: None,
        },
        Kind::SliceFrom => Node::Slice {
            object: one()?,
            from: Some(one()?),
            to: None,
        },
        Kind::SliceTo => Node::Slice {
            object: one()?,
            from: None,
            to: Some(one()?),
        },
        Kind::SliceFromTo => Node::Slice {
            object: one()?,
            from: Some(one()?),
            to: Some(one()?),
        },
        Kind::Conditional => Node::Conditional(one()?, one()?, one()?),
        Kind::Closure => Node::Closure(one()?),
        Kind::Let => Node::Let {
            name: text()?,
            value: one()?,
            body: one()?,
        },
        _ => {
            if let Some((_, operator)) = UNARY.iter().find(|(other, _)| *other == kind) {
                Node::Unary(*operator, one()?)
            } else if let Some((_, operator)) = BINARY.iter().find(|(other, _)| *other == kind) {
                Node::Binary(*operator, one()?, one()?)
            } else {
                return Err(DecodeError::Invalid("an unknown kind of expression"));
            }
        }
    })
}
