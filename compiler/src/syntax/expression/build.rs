//! From the pairs of the grammar to a tree.

use partita_artefact::expression::{Binary, Node, Unary};
use partita_grammar::expression::Rule;
use pest::iterators::Pair;

use super::operators::{Climber, Item};
use super::tree::{Call, Tree, depth_of, expressions};
use super::{MAX_NODES, SyntaxError, literal};

/// Builds one expression.
#[derive(Default)]
pub(super) struct Builder {
    nodes: usize,
    /// Predicates around the place being built; `#` has a meaning only inside one.
    predicates: usize,
}

type Built = Result<Tree, SyntaxError>;

impl Builder {
    pub(super) fn sequence(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let mut clauses = pair
            .into_inner()
            .filter(|pair| pair.as_rule() == Rule::clause)
            .map(|clause| self.clause(clause))
            .collect::<Result<Vec<_>, _>>()?;
        match (clauses.pop(), clauses.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                clauses.push(last);
                Tree::over(depth_of(&clauses), at, Node::Sequence(expressions(clauses)))
            }
            (None, _) => Err(missing(at)),
        }
    }

    fn clause(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let mut inner = pair.into_inner();
        let first = inner.next().ok_or_else(|| missing(at))?;
        match first.as_rule() {
            Rule::declaration => self.declaration(first),
            Rule::choice => self.choice(first),
            _ => {
                let condition = self.operation(first)?;
                inner.try_fold(condition, |condition, ternary| self.ternary(condition, ternary))
            }
        }
    }

    fn declaration(&mut self, pair: Pair<'_, Rule>) -> Built {
        let mut at = start(&pair);
        let (mut name, mut value, mut body) = (String::new(), None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::identifier => {
                    at = start(&part);
                    part.as_str().clone_into(&mut name);
                }
                Rule::clause => value = Some(self.clause(part)?),
                Rule::sequence => body = Some(self.sequence(part)?),
                _ => {}
            }
        }
        let (Some(value), Some(body)) = (value, body) else {
            return Err(missing(at));
        };
        let depth = value.depth.max(body.depth);
        Tree::over(
            depth,
            at,
            Node::Let {
                name,
                value: value.boxed(),
                body: body.boxed(),
            },
        )
    }

    fn choice(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let mut trees = Vec::new();
        for part in pair.into_inner() {
            trees.push(match part.as_rule() {
                Rule::clause => self.clause(part)?,
                Rule::sequence => self.sequence(part)?,
                Rule::choice => self.choice(part)?,
                _ => continue,
            });
        }
        let Ok([condition, then, otherwise]) = <[Tree; 3]>::try_from(trees) else {
            return Err(missing(at));
        };
        condition.conditional(at, then, otherwise)
    }

    /// `? then : otherwise`, or `?: otherwise`, where the condition is also the value.
    fn ternary(&mut self, condition: Tree, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let mut branches = pair
            .into_inner()
            .filter(|pair| pair.as_rule() == Rule::clause)
            .map(|clause| self.clause(clause))
            .collect::<Result<Vec<_>, _>>()?;
        let otherwise = branches.pop().ok_or_else(|| missing(at))?;
        let then = branches.pop().unwrap_or_else(|| condition.clone());
        condition.conditional(at, then, otherwise)
    }

    fn operation(&mut self, pair: Pair<'_, Rule>) -> Built {
        let mut items = Vec::new();
        for part in pair.into_inner() {
            let at = start(&part);
            items.push(match part.as_rule() {
                Rule::prefix => Item::Prefix(prefix(part.as_str()), at),
                Rule::infix => {
                    let negated = part
                        .clone()
                        .into_inner()
                        .any(|part| part.as_rule() == Rule::negation);
                    Item::Infix {
                        operator: infix(&part)?,
                        negated,
                        at,
                    }
                }
                Rule::pipe => Item::Pipe(self.pipe(part)?),
                _ => Item::Operand(self.operand(part)?),
            });
        }
        Climber::new(items).operation()
    }

    fn pipe(&mut self, pair: Pair<'_, Rule>) -> Result<Call, SyntaxError> {
        let at = start(&pair);
        match pair.into_inner().find(|part| part.as_rule() != Rule::bar) {
            Some(part) if part.as_rule() == Rule::piped_predicate => self.predicate_call(part, 1),
            Some(part) => self.call(part),
            None => Err(missing(at)),
        }
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let mut inner = pair.into_inner();
        let first = inner.next().ok_or_else(|| missing(at))?;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(SyntaxError::new(
                at,
                format!("an expression may have {MAX_NODES} operands at most"),
            ));
        }
        if first.as_rule() == Rule::constant {
            return constant(first);
        }
        let primary = self.primary(first)?;
        inner.try_fold(primary, |object, postfix| self.postfix(object, postfix))
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let part = pair.into_inner().next().ok_or_else(|| missing(at))?;
        match part.as_rule() {
            Rule::group => self.only(part),
            Rule::array => {
                let items = self.clauses(part)?;
                Tree::over(depth_of(&items), at, Node::Array(expressions(items)))
            }
            Rule::map => self.map(part),
            Rule::string => Ok(Tree::leaf(at, Node::Str(literal::quoted(part.as_str(), at)?))),
            Rule::raw_string => Ok(Tree::leaf(at, Node::Str(literal::raw(part.as_str())))),
            Rule::builtin_call => self.builtin_call(part),
            Rule::predicate_call => self.predicate_call(part, 0)?.tree(),
            Rule::call => self.call(part)?.tree(),
            Rule::variable => Ok(Tree::leaf(at, Node::Name(part.as_str().to_owned()))),
            Rule::pointer => {
                self.inside_predicate(at, "#")?;
                let name = part
                    .into_inner()
                    .next()
                    .map(|name| name.as_str().trim_start_matches('#').to_owned());
                Ok(Tree::leaf(at, Node::Pointer(name)))
            }
            _ => {
                self.inside_predicate(at, ".")?;
                Ok(Tree::leaf(at, Node::Pointer(None)))
            }
        }
    }

    fn inside_predicate(&self, at: usize, token: &str) -> Result<(), SyntaxError> {
        if self.predicates > 0 {
            return Ok(());
        }
        Err(SyntaxError::new(at, format!("unexpected `{token}`"))
            .hint("it stands for the element inside a predicate such as `filter(list, # > 1)`"))
    }

    fn only(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        self.sequence(pair.into_inner().next().ok_or_else(|| missing(at))?)
    }

    fn clauses(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<Tree>, SyntaxError> {
        pair.into_inner().map(|clause| self.clause(clause)).collect()
    }

    fn map(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let (mut depth, mut entries) = (0, Vec::new());
        for pair in pair.into_inner() {
            let at = start(&pair);
            let (mut key, mut value) = (None, None);
            for part in pair.into_inner() {
                match part.as_rule() {
                    Rule::key => key = Some(self.key(part)?),
                    Rule::clause => value = Some(self.clause(part)?),
                    _ => {}
                }
            }
            let (Some(key), Some(value)) = (key, value) else {
                return Err(missing(at));
            };
            depth = depth.max(key.depth).max(value.depth);
            entries.push((key.expression, value.expression));
        }
        Tree::over(depth, at, Node::Map(entries))
    }

    /// Bare words and numbers are text; anything else stands in parentheses.
    fn key(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let part = pair.into_inner().next().ok_or_else(|| missing(at))?;
        let text = match part.as_rule() {
            Rule::clause => return self.clause(part),
            Rule::string => literal::quoted(part.as_str(), at)?,
            Rule::raw_string => literal::raw(part.as_str()),
            _ => part.as_str().to_owned(),
        };
        Ok(Tree::leaf(at, Node::Str(text)))
    }

    /// `::name(…)` is the built-in even where a variable hides it; the name keeps the colons.
    fn builtin_call(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let part = pair.into_inner().next().ok_or_else(|| missing(at))?;
        let mut call = match part.as_rule() {
            Rule::predicate_call => self.predicate_call(part, 0)?,
            _ => self.call(part)?,
        };
        call.name.insert_str(0, "::");
        call.tree()
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> Result<Call, SyntaxError> {
        let at = start(&pair);
        let (mut name, mut arguments) = (String::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::identifier => part.as_str().clone_into(&mut name),
                Rule::arguments => arguments = self.clauses(part)?,
                _ => {}
            }
        }
        Ok(Call {
            at,
            name,
            predicate: false,
            arguments,
        })
    }

    fn predicate_call(&mut self, pair: Pair<'_, Rule>, piped: usize) -> Result<Call, SyntaxError> {
        let at = start(&pair);
        let (mut name, mut arguments) = (String::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::predicate_name => part.as_str().clone_into(&mut name),
                Rule::predicate => arguments.push(self.predicate(part)?),
                _ => arguments.push(self.clause(part)?),
            }
        }
        let given = arguments.len() + piped;
        let allowed = match name.as_str() {
            "count" | "sum" => 1..=2,
            "sortBy" | "reduce" => 2..=3,
            _ => 2..=2,
        };
        if !allowed.contains(&given) {
            let message = format!("{name} does not take {given} arguments");
            return Err(SyntaxError::new(at, message).hint(format!("write `{name}(list, predicate)`")));
        }
        Ok(Call {
            at,
            name,
            predicate: true,
            arguments,
        })
    }

    fn predicate(&mut self, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let body = pair.into_inner().next().ok_or_else(|| missing(at))?;
        self.predicates += 1;
        let body = match body.as_rule() {
            Rule::sequence => self.sequence(body),
            _ => self.clause(body),
        };
        self.predicates -= 1;
        let body = body?;
        let depth = body.depth;
        Tree::over(depth, at, Node::Closure(body.boxed()))
    }

    fn postfix(&mut self, object: Tree, pair: Pair<'_, Rule>) -> Built {
        let at = start(&pair);
        let part = pair.into_inner().next().ok_or_else(|| missing(at))?;
        let optional = matches!(part.as_rule(), Rule::optional_member | Rule::optional_bracket);
        match part.as_rule() {
            Rule::member | Rule::optional_member => self.member(object, part, optional),
            _ => self.bracket(object, part, optional),
        }
    }

    fn member(&mut self, object: Tree, pair: Pair<'_, Rule>, optional: bool) -> Built {
        let (mut member, mut at) = (object, start(&pair));
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::property => {
                    at = start(&part);
                    let property = Tree::leaf(at, Node::Str(part.as_str().to_owned()));
                    member = member.member(property, at, optional)?;
                }
                Rule::arguments => {
                    let arguments = self.clauses(part)?;
                    let depth = member.depth.max(depth_of(&arguments));
                    let node = Node::Call {
                        callee: member.boxed(),
                        arguments: expressions(arguments),
                    };
                    member = Tree::over(depth, at, node)?;
                }
                _ => {}
            }
        }
        Ok(member)
    }

    fn bracket(&mut self, object: Tree, pair: Pair<'_, Rule>, optional: bool) -> Built {
        let at = start(&pair);
        let object = object.end_of_chain(at)?;
        let (mut from, mut to, mut slice) = (None, None, false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::clause => from = Some(self.clause(part)?),
                Rule::open_slice | Rule::slice_end => {
                    slice = true;
                    let end = part.into_inner().find(|part| part.as_rule() == Rule::clause);
                    to = end.map(|end| self.clause(end)).transpose()?;
                }
                _ => {}
            }
        }
        if slice {
            let bounds = [from.as_ref(), to.as_ref()];
            let depth = bounds
                .into_iter()
                .flatten()
                .map(|tree| tree.depth)
                .fold(object.depth, usize::max);
            let (from, to) = (from.map(Tree::boxed), to.map(Tree::boxed));
            return Tree::over(
                depth,
                at,
                Node::Slice {
                    object: object.boxed(),
                    from,
                    to,
                },
            );
        }
        object.member(from.ok_or_else(|| missing(at))?, at, optional)
    }
}

