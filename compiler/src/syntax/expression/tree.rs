//! Expressions under construction: each with its depth, so that none grows too deep to walk.

use partita_artefact::expression::{Binary, Expression, Node, Unary};

use super::{SyntaxError, nesting, offset};

/// A finished part of an expression.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) expression: Expression,
    pub(super) depth: usize,
}

impl Tree {
    /// A node without children.
    pub(super) fn leaf(at: usize, node: Node) -> Self {
        Self {
            expression: Expression { at: offset(at), node },
            depth: 1,
        }
    }

    /// A node over children, the deepest of which has this depth.
    pub(super) fn over(depth: usize, at: usize, node: Node) -> Result<Self, SyntaxError> {
        let depth = nesting::deeper(depth, at)?;
        Ok(Self {
            expression: Expression { at: offset(at), node },
            depth,
        })
    }

    pub(super) fn boxed(self) -> Box<Expression> {
        Box::new(self.expression)
    }

    pub(super) fn unary(self, operator: Unary, at: usize) -> Result<Self, SyntaxError> {
        let depth = self.depth;
        Self::over(depth, at, Node::Unary(operator, self.boxed()))
    }

    pub(super) fn join(self, right: Self, at: usize, operator: Binary) -> Result<Self, SyntaxError> {
        let depth = self.depth.max(right.depth);
        Self::over(depth, at, Node::Binary(operator, self.boxed(), right.boxed()))
    }

    pub(super) fn conditional(self, at: usize, then: Self, otherwise: Self) -> Result<Self, SyntaxError> {
        let depth = self.depth.max(then.depth).max(otherwise.depth);
        Self::over(
            depth,
            at,
            Node::Conditional(self.boxed(), then.boxed(), otherwise.boxed()),
        )
    }

    /// A member; `optional` ends the chain with nil if there is no object.
    pub(super) fn member(self, property: Self, at: usize, optional: bool) -> Result<Self, SyntaxError> {
        let depth = self.depth.max(property.depth);
        let node = Node::Member {
            object: self.boxed(),
            property: property.boxed(),
            optional,
        };
        Self::over(depth, at, node)
    }

    /// What follows is no longer skipped when an optional member before it finds no object. Only brackets
    /// do this to a chain; it is written as a sequence of one.
    pub(super) fn end_of_chain(self, at: usize) -> Result<Self, SyntaxError> {
        if !self.in_chain() {
            return Ok(self);
        }
        let depth = self.depth;
        Self::over(depth, at, Node::Sequence(vec![self.expression]))
    }

    fn in_chain(&self) -> bool {
        let mut node = &self.expression.node;
        loop {
            node = match node {
                Node::Member { optional: true, .. } => return true,
                Node::Member { object, .. } => &object.node,
                Node::Call { callee, .. } => &callee.node,
                _ => return false,
            };
        }
    }
}

/// A call under construction.
pub(super) struct Call {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) predicate: bool,
    pub(super) arguments: Vec<Tree>,
}

impl Call {
    pub(super) fn tree(self) -> Result<Tree, SyntaxError> {
        let depth = depth_of(&self.arguments);
        let arguments = expressions(self.arguments);
        let node = if self.predicate {
            Node::Predicate {
                name: self.name,
                arguments,
            }
        } else {
            let callee = Box::new(Expression {
                at: offset(self.at),
                node: Node::Name(self.name),
            });
            Node::Call { callee, arguments }
        };
        Tree::over(depth, self.at, node)
    }
}

pub(super) fn depth_of(trees: &[Tree]) -> usize {
    trees.iter().map(|tree| tree.depth).max().unwrap_or(0)
}

pub(super) fn expressions(trees: Vec<Tree>) -> Vec<Expression> {
    trees.into_iter().map(|tree| tree.expression).collect()
}
