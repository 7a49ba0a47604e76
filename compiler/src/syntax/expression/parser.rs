//! From text to a tree, by the rules of `grammar/expression.pest`: a function here has the name of the rule it reads.
//!
//! Written by hand because a repository holds ten thousands of expressions and the generated parser needs some fifty
//! times as long for each. The grammar stays what people read; it explains what is wrong with a text, and a test holds
//! that both accept the same ones.

mod tokens;

use partita_artefact::expression::{Binary, Node, Unary};

use super::operators::{Climber, Item};
use super::tree::{Call, Tree, depth_of, expressions};
use super::{MAX_NODES, SyntaxError, literal};

/// What [`Parser`] says where the text does not follow the grammar.
pub(super) const STUCK: &str = "this is no expression";

/// Stands at the beginning of a token, or at the end of the text.
pub(super) struct Parser<'t> {
    text: &'t str,
    at: usize,
    nodes: usize,
    /// Predicates around this place; `#` has a meaning only inside one.
    predicates: usize,
}

type Parsed<T = Tree> = Result<T, SyntaxError>;

impl<'t> Parser<'t> {
    pub(super) fn expression(text: &'t str) -> Parsed {
        let mut parser = Self {
            text,
            at: 0,
            nodes: 0,
            predicates: 0,
        };
        parser.skip();
        let tree = parser.sequence()?;
        if parser.at < text.len() {
            return parser.stuck();
        }
        Ok(tree)
    }

