//! From an artefact to bytes.

use std::collections::BTreeMap;

use partita_proto::artefact as wire;
use prost::Message;

use super::{EncodeError, MAGIC, MAX_FILE, MAX_ROLE_DEPTH, node};
use crate::ir::{
    Addressing, Artefact, Binding, Body, ChannelTemplate, Code, CommandTemplate, ConstraintTemplate,
    ControlMode, Edition, FORMAT, InboundTemplate, Iterator, KubernetesMode, Layers, Module,
    OutboundTemplate, Parameter, ParameterKind, Part, Range, RoleTemplate, Source, Span, TaskClass, Template,
    TraitsTemplate, Variable, VariableSpec,
};

/// The file of an artefact.
pub fn encode(artefact: &Artefact) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(FORMAT.to_le_bytes());
    Encoder::new()
        .twice(|encoder| encoder.artefact(artefact))?
        .encode(&mut bytes)
        .map_err(|_| size(&bytes))?;
    if bytes.len() > MAX_FILE {
        Err(size(&bytes))
    } else {
        Ok(bytes)
    }
}

fn size(bytes: &[u8]) -> EncodeError {
    EncodeError::Size { size: bytes.len() }
}

/// Makes messages. Everything is made twice: the first time to learn which strings there are, the second time with
/// their places in the sorted table.
pub(super) struct Encoder<'a> {
    places: BTreeMap<&'a str, u32>,
}

type Encoded<T> = Result<T, EncodeError>;

impl<'a> Encoder<'a> {
    fn new() -> Self {
        Self {
            places: BTreeMap::new(),
        }
    }

    fn twice<T>(&mut self, make: impl Fn(&mut Self) -> Encoded<T>) -> Encoded<T> {
        make(self)?;
        for (place, (_, index)) in self.places.iter_mut().enumerate() {
            *index = Self::count(place);
        }
        make(self)
    }

    fn strings(&self) -> Vec<String> {
        self.places.keys().map(|text| (*text).to_owned()).collect()
    }

    /// Place of a text in the table.
    pub(super) fn text(&mut self, text: &'a str) -> u32 {
        *self.places.entry(text).or_insert(0)
    }

    /// Lengths fit: no file is that large.
    pub(super) fn count(length: usize) -> u32 {
        u32::try_from(length).unwrap_or(u32::MAX)
    }

    fn artefact(&mut self, artefact: &'a Artefact) -> Encoded<wire::Artefact> {
        let modules = artefact
            .modules
            .iter()
            .map(|(identity, module)| self.module(identity, module))
            .collect::<Encoded<_>>()?;
        let classes = artefact
            .classes
            .iter()
            .map(|(identity, class)| self.class(identity, class))
            .collect::<Encoded<_>>()?;
        Ok(wire::Artefact {
            edition: edition(artefact.edition).into(),
            stdlib: self.text(&artefact.stdlib),
            root: self.text(&artefact.root),
            sources: artefact
                .sources
                .iter()
                .map(|source| self.source(source))
                .collect(),
            modules,
            classes,
            given: Some(self.layers(&artefact.given)),
            services: artefact
                .services
                .iter()
                .map(|service| self.text(service))
                .collect(),
            configuration: self.pairs(&artefact.configuration),
            parameters: artefact
                .parameters
                .iter()
                .map(|parameter| self.parameter(parameter))
                .collect(),
            commands: self.pairs(&artefact.commands),
            pins: Some(wire::Pins {
                packages: self.text(&artefact.pins.packages),
                workflows: self.pairs(&artefact.pins.workflows),
            }),
            texts: artefact
                .texts
                .iter()
                .map(|(text, template)| {
                    Ok(wire::Text {
                        text: self.text(text),
                        template: Some(self.template(template)?),
                    })
                })
                .collect::<Encoded<_>>()?,
            revisions: self.pairs(&artefact.revisions),
            closed: artefact.closed,
            strings: self.strings(),
        })
    }

