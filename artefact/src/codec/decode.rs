//! From bytes to an artefact.

use std::cell::Cell;
use std::collections::BTreeMap;

use partita_proto::artefact as wire;
use prost::Message;

use super::{DecodeError, MAGIC, MAX_FILE, MAX_ROLE_DEPTH, MAX_TEXT, node};
use crate::ir::{
    Addressing, Artefact, Binding, Body, ChannelTemplate, Code, CommandTemplate, ConstraintTemplate,
    ControlMode, Edition, FORMAT, InboundTemplate, Iterator, KubernetesMode, Layers, Limits, Module,
    OutboundTemplate, Parameter, ParameterKind, Part, Pins, Range, RoleTemplate, Source, Span, TaskClass,
    Template, TraitsTemplate, Use, Variable, VariableSpec, Wants,
};

type Decoded<T> = Result<T, DecodeError>;

/// Reads the file of an artefact. The bytes may come from anywhere.
pub fn decode(bytes: &[u8]) -> Decoded<Artefact> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len()).ok_or_else(|| cut(bytes))?;
    if magic != MAGIC {
        return Err(DecodeError::Foreign);
    }
    let (format, body) = rest.split_first_chunk().ok_or(DecodeError::Short)?;
    let found = u32::from_le_bytes(*format);
    if found > FORMAT {
        return Err(DecodeError::TooNew { found });
    }
    if bytes.len() > MAX_FILE {
        return Err(DecodeError::Size { size: bytes.len() });
    }
    let mut message = wire::Artefact::decode(body)?;
    let strings = std::mem::take(&mut message.strings);
    if !strings.is_sorted_by(|a, b| a < b) {
        return Err(DecodeError::Invalid("its texts are not sorted"));
    }
    Decoder {
        strings,
        left: Cell::new(MAX_TEXT),
    }
    .artefact(&message)
}

fn cut(bytes: &[u8]) -> DecodeError {
    if MAGIC.starts_with(bytes) {
        DecodeError::Short
    } else {
        DecodeError::Foreign
    }
}

/// Makes sense of messages.
pub(super) struct Decoder {
    strings: Vec<String>,
    /// Bytes of text that may still be made: a few bytes could name one long text a million times.
    left: Cell<usize>,
}

/// A part that every artefact of this format has.
fn present<T>(part: Option<&T>) -> Decoded<&T> {
    part.ok_or(DecodeError::Invalid("a part is missing"))
}

fn each<T, U>(items: &[T], decode: impl Fn(&T) -> Decoded<U>) -> Decoded<Vec<U>> {
    items.iter().map(decode).collect()
}

/// A map whose names come sorted, each once.
fn map<T, U>(items: &[T], decode: impl Fn(&T) -> Decoded<(String, U)>) -> Decoded<BTreeMap<String, U>> {
    let mut map = BTreeMap::new();
    for item in items {
        let (name, value) = decode(item)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(DecodeError::Invalid("its names are not sorted"));
        }
        map.insert(name, value);
    }
    Ok(map)
}

impl Decoder {
    pub(super) fn text(&self, place: u32) -> Decoded<String> {
        let text = self
            .strings
            .get(place as usize)
            .ok_or(DecodeError::Invalid("a text is missing"))?;
        let left = self
            .left
            .get()
            .checked_sub(text.len())
            .ok_or(DecodeError::Invalid("it repeats too much text"))?;
        self.left.set(left);
        Ok(text.clone())
    }

    fn artefact(&self, message: &wire::Artefact) -> Decoded<Artefact> {
        Ok(Artefact {
            edition: edition(message.edition)?,
            stdlib: self.text(message.stdlib)?,
            root: self.text(message.root)?,
            sources: each(&message.sources, |source| self.source(source))?,
            modules: map(&message.modules, |module| {
                Ok((self.text(module.identity)?, self.module(module)?))
            })?,
            classes: map(&message.classes, |class| {
                Ok((self.text(class.identity)?, self.class(class)?))
            })?,
            given: self.layers(present(message.given.as_ref())?)?,
            services: each(&message.services, |service| self.text(*service))?,
            configuration: self.pairs(&message.configuration)?,
            parameters: each(&message.parameters, |parameter| self.parameter(parameter))?,
            commands: self.pairs(&message.commands)?,
            pins: self.pins(present(message.pins.as_ref())?)?,
            texts: map(&message.texts, |text| {
                Ok((self.text(text.text)?, self.template(text.template.as_ref())?))
            })?,
            revisions: self.pairs(&message.revisions)?,
            closed: message.closed,
        })
    }