fn start(pair: &Pair<'_, Rule>) -> usize {
    pair.as_span().start()
}

fn missing(at: usize) -> SyntaxError {
    SyntaxError::new(at, "unexpected end of expression")
}

fn constant(pair: Pair<'_, Rule>) -> Built {
    let at = start(&pair);
    let part = pair.into_inner().next().ok_or_else(|| missing(at))?;
    Ok(Tree::leaf(
        at,
        match part.as_rule() {
            Rule::number => literal::number(part.as_str(), at)?,
            Rule::boolean => Node::Bool(part.as_str() == "true"),
            _ => Node::Nil,
        },
    ))
}

fn prefix(text: &str) -> Unary {
    match text {
        "-" => Unary::Minus,
        "+" => Unary::Plus,
        _ => Unary::Not,
    }
}

fn infix(pair: &Pair<'_, Rule>) -> Result<Binary, SyntaxError> {
    let relation = pair
        .clone()
        .into_inner()
        .find(|part| part.as_rule() == Rule::relation);
    let text = relation.as_ref().map_or(pair.as_str(), Pair::as_str);
    Ok(match text {
        "||" | "or" => Binary::Or,
        "&&" | "and" => Binary::And,
        "==" => Binary::Equal,
        "!=" => Binary::NotEqual,
        "<" => Binary::Less,
        ">" => Binary::Greater,
        "<=" => Binary::LessOrEqual,
        ">=" => Binary::GreaterOrEqual,
        "in" => Binary::In,
        "matches" => Binary::Matches,
        "contains" => Binary::Contains,
        "startsWith" => Binary::StartsWith,
        "endsWith" => Binary::EndsWith,
        ".." => Binary::Range,
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        "%" => Binary::Remainder,
        "**" | "^" => Binary::Power,
        "??" => Binary::Coalesce,
        other => return Err(SyntaxError::new(start(pair), format!("unexpected `{other}`"))),
    })
}
