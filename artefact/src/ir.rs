//! What an artefact holds: workflows and task templates, decoded and parsed, not yet instantiated.

use std::collections::BTreeMap;

pub use crate::edition::Edition;
use crate::evaluate::Home;
use crate::evaluate::Learnt;
use crate::expression::Expression;
pub use partita_stdlib::Binding;
use serde::{Deserialize, Serialize};

/// Format version of the artefact file that this build writes; a newer one is refused.
pub const FORMAT: u32 = 1;

/// Where something stands in the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Index into [`Artefact::sources`].
    pub source: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Text with expressions in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    /// Where the text begins.
    pub span: Span,
    /// Its parts, in order; no part for empty text.
    pub parts: Vec<Part>,
}

impl Template {
    /// Its text, if there is no expression in it.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text as written, braces included.
    pub fn source(&self) -> String {
        let mut source = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => source.push_str(text),
                Part::Expression(Code { text, .. }) | Part::Malformed { text, .. } => {
                    source.push_str("{{");
                    source.push_str(text);
                    source.push_str("}}");
                }
            }
        }
        source
    }
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Copied as it is.
    Text(String),
    /// `{{ … }}`
    Expression(Code),
    /// `{{ … }}` that cannot be parsed. It fails only if it is reached: a disabled role may hold anything.
    Malformed {
        /// The text between the braces.
        text: String,
        /// What is wrong with it.
        message: String,
    },
}

/// A parsed expression with its text, for messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The text between the braces, as written.
    pub text: String,
    /// Its meaning.
    pub expression: Expression,
    /// What evaluations learnt of it.
    pub learnt: Learnt,
}

impl Code {
    /// An expression that was never evaluated.
    pub fn new(text: impl Into<String>, expression: Expression) -> Self {
        Self {
            text: text.into(),
            expression,
            learnt: Learnt::default(),
        }
    }
}

/// Everything needed to make role trees, and where each bit came from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Artefact {
    /// Edition of the language that the root workflow is written in; what is included may be written in another.
    pub edition: Edition,
    /// Version of the function library that the expressions were checked against.
    pub stdlib: String,
    /// Identity of the root workflow: a key of [`Artefact::modules`].
    pub root: String,
    /// Every file that was read, sorted by repository and path.
    pub sources: Vec<Source>,
    /// Workflow templates, by identity (`<repository>/workflows/<name>@<revision>`).
    pub modules: BTreeMap<String, Module>,
    /// Task templates, by identity (`<repository>/tasks/<name>@<revision>`).
    pub classes: BTreeMap<String, TaskClass>,
    /// Variables given at compile time.
    pub given: Layers,
    /// Integrated services that are present, in the order given.
    pub services: Vec<String>,
    /// Snapshot of the configuration store, pinned: full key (`o2/components/…`) to value.
    pub configuration: BTreeMap<String, String>,
    /// What is still open: variables that must or may be given at instantiation, by name.
    pub parameters: Vec<Parameter>,
    /// Commands that make workflows, by identity (`<repository>/jit/<name>@<revision>`).
    pub commands: BTreeMap<String, String>,
    /// What such commands make.
    pub pins: Pins,
    /// Texts that become templates only when a tree is made or a transition happens (commands, templated `func` of
    /// calls, payloads of `config.GetLegacy`), parsed: whoever runs an artefact has no parser.
    pub texts: BTreeMap<String, Template>,
    /// The revision that is meant where a file names another repository and no revision.
    pub revisions: BTreeMap<String, String>,
    /// Nothing more may be given: the artefact holds only what the variables of [`Artefact::given`] reach.
    pub closed: bool,
}

/// The results of DPL commands, pinned (`template-language.md` 7.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pins {
    /// What the package manager said of O2 and QC where the commands were run; it is part of every name.
    pub packages: String,
    /// Name of the result (`jit-<SHA-1>`) to the workflow template that is to be used for it.
    pub workflows: BTreeMap<String, String>,
}

/// One file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Repository identifier.
    pub repository: String,
    /// Pinned revision: a full commit hash; empty for files that belong to no commit.
    pub revision: String,
    /// Path inside the repository.
    pub path: String,
    /// Git blob id of the content (SHA-1 over `blob <len>\0<content>`), also for uncommitted files.
    pub blob: String,
    /// The content differs from the one in the pinned revision.
    pub dirty: bool,
}