    fn source(&mut self, source: &'a Source) -> wire::Source {
        wire::Source {
            repository: self.text(&source.repository),
            revision: self.text(&source.revision),
            path: self.text(&source.path),
            blob: self.text(&source.blob),
            dirty: source.dirty,
        }
    }

    fn pairs(&mut self, pairs: &'a BTreeMap<String, String>) -> Vec<wire::Pair> {
        pairs
            .iter()
            .map(|(name, value)| wire::Pair {
                name: self.text(name),
                value: self.text(value),
            })
            .collect()
    }

    fn layers(&mut self, layers: &'a Layers) -> wire::Layers {
        wire::Layers {
            defaults: self.pairs(&layers.defaults),
            vars: self.pairs(&layers.vars),
            user: self.pairs(&layers.user),
        }
    }

    fn parameter(&mut self, parameter: &'a Parameter) -> wire::Parameter {
        wire::Parameter {
            name: self.text(&parameter.name),
            kind: kind(parameter.kind).into(),
            bound: binding(parameter.bound).into(),
            required: parameter.required,
            default: parameter.default.as_ref().map(|text| self.text(text)),
            spec: parameter.spec.as_deref().map(|spec| self.spec(spec)),
            used: parameter
                .used
                .iter()
                .map(|used| wire::Use {
                    span: Some(wire_span(used.span)),
                    bound: binding(used.bound).into(),
                })
                .collect(),
        }
    }

    fn module(&mut self, identity: &'a str, module: &'a Module) -> Encoded<wire::Module> {
        Ok(wire::Module {
            identity: self.text(identity),
            repository: self.text(&module.repository),
            revision: self.text(&module.revision),
            description: module.description.as_ref().map(|text| self.text(text)),
            public: module.public,
            roles: self.roles(identity, &module.root)?,
            edition: edition(module.edition).into(),
        })
    }

    fn roles(&mut self, identity: &'a str, root: &'a RoleTemplate) -> Encoded<Vec<wire::Role>> {
        let mut roles = Vec::new();
        self.role(root, &mut roles, 1)?
            .then_some(roles)
            .ok_or_else(|| EncodeError::RoleDepth {
                identity: identity.to_owned(),
            })
    }