    fn pins(&self, pins: &wire::Pins) -> Decoded<Pins> {
        Ok(Pins {
            packages: self.text(pins.packages)?,
            workflows: self.pairs(&pins.workflows)?,
        })
    }

    fn source(&self, source: &wire::Source) -> Decoded<Source> {
        Ok(Source {
            repository: self.text(source.repository)?,
            revision: self.text(source.revision)?,
            path: self.text(source.path)?,
            blob: self.text(source.blob)?,
            dirty: source.dirty,
        })
    }

    fn pairs(&self, pairs: &[wire::Pair]) -> Decoded<BTreeMap<String, String>> {
        map(pairs, |pair| Ok((self.text(pair.name)?, self.text(pair.value)?)))
    }

    fn layers(&self, layers: &wire::Layers) -> Decoded<Layers> {
        Ok(Layers {
            defaults: self.pairs(&layers.defaults)?,
            vars: self.pairs(&layers.vars)?,
            user: self.pairs(&layers.user)?,
        })
    }

    fn parameter(&self, parameter: &wire::Parameter) -> Decoded<Parameter> {
        Ok(Parameter {
            name: self.text(parameter.name)?,
            kind: kind(parameter.kind)?,
            bound: binding(parameter.bound)?,
            required: parameter.required,
            default: parameter.default.map(|text| self.text(text)).transpose()?,
            spec: self.spec(parameter.spec.as_ref())?,
            used: each(&parameter.used, used)?,
        })
    }

    fn module(&self, module: &wire::Module) -> Decoded<Module> {
        let mut roles = module.roles.iter();
        let root = self.role(&mut roles, 1)?;
        if roles.next().is_some() {
            return Err(DecodeError::Invalid("a role has no parent"));
        }
        Ok(Module {
            repository: self.text(module.repository)?,
            revision: self.text(module.revision)?,
            edition: edition(module.edition)?,
            description: module.description.map(|text| self.text(text)).transpose()?,
            public: module.public,
            root,
        })
    }

    /// The next role with all below it.
    fn role(&self, roles: &mut std::slice::Iter<'_, wire::Role>, depth: usize) -> Decoded<RoleTemplate> {
        if depth > MAX_ROLE_DEPTH {
            return Err(DecodeError::Invalid("roles nest too deep"));
        }
        let role = roles.next().ok_or(DecodeError::Invalid("a role is missing"))?;
        let body = match present(role.body.as_ref())? {
            wire::role::Body::Aggregator(count) => Body::Aggregator(
                (0..*count)
                    .map(|_| self.role(roles, depth + 1))
                    .collect::<Decoded<_>>()?,
            ),
            wire::role::Body::Task(task) => Body::Task {
                load: self.template(task.load.as_ref())?,
                traits: self.traits(task.traits.as_ref())?,
            },
            wire::role::Body::Call(call) => Body::Call {
                func: self.template(call.func.as_ref())?,
                function: call.function.as_ref().map(|code| self.code(code)).transpose()?,
                returns: self.template(call.returns.as_ref())?,
                traits: self.traits(call.traits.as_ref())?,
            },
            wire::role::Body::Include(text) => Body::Include(self.template(Some(text))?),
        };
        Ok(RoleTemplate {
            span: optional_span(role.span.as_ref()),
            name: self.template(role.name.as_ref())?,
            enabled: self.template(role.enabled.as_ref())?,
            defaults: self.variables(&role.defaults)?,
            vars: self.variables(&role.vars)?,
            constraints: self.constraints(&role.constraints)?,
            connect: self.connect(&role.connect)?,
            bind: self.bind(&role.bind)?,
            iterator: role
                .iterator
                .as_ref()
                .map(|iterator| self.iterator(iterator))
                .transpose()?,
            body,
        })
    }

    fn traits(&self, traits: Option<&wire::Traits>) -> Decoded<TraitsTemplate> {
        let traits = present(traits)?;
        Ok(TraitsTemplate {
            trigger: self.template(traits.trigger.as_ref())?,
            await_at: self.template(traits.await_at.as_ref())?,
            timeout: self.template(traits.timeout.as_ref())?,
            critical: traits.critical,
        })
    }

