//! The check before the run: names, and kinds as far as they are certain (template-language.md 4.2, 4.3).
//!
//! It collects everything that is wrong. What follows from a mistake is no second one: after it, a kind is unknown.

mod call;
mod findings;
mod operator;

pub use findings::{Finding, Harm, findings};

use super::names::{Named, resolve, suggestion};
use super::nature::Nature;
use super::{Context, ErrorKind, Fault, MAX_DEPTH, Step};
use crate::expression::{Expression, Node, Unary};

/// Refuses an expression that the reference would not compile.
pub(super) fn check<'a>(expression: &'a Expression, context: &Context<'a>) -> Step<()> {
    let mut checker = Checker::new(context, Rigour::Reference);
    checker.nature(expression);
    checker
        .faults
        .into_iter()
        .next()
        .map_or(Ok(()), |fault| Err(Box::new(fault)))
}

/// How closely an expression is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rigour {
    /// As the reference does before each run: members of namespaces are dynamic, and their arguments are never looked at.
    Reference,
    /// As far as anything can be known: what passes the reference and fails, or misleads, once it is reached.
    Full,
}

struct Checker<'a, 'c> {
    context: &'c Context<'a>,
    rigour: Rigour,
    /// Variables of `let`, innermost last.
    locals: Vec<(&'a str, Nature)>,
    /// Predicates around this place, innermost last.
    scopes: Vec<Scope>,
    depth: usize,
    /// How many calls of the library are around this place; only with [`Rigour::Full`].
    calls: usize,
    faults: Vec<Fault>,
    /// Remarks on what works all the same; only with [`Rigour::Full`].
    remarks: Vec<Finding>,
}

struct Scope {
    collection: Nature,
    companions: &'static [(&'static str, Nature)],
}

impl<'a, 'c> Checker<'a, 'c> {
    fn new(context: &'c Context<'a>, rigour: Rigour) -> Self {
        Self {
            context,
            rigour,
            locals: Vec::new(),
            scopes: Vec::new(),
            depth: 0,
            calls: 0,
            faults: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Notes a mistake; what comes of it is not known.
    #[allow(clippy::boxed_local, reason = "mistakes are made boxed, see `Step`")]
    fn fault(&mut self, fault: Box<Fault>) -> Nature {
        self.faults.push(*fault);
        Nature::Unknown
    }

    fn wrong_kind(&mut self, at: u32, message: impl Into<String>) -> Nature {
        self.fault(Fault::kind(at, message))
    }

    fn nature(&mut self, expression: &'a Expression) -> Nature {
        self.depth += 1;
        let nature = if self.depth > MAX_DEPTH {
            self.fault(Fault::limit(expression.at, "nested too deeply"))
        } else {
            self.of(expression)
        };
        self.depth -= 1;
        nature
    }

    fn of(&mut self, expression: &'a Expression) -> Nature {
        let at = expression.at;
        match &expression.node {
            Node::Nil => Nature::Nil,
            Node::Bool(_) => Nature::Bool,
            Node::Int(_) => Nature::Int,
            Node::Float(_) => Nature::Float,
            Node::Str(_) => Nature::Str,
            Node::Array(items) => self.array(items),
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.nature(key);
                    self.nature(value);
                }
                Nature::Map { any_key: false }
            }
            Node::Name(name) => self.name(name, at),
            Node::Member {
                object,
                property,
                optional,
            } => self.member(object, property, *optional, at),
            Node::Slice { object, from, to } => self.slice(object, [from.as_deref(), to.as_deref()], at),
            Node::Unary(operator, operand) => {
                let nature = self.nature(operand);
                self.unary(*operator, nature, at)
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, at),
            Node::Conditional(condition, then, otherwise) => self.conditional(condition, then, otherwise),
            Node::Call { callee, arguments } => self.call(callee, arguments, at),
            Node::Predicate { name, arguments } => self.predicate_call(name, arguments, at),
            // A closure stands only where `predicate_call` looks for it.
            Node::Closure(body) => self.nature(body),
            Node::Pointer(name) => self.pointer(name.as_deref(), at),
            Node::Let { name, value, body } => self.declaration(name, value, body, at),
            Node::Sequence(clauses) => {
                let mut last = Nature::Nil;
                for clause in clauses {
                    last = self.nature(clause);
                }
                last
            }
        }
    }

