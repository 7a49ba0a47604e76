//! A payload, parsed.

use super::lexer::Place;

/// A file of the store.
pub(super) struct Template {
    /// Its path, for messages and for includes.
    pub(super) path: String,
    pub(super) nodes: Vec<Node>,
}

pub(super) enum Node {
    Text(String),
    Output(Expression),
    /// Conditions with what follows them, and what follows none.
    If(Vec<(Expression, Vec<Node>)>, Vec<Node>),
    IfEqual {
        sides: (Expression, Expression),
        negated: bool,
        same: Vec<Node>,
        different: Vec<Node>,
    },
    For(Box<For>),
    Set(String, Expression),
    With(Vec<(String, Expression)>, Vec<Node>),
    Include(Box<Include>),
    Autoescape(bool, Vec<Node>),
    FirstOf(Vec<Expression>),
}

pub(super) struct For {
    /// The element, or the key of a map.
    pub(super) key: String,
    /// The value, of a map.
    pub(super) value: Option<String>,
    pub(super) over: Expression,
    pub(super) reversed: bool,
    pub(super) sorted: bool,
    pub(super) body: Vec<Node>,
    pub(super) empty: Vec<Node>,
}

pub(super) struct Include {
    pub(super) file: Included,
    pub(super) with: Vec<(String, Expression)>,
    /// It sees nothing but `with`.
    pub(super) only: bool,
}

pub(super) enum Included {
    /// Its name is written: it has been read with the payload.
    Template(Template),
    /// Its name is written with `if_exists`, and there is none.
    Nothing,
    /// Its name is known only when it is needed.
    Named { name: Expression, if_exists: bool },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Int(i64),
    Float(f64),
    Bool(bool),
    Str(String),
    Variable(Variable),
    Filtered(Box<Expression>, Vec<Filter>),
    Not(Box<Expression>),
    Negative(Box<Expression>, Place),
    Binary(Operator, Box<(Expression, Expression)>),
}

/// `name.part[index](arguments)`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variable {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) call: Option<Vec<Expression>>,
    pub(super) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    pub(super) call: Option<Vec<Expression>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum PartKind {
    Name(String),
    Index(usize),
    Subscript(Expression),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) argument: Option<Expression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

impl Expression {
    /// Nothing of it needs escaping: `safe` stands behind each of its operands.
    pub(super) fn is_safe(&self) -> bool {
        match self {
            Expression::Filtered(_, filters) => filters.iter().any(|filter| filter.name == "safe"),
            Expression::Not(operand) | Expression::Negative(operand, _) => operand.is_safe(),
            Expression::Binary(_, sides) => sides.0.is_safe() && sides.1.is_safe(),
            _ => false,
        }
    }
}

impl Variable {
    /// As messages have it.
    pub(super) fn text(&self) -> String {
        let mut text = self.name.clone();
        for part in &self.parts {
            match &part.kind {
                PartKind::Name(name) => text.extend([".", name]),
                PartKind::Index(index) => text.extend([".", &index.to_string()]),
                PartKind::Subscript(_) => text.push_str("[…]"),
            }
        }
        text
    }
}
