//! What an expression reads of the variables around it.

use partita_stdlib::Function;

use super::{Expression, Node};

/// The variables that an expression reads, as far as they can be told without evaluating it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads<'a> {
    /// Variables read by name, in order of place.
    pub variables: Vec<Read<'a>>,
    /// Calls of `util.PrefixedOverride`, which reads `<prefix>_<name>` and `<name>`.
    pub overrides: Vec<Override<'a>>,
    /// It may read any other variable as well: by a computed name, in a configuration payload, or in a workflow that it makes.
    pub any: bool,
    /// What it calls by a plain name: functions of the language and of the library.
    pub calls: Vec<&'a str>,
    /// The functions of the library that it calls.
    pub functions: Vec<&'static Function>,
    /// It asks a service.
    pub services: bool,
}

/// One place where a variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read<'a> {
    /// Its name.
    pub name: &'a str,
    /// Byte offset in the text of the expression.
    pub at: u32,
    /// It is read in an argument of a function, where an undefined one may pass as nothing (template-language.md 4.2).
    pub argument: bool,
}

/// A read by `util.PrefixedOverride`. What is not literal is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Override<'a> {
    /// First argument.
    pub name: Option<&'a str>,
    /// Second argument.
    pub prefix: Option<&'a str>,
}

impl Expression {
    /// What it reads. Names that it calls, or takes members of, are functions and namespaces.
    pub fn reads(&self) -> Reads<'_> {
        let mut reader = Reader::default();
        reader.expression(self);
        reader.reads
    }
}

#[derive(Default)]
struct Reader<'a> {
    reads: Reads<'a>,
    /// Variables of `let`.
    locals: Vec<&'a str>,
    /// How many calls are around this place.
    calls: usize,
}

impl<'a> Reader<'a> {
    fn expression(&mut self, expression: &'a Expression) {
        match &expression.node {
            Node::Nil | Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Str(_) | Node::Pointer(_) => {}
            Node::Name(name) => self.name(name, expression.at),
            Node::Array(items) | Node::Sequence(items) | Node::Predicate { arguments: items, .. } => {
                self.each(items);
            }
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.expression(key);
                    self.expression(value);
                }
            }
            Node::Member { object, property, .. } => self.member(object, property),
            Node::Slice { object, from, to } => {
                self.expression(object);
                for bound in from.iter().chain(to) {
                    self.expression(bound);
                }
            }
            Node::Unary(_, operand) | Node::Closure(operand) => self.expression(operand),
            Node::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Node::Conditional(condition, yes, no) => {
                self.expression(condition);
                self.expression(yes);
                self.expression(no);
            }
            Node::Call { callee, arguments } => self.call(callee, arguments),
            Node::Let { name, value, body } => {
                self.expression(value);
                self.locals.push(name);
                self.expression(body);
                self.locals.pop();
            }
        }
    }

    fn each(&mut self, expressions: &'a [Expression]) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn name(&mut self, name: &'a str, at: u32) {
        if name == "$env" {
            self.reads.any = true;
        } else if !name.starts_with("::") && !self.locals.contains(&name) {
            self.reads.variables.push(Read {
                name,
                at,
                argument: self.calls > 0,
            });
        }
    }

    fn member(&mut self, object: &'a Expression, property: &'a Expression) {
        match (&object.node, &property.node) {
            (Node::Name(env), Node::Str(name)) if env == "$env" => self.name(name, property.at),
            (Node::Name(namespace), _) if self.is_namespace(namespace) => {
                self.reads.services |= partita_stdlib::service(namespace).is_some();
                self.expression(property);
            }
            _ => {
                self.expression(object);
                self.expression(property);
            }
        }
    }

    fn is_namespace(&self, name: &str) -> bool {
        !self.locals.contains(&name)
            && (partita_stdlib::NAMESPACES.contains(&name) || partita_stdlib::service(name).is_some())
    }

    fn call(&mut self, callee: &'a Expression, arguments: &'a [Expression]) {
        let function = match &callee.node {
            Node::Name(name) => {
                self.reads.calls.push(name);
                partita_stdlib::plain(name)
            }
            node => {
                let member = library_member(node);
                if member.is_none() {
                    self.expression(callee);
                }
                member
            }
        };
        self.reads.functions.extend(function);
        match function.map(|function| function.id) {
            Some(partita_stdlib::Id::PrefixedOverride) => {
                let text = |index: usize| match arguments.get(index).map(|argument| &argument.node) {
                    Some(Node::Str(text)) => Some(text.as_str()),
                    _ => None,
                };
                self.reads.overrides.push(Override {
                    name: text(0),
                    prefix: text(1),
                });
            }
            Some(partita_stdlib::Id::ConfigGet | partita_stdlib::Id::ConfigGetLegacy) => {
                self.reads.any = true;
            }
            _ => self.reads.any |= function.is_some_and(|function| function.namespace == "dpl"),
        }
        // The built-ins of the language look at their arguments as everything else does.
        let passes = usize::from(function.is_some() || !matches!(callee.node, Node::Name(_)));
        self.calls += passes;
        self.each(arguments);
        self.calls -= passes;
    }
}

/// The function of the library that a callee is, where it is a member.
fn library_member(callee: &Node) -> Option<&'static Function> {
    let Node::Member { object, property, .. } = callee else {
        return None;
    };
    match (&object.node, &property.node) {
        (Node::Name(namespace), Node::Str(name)) => partita_stdlib::member(namespace, name),
        _ => None,
    }
}