    fn array(&mut self, items: &'a [Expression]) -> Nature {
        let mut element: Option<Nature> = None;
        let mut uniform = true;
        for item in items {
            let nature = self.nature(item);
            uniform &= element.as_ref().is_none_or(|before| *before == nature);
            element = Some(nature);
        }
        Nature::list(element.filter(|_| uniform).unwrap_or(Nature::Unknown))
    }

    fn local(&self, name: &str) -> Option<&Nature> {
        self.locals
            .iter()
            .rev()
            .find(|(local, _)| *local == name)
            .map(|(_, nature)| nature)
    }

    fn name(&mut self, name: &'a str, at: u32) -> Nature {
        if let Some(nature) = self.local(name) {
            return nature.clone();
        }
        if name == "$env" {
            return Nature::Unknown;
        }
        match self.in_environment(name) {
            Some(nature) => nature,
            None if super::builtins::exists(name) => Nature::Function,
            // The reference does not look at arguments.
            None if self.calls > 0 && !self.context.edition.undefined_arguments_are_errors() => {
                self.misleads(
                    at,
                    format!("unknown name {name}: it passes as nothing"),
                    suggestion(self.context, name),
                );
                Nature::Unknown
            }
            None => self.unknown(name, at),
        }
    }

    fn in_environment(&self, name: &'a str) -> Option<Nature> {
        Some(match resolve(self.context, name)? {
            Named::Variable(_) => Nature::Str,
            Named::Function(_) => Nature::Function,
            Named::Namespace(_) => Nature::Map { any_key: false },
        })
    }

    fn unknown(&mut self, name: &str, at: u32) -> Nature {
        let fault = Fault::new(ErrorKind::UnknownName, at, format!("unknown name {name}"));
        self.fault(fault.hint(suggestion(self.context, name)))
    }

    fn member(
        &mut self,
        object: &'a Expression,
        property: &'a Expression,
        optional: bool,
        at: u32,
    ) -> Nature {
        if matches!(&object.node, Node::Name(name) if name == "$env") {
            return match &property.node {
                Node::Str(name) => match self.in_environment(name) {
                    Some(nature) => nature,
                    None if optional => Nature::Unknown,
                    None => self.unknown(name, at),
                },
                _ => Nature::Unknown,
            };
        }
        let base = self.nature(object);
        let key = self.nature(property);
        let name = if let Node::Str(name) = &property.node {
            Some(name.as_str())
        } else {
            None
        };
        match (&base, name) {
            (Nature::Map { any_key: false }, _) if !matches!(key, Nature::Str | Nature::Unknown) => {
                self.wrong_kind(at, format!("a map has text for keys, not {key}"))
            }
            (Nature::Unknown | Nature::Map { .. }, _) | (Nature::Duration | Nature::Time, Some(_)) => {
                Nature::Unknown
            }
            (Nature::List(_) | Nature::Strings, _) if matches!(key, Nature::Int | Nature::Unknown) => {
                base.element()
            }
            (Nature::Role, Some("Name" | "Path")) => Nature::Str,
            (Nature::List(_) | Nature::Strings, _) => {
                self.wrong_kind(at, format!("a list is indexed by int, not by {key}"))
            }
            (Nature::Role, Some(name)) => {
                let fault = Fault::kind(at, format!("a role has no member {name}"));
                self.fault(fault.hint(Some("a role has `Name` and `Path`".to_owned())))
            }
            (_, Some(name)) => self.wrong_kind(at, format!("a {base} has no member {name}")),
            (_, None) => {
                let hint =
                    (base == Nature::Str).then(|| "use json.Unmarshal to make a list of JSON text".into());
                self.fault(Fault::kind(at, format!("a {base} cannot be indexed")).hint(hint))
            }
        }
    }

