//! The expressions of a file, and what is around each of them when it is evaluated.

use partita_artefact::evaluate::{Home, Place, RoleName};
use partita_artefact::ir::{
    Body, ChannelTemplate, Code, InboundTemplate, Part, Range, RoleTemplate, Span, TaskClass, Template,
    Variable,
};

/// When an expression is evaluated (`template-language.md` 3.3, 3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// `for`: with what is around the role.
    Range,
    /// `enabled` and `defaults` of a role: the same, and the iterator's variable.
    Outside,
    /// `vars` of a role: its own defaults as well.
    Vars,
    /// Its other fields: all its own variables as well.
    Own,
    /// A call: what the core and services have set by then as well.
    Call,
    /// `defaults` of a task template: the stack of the role, and what the core knows of the task.
    TaskDefaults,
    /// `vars` of a task template: its own defaults as well.
    TaskVars,
    /// `command` of a task template: its own vars as well.
    Command,
    /// Properties and channels of a task, at CONFIGURE.
    Properties,
}

impl Stage {
    /// Which functions exist there (`template-language.md` 4.6).
    pub(super) fn place(self) -> Place<'static> {
        match self {
            Self::Range => Place::Range,
            Self::Outside | Self::Vars => Place::Role {
                home: Home::default(),
                this: None,
                ancestors: &[],
            },
            Self::Own => Place::Role {
                home: Home::default(),
                this: Some(RoleName { name: "", path: "" }),
                ancestors: &[],
            },
            Self::Call => Place::Call,
            Self::TaskDefaults | Self::TaskVars | Self::Command => Place::Task,
            Self::Properties => Place::Properties,
        }
    }
}

/// An expression in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) stage: Stage,
    /// Where the field begins that it is in.
    pub(super) field: Span,
    pub(super) code: &'a Code,
    /// The variable that the field is the value of.
    pub(super) of: Option<&'a str>,
}

/// The expressions of a role, without those of its children.
pub(super) fn of_role(role: &RoleTemplate) -> Vec<Use<'_>> {
    let mut uses = Uses::default();
    match role.iterator.as_ref().map(|iterator| &iterator.range) {
        Some(Range::List(list)) => uses.add(Stage::Range, list),
        Some(Range::Count { begin, end }) => {
            uses.add(Stage::Range, begin);
            uses.add(Stage::Range, end);
        }
        None => {}
    }
    uses.add(Stage::Outside, &role.enabled);
    uses.variables(Stage::Outside, &role.defaults);
    uses.variables(Stage::Vars, &role.vars);
    uses.add(Stage::Own, &role.name);
    uses.body(&role.body);
    for constraint in &role.constraints {
        uses.add(Stage::Own, &constraint.value);
    }
    for outbound in &role.connect {
        uses.add(Stage::Own, &outbound.channel.target);
        uses.add(Stage::Properties, &outbound.channel.rate_logging);
    }
    for inbound in &role.bind {
        uses.add(Stage::Own, &inbound.global);
        uses.inbound(inbound);
    }
    uses.found
}

/// The expressions of a task template.
pub(super) fn of_class(class: &TaskClass) -> Vec<Use<'_>> {
    let mut uses = Uses::default();
    uses.variables(Stage::TaskDefaults, &class.defaults);
    uses.variables(Stage::TaskVars, &class.vars);
    if let Some(command) = &class.command {
        for template in command.env.iter().chain(&command.arguments) {
            uses.add(Stage::Command, template);
        }
        uses.add(Stage::Command, &command.value);
        uses.add(Stage::Command, &command.user);
        for template in command.stdout.iter().chain(&command.stderr) {
            uses.add(Stage::Command, template);
        }
    }
    uses.variables(Stage::Properties, &class.properties);
    for outbound in &class.connect {
        uses.channel(&outbound.channel);
    }
    for inbound in &class.bind {
        uses.inbound(inbound);
    }
    uses.found
}

#[derive(Default)]
struct Uses<'a> {
    found: Vec<Use<'a>>,
    of: Option<&'a str>,
}

impl<'a> Uses<'a> {
    fn add(&mut self, stage: Stage, template: &'a Template) {
        for part in &template.parts {
            if let Part::Expression(code) = part {
                self.code(stage, template.span, code);
            }
        }
    }

    fn code(&mut self, stage: Stage, field: Span, code: &'a Code) {
        self.found.push(Use {
            stage,
            field,
            code,
            of: self.of,
        });
    }

    fn variables(&mut self, stage: Stage, variables: &'a [Variable]) {
        for variable in variables {
            self.of = Some(&variable.name);
            self.add(stage, &variable.value);
        }
        self.of = None;
    }

    fn body(&mut self, body: &'a Body) {
        let traits = match body {
            Body::Aggregator(_) => return,
            Body::Include(text) => return self.add(Stage::Own, text),
            Body::Task { load, traits } => {
                self.add(Stage::Own, load);
                traits
            }
            Body::Call {
                func,
                function,
                returns,
                traits,
            } => {
                self.add(Stage::Own, func);
                self.add(Stage::Own, returns);
                if let Some(function) = function {
                    self.code(Stage::Call, func.span, function);
                }
                traits
            }
        };
        for template in [&traits.trigger, &traits.await_at, &traits.timeout] {
            self.add(Stage::Own, template);
        }
    }

    fn channel(&mut self, channel: &'a ChannelTemplate) {
        self.add(Stage::Properties, &channel.rate_logging);
    }

    fn inbound(&mut self, inbound: &'a InboundTemplate) {
        self.channel(&inbound.channel);
        self.add(Stage::Properties, &inbound.channel.target);
    }
}