/// The three layers of variables at one place. Iteration order is that of the names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Layers {
    /// Weakest.
    pub defaults: BTreeMap<String, String>,
    /// Beat defaults at any depth.
    pub vars: BTreeMap<String, String>,
    /// Beat everything.
    pub user: BTreeMap<String, String>,
}

impl Layers {
    /// These variables, with those of `over` replacing the ones of the same layer and name.
    #[must_use]
    pub fn with(mut self, over: &Self) -> Self {
        for (layer, over) in [
            (&mut self.defaults, &over.defaults),
            (&mut self.vars, &over.vars),
            (&mut self.user, &over.user),
        ] {
            layer.extend(over.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        self
    }
}

/// A workflow template file.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Identifier of the repository it came from.
    pub repository: String,
    /// Revision of that repository.
    pub revision: String,
    /// Edition of the language that it is written in.
    pub edition: Edition,
    /// `description`, if any.
    pub description: Option<String>,
    /// The root's name carries `!public`.
    pub public: bool,
    /// The root role; always an aggregator.
    pub root: RoleTemplate,
}

impl Module {
    /// Where its names are looked up.
    pub fn home(&self) -> Home<'_> {
        Home {
            repository: &self.repository,
            revision: &self.revision,
        }
    }
}

/// A role as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleTemplate {
    /// Where it begins.
    pub span: Span,
    /// `name`
    pub name: Template,
    /// `enabled`; `true` when not written.
    pub enabled: Template,
    /// `defaults`, in source order.
    pub defaults: Vec<Variable>,
    /// `vars`, in source order.
    pub vars: Vec<Variable>,
    /// `constraints`
    pub constraints: Vec<ConstraintTemplate>,
    /// `connect`
    pub connect: Vec<OutboundTemplate>,
    /// `bind`
    pub bind: Vec<InboundTemplate>,
    /// `for`
    pub iterator: Option<Iterator>,
    /// What kind of role it is.
    pub body: Body,
}

/// The kind-specific part of a role.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// `roles`
    Aggregator(Vec<RoleTemplate>),
    /// `task`
    Task {
        /// `load`
        load: Template,
        /// When it runs, for hooks.
        traits: TraitsTemplate,
    },
    /// `call`
    Call {
        /// `func`
        func: Template,
        /// `func` parsed as an expression, when its text is literal.
        function: Option<Code>,
        /// `return`
        returns: Template,
        /// When it runs.
        traits: TraitsTemplate,
    },
    /// `include`
    Include(Template),
}

/// When a hook or call runs, and how much it matters.
#[derive(Debug, Clone, PartialEq)]
pub struct TraitsTemplate {
    /// `trigger`; empty: never.
    pub trigger: Template,
    /// `await`; the trigger when not written.
    pub await_at: Template,
    /// `timeout`, a Go duration.
    pub timeout: Template,
    /// `critical`
    pub critical: bool,
}

/// A variable as written, with what a GUI should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Template,
    /// The `!public` specification, if it has one.
    pub spec: Option<Box<VariableSpec>>,
}

/// `!public` specification of a variable (reference `template-language.md` section 10).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariableSpec {
    /// `type`: string, number, bool, list or map.
    pub kind: String,
    /// `label`
    pub label: String,
    /// `description`
    pub description: String,
    /// `widget`
    pub widget: String,
    /// `panel`
    pub panel: String,
    /// `values`
    pub values: Vec<String>,
    /// `index`
    pub index: i32,
    /// `rows`
    pub rows: u32,
    /// `visibleif`
    pub visible_if: String,
    /// `enabledif`
    pub enabled_if: String,
}

/// `for` of an iterator.
#[derive(Debug, Clone, PartialEq)]
pub struct Iterator {
    /// Where it begins.
    pub span: Span,
    /// Name of the local variable.
    pub variable: String,
    /// What it runs over.
    pub range: Range,
}

/// What an iterator runs over.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    /// `range`: a JSON list of strings.
    List(Template),
    /// `begin` to `end`, inclusive.
    Count {
        /// First number.
        begin: Template,
        /// Last number.
        end: Template,
    },
}

/// An item of `constraints`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstraintTemplate {
    /// Where it begins.
    pub span: Span,
    /// `attribute`
    pub attribute: String,
    /// `value`
    pub value: Template,
    /// `operator`; 0 is equality, others are never matched.
    pub operator: i64,
}