    fn iterator(&self, iterator: &wire::Iterator) -> Decoded<Iterator> {
        let range = match (&iterator.list, &iterator.begin, &iterator.end) {
            (Some(list), None, None) => Range::List(self.template(Some(list))?),
            (None, begin, end) => Range::Count {
                begin: self.template(begin.as_ref())?,
                end: self.template(end.as_ref())?,
            },
            _ => return Err(DecodeError::Invalid("an iterator has two ranges")),
        };
        let variable = self.text(iterator.variable)?;
        Ok(Iterator {
            span: optional_span(iterator.span.as_ref()),
            variable,
            range,
        })
    }

    fn class(&self, class: &wire::TaskClass) -> Decoded<TaskClass> {
        let wants = present(class.wants.as_ref())?;
        let limits = present(class.limits.as_ref())?;
        Ok(TaskClass {
            edition: edition(class.edition)?,
            span: optional_span(class.span.as_ref()),
            name: self.text(class.name)?,
            defaults: self.variables(&class.defaults)?,
            vars: self.variables(&class.vars)?,
            mode: mode(class.mode)?,
            command: class
                .command
                .as_ref()
                .map(|command| self.command(command))
                .transpose()?,
            wants: Wants {
                cpu: wants.cpu,
                memory: wants.memory,
                ports: wants
                    .ports
                    .iter()
                    .map(|range| (range.first, range.last))
                    .collect(),
            },
            limits: Limits {
                cpu: limits.cpu,
                memory: limits.memory,
            },
            bind: self.bind(&class.bind)?,
            connect: self.connect(&class.connect)?,
            properties: self.variables(&class.properties)?,
            constraints: self.constraints(&class.constraints)?,
        })
    }

    fn command(&self, command: &wire::Command) -> Decoded<CommandTemplate> {
        let optional =
            |text: &Option<wire::Template>| text.as_ref().map(|t| self.template(Some(t))).transpose();
        Ok(CommandTemplate {
            env: each(&command.env, |text| self.template(Some(text)))?,
            shell: command.shell,
            value: self.template(command.value.as_ref())?,
            user: self.template(command.user.as_ref())?,
            arguments: each(&command.arguments, |text| self.template(Some(text)))?,
            stdout: optional(&command.stdout)?,
            stderr: optional(&command.stderr)?,
        })
    }

    fn variables(&self, block: &[wire::Variable]) -> Decoded<Vec<Variable>> {
        each(block, |variable| {
            Ok(Variable {
                name: self.text(variable.name)?,
                value: self.template(variable.value.as_ref())?,
                spec: self.spec(variable.spec.as_ref())?,
            })
        })
    }

    fn spec(&self, spec: Option<&wire::VariableSpec>) -> Decoded<Option<Box<VariableSpec>>> {
        let Some(spec) = spec else { return Ok(None) };
        Ok(Some(Box::new(VariableSpec {
            kind: self.text(spec.kind)?,
            label: self.text(spec.label)?,
            description: self.text(spec.description)?,
            widget: self.text(spec.widget)?,
            panel: self.text(spec.panel)?,
            values: each(&spec.values, |value| self.text(*value))?,
            index: spec.index,
            rows: spec.rows,
            visible_if: self.text(spec.visible_if)?,
            enabled_if: self.text(spec.enabled_if)?,
        })))
    }

    fn constraints(&self, items: &[wire::Constraint]) -> Decoded<Vec<ConstraintTemplate>> {
        each(items, |item| {
            Ok(ConstraintTemplate {
                span: optional_span(item.span.as_ref()),
                attribute: self.text(item.attribute)?,
                value: self.template(item.value.as_ref())?,
                operator: item.operator,
            })
        })
    }

    fn connect(&self, items: &[wire::Channel]) -> Decoded<Vec<OutboundTemplate>> {
        each(items, |item| {
            Ok(OutboundTemplate {
                channel: self.channel(item)?,
            })
        })
    }

    fn bind(&self, items: &[wire::Channel]) -> Decoded<Vec<InboundTemplate>> {
        each(items, |item| {
            let addressing = match wire::Addressing::try_from(item.addressing) {
                Ok(wire::Addressing::Tcp) => Addressing::Tcp,
                Ok(wire::Addressing::Ipc) => Addressing::Ipc,
                Err(_) => return Err(DecodeError::Invalid("an unknown addressing")),
            };
            let global = self.template(item.global.as_ref())?;
            Ok(InboundTemplate {
                channel: self.channel(item)?,
                global,
                addressing,
            })
        })
    }