    fn slice(&mut self, object: &'a Expression, bounds: [Option<&'a Expression>; 2], at: u32) -> Nature {
        let base = self.nature(object);
        if base.is_unknown() {
            return Nature::Unknown;
        }
        if !base.is_list() && base != Nature::Str {
            return self.wrong_kind(at, format!("a {base} cannot be sliced"));
        }
        for bound in bounds.into_iter().flatten() {
            let nature = self.nature(bound);
            if !matches!(nature, Nature::Int | Nature::Unknown) {
                self.wrong_kind(bound.at, format!("a slice has int bounds, not {nature}"));
            }
        }
        base
    }

    fn unary(&mut self, operator: Unary, nature: Nature, at: u32) -> Nature {
        match operator {
            Unary::Not if matches!(nature, Nature::Bool | Nature::Unknown) => Nature::Bool,
            Unary::Plus | Unary::Minus if nature.is_number() || nature.is_unknown() => nature,
            Unary::Not => {
                let hint = (nature == Nature::Str).then(|| "compare it: `… != 'true'`".into());
                self.fault(Fault::kind(at, format!("`not` does not work on {nature}")).hint(hint))
            }
            Unary::Plus | Unary::Minus => self.wrong_kind(at, format!("a {nature} has no sign")),
        }
    }

    fn conditional(
        &mut self,
        condition: &'a Expression,
        then: &'a Expression,
        otherwise: &'a Expression,
    ) -> Nature {
        let nature = self.nature(condition);
        if !matches!(nature, Nature::Bool | Nature::Unknown) {
            let hint = (nature == Nature::Str).then(|| "compare it: `… == 'true'`".into());
            let fault = Fault::kind(condition.at, format!("a {nature} is not a condition"));
            self.fault(fault.hint(hint));
        } else if self.rigour == Rigour::Full {
            self.constant(condition);
        }
        match (self.nature(then), self.nature(otherwise)) {
            (Nature::Nil, other) | (other, Nature::Nil) => other,
            (Nature::List(a), Nature::List(b)) if a != b => Nature::list(Nature::Unknown),
            (a, b) if a.assignable_to(&b) => a,
            _ => Nature::Unknown,
        }
    }

    fn pointer(&mut self, name: Option<&str>, at: u32) -> Nature {
        let Some(scope) = self.scopes.last() else {
            return self.wrong_kind(at, "`#` stands for an element inside a predicate");
        };
        let Some(name) = name else {
            return scope.collection.element();
        };
        let companion = scope
            .companions
            .iter()
            .find(|(companion, _)| *companion == name)
            .map(|(_, nature)| nature.clone());
        companion.unwrap_or_else(|| self.wrong_kind(at, format!("there is no #{name} here")))
    }

    /// In the reference, `let` can declare nothing that a variable is called.
    fn taken_from_let(&self, name: &'a str) -> bool {
        match resolve(self.context, name) {
            Some(Named::Variable(_)) => !self.context.edition.variables_hide_no_function(),
            named => named.is_some(),
        }
    }

    fn declaration(&mut self, name: &'a str, value: &'a Expression, body: &'a Expression, at: u32) -> Nature {
        let taken = self.local(name).is_some() || self.taken_from_let(name) || super::builtins::exists(name);
        if taken {
            let fault = Fault::kind(at, format!("`let` cannot redeclare {name}"));
            self.fault(fault.hint(Some("choose a name that nothing has".into())));
        }
        let nature = self.nature(value);
        self.locals.push((name, nature));
        let body = self.nature(body);
        self.locals.pop();
        body
    }
}
