//! The check before the run: names, and kinds as far as they are certain (template-language.md 4.2, 4.3).

mod call;
mod operator;

use super::names::{Named, resolve, suggestion};
use super::nature::Nature;
use super::{Context, ErrorKind, Fault, MAX_DEPTH, Step};
use crate::expression::{Expression, Node, Unary};

/// Refuses an expression that the reference would not compile.
pub(super) fn check<'a>(expression: &'a Expression, context: &Context<'a>) -> Step<()> {
    Checker {
        context,
        locals: Vec::new(),
        scopes: Vec::new(),
        depth: 0,
    }
    .nature(expression)
    .map(drop)
}

struct Checker<'a, 'c> {
    context: &'c Context<'a>,
    /// Variables of `let`, innermost last.
    locals: Vec<(&'a str, Nature)>,
    /// Predicates around this place, innermost last.
    scopes: Vec<Scope>,
    depth: usize,
}

struct Scope {
    collection: Nature,
    companions: &'static [(&'static str, Nature)],
}

impl<'a> Checker<'a, '_> {
    fn nature(&mut self, expression: &'a Expression) -> Step<Nature> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::limit(expression.at, "nested too deeply"));
        }
        let nature = self.of(expression);
        self.depth -= 1;
        nature
    }

    fn of(&mut self, expression: &'a Expression) -> Step<Nature> {
        let at = expression.at;
        Ok(match &expression.node {
            Node::Nil => Nature::Nil,
            Node::Bool(_) => Nature::Bool,
            Node::Int(_) => Nature::Int,
            Node::Float(_) => Nature::Float,
            Node::Str(_) => Nature::Str,
            Node::Array(items) => self.array(items)?,
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.nature(key)?;
                    self.nature(value)?;
                }
                Nature::Map { any_key: false }
            }
            Node::Name(name) => self.name(name, at)?,
            Node::Member {
                object,
                property,
                optional,
            } => self.member(object, property, *optional, at)?,
            Node::Slice { object, from, to } => self.slice(object, [from.as_deref(), to.as_deref()], at)?,
            Node::Unary(operator, operand) => {
                let nature = self.nature(operand)?;
                unary(*operator, nature, at)?
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, at)?,
            Node::Conditional(condition, then, otherwise) => self.conditional(condition, then, otherwise)?,
            Node::Call { callee, arguments } => self.call(callee, arguments, at)?,
            Node::Predicate { name, arguments } => self.predicate_call(name, arguments, at)?,
            // A closure stands only where `predicate_call` looks for it.
            Node::Closure(body) => self.nature(body)?,
            Node::Pointer(name) => self.pointer(name.as_deref(), at)?,
            Node::Let { name, value, body } => self.declaration(name, value, body, at)?,
            Node::Sequence(clauses) => {
                let mut last = Nature::Nil;
                for clause in clauses {
                    last = self.nature(clause)?;
                }
                last
            }
        })
    }

    fn array(&mut self, items: &'a [Expression]) -> Step<Nature> {
        let mut element: Option<Nature> = None;
        let mut uniform = true;
        for item in items {
            let nature = self.nature(item)?;
            uniform &= element.as_ref().is_none_or(|before| *before == nature);
            element = Some(nature);
        }
        Ok(Nature::list(
            element.filter(|_| uniform).unwrap_or(Nature::Unknown),
        ))
    }

    fn local(&self, name: &str) -> Option<&Nature> {
        self.locals
            .iter()
            .rev()
            .find(|(local, _)| *local == name)
            .map(|(_, nature)| nature)
    }

    fn name(&self, name: &'a str, at: u32) -> Step<Nature> {
        if let Some(nature) = self.local(name) {
            return Ok(nature.clone());
        }
        if name == "$env" {
            return Ok(Nature::Unknown);
        }
        match self.in_environment(name) {
            Some(nature) => Ok(nature),
            None if super::builtins::exists(name) => Ok(Nature::Function),
            None => Err(self.unknown(name, at)),
        }
    }

    fn in_environment(&self, name: &'a str) -> Option<Nature> {
        Some(match resolve(self.context, name)? {
            Named::Variable(_) => Nature::Str,
            Named::Function(_) => Nature::Function,
            Named::Namespace(_) => Nature::Map { any_key: false },
        })
    }

    #[allow(
        clippy::unnecessary_box_returns,
        reason = "every step carries it boxed, see `Step`"
    )]
    fn unknown(&self, name: &str, at: u32) -> Box<Fault> {
        Fault::new(ErrorKind::UnknownName, at, format!("unknown name {name}"))
            .hint(suggestion(self.context, name))
    }

    fn member(
        &mut self,
        object: &'a Expression,
        property: &'a Expression,
        optional: bool,
        at: u32,
    ) -> Step<Nature> {
        if matches!(&object.node, Node::Name(name) if name == "$env") {
            return match &property.node {
                Node::Str(name) => match self.in_environment(name) {
                    Some(nature) => Ok(nature),
                    None if optional => Ok(Nature::Unknown),
                    None => Err(self.unknown(name, at)),
                },
                _ => Ok(Nature::Unknown),
            };
        }
        let base = self.nature(object)?;
        let key = self.nature(property)?;
        let name = if let Node::Str(name) = &property.node {
            Some(name.as_str())
        } else {
            None
        };
        match (&base, name) {
            (Nature::Map { any_key: false }, _) if !matches!(key, Nature::Str | Nature::Unknown) => {
                Err(Fault::kind(at, format!("a map has text for keys, not {key}")))
            }
            (Nature::Unknown | Nature::Map { .. }, _) | (Nature::Duration | Nature::Time, Some(_)) => {
                Ok(Nature::Unknown)
            }
            (Nature::List(_) | Nature::Strings, _) if matches!(key, Nature::Int | Nature::Unknown) => {
                Ok(base.element())
            }
            (Nature::Role, Some("Name" | "Path")) => Ok(Nature::Str),
            (Nature::List(_) | Nature::Strings, _) => {
                Err(Fault::kind(at, format!("a list is indexed by int, not by {key}")))
            }
            (_, Some(name)) => Err(Fault::kind(at, format!("a {base} has no member {name}"))),
            (_, None) => Err(Fault::kind(at, format!("a {base} cannot be indexed")).hint(
                (base == Nature::Str).then(|| "use json.Unmarshal to make a list of JSON text".into()),
            )),
        }
    }

    fn slice(
        &mut self,
        object: &'a Expression,
        bounds: [Option<&'a Expression>; 2],
        at: u32,
    ) -> Step<Nature> {
        let base = self.nature(object)?;
        if base.is_unknown() {
            return Ok(Nature::Unknown);
        }
        if !base.is_list() && base != Nature::Str {
            return Err(Fault::kind(at, format!("a {base} cannot be sliced")));
        }
        for bound in bounds.into_iter().flatten() {
            let nature = self.nature(bound)?;
            if !matches!(nature, Nature::Int | Nature::Unknown) {
                return Err(Fault::kind(
                    bound.at,
                    format!("a slice has int bounds, not {nature}"),
                ));
            }
        }
        Ok(base)
    }

    fn conditional(
        &mut self,
        condition: &'a Expression,
        then: &'a Expression,
        otherwise: &'a Expression,
    ) -> Step<Nature> {
        let nature = self.nature(condition)?;
        if !matches!(nature, Nature::Bool | Nature::Unknown) {
            return Err(
                Fault::kind(condition.at, format!("a {nature} is not a condition"))
                    .hint((nature == Nature::Str).then(|| "compare it: `… == 'true'`".into())),
            );
        }
        Ok(match (self.nature(then)?, self.nature(otherwise)?) {
            (Nature::Nil, other) | (other, Nature::Nil) => other,
            (Nature::List(a), Nature::List(b)) if a != b => Nature::list(Nature::Unknown),
            (a, b) if a.assignable_to(&b) => a,
            _ => Nature::Unknown,
        })
    }

    fn pointer(&self, name: Option<&str>, at: u32) -> Step<Nature> {
        let Some(scope) = self.scopes.last() else {
            return Err(Fault::kind(at, "`#` stands for an element inside a predicate"));
        };
        let Some(name) = name else {
            return Ok(scope.collection.element());
        };
        scope
            .companions
            .iter()
            .find(|(companion, _)| *companion == name)
            .map(|(_, nature)| nature.clone())
            .ok_or_else(|| Fault::kind(at, format!("there is no #{name} here")))
    }

    fn declaration(
        &mut self,
        name: &'a str,
        value: &'a Expression,
        body: &'a Expression,
        at: u32,
    ) -> Step<Nature> {
        let taken = self.local(name).is_some()
            || self.in_environment(name).is_some()
            || super::builtins::exists(name);
        if taken {
            return Err(Fault::kind(at, format!("`let` cannot redeclare {name}"))
                .hint(Some("choose a name that nothing has".into())));
        }
        let nature = self.nature(value)?;
        self.locals.push((name, nature));
        let body = self.nature(body);
        self.locals.pop();
        body
    }
}

fn unary(operator: Unary, nature: Nature, at: u32) -> Step<Nature> {
    match operator {
        Unary::Not if matches!(nature, Nature::Bool | Nature::Unknown) => Ok(Nature::Bool),
        Unary::Plus | Unary::Minus if nature.is_number() || nature.is_unknown() => Ok(nature),
        Unary::Not => Err(Fault::kind(at, format!("`not` does not work on {nature}"))
            .hint((nature == Nature::Str).then(|| "compare it: `… != 'true'`".into()))),
        Unary::Plus | Unary::Minus => Err(Fault::kind(at, format!("a {nature} has no sign"))),
    }
}