    fn sequence(&mut self) -> Parsed {
        let at = self.at;
        let first = self.clause()?;
        if !self.sees(b';') {
            return Ok(first);
        }
        let mut clauses = vec![first];
        while self.eat(b';') && self.at < self.text.len() {
            clauses.push(self.clause()?);
        }
        match (clauses.pop(), clauses.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                clauses.extend(last);
                Tree::over(depth_of(&clauses), at, Node::Sequence(expressions(clauses)))
            }
        }
    }

    fn clause(&mut self) -> Parsed {
        match self.word() {
            "let" => return self.declaration(),
            "if" => return self.choice(),
            _ => {}
        }
        let mut condition = self.operation()?;
        while self.sees(b'?') && !matches!(self.byte(1), Some(b'.' | b'?')) {
            condition = self.ternary(condition)?;
        }
        Ok(condition)
    }

    fn declaration(&mut self) -> Parsed {
        self.take("let".len());
        let at = self.at;
        let name = self.identifier()?.to_owned();
        if !self.sees(b'=') || matches!(self.byte(1), Some(b'=' | b'&' | b'*')) {
            return self.stuck();
        }
        self.take(1);
        let value = self.clause()?;
        self.expect(b';')?;
        let body = self.sequence()?;
        let depth = value.depth.max(body.depth);
        let (value, body) = (value.boxed(), body.boxed());
        Tree::over(depth, at, Node::Let { name, value, body })
    }

    fn choice(&mut self) -> Parsed {
        let at = self.at;
        self.take("if".len());
        let condition = self.clause()?;
        self.expect(b'{')?;
        let then = self.sequence()?;
        self.expect(b'}')?;
        if self.word() != "else" {
            return self.stuck();
        }
        self.take("else".len());
        let otherwise = if self.word() == "if" {
            self.choice()?
        } else {
            self.expect(b'{')?;
            let otherwise = self.sequence()?;
            self.expect(b'}')?;
            otherwise
        };
        condition.conditional(at, then, otherwise)
    }

    /// `? then : otherwise`, or `?: otherwise`, where the condition is also the value.
    fn ternary(&mut self, condition: Tree) -> Parsed {
        let at = self.at;
        self.take(1);
        let then = if self.sees_colon() {
            condition.clone()
        } else {
            self.clause()?
        };
        self.colon()?;
        let otherwise = self.clause()?;
        condition.conditional(at, then, otherwise)
    }

    fn operation(&mut self) -> Parsed {
        let mut items = Vec::new();
        self.prefixes(&mut items);
        let first = self.operand()?;
        let mut next = self.operator()?;
        if items.is_empty() && next.is_none() {
            return Ok(first);
        }
        items.push(Item::Operand(first));
        while let Some(item) = next {
            let infix = matches!(item, Item::Infix { .. });
            items.push(item);
            if infix {
                self.prefixes(&mut items);
                items.push(Item::Operand(self.operand()?));
            }
            next = self.operator()?;
        }
        Climber::new(items).operation()
    }

    fn prefixes(&mut self, items: &mut Vec<Item>) {
        loop {
            let (operator, length) = match self.byte(0) {
                Some(b'!') => (Unary::Not, 1),
                Some(b'-') => (Unary::Minus, 1),
                Some(b'+') => (Unary::Plus, 1),
                Some(b'n') if self.word() == "not" => (Unary::Not, "not".len()),
                _ => return,
            };
            items.push(Item::Prefix(operator, self.at));
            self.take(length);
        }
    }

    /// An infix or a pipe, if one is here.
    fn operator(&mut self) -> Parsed<Option<Item>> {
        let at = self.at;
        let (operator, length) = match (self.byte(0), self.byte(1)) {
            (Some(b'|'), Some(b'|')) => (Binary::Or, 2),
            (Some(b'|'), _) => return self.pipe().map(|call| Some(Item::Pipe(call))),
            (Some(b'&'), Some(b'&')) => (Binary::And, 2),
            (Some(b'='), Some(b'=')) => (Binary::Equal, 2),
            (Some(b'!'), Some(b'=')) => (Binary::NotEqual, 2),
            (Some(b'<'), Some(b'=')) => (Binary::LessOrEqual, 2),
            (Some(b'>'), Some(b'=')) => (Binary::GreaterOrEqual, 2),
            (Some(b'<'), _) => (Binary::Less, 1),
            (Some(b'>'), _) => (Binary::Greater, 1),
            (Some(b'.'), Some(b'.')) => (Binary::Range, 2),
            (Some(b'?'), Some(b'?')) => (Binary::Coalesce, 2),
            (Some(b'+'), _) => (Binary::Add, 1),
            (Some(b'-'), _) => (Binary::Subtract, 1),
            (Some(b'*'), Some(b'*')) => (Binary::Power, 2),
            (Some(b'*'), _) => (Binary::Multiply, 1),
            (Some(b'/'), _) => (Binary::Divide, 1),
            (Some(b'%'), _) => (Binary::Remainder, 1),
            (Some(b'^'), _) => (Binary::Power, 1),
            (Some(byte), _) if byte.is_ascii_lowercase() => return Ok(self.word_operator()),
            _ => return Ok(None),
        };
        self.take(length);
        Ok(Some(Item::Infix {
            operator,
            negated: false,
            at,
        }))
    }

    fn word_operator(&mut self) -> Option<Item> {
        let at = self.at;
        let negated = self.word() == "not";
        if negated {
            self.take("not".len());
        }
        let word = self.word();
        let operator = match word {
            "or" if !negated => Binary::Or,
            "and" if !negated => Binary::And,
            "in" => Binary::In,
            "matches" => Binary::Matches,
            "contains" => Binary::Contains,
            "startsWith" => Binary::StartsWith,
            "endsWith" => Binary::EndsWith,
            _ => {
                self.at = at;
                return None;
            }
        };
        self.take(word.len());
        Some(Item::Infix {
            operator,
            negated,
            at,
        })
    }

    fn pipe(&mut self) -> Parsed<Call> {
        self.take(1);
        if is_predicate(self.word()) {
            self.predicate_call(true)
        } else {
            self.call()
        }
    }

    /// Numbers, booleans and nil take no postfix.
    fn operand(&mut self) -> Parsed {
        let at = self.at;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("an expression may have {MAX_NODES} operands at most");
            return Err(SyntaxError::new(at, message));
        }
        if self.sees_number() {
            let number = self.number()?;
            return Ok(Tree::leaf(at, literal::number(number, at)?));
        }
        let word = self.word();
        let constant = match word {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            "nil" => Node::Nil,
            _ => {
                let primary = self.primary(word)?;
                return self.postfixes(primary);
            }
        };
        self.take(word.len());
        Ok(Tree::leaf(at, constant))
    }

    /// `word` is what stands here, if it is one.
    fn primary(&mut self, word: &str) -> Parsed {
        let at = self.at;
        match self.byte(0) {
            _ if !word.is_empty() => {
                let called = self.byte_after(word.len()) == Some(b'(');
                if !called {
                    return Ok(Tree::leaf(at, Node::Name(self.identifier()?.to_owned())));
                }
                if is_predicate(word) {
                    self.predicate_call(false)?.tree()
                } else {
                    self.call()?.tree()
                }
            }
            Some(b'(') => {
                self.take(1);
                let sequence = self.sequence()?;
                self.expect(b')')?;
                Ok(sequence)
            }
            Some(b'[') => {
                let items = self.clauses(b']')?;
                Tree::over(depth_of(&items), at, Node::Array(expressions(items)))
            }
            Some(b'{') => self.map(),
            Some(b'\'' | b'"' | b'`') => Ok(Tree::leaf(at, Node::Str(self.string()?))),
            Some(b':') if self.byte(1) == Some(b':') => self.builtin_call(),
            Some(b'#') => self.pointer(),
            // Short for `#.name`: what follows is its postfix.
            Some(b'.') if self.byte(1) != Some(b'.') => {
                self.inside_predicate(".")?;
                Ok(Tree::leaf(at, Node::Pointer(None)))
            }
            _ => self.stuck(),
        }
    }

    /// What stands between brackets and commas; the bracket that opens is here.
    fn clauses(&mut self, end: u8) -> Parsed<Vec<Tree>> {
        self.take(1);
        let mut clauses = Vec::new();
        while !self.sees(end) {
            clauses.push(self.clause()?);
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(end)?;
        Ok(clauses)
    }

    fn map(&mut self) -> Parsed {
        let at = self.at;
        self.take(1);
        let (mut depth, mut entries) = (0, Vec::new());
        while !self.sees(b'}') {
            let key = self.key()?;
            self.colon()?;
            let value = self.clause()?;
            depth = depth.max(key.depth).max(value.depth);
            entries.push((key.expression, value.expression));
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b'}')?;
        Tree::over(depth, at, Node::Map(entries))
    }

    /// Bare words and numbers are text; anything else stands in parentheses.
    fn key(&mut self) -> Parsed {
        let at = self.at;
        let text = match self.byte(0) {
            Some(b'(') => return self.clause(),
            Some(b'\'' | b'"' | b'`') => self.string()?,
            _ if self.sees_number() => self.number()?.to_owned(),
            _ => self.identifier()?.to_owned(),
        };
        Ok(Tree::leaf(at, Node::Str(text)))
    }

    /// `::name(…)` is the built-in even where a variable hides it; the name keeps the colons.
    fn builtin_call(&mut self) -> Parsed {
        self.take(2);
        let mut call = if is_predicate(self.word()) {
            self.predicate_call(false)?
        } else {
            self.call()?
        };
        call.name.insert_str(0, "::");
        call.tree()
    }

    fn call(&mut self) -> Parsed<Call> {
        let at = self.at;
        let name = self.identifier()?.to_owned();
        if !self.sees(b'(') {
            return self.stuck();
        }
        let arguments = self.clauses(b')')?;
        Ok(Call {
            at,
            name,
            predicate: false,
            arguments,
        })
    }

    /// `piped`: the first argument stands before the pipe.
    fn predicate_call(&mut self, piped: bool) -> Parsed<Call> {
        let at = self.at;
        let name = self.word().to_owned();
        self.take(name.len());
        self.expect(b'(')?;
        let mut arguments = Vec::new();
        if !piped {
            arguments.push(self.clause()?);
        }
        if if piped { !self.sees(b')') } else { self.eat(b',') } {
            arguments.push(self.predicate()?);
            if self.eat(b',') && !self.sees(b')') {
                arguments.push(self.clause()?);
                self.eat(b',');
            }
        }
        self.expect(b')')?;
        let given = arguments.len() + usize::from(piped);
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

    fn predicate(&mut self) -> Parsed {
        let at = self.at;
        self.predicates += 1;
        let body = if self.eat(b'{') {
            let body = self.sequence()?;
            self.expect(b'}')?;
            body
        } else {
            self.clause()?
        };
        self.predicates -= 1;
        let depth = body.depth;
        Tree::over(depth, at, Node::Closure(body.boxed()))
    }

    fn pointer(&mut self) -> Parsed {
        let at = self.at;
        self.inside_predicate("#")?;
        self.at += 1;
        let companion = self.word();
        let name = if companion.is_empty() {
            self.skip();
            self.identifier().ok()
        } else {
            self.take(companion.len());
            Some(companion)
        };
        Ok(Tree::leaf(at, Node::Pointer(name.map(str::to_owned))))
    }

    fn inside_predicate(&self, token: &str) -> Parsed<()> {
        if self.predicates > 0 {
            return Ok(());
        }
        Err(SyntaxError::new(self.at, format!("unexpected `{token}`"))
            .hint("it stands for the element inside a predicate such as `filter(list, # > 1)`"))
    }

    fn postfixes(&mut self, mut object: Tree) -> Parsed {
        loop {
            let at = self.at;
            object = match (self.byte(0), self.byte(1)) {
                (Some(b'['), _) => self.bracket(object, false, at)?,
                (Some(b'?'), Some(b'.')) => {
                    self.take(2);
                    if self.sees(b'[') {
                        self.bracket(object, true, at)?
                    } else {
                        self.member(object, true)?
                    }
                }
                (Some(b'.'), Some(b'.' | b'0'..=b'9')) => return Ok(object),
                (Some(b'.'), _) => {
                    self.take(1);
                    self.member(object, false)?
                }
                _ => return Ok(object),
            }
        }
    }

    fn member(&mut self, object: Tree, optional: bool) -> Parsed {
        let at = self.at;
        let word = self.word();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return self.stuck();
        }
        let property = Tree::leaf(at, Node::Str(word.to_owned()));
        self.take(word.len());
        let member = object.member(property, at, optional)?;
        if !self.sees(b'(') {
            return Ok(member);
        }
        let arguments = self.clauses(b')')?;
        let depth = member.depth.max(depth_of(&arguments));
        let node = Node::Call {
            callee: member.boxed(),
            arguments: expressions(arguments),
        };
        Tree::over(depth, at, node)
    }

    fn bracket(&mut self, object: Tree, optional: bool, at: usize) -> Parsed {
        let object = object.end_of_chain(at)?;
        self.take(1);
        let from = if self.sees_colon() {
            None
        } else {
            Some(self.clause()?)
        };
        if !self.sees_colon() {
            self.expect(b']')?;
            return match from {
                Some(index) => object.member(index, at, optional),
                None => self.stuck(),
            };
        }
        self.colon()?;
        let to = if self.sees(b']') {
            None
        } else {
            Some(self.clause()?)
        };
        self.expect(b']')?;
        let depth = [from.as_ref(), to.as_ref()]
            .into_iter()
            .flatten()
            .map(|tree| tree.depth)
            .fold(object.depth, usize::max);
        let node = Node::Slice {
            object: object.boxed(),
            from: from.map(Tree::boxed),
            to: to.map(Tree::boxed),
        };
        Tree::over(depth, at, node)
    }
}

/// Names that begin a predicate call where a bracket follows.
fn is_predicate(word: &str) -> bool {
    matches!(
        word,
        "all"
            | "none"
            | "any"
            | "one"
            | "filter"
            | "map"
            | "count"
            | "sum"
            | "find"
            | "findIndex"
            | "findLast"
            | "findLastIndex"
            | "groupBy"
            | "sortBy"
            | "reduce"
    )
}