    /// Appends a role and all below it; false if they are too deep.
    fn role(&mut self, role: &'a RoleTemplate, roles: &mut Vec<wire::Role>, depth: usize) -> Encoded<bool> {
        if depth > MAX_ROLE_DEPTH {
            return Ok(false);
        }
        let body = self.body(&role.body)?;
        let message = wire::Role {
            span: Some(wire_span(role.span)),
            name: Some(self.template(&role.name)?),
            enabled: Some(self.template(&role.enabled)?),
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
            body: Some(body),
        };
        roles.push(message);
        if let Body::Aggregator(children) = &role.body {
            for child in children {
                if !self.role(child, roles, depth + 1)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn body(&mut self, body: &'a Body) -> Encoded<wire::role::Body> {
        Ok(match body {
            Body::Aggregator(children) => wire::role::Body::Aggregator(Self::count(children.len())),
            Body::Task { load, traits } => wire::role::Body::Task(wire::Task {
                load: Some(self.template(load)?),
                traits: Some(self.traits(traits)?),
            }),
            Body::Call {
                func,
                function,
                returns,
                traits,
            } => wire::role::Body::Call(wire::Call {
                func: Some(self.template(func)?),
                function: function.as_ref().map(|code| self.code(code)).transpose()?,
                returns: Some(self.template(returns)?),
                traits: Some(self.traits(traits)?),
            }),
            Body::Include(text) => wire::role::Body::Include(self.template(text)?),
        })
    }

    fn traits(&mut self, traits: &'a TraitsTemplate) -> Encoded<wire::Traits> {
        Ok(wire::Traits {
            trigger: Some(self.template(&traits.trigger)?),
            await_at: Some(self.template(&traits.await_at)?),
            timeout: Some(self.template(&traits.timeout)?),
            critical: traits.critical,
        })
    }

    fn iterator(&mut self, iterator: &'a Iterator) -> Encoded<wire::Iterator> {
        let (list, begin, end) = match &iterator.range {
            Range::List(list) => (Some(list), None, None),
            Range::Count { begin, end } => (None, Some(begin), Some(end)),
        };
        let mut template = |template: Option<&'a Template>| template.map(|t| self.template(t)).transpose();
        let (list, begin, end) = (template(list)?, template(begin)?, template(end)?);
        let (span, variable) = (Some(wire_span(iterator.span)), self.text(&iterator.variable));
        Ok(wire::Iterator {
            span,
            variable,
            list,
            begin,
            end,
        })
    }

    fn class(&mut self, identity: &'a str, class: &'a TaskClass) -> Encoded<wire::TaskClass> {
        Ok(wire::TaskClass {
            identity: self.text(identity),
            span: Some(wire_span(class.span)),
            name: self.text(&class.name),
            defaults: self.variables(&class.defaults)?,
            vars: self.variables(&class.vars)?,
            mode: mode(class.mode).into(),
            command: class
                .command
                .as_ref()
                .map(|command| self.command(command))
                .transpose()?,
            wants: Some(wire::Wants {
                cpu: class.wants.cpu,
                memory: class.wants.memory,
                ports: class
                    .wants
                    .ports
                    .iter()
                    .map(|&(first, last)| wire::PortRange { first, last })
                    .collect(),
            }),
            limits: Some(wire::Limits {
                cpu: class.limits.cpu,
                memory: class.limits.memory,
            }),
            bind: self.bind(&class.bind)?,
            connect: self.connect(&class.connect)?,
            properties: self.variables(&class.properties)?,
            constraints: self.constraints(&class.constraints)?,
            edition: edition(class.edition).into(),
        })
    }

    fn command(&mut self, command: &'a CommandTemplate) -> Encoded<wire::Command> {
        Ok(wire::Command {
            env: self.templates(&command.env)?,
            shell: command.shell,
            value: Some(self.template(&command.value)?),
            user: Some(self.template(&command.user)?),
            arguments: self.templates(&command.arguments)?,
            stdout: command
                .stdout
                .as_ref()
                .map(|text| self.template(text))
                .transpose()?,
            stderr: command
                .stderr
                .as_ref()
                .map(|text| self.template(text))
                .transpose()?,
        })
    }

    fn variables(&mut self, block: &'a [Variable]) -> Encoded<Vec<wire::Variable>> {
        let variable = |variable: &'a Variable| {
            Ok(wire::Variable {
                name: self.text(&variable.name),
                value: Some(self.template(&variable.value)?),
                spec: variable.spec.as_deref().map(|spec| self.spec(spec)),
            })
        };
        block.iter().map(variable).collect()
    }

    fn spec(&mut self, spec: &'a VariableSpec) -> wire::VariableSpec {
        wire::VariableSpec {
            kind: self.text(&spec.kind),
            label: self.text(&spec.label),
            description: self.text(&spec.description),
            widget: self.text(&spec.widget),
            panel: self.text(&spec.panel),
            values: spec.values.iter().map(|value| self.text(value)).collect(),
            index: spec.index,
            rows: spec.rows,
            visible_if: self.text(&spec.visible_if),
            enabled_if: self.text(&spec.enabled_if),
        }
    }

    fn constraints(&mut self, items: &'a [ConstraintTemplate]) -> Encoded<Vec<wire::Constraint>> {
        let constraint = |item: &'a ConstraintTemplate| {
            Ok(wire::Constraint {
                span: Some(wire_span(item.span)),
                attribute: self.text(&item.attribute),
                value: Some(self.template(&item.value)?),
                operator: item.operator,
            })
        };
        items.iter().map(constraint).collect()
    }

    fn connect(&mut self, items: &'a [OutboundTemplate]) -> Encoded<Vec<wire::Channel>> {
        items.iter().map(|item| self.channel(&item.channel)).collect()
    }

    fn bind(&mut self, items: &'a [InboundTemplate]) -> Encoded<Vec<wire::Channel>> {
        let inbound = |item: &'a InboundTemplate| {
            let addressing = match item.addressing {
                Addressing::Tcp => wire::Addressing::Tcp,
                Addressing::Ipc => wire::Addressing::Ipc,
            };
            Ok(wire::Channel {
                global: Some(self.template(&item.global)?),
                addressing: addressing.into(),
                ..self.channel(&item.channel)?
            })
        };
        items.iter().map(inbound).collect()
    }

