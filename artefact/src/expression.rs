//! Expressions as the compiler leaves them: parsed, with the place of every node, ready to be evaluated.

mod display;
mod reads;

pub(crate) use display::quote;
pub use reads::{Override, Read, Reads};

/// An expression and the byte offset, within the text between `{{` and `}}`, at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Byte offset in the text of the whole expression; errors point here.
    pub at: u32,
    /// What it is.
    pub node: Node,
}

impl Expression {
    /// The expressions that it is made of, in order of place.
    pub fn parts(&self) -> Vec<&Expression> {
        match &self.node {
            Node::Nil
            | Node::Bool(_)
            | Node::Int(_)
            | Node::Float(_)
            | Node::Str(_)
            | Node::Name(_)
            | Node::Pointer(_) => Vec::new(),
            Node::Array(items) | Node::Sequence(items) | Node::Predicate { arguments: items, .. } => {
                items.iter().collect()
            }
            Node::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Node::Member { object, property, .. } => vec![object, property],
            Node::Slice { object, from, to } => {
                let bounds = from.iter().chain(to);
                [object].into_iter().chain(bounds).map(AsRef::as_ref).collect()
            }
            Node::Unary(_, part) | Node::Closure(part) => vec![part],
            Node::Binary(_, left, right) => vec![left, right],
            Node::Conditional(condition, then, otherwise) => vec![condition, then, otherwise],
            Node::Call { callee, arguments } => [callee.as_ref()].into_iter().chain(arguments).collect(),
            Node::Let { value, body, .. } => vec![value, body],
        }
    }
}

/// One node of an expression (expr-lang v1.17; reference `template-language.md` section 4).
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// Integer literal.
    Int(i64),
    /// Floating-point literal.
    Float(f64),
    /// String literal, unescaped.
    Str(String),
    /// `[a, b]`
    Array(Vec<Expression>),
    /// `{k: v}`; bare keys are string literals.
    Map(Vec<(Expression, Expression)>),
    /// A variable, function or namespace; `$env` is a name too. `::name` is the built-in of the language even where a
    /// variable hides it.
    Name(String),
    /// `object.property`, `object[index]`, `object?.property`; a plain property is a string literal.
    Member {
        /// What it is a member of.
        object: Box<Expression>,
        /// Its name or index.
        property: Box<Expression>,
        /// If there is no object, this and the members and calls that follow in the chain are nil.
        optional: bool,
    },
    /// `object[from:to]`
    Slice {
        /// A list or text.
        object: Box<Expression>,
        /// First index; 0 if absent.
        from: Option<Box<Expression>>,
        /// Index after the last; the length if absent.
        to: Option<Box<Expression>>,
    },
    /// `not a`, `-a`, `+a`
    Unary(Unary, Box<Expression>),
    /// `a + b` and the like.
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `a ? b : c`; also `if a { b } else { c }`.
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
    /// A call of a function that is not one of the language's predicates.
    Call {
        /// A name or a member.
        callee: Box<Expression>,
        /// In order.
        arguments: Vec<Expression>,
    },
    /// A built-in of the language that takes a predicate: `filter(list, # > 1)`.
    Predicate {
        /// Name of the built-in.
        name: String,
        /// The list, perhaps a [`Node::Closure`], perhaps one more.
        arguments: Vec<Expression>,
    },
    /// `{# > 1}`: the body of a predicate argument.
    Closure(Box<Expression>),
    /// `#` (`None`), `#acc` and `#index` (`Some`).
    Pointer(Option<String>),
    /// `let name = value; body`
    Let {
        /// Name of the variable.
        name: String,
        /// Its value.
        value: Box<Expression>,
        /// Where it is known.
        body: Box<Expression>,
    },
    /// `a; b`: the value is that of the last. A sequence of one ends a chain of optional members: what follows it is
    /// not skipped.
    Sequence(Vec<Expression>),
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `not`, `!`
    Not,
    /// `-`
    Minus,
    /// `+`
    Plus,
}

/// Infix operators. `not in` and its like are [`Unary::Not`] around the positive operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `or`, `||`
    Or,
    /// `and`, `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `matches`
    Matches,
    /// `contains`
    Contains,
    /// `startsWith`
    StartsWith,
    /// `endsWith`
    EndsWith,
    /// `..`
    Range,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `**`, `^`
    Power,
    /// `??`
    Coalesce,
}

impl Binary {
    /// Asks which of two values comes first.
    pub fn orders(self) -> bool {
        matches!(
            self,
            Self::Less | Self::Greater | Self::LessOrEqual | Self::GreaterOrEqual
        )
    }
}