/// What both kinds of channel have.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelTemplate {
    /// Where it begins.
    pub span: Span,
    /// `name`
    pub name: String,
    /// `type`: push, pull, pub, sub, or empty.
    pub kind: String,
    /// `sndBufSize`, messages.
    pub send_buffer: i64,
    /// `rcvBufSize`, messages.
    pub receive_buffer: i64,
    /// `rateLogging`, seconds; evaluated with the properties.
    pub rate_logging: Template,
    /// `transport`: default, zeromq, nanomsg or shmem.
    pub transport: String,
    /// `target`
    pub target: Template,
}

/// An item of `connect`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboundTemplate {
    /// The channel; its target is evaluated with the role.
    pub channel: ChannelTemplate,
}

/// An item of `bind`.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundTemplate {
    /// The channel; its target, if any, is evaluated with the properties.
    pub channel: ChannelTemplate,
    /// `global`: an alias for the whole environment. Evaluated in a role, literal in a task template.
    pub global: Template,
    /// `addressing`: how others reach it.
    pub addressing: Addressing,
}

/// How a bound channel is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// A TCP port of the host.
    #[default]
    Tcp,
    /// A Unix socket: only on the same host.
    Ipc,
}

/// How a task is steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlMode {
    /// OCC library.
    #[default]
    Direct,
    /// `FairMQ` device with the OCC plugin.
    Fairmq,
    /// Any program, run from START to its end.
    Basic,
    /// Any program, run at a trigger.
    Hook,
    /// Kubernetes modes of the reference; kept for its texts, run as their plain counterparts.
    Kubernetes(KubernetesMode),
}

/// The experimental Kubernetes modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubernetesMode {
    /// `kubectl_direct`
    KubectlDirect,
    /// `kubectl_fairmq`
    KubectlFairmq,
    /// `kubernetes_direct`
    Direct,
    /// `kubernetes_fairmq`
    Fairmq,
}

/// A task template file.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskClass {
    /// Edition of the language that it is written in.
    pub edition: Edition,
    /// Where it begins.
    pub span: Span,
    /// `name`
    pub name: String,
    /// `defaults`, in source order.
    pub defaults: Vec<Variable>,
    /// `vars`, in source order.
    pub vars: Vec<Variable>,
    /// `control.mode`
    pub mode: ControlMode,
    /// `command`; absent in templates that cannot be deployed.
    pub command: Option<CommandTemplate>,
    /// `wants`
    pub wants: Wants,
    /// `limits`
    pub limits: Limits,
    /// `bind`
    pub bind: Vec<InboundTemplate>,
    /// `connect`
    pub connect: Vec<OutboundTemplate>,
    /// `properties`, in source order.
    pub properties: Vec<Variable>,
    /// `constraints`; their values are literal.
    pub constraints: Vec<ConstraintTemplate>,
}

/// `command` of a task template.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CommandTemplate {
    /// `env`, each KEY=VALUE.
    pub env: Vec<Template>,
    /// `shell`
    pub shell: bool,
    /// `value`
    pub value: Template,
    /// `user`
    pub user: Template,
    /// `arguments`
    pub arguments: Vec<Template>,
    /// `stdout`; absent means `none`.
    pub stdout: Option<Template>,
    /// `stderr`; absent means `none`.
    pub stderr: Option<Template>,
}

/// Resources that a task needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wants {
    /// CPU cores.
    pub cpu: f64,
    /// Megabytes.
    pub memory: f64,
    /// Static ports, inclusive ranges.
    pub ports: Vec<(u64, u64)>,
}

/// Resources that a task must not exceed; `None`: no limit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    /// CPU cores.
    pub cpu: Option<f64>,
    /// Megabytes.
    pub memory: Option<f64>,
}

/// A variable that is read somewhere and not fixed by the artefact.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// What it holds: as declared in [`Parameter::spec`], else as its uses show.
    pub kind: ParameterKind,
    /// When its value is needed first; [`Binding::Run`] where nothing in the artefact reads it.
    pub bound: Binding,
    /// Must be given: nothing defines it.
    pub required: bool,
    /// Default as written.
    pub default: Option<String>,
    /// GUI hints, if it is public.
    pub spec: Option<Box<VariableSpec>>,
    /// Where it is read, in source order.
    pub used: Vec<Use>,
}

/// What a parameter holds. All values are text; this is what the text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ParameterKind {
    /// Text, or not known to be anything else.
    #[default]
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A JSON list.
    List,
    /// A JSON object.
    Map,
}

/// A place where a parameter is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Where the text begins.
    pub span: Span,
    /// When the text is evaluated: the latest thing that it needs.
    pub bound: Binding,
}
