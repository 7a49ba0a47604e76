use std::collections::BTreeMap;
use std::sync::Arc;

use partita_stdlib::{Function, Kind, NilArgument, Purity};

use super::{Run, Scope};
use crate::evaluate::names::{Named, callee_of, member_of, nearest_member, resolve};
use crate::evaluate::value::{Key, List, Map, Value};
use crate::evaluate::{ErrorKind, Fault, MAX_STEPS, Place, Step, builtins, format, operators};
use crate::expression::{Binary, Expression, Node};
use crate::functions;

impl<'a> Run<'a, '_> {
    /// A call; `None` where an optional member of the callee found no object.
    pub(super) fn call(
        &mut self,
        callee: &'a Expression,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Option<Value<'a>>> {
        match &callee.node {
            Node::Name(name) => self.plain_call(name, arguments, at).map(Some),
            Node::Member {
                object,
                property,
                optional,
            } => {
                let Some(object) = self.object(object)? else {
                    return Ok(None);
                };
                if *optional && object.is_nil() {
                    return Ok(None);
                }
                self.member_call(&object, property, arguments, at).map(Some)
            }
            _ => {
                let value = self.eval(callee)?;
                Err(Fault::run(at, not_callable(&value)))
            }
        }
    }

    fn plain_call(&mut self, name: &'a str, arguments: &'a [Expression], at: u32) -> Step<Value<'a>> {
        if let Some(builtin) = name.strip_prefix("::") {
            return self.builtin(builtin, arguments, at);
        }
        match callee_of(self.context, name) {
            Some(Named::Function(function)) => {
                let arguments = self.all(arguments)?;
                self.function(function, function.nil, arguments, at)
            }
            None if builtins::exists(name) => self.builtin(name, arguments, at),
            _ => Err(Fault::run(at, not_callable(&self.name(name)))),
        }
    }

    fn builtin(&mut self, name: &'a str, arguments: &'a [Expression], at: u32) -> Step<Value<'a>> {
        if let ("get", [object, property]) = (name, arguments)
            && matches!(&object.node, Node::Name(name) if name == "$env")
        {
            return self.member(&Value::Namespace("$env"), property, at);
        }
        let arguments = self.all(arguments)?;
        if let ("string", [Value::Float(number)]) = (name, arguments.as_slice()) {
            return Ok(Value::text(format::number(*number, self.context.edition)));
        }
        self.pay_all(&arguments, at)?;
        let value = builtins::call(name, &arguments, self.context.world)
            .map_err(|message| Fault::run(at, message))?;
        self.pay(&value, at)?;
        Ok(value)
    }

    fn member_call(
        &mut self,
        object: &Value<'a>,
        property: &'a Expression,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Value<'a>> {
        let (Value::Namespace(namespace), Node::Str(name)) = (object, &property.node) else {
            return self.method(object, property, arguments, at);
        };
        let arguments = self.all(arguments)?;
        if let Some(function) = member_of(self.context, namespace, name) {
            return self.function(function, NilArgument::Zero, arguments, at);
        }
        let service = self
            .context
            .world
            .services()
            .iter()
            .any(|service| service == namespace);
        if service && matches!(self.context.place, Place::Call) && arguments.is_empty() {
            return match self.context.world.call(namespace, name, self.context.variables) {
                Ok(()) => Ok(Value::text("")),
                Err(message) => Err(Fault::run(at, message)),
            };
        }
        if *namespace == "$env"
            && let Some(Named::Function(function)) = resolve(self.context, name)
        {
            return self.function(function, function.nil, arguments, at);
        }
        Err(
            Fault::run(at, format!("{namespace} has no function {name}")).hint(
                nearest_member(self.context, namespace, name)
                    .map(|near| format!("did you mean `{namespace}.{near}`?")),
            ),
        )
    }

    /// Methods of values: those of times and durations.
    fn method(
        &mut self,
        object: &Value<'a>,
        property: &'a Expression,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Value<'a>> {
        if let (Value::Duration(_) | Value::Time(_), Node::Str(name), []) =
            (object, &property.node, arguments)
        {
            return builtins::method(object, name)
                .ok_or_else(|| Fault::run(at, format!("a {} has no method {name}", object.kind())));
        }
        let value = self.member(object, property, at)?;
        Err(Fault::run(at, not_callable(&value)))
    }

    /// A function of the library. Arguments were not always checked before: undefined names may be among them.
    fn function(
        &mut self,
        function: &'static Function,
        nil: NilArgument,
        mut arguments: Vec<Value<'a>>,
        at: u32,
    ) -> Step<Value<'a>> {
        let name = function.name;
        if arguments.len() != function.parameters.len() {
            let (wanted, given) = (function.parameters.len(), arguments.len());
            return Err(Fault::run(
                at,
                format!("{name} takes {wanted} arguments, not {given}"),
            ));
        }
        for (argument, kind) in arguments.iter_mut().zip(function.parameters) {
            let fits = match (kind, &*argument) {
                (_, Value::Nil) if *kind != Kind::Any => {
                    if nil == NilArgument::Refused {
                        return Err(Fault::run(
                            at,
                            format!("{name} does not take an undefined argument"),
                        ));
                    }
                    *argument = zero(*kind);
                    true
                }
                (Kind::Any, _)
                | (Kind::Str, Value::Str(_))
                | (Kind::Int, Value::Int(_))
                | (Kind::Bool, Value::Bool(_)) => true,
                _ => false,
            };
            if !fits {
                return Err(Fault::run(
                    at,
                    format!("{name} does not take a {}", argument.kind()),
                ));
            }
        }
        let kind = match function.purity {
            Purity::Reads if function.namespace != "dpl" => ErrorKind::Store,
            _ => ErrorKind::Runtime,
        };
        self.pay_all(&arguments, at)?;
        let value = functions::call(function, &arguments, self.context)
            .map_err(|message| Fault::new(kind, at, message))?;
        self.pay(&value, at)?;
        Ok(value)
    }

    pub(super) fn predicate_call(
        &mut self,
        name: &'a str,
        arguments: &'a [Expression],
        at: u32,
    ) -> Step<Value<'a>> {
        let name = name.strip_prefix("::").unwrap_or(name);
        let [list, rest @ ..] = arguments else {
            return Err(Fault::run(at, format!("{name} takes a list")));
        };
        let list = match self.eval(list)? {
            Value::List(list) => list,
            other => {
                return Err(Fault::run(
                    at,
                    format!("{name} takes a list, not a {}", other.kind()),
                ));
            }
        };
        let predicate = rest.first();
        let extra = rest.get(1).map(|extra| self.eval(extra)).transpose()?;
        self.scopes.push(Scope {
            list: Arc::clone(&list),
            index: 0,
            accumulator: Value::Nil,
        });
        let value = self.apply_predicate(name, &list, predicate, extra, at);
        self.scopes.pop();
        let value = value?;
        self.pay(&value, at)?;
        Ok(value)
    }

    fn apply_predicate(
        &mut self,
        name: &str,
        list: &Arc<List<'a>>,
        predicate: Option<&'a Expression>,
        extra: Option<Value<'a>>,
        at: u32,
    ) -> Step<Value<'a>> {
        let length = list.items.len();
        Ok(match name {
            "all" => Value::Bool(self.find(0..length, predicate, false)?.is_none()),
            "any" => Value::Bool(self.find(0..length, predicate, true)?.is_some()),
            "none" => Value::Bool(self.find(0..length, predicate, true)?.is_none()),
            "one" => Value::Bool(self.matching(length, predicate)?.len() == 1),
            "count" => Value::Int(
                self.matching(length, predicate)?
                    .len()
                    .try_into()
                    .unwrap_or(i64::MAX),
            ),
            "filter" => {
                let indices = self.matching(length, predicate)?;
                Value::list(
                    indices
                        .iter()
                        .filter_map(|index| list.items.get(*index).cloned())
                        .collect(),
                )
            }
            "find" => element(list, self.find(0..length, predicate, true)?),
            "findLast" => element(list, self.find((0..length).rev(), predicate, true)?),
            "findIndex" => place(self.find(0..length, predicate, true)?),
            "findLastIndex" => place(self.find((0..length).rev(), predicate, true)?),
            "map" => Value::list(self.outcomes(length, predicate)?),
            "sum" => {
                let mut sum = Value::Int(0);
                for value in self.outcomes(length, predicate)? {
                    sum = operators::apply(Binary::Add, sum, value)
                        .map_err(|message| Fault::run(at, message))?;
                }
                sum
            }
            "groupBy" => self.group(list, predicate, at)?,
            "sortBy" => {
                let keys = self.outcomes(length, predicate)?;
                let pairs = list.items.iter().cloned().zip(keys).collect();
                builtins::sort_by(pairs, extra.as_ref()).map_err(|message| Fault::run(at, message))?
            }
            "reduce" => self.reduce(list, predicate, extra, at)?,
            _ => {
                return Err(Fault::run(
                    at,
                    format!("{name} is not a built-in with a predicate"),
                ));
            }
        })
    }

    /// The predicate for one element.
    fn outcome(&mut self, index: usize, predicate: Option<&'a Expression>) -> Step<Value<'a>> {
        if let Some(scope) = self.scopes.last_mut() {
            scope.index = index;
        }
        let Some(predicate) = predicate else {
            self.steps += 1;
            let scope = self.scopes.last();
            return Ok(scope
                .and_then(|scope| scope.list.items.get(index))
                .cloned()
                .unwrap_or(Value::Nil));
        };
        if self.steps > MAX_STEPS {
            return Err(Fault::limit(
                predicate.at,
                format!("takes more than {MAX_STEPS} steps"),
            ));
        }
        self.eval(predicate)
    }

    fn holds(&mut self, index: usize, predicate: Option<&'a Expression>) -> Step<bool> {
        match self.outcome(index, predicate)? {
            Value::Bool(b) => Ok(b),
            other => {
                let at = predicate.map_or(0, |predicate| predicate.at);
                Err(Fault::run(
                    at,
                    format!("the predicate must be a bool, not a {}", other.kind()),
                ))
            }
        }
    }

    fn find(
        &mut self,
        indices: impl Iterator<Item = usize>,
        predicate: Option<&'a Expression>,
        wanted: bool,
    ) -> Step<Option<usize>> {
        for index in indices {
            if self.holds(index, predicate)? == wanted {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn matching(&mut self, length: usize, predicate: Option<&'a Expression>) -> Step<Vec<usize>> {
        let mut indices = Vec::new();
        for index in 0..length {
            if self.holds(index, predicate)? {
                indices.push(index);
            }
        }
        Ok(indices)
    }

    fn outcomes(&mut self, length: usize, predicate: Option<&'a Expression>) -> Step<Vec<Value<'a>>> {
        (0..length).map(|index| self.outcome(index, predicate)).collect()
    }

    fn group(&mut self, list: &Arc<List<'a>>, predicate: Option<&'a Expression>, at: u32) -> Step<Value<'a>> {
        let mut groups: BTreeMap<Key<'a>, Vec<Value<'a>>> = BTreeMap::new();
        for (index, item) in list.items.iter().enumerate() {
            let key = self.outcome(index, predicate)?;
            let Some(key) = Key::of(&key) else {
                return Err(Fault::run(
                    at,
                    format!("a {} cannot be the key of a group", key.kind()),
                ));
            };
            groups.entry(key).or_default().push(item.clone());
        }
        let entries = groups
            .into_iter()
            .map(|(key, items)| (key, Value::list(items)))
            .collect();
        Ok(Value::Map(Arc::new(Map {
            any_key: true,
            entries,
        })))
    }

    fn reduce(
        &mut self,
        list: &Arc<List<'a>>,
        predicate: Option<&'a Expression>,
        initial: Option<Value<'a>>,
        at: u32,
    ) -> Step<Value<'a>> {
        let first = usize::from(initial.is_none());
        let Some(mut accumulator) = initial.or_else(|| list.items.first().cloned()) else {
            return Err(Fault::run(at, "reduce of an empty list needs a third argument"));
        };
        for index in first..list.items.len() {
            if let Some(scope) = self.scopes.last_mut() {
                scope.accumulator = accumulator;
            }
            accumulator = self.outcome(index, predicate)?;
        }
        Ok(accumulator)
    }
}

fn element<'a>(list: &List<'a>, place: Option<usize>) -> Value<'a> {
    place
        .and_then(|place| list.items.get(place))
        .cloned()
        .unwrap_or(Value::Nil)
}

fn place<'a>(index: Option<usize>) -> Value<'a> {
    // The reference answers nil, not -1.
    index
        .and_then(|index| i64::try_from(index).ok())
        .map_or(Value::Nil, Value::Int)
}

fn zero<'a>(kind: Kind) -> Value<'a> {
    match kind {
        Kind::Str => Value::text(""),
        Kind::Int => Value::Int(0),
        Kind::Bool => Value::Bool(false),
        Kind::Any | Kind::StrPointer | Kind::Role => Value::Nil,
    }
}

fn not_callable(value: &Value<'_>) -> String {
    match value {
        Value::Nil => "nil cannot be called".to_owned(),
        other => format!("a {} cannot be called", other.kind()),
    }
}