    fn channel(&mut self, channel: &'a ChannelTemplate) -> Encoded<wire::Channel> {
        Ok(wire::Channel {
            span: Some(wire_span(channel.span)),
            name: self.text(&channel.name),
            kind: self.text(&channel.kind),
            send_buffer: channel.send_buffer,
            receive_buffer: channel.receive_buffer,
            rate_logging: Some(self.template(&channel.rate_logging)?),
            transport: self.text(&channel.transport),
            target: Some(self.template(&channel.target)?),
            global: None,
            addressing: 0,
        })
    }

    fn templates(&mut self, templates: &'a [Template]) -> Encoded<Vec<wire::Template>> {
        templates.iter().map(|template| self.template(template)).collect()
    }

    fn template(&mut self, template: &'a Template) -> Encoded<wire::Template> {
        let part = |part: &'a Part| {
            let part = match part {
                Part::Text(text) => wire::part::Part::Text(self.text(text)),
                Part::Expression(code) => wire::part::Part::Expression(self.code(code)?),
                Part::Malformed { text, message } => wire::part::Part::Malformed(wire::Malformed {
                    text: self.text(text),
                    message: self.text(message),
                }),
            };
            Ok(wire::Part { part: Some(part) })
        };
        let parts = template.parts.iter().map(part).collect::<Encoded<_>>()?;
        Ok(wire::Template {
            span: Some(wire_span(template.span)),
            parts,
        })
    }

    fn code(&mut self, code: &'a Code) -> Encoded<wire::Code> {
        node::encode(code, self)
    }
}

fn wire_span(span: Span) -> wire::Span {
    let Span { source, line, column } = span;
    wire::Span { source, line, column }
}

fn edition(edition: Edition) -> wire::Edition {
    match edition {
        Edition::Aliecs => wire::Edition::Aliecs,
        Edition::E2026 => wire::Edition::E2026,
    }
}

fn mode(mode: ControlMode) -> wire::ControlMode {
    match mode {
        ControlMode::Direct => wire::ControlMode::Direct,
        ControlMode::Fairmq => wire::ControlMode::Fairmq,
        ControlMode::Basic => wire::ControlMode::Basic,
        ControlMode::Hook => wire::ControlMode::Hook,
        ControlMode::Kubernetes(KubernetesMode::KubectlDirect) => wire::ControlMode::KubectlDirect,
        ControlMode::Kubernetes(KubernetesMode::KubectlFairmq) => wire::ControlMode::KubectlFairmq,
        ControlMode::Kubernetes(KubernetesMode::Direct) => wire::ControlMode::KubernetesDirect,
        ControlMode::Kubernetes(KubernetesMode::Fairmq) => wire::ControlMode::KubernetesFairmq,
    }
}

fn kind(kind: ParameterKind) -> wire::ParameterKind {
    match kind {
        ParameterKind::String => wire::ParameterKind::String,
        ParameterKind::Number => wire::ParameterKind::Number,
        ParameterKind::Bool => wire::ParameterKind::Bool,
        ParameterKind::List => wire::ParameterKind::List,
        ParameterKind::Map => wire::ParameterKind::Map,
    }
}

fn binding(bound: Binding) -> wire::Binding {
    match bound {
        Binding::Compile => wire::Binding::Compile,
        Binding::Instance => wire::Binding::Instance,
        Binding::Deploy => wire::Binding::Deploy,
        Binding::Run => wire::Binding::Run,
    }
}
