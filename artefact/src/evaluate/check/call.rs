use partita_stdlib::{Function, Kind};

use super::findings::deprecated;
use super::{Checker, Rigour, Scope};
use crate::evaluate::names::{Named, callee_of, member_of, nearest_function, nearest_member, resolve};
use crate::evaluate::nature::Nature;
use crate::evaluate::{ErrorKind, Fault, Place, builtins};
use crate::expression::{Expression, Node};

impl<'a> Checker<'a, '_> {
    pub(super) fn call(&mut self, callee: &'a Expression, arguments: &'a [Expression], at: u32) -> Nature {
        if let Node::Name(name) = &callee.node {
            return self.plain_call(name, arguments, at);
        }
        if self.rigour == Rigour::Full
            && let Some(nature) = self.member_call(callee, arguments, at)
        {
            return nature;
        }
        // The reference never looks at the arguments of a callee that it knows nothing about: that is where
        // undefined names pass.
        let nature = self.nature(callee);
        if self.context.edition.undefined_arguments_are_errors() {
            for argument in arguments {
                self.nature(argument);
            }
        }
        self.not_callable(&nature, at)
    }

    fn plain_call(&mut self, name: &'a str, arguments: &'a [Expression], at: u32) -> Nature {
        if let Some(builtin) = name.strip_prefix("::") {
            return self.builtin(builtin, arguments, at);
        }
        if let Some(nature) = self.local(name).cloned() {
            return self.not_callable(&nature, at);
        }
        match callee_of(self.context, name) {
            Some(Named::Function(function)) => {
                if self.rigour == Rigour::Full {
                    self.remarks.extend(deprecated(function, name, at));
                }
                self.function(function, name, arguments, at)
            }
            Some(Named::Variable(_)) => {
                let near = nearest_function(self.context, name);
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let hint = hint.or_else(|| {
                    builtins::exists(name)
                        .then(|| format!("a variable hides the built-in: write `::{name}(…)`"))
                });
                self.fault(Fault::kind(at, format!("there is no function {name}")).hint(hint))
            }
            Some(Named::Namespace(_)) => self.not_callable(&Nature::Map { any_key: false }, at),
            None if builtins::exists(name) => self.builtin(name, arguments, at),
            None => self.unknown(name, at),
        }
    }

    /// A member of the library, looked at closely; `None` if it is something else.
    fn member_call(
        &mut self,
        callee: &'a Expression,
        arguments: &'a [Expression],
        at: u32,
    ) -> Option<Nature> {
        let Node::Member { object, property, .. } = &callee.node else {
            return None;
        };
        let (Node::Name(namespace), Node::Str(name)) = (&object.node, &property.node) else {
            return None;
        };
        if self.local(namespace).is_some() {
            return None;
        }
        match resolve(self.context, namespace)? {
            Named::Namespace(_) => {}
            Named::Variable(_) => return Some(self.no_service(namespace, callee.at)),
            Named::Function(_) => return None,
        }
        if let Some(function) = member_of(self.context, namespace, name) {
            return Some(self.function(function, &format!("{namespace}.{name}"), arguments, at));
        }
        let method = partita_stdlib::service(namespace).filter(|_| matches!(self.context.place, Place::Call));
        if let Some(service) = method.filter(|service| service.methods.contains(&name.as_str())) {
            if !arguments.is_empty() {
                self.wrong_kind(at, format!("{}.{name} takes no arguments", service.name));
            }
            return Some(Nature::Str);
        }
        let near = nearest_member(self.context, namespace, name);
        let hint = near.map(|near| format!("did you mean `{namespace}.{near}`?"));
        let fault = Fault::new(
            ErrorKind::UnknownName,
            at,
            format!("{namespace} has no function {name}"),
        );
        Some(self.fault(fault.hint(hint)))
    }

    /// A member of a text is called: nothing but a namespace has functions.
    fn no_service(&mut self, name: &str, at: u32) -> Nature {
        let services = partita_stdlib::SERVICES.iter().map(|service| service.name);
        let near = crate::similar::closest(name, services.chain(partita_stdlib::NAMESPACES.iter().copied()));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        self.fault(Fault::kind(at, format!("there is no service or namespace {name}")).hint(hint))
    }

    /// A function of the library under its plain name. If its result is of a certain kind, the reference keeps
    /// what it found in a first pass and no longer looks at the arguments: mistakes inside them pass.
    fn function(&mut self, function: &Function, name: &str, arguments: &'a [Expression], at: u32) -> Nature {
        let wanted = function.parameters.len();
        if arguments.len() != wanted {
            let given = arguments.len();
            self.wrong_kind(at, format!("{name} takes {wanted} arguments, not {given}"));
            return result(function);
        }
        if self.rigour == Rigour::Full {
            self.literals(function, arguments);
        }
        let lenient = self.rigour == Rigour::Reference
            && function.result != Kind::Any
            && !self.context.edition.undefined_arguments_are_errors();
        let full = usize::from(self.rigour == Rigour::Full);
        for (argument, kind) in arguments.iter().zip(function.parameters) {
            let before = self.faults.len();
            self.calls += full;
            let mut nature = self.nature(argument);
            self.calls -= full;
            if lenient && self.faults.len() > before {
                self.faults.truncate(before);
                nature = Nature::Unknown;
            }
            // As a member, a function takes nil for the zero value.
            if nature == Nature::Nil && name.contains('.') {
                self.misleads(argument.at, format!("{name} takes nil for nothing"), None);
            } else if !accepts(*kind, &nature) {
                self.wrong_kind(argument.at, format!("{name} does not take a {nature} here"));
            }
        }
        result(function)
    }

    fn builtin(&mut self, name: &str, arguments: &'a [Expression], at: u32) -> Nature {
        let natures: Vec<Nature> = arguments.iter().map(|argument| self.nature(argument)).collect();
        builtins::nature(name, &natures).unwrap_or_else(|message| self.wrong_kind(at, message))
    }

    pub(super) fn predicate_call(&mut self, name: &'a str, arguments: &'a [Expression], at: u32) -> Nature {
        let plain = name.strip_prefix("::");
        if plain.is_none() && (self.local(name).is_some() || callee_of(self.context, name).is_some()) {
            let fault = Fault::kind(at, format!("a variable hides the built-in {name}"));
            return self.fault(fault.hint(Some(format!("write `::{name}(…)`"))));
        }
        let name = plain.unwrap_or(name);
        let [list, rest @ ..] = arguments else {
            return self.wrong_kind(at, format!("{name} takes a list"));
        };
        let mut collection = self.nature(list);
        if !collection.is_list() && !collection.is_unknown() {
            let fault = Fault::kind(list.at, format!("{name} takes a list, not a {collection}"));
            let hint =
                (collection == Nature::Str).then(|| "use json.Unmarshal to make a list of JSON text".into());
            collection = self.fault(fault.hint(hint));
        }
        let Some(predicate) = rest.first() else {
            return if name == "count" {
                Nature::Int
            } else {
                collection.element()
            };
        };
        let outcome = self.predicate(name, predicate, collection.clone());
        if let Some(last) = rest.get(1) {
            self.nature(last);
        }
        let decides = !matches!(name, "map" | "sum" | "groupBy" | "sortBy" | "reduce");
        if decides && !matches!(outcome, Nature::Bool | Nature::Unknown) {
            self.wrong_kind(
                predicate.at,
                format!("the predicate must be a bool, not a {outcome}"),
            );
        }
        match name {
            "filter" => Nature::list(collection.element()),
            "map" => Nature::list(outcome),
            "count" | "findIndex" | "findLastIndex" => Nature::Int,
            "find" | "findLast" => collection.element(),
            "sum" | "reduce" => outcome,
            "groupBy" => Nature::Map { any_key: true },
            "sortBy" => collection,
            _ => Nature::Bool,
        }
    }

    fn predicate(&mut self, name: &str, predicate: &'a Expression, collection: Nature) -> Nature {
        let companions: &'static [(&'static str, Nature)] = match name {
            "map" => &[("index", Nature::Int)],
            "reduce" => &[("index", Nature::Int), ("acc", Nature::Unknown)],
            _ => &[],
        };
        let Node::Closure(body) = &predicate.node else {
            return self.wrong_kind(predicate.at, format!("{name} takes a predicate"));
        };
        self.scopes.push(Scope {
            collection,
            companions,
        });
        let outcome = self.nature(body);
        self.scopes.pop();
        match outcome {
            Nature::Nil => self.wrong_kind(predicate.at, "the predicate has no value"),
            outcome => outcome,
        }
    }

    fn not_callable(&mut self, nature: &Nature, at: u32) -> Nature {
        match nature {
            Nature::Unknown | Nature::Function => Nature::Unknown,
            nature => self.wrong_kind(at, format!("a {nature} cannot be called")),
        }
    }
}

fn result(function: &Function) -> Nature {
    match function.result {
        Kind::Any => Nature::Unknown,
        Kind::Str | Kind::StrPointer => Nature::Str,
        Kind::Int => Nature::Int,
        Kind::Bool => Nature::Bool,
        Kind::Role => Nature::Role,
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
