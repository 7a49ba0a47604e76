use partita_stdlib::{Function, Kind};

use super::{Checker, Scope};
use crate::evaluate::builtins;
use crate::evaluate::names::{Named, resolve};
use crate::evaluate::nature::Nature;
use crate::evaluate::{Fault, Step};
use crate::expression::{Expression, Node};

impl<'a> Checker<'a, '_> {
    pub(super) fn call(
        &mut self,
        callee: &'a Expression,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Nature> {
        if let Node::Name(name) = &callee.node {
            if let Some(builtin) = name.strip_prefix("::") {
                return self.builtin(builtin, arguments, at);
            }
            if let Some(nature) = self.local(name).cloned() {
                return not_callable(&nature, at);
            }
            return match resolve(self.context, name) {
                Some(Named::Function(function)) => self.function(function, name, arguments, at),
                Some(Named::Variable(_)) => not_callable(&Nature::Str, at),
                Some(Named::Namespace(_)) => not_callable(&Nature::Map { any_key: false }, at),
                None if builtins::exists(name) => self.builtin(name, arguments, at),
                None => Err(self.unknown(name, at)),
            };
        }
        // The reference never looks at the arguments of a callee that it knows nothing about: that is where
        // undefined names pass.
        let nature = self.nature(callee)?;
        not_callable(&nature, at)
    }

    /// A function of the library under its plain name. If its result is of a certain kind, the reference keeps
    /// what it found in a first pass and no longer looks at the arguments: mistakes inside them pass.
    fn function(
        &mut self,
        function: &Function,
        name: &str,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Nature> {
        let wanted = function.parameters.len();
        if arguments.len() != wanted {
            let given = arguments.len();
            return Err(Fault::kind(
                at,
                format!("{name} takes {wanted} arguments, not {given}"),
            ));
        }
        let lenient = function.result != Kind::Any;
        for (argument, kind) in arguments.iter().zip(function.parameters) {
            let (depth, locals, scopes) = (self.depth, self.locals.len(), self.scopes.len());
            let nature = match self.nature(argument) {
                Err(_) if lenient => {
                    self.depth = depth;
                    self.locals.truncate(locals);
                    self.scopes.truncate(scopes);
                    Nature::Unknown
                }
                nature => nature?,
            };
            if !accepts(*kind, &nature) {
                return Err(Fault::kind(
                    argument.at,
                    format!("{name} does not take a {nature} here"),
                ));
            }
        }
        Ok(match function.result {
            Kind::Any => Nature::Unknown,
            Kind::Str | Kind::StrPointer => Nature::Str,
            Kind::Int => Nature::Int,
            Kind::Bool => Nature::Bool,
            Kind::Role => Nature::Role,
        })
    }

    fn builtin(&mut self, name: &str, arguments: &'a [Expression], at: u32) -> Step<Nature> {
        let natures = arguments
            .iter()
            .map(|argument| self.nature(argument))
            .collect::<Step<Vec<_>>>()?;
        builtins::nature(name, &natures).map_err(|message| Fault::kind(at, message))
    }

    pub(super) fn predicate_call(
        &mut self,
        name: &'a str,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Nature> {
        let plain = name.strip_prefix("::");
        if plain.is_none() && (self.local(name).is_some() || resolve(self.context, name).is_some()) {
            return Err(Fault::kind(at, format!("a variable hides the built-in {name}"))
                .hint(Some(format!("write `::{name}(…)`"))));
        }
        let name = plain.unwrap_or(name);
        let [list, rest @ ..] = arguments else {
            return Err(Fault::kind(at, format!("{name} takes a list")));
        };
        let collection = self.nature(list)?;
        if !collection.is_list() && !collection.is_unknown() {
            return Err(Fault::kind(
                list.at,
                format!("{name} takes a list, not a {collection}"),
            ));
        }
        let Some(predicate) = rest.first() else {
            return Ok(if name == "count" {
                Nature::Int
            } else {
                collection.element()
            });
        };
        let outcome = self.predicate(name, predicate, collection.clone())?;
        if let Some(last) = rest.get(1) {
            self.nature(last)?;
        }
        let decides = !matches!(name, "map" | "sum" | "groupBy" | "sortBy" | "reduce");
        if decides && !matches!(outcome, Nature::Bool | Nature::Unknown) {
            return Err(Fault::kind(
                predicate.at,
                format!("the predicate must be a bool, not a {outcome}"),
            ));
        }
        Ok(match name {
            "filter" => Nature::list(collection.element()),
            "map" => Nature::list(outcome),
            "count" | "findIndex" | "findLastIndex" => Nature::Int,
            "find" | "findLast" => collection.element(),
            "sum" | "reduce" => outcome,
            "groupBy" => Nature::Map { any_key: true },
            "sortBy" => collection,
            _ => Nature::Bool,
        })
    }

    fn predicate(&mut self, name: &str, predicate: &'a Expression, collection: Nature) -> Step<Nature> {
        let companions: &'static [(&'static str, Nature)] = match name {
            "map" => &[("index", Nature::Int)],
            "reduce" => &[("index", Nature::Int), ("acc", Nature::Unknown)],
            _ => &[],
        };
        let Node::Closure(body) = &predicate.node else {
            return Err(Fault::kind(predicate.at, format!("{name} takes a predicate")));
        };
        self.scopes.push(Scope {
            collection,
            companions,
        });
        let outcome = self.nature(body);
        self.scopes.pop();
        match outcome? {
            Nature::Nil => Err(Fault::kind(predicate.at, "the predicate has no value")),
            outcome => Ok(outcome),
        }
    }
}

fn not_callable(nature: &Nature, at: u32) -> Step<Nature> {
    match nature {
        Nature::Unknown | Nature::Function => Ok(Nature::Unknown),
        nature => Err(Fault::kind(at, format!("a {nature} cannot be called"))),
    }
}

fn accepts(kind: Kind, nature: &Nature) -> bool {
    match kind {
        Kind::Any => true,
        _ if nature.is_unknown() => true,
        Kind::Str => *nature == Nature::Str,
        Kind::StrPointer => *nature == Nature::Nil,
        Kind::Int => *nature == Nature::Int,
        Kind::Bool => *nature == Nature::Bool,
        Kind::Role => *nature == Nature::Role,
    }
}