    fn channel(&self, channel: &wire::Channel) -> Decoded<ChannelTemplate> {
        Ok(ChannelTemplate {
            span: optional_span(channel.span.as_ref()),
            name: self.text(channel.name)?,
            kind: self.text(channel.kind)?,
            send_buffer: channel.send_buffer,
            receive_buffer: channel.receive_buffer,
            rate_logging: self.template(channel.rate_logging.as_ref())?,
            transport: self.text(channel.transport)?,
            target: self.template(channel.target.as_ref())?,
        })
    }

    fn template(&self, template: Option<&wire::Template>) -> Decoded<Template> {
        let template = present(template)?;
        let parts = each(&template.parts, |part| {
            Ok(match present(part.part.as_ref())? {
                wire::part::Part::Text(text) => Part::Text(self.text(*text)?),
                wire::part::Part::Expression(code) => Part::Expression(self.code(code)?),
                wire::part::Part::Malformed(malformed) => Part::Malformed {
                    text: self.text(malformed.text)?,
                    message: self.text(malformed.message)?,
                },
            })
        })?;
        Ok(Template {
            span: optional_span(template.span.as_ref()),
            parts,
        })
    }

    fn code(&self, code: &wire::Code) -> Decoded<Code> {
        node::decode(code, self)
    }
}

fn span(span: &wire::Span) -> Span {
    Span {
        source: span.source,
        line: span.line,
        column: span.column,
    }
}

fn optional_span(message: Option<&wire::Span>) -> Span {
    message.map(span).unwrap_or_default()
}

fn edition(edition: i32) -> Decoded<Edition> {
    match wire::Edition::try_from(edition) {
        Ok(wire::Edition::Aliecs) => Ok(Edition::Aliecs),
        Ok(wire::Edition::E2026) => Ok(Edition::E2026),
        Err(_) => Err(DecodeError::Invalid("an unknown edition of the language")),
    }
}

fn mode(mode: i32) -> Decoded<ControlMode> {
    let mode =
        wire::ControlMode::try_from(mode).map_err(|_| DecodeError::Invalid("an unknown control mode"))?;
    Ok(match mode {
        wire::ControlMode::Direct => ControlMode::Direct,
        wire::ControlMode::Fairmq => ControlMode::Fairmq,
        wire::ControlMode::Basic => ControlMode::Basic,
        wire::ControlMode::Hook => ControlMode::Hook,
        wire::ControlMode::KubectlDirect => ControlMode::Kubernetes(KubernetesMode::KubectlDirect),
        wire::ControlMode::KubectlFairmq => ControlMode::Kubernetes(KubernetesMode::KubectlFairmq),
        wire::ControlMode::KubernetesDirect => ControlMode::Kubernetes(KubernetesMode::Direct),
        wire::ControlMode::KubernetesFairmq => ControlMode::Kubernetes(KubernetesMode::Fairmq),
    })
}

fn used(message: &wire::Use) -> Decoded<Use> {
    Ok(Use {
        span: optional_span(message.span.as_ref()),
        bound: binding(message.bound)?,
    })
}

fn kind(kind: i32) -> Decoded<ParameterKind> {
    match wire::ParameterKind::try_from(kind) {
        Ok(wire::ParameterKind::String) => Ok(ParameterKind::String),
        Ok(wire::ParameterKind::Number) => Ok(ParameterKind::Number),
        Ok(wire::ParameterKind::Bool) => Ok(ParameterKind::Bool),
        Ok(wire::ParameterKind::List) => Ok(ParameterKind::List),
        Ok(wire::ParameterKind::Map) => Ok(ParameterKind::Map),
        Err(_) => Err(DecodeError::Invalid("an unknown kind of parameter")),
    }
}

fn binding(bound: i32) -> Decoded<Binding> {
    match wire::Binding::try_from(bound) {
        Ok(wire::Binding::Compile) => Ok(Binding::Compile),
        Ok(wire::Binding::Instance) => Ok(Binding::Instance),
        Ok(wire::Binding::Deploy) => Ok(Binding::Deploy),
        Ok(wire::Binding::Run) => Ok(Binding::Run),
        Err(_) => Err(DecodeError::Invalid("an unknown binding time")),
    }
}
