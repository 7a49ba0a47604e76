//! Precedence climbing over the flat list of operands and operators that the grammar yields.

use partita_artefact::expression::{Binary, Unary};

use super::tree::{Call, Tree};
use super::{SyntaxError, nesting};

/// One item of an operation, in source order.
pub(super) enum Item {
    /// `not`, `-`, `+` before an operand.
    Prefix(Unary, usize),
    /// Between operands; the operator may be negated: `not in`.
    Infix {
        operator: Binary,
        negated: bool,
        at: usize,
    },
    /// A call whose first argument is everything to the left.
    Pipe(Call),
    /// An operand.
    Operand(Tree),
}

/// How tightly an operator binds (template-language.md 4.3).
fn precedence(operator: Binary) -> u16 {
    use Binary as B;
    match operator {
        B::Or => 10,
        B::And => 15,
        B::Range => 25,
        B::Add | B::Subtract => 30,
        B::Multiply | B::Divide | B::Remainder => 60,
        B::Power => 100,
        B::Coalesce => 500,
        // All that compare.
        _ => 20,
    }
}

fn orders(operator: Binary) -> bool {
    matches!(
        operator,
        Binary::Less | Binary::Greater | Binary::LessOrEqual | Binary::GreaterOrEqual
    )
}

/// Items from the left, with one of look-ahead.
pub(super) struct Climber {
    items: std::iter::Peekable<std::vec::IntoIter<Item>>,
}

impl Climber {
    pub(super) fn new(items: Vec<Item>) -> Self {
        Self {
            items: items.into_iter().peekable(),
        }
    }

    pub(super) fn operation(mut self) -> Result<Tree, SyntaxError> {
        self.climb(0, 0)
    }

    /// Everything from here that binds at least as tightly as `least`.
    fn climb(&mut self, least: u16, depth: usize) -> Result<Tree, SyntaxError> {
        let mut left = self.operand(depth)?;
        let mut coalesced = false;
        loop {
            match self.items.peek() {
                Some(Item::Pipe(_)) if least == 0 => {
                    let Some(Item::Pipe(mut call)) = self.items.next() else {
                        break;
                    };
                    call.arguments.insert(0, left);
                    left = call.tree()?;
                    coalesced = false;
                }
                Some(Item::Infix { operator, .. }) if precedence(*operator) >= least => {
                    let Some(Item::Infix {
                        operator,
                        negated,
                        at,
                    }) = self.items.next()
                    else {
                        break;
                    };
                    if coalesced && operator != Binary::Coalesce {
                        return Err(SyntaxError::new(at, "`??` and other operators cannot be mixed")
                            .hint("put the part with `??` in parentheses"));
                    }
                    coalesced = operator == Binary::Coalesce;
                    left = self.infix(left, operator, negated, at, depth)?;
                }
                _ => break,
            }
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Result<Tree, SyntaxError> {
        match self.items.next() {
            Some(Item::Operand(tree)) => Ok(tree),
            Some(Item::Prefix(operator, at)) => {
                let binds = if operator == Unary::Not { 50 } else { 90 };
                let tree = self.climb(binds, nesting::deeper(depth, at)?)?;
                tree.unary(operator, at)
            }
            _ => Err(SyntaxError::new(0, "an operand is missing")),
        }
    }

    fn infix(
        &mut self,
        left: Tree,
        operator: Binary,
        negated: bool,
        at: usize,
        depth: usize,
    ) -> Result<Tree, SyntaxError> {
        if orders(operator) {
            return self.comparison(left, operator, at, depth);
        }
        // Only `**` groups to the right.
        let least = precedence(operator) + u16::from(operator != Binary::Power);
        let right = self.climb(least, nesting::deeper(depth, at)?)?;
        let tree = Tree::join(left, right, at, operator)?;
        if negated {
            tree.unary(Unary::Not, at)
        } else {
            Ok(tree)
        }
    }

    /// `a < b < c` means `a < b && b < c`.
    fn comparison(
        &mut self,
        mut left: Tree,
        mut operator: Binary,
        mut at: usize,
        depth: usize,
    ) -> Result<Tree, SyntaxError> {
        let mut chain: Option<Tree> = None;
        loop {
            let right = self.climb(precedence(operator) + 1, nesting::deeper(depth, at)?)?;
            let next = match self.items.peek() {
                Some(Item::Infix { operator, at, .. }) if orders(*operator) => Some((*operator, *at)),
                _ => None,
            };
            let kept = next.map(|_| right.clone());
            let pair = Tree::join(left, right, at, operator)?;
            chain = Some(match chain {
                Some(before) => Tree::join(before, pair, at, Binary::And)?,
                None => pair,
            });
            let (Some((following, place)), Some(right)) = (next, kept) else {
                break;
            };
            self.items.next();
            (left, operator, at) = (right, following, place);
        }
        chain.ok_or_else(|| SyntaxError::new(at, "an operand is missing"))
    }
}
