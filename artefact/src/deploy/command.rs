//! The command line of a task.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::{DeployError, DeployErrorKind};
use super::{Own, Special, Visible, task_of};
use crate::evaluate::{Context, Place, Variables, World, evaluate};
use crate::instance::Role;
use crate::ir::{
    Artefact, CommandTemplate, ControlMode, Edition, KubernetesMode, TaskClass, Template, Variable,
};

/// A process to start. What the executor adds when it knows the control port (`OCC_CONTROL_PORT`, `--control-port`) is
/// not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program; with `shell`, text for a shell.
    pub value: String,
    /// Arguments; with `shell`, texts joined to the value by spaces.
    pub arguments: Vec<String>,
    /// `KEY=VALUE`, on top of what the executor has.
    pub env: Vec<String>,
    /// Run by a shell.
    pub shell: bool,
    /// User to run as; empty: the executor's.
    pub user: String,
    /// Where its standard output goes.
    pub stdout: Output,
    /// Where its standard error goes.
    pub stderr: Output,
    /// Longest run of a basic or hook task; `None` for others.
    pub timeout: Option<Duration>,
}

/// Where the output of a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// Nowhere.
    #[default]
    None,
    /// To the executor's.
    Stdout,
    /// There, and to the logging service of the site.
    All,
}

/// The plugin by which a `FairMQ` device is controlled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Where devices look for plugins.
    pub search_path: String,
    /// Its name.
    pub name: String,
}

impl Default for Plugin {
    /// Where the existing control plugin is installed (`template-language.md` 3.7, conformance README).
    fn default() -> Self {
        Self {
            search_path: "$CONTROL_OCCPLUGIN_ROOT/lib/".to_owned(),
            name: "OCClite".to_owned(),
        }
    }
}

/// The command of a task, for the host and the identifiers of `special`. `stack` is what the role sees.
pub fn command(
    artefact: &Artefact,
    role: &Role,
    stack: &dyn Variables,
    special: &Special<'_>,
    plugin: &Plugin,
    world: &dyn World,
) -> Result<Command, Vec<DeployError>> {
    build(artefact, role, stack, special, plugin, world, None)
}

/// As [`command`]; with a control port the command is whole.
pub(crate) fn build(
    artefact: &Artefact,
    role: &Role,
    stack: &dyn Variables,
    special: &Special<'_>,
    plugin: &Plugin,
    world: &dyn World,
    control_port: Option<u16>,
) -> Result<Command, Vec<DeployError>> {
    let (task, class) = task_of(artefact, role).map_err(|error| vec![error])?;
    let mut fields = Fields {
        role,
        edition: class.edition,
        world,
        errors: Vec::new(),
    };
    let Some(template) = &class.command else {
        fields.error(DeployErrorKind::NoCommand {
            identity: task.class.clone(),
        });
        return Err(fields.errors);
    };
    let visible = Visible::new(role, &task.class, special, stack);
    let own = fields.class_variables(class, &visible);
    if !fields.errors.is_empty() {
        return Err(fields.errors);
    }
    let visible = Own {
        around: &visible,
        levels: own.in_command(class.edition),
    };
    let mut command = fields.command(template, &visible);
    if is_fairmq(task.mode) {
        attach_plugin(&mut command.arguments, special.task_id, plugin);
    }
    if let Some(port) = control_port {
        add_control_port(&mut command, task.mode, port);
    }
    for (key, value) in [("O2_ROLE", special.hostname), ("O2_SYSTEM", "FLP")] {
        if !command.env.iter().any(|entry| entry.starts_with(key)) {
            command.env.push(format!("{key}={value}"));
        }
    }
    if matches!(task.mode, ControlMode::Basic | ControlMode::Hook) {
        match &task.traits.timeout {
            Ok(timeout) => command.timeout = Some(*timeout),
            Err(error) => fields.error(DeployErrorKind::Timeout(error.clone())),
        }
    }
    if fields.errors.is_empty() {
        Ok(command)
    } else {
        Err(fields.errors)
    }
}

fn is_fairmq(mode: ControlMode) -> bool {
    matches!(
        mode,
        ControlMode::Fairmq | ControlMode::Kubernetes(KubernetesMode::KubectlFairmq | KubernetesMode::Fairmq)
    )
}

fn attach_plugin(arguments: &mut Vec<String>, task_id: &str, plugin: &Plugin) {
    if !arguments.iter().any(|argument| argument == "--id") {
        arguments.extend(["--id".to_owned(), task_id.to_owned()]);
    }
    let Plugin { search_path, name } = plugin;
    for argument in ["-S", search_path, "-P", name, "--color", "false"] {
        arguments.push(argument.to_owned());
    }
}

fn add_control_port(command: &mut Command, mode: ControlMode, port: u16) {
    if matches!(
        mode,
        ControlMode::Fairmq | ControlMode::Kubernetes(KubernetesMode::KubectlFairmq)
    ) {
        command
            .arguments
            .extend(["--control-port".to_owned(), port.to_string()]);
    }
    if !matches!(mode, ControlMode::Basic | ControlMode::Hook) {
        command.env.push(format!("OCC_CONTROL_PORT={port}"));
    }
}

/// Defaults and vars of a task template, evaluated.
#[derive(Default)]
pub(crate) struct ClassVariables {
    pub(crate) defaults: BTreeMap<String, String>,
    pub(crate) vars: BTreeMap<String, String>,
}

impl ClassVariables {
    /// As a command line sees them, strongest first. In the reference, a default beats a var there (3.7).
    pub(crate) fn in_command(&self, edition: Edition) -> [&BTreeMap<String, String>; 2] {
        if edition.class_variables_see_each_other() {
            [&self.vars, &self.defaults]
        } else {
            [&self.defaults, &self.vars]
        }
    }
}

/// Defaults and vars of a task template as its command sees them, without those that cannot be evaluated.
pub(crate) fn evaluated_class_variables(
    role: &Role,
    class: &TaskClass,
    around: &dyn Variables,
    world: &dyn World,
) -> ClassVariables {
    let mut fields = Fields {
        role,
        edition: class.edition,
        world,
        errors: Vec::new(),
    };
    let mut own = fields.class_variables(class, around);
    for error in fields.errors {
        if let DeployErrorKind::Evaluate { field, .. } = error.kind {
            match field.split_once('.') {
                Some(("defaults", name)) => own.defaults.remove(name),
                Some((_, name)) => own.vars.remove(name),
                None => None,
            };
        }
    }
    own
}

/// Evaluates the fields of one task template and keeps what goes wrong.
pub(super) struct Fields<'a> {
    pub(super) role: &'a Role,
    /// That of the task template.
    pub(super) edition: Edition,
    pub(super) world: &'a dyn World,
    pub(super) errors: Vec<DeployError>,
}

impl Fields<'_> {
    fn error(&mut self, kind: DeployErrorKind) {
        self.errors.push(DeployError {
            role: self.role.path.clone(),
            span: self.role.span,
            kind,
        });
    }

    /// The text of a field; empty after an error, which is kept.
    fn text(&mut self, field: &str, template: &Template, variables: &dyn Variables) -> String {
        if let Some(text) = template.literal() {
            return text.to_owned();
        }
        let context = Context {
            variables,
            place: Place::Task,
            world: self.world,
            edition: self.edition,
            within: 0,
        };
        evaluate(template, &context).unwrap_or_else(|error| {
            self.errors.push(DeployError {
                role: self.role.path.clone(),
                span: error.span,
                kind: DeployErrorKind::Evaluate {
                    field: field.to_owned(),
                    error: Box::new(error),
                },
            });
            String::new()
        })
    }

    /// Defaults and vars of a task template. In the reference, the defaults see nothing of the template's own; the vars
    /// see them (3.7).
    pub(super) fn class_variables(&mut self, class: &TaskClass, around: &dyn Variables) -> ClassVariables {
        let each_other = class.edition.class_variables_see_each_other();
        let mut own = ClassVariables::default();
        for variable in &class.defaults {
            let seen = if each_other {
                &own.defaults
            } else {
                &BTreeMap::new()
            };
            let levels = [seen, seen];
            let text = self.variable("defaults", variable, &Own { around, levels });
            own.defaults.insert(variable.name.clone(), text);
        }
        // What needs a default that has failed would only fail again.
        if !self.errors.is_empty() {
            return own;
        }
        for variable in &class.vars {
            let seen = if each_other { &own.vars } else { &BTreeMap::new() };
            let levels = [seen, &own.defaults];
            let text = self.variable("vars", variable, &Own { around, levels });
            own.vars.insert(variable.name.clone(), text);
        }
        own
    }

    fn variable(&mut self, block: &str, variable: &Variable, variables: &dyn Variables) -> String {
        self.text(&format!("{block}.{}", variable.name), &variable.value, variables)
    }

    fn command(&mut self, template: &CommandTemplate, visible: &dyn Variables) -> Command {
        let mut list = |field: &str, items: &[Template]| -> Vec<String> {
            items.iter().map(|item| self.text(field, item, visible)).collect()
        };
        let env = list("env", &template.env);
        let arguments = list("arguments", &template.arguments);
        Command {
            value: self.text("value", &template.value, visible),
            user: self.text("user", &template.user, visible),
            env,
            arguments,
            shell: template.shell,
            stdout: self.output("stdout", template.stdout.as_ref(), visible),
            stderr: self.output("stderr", template.stderr.as_ref(), visible),
            timeout: None,
        }
    }

    fn output(
        &mut self,
        field: &'static str,
        template: Option<&Template>,
        visible: &dyn Variables,
    ) -> Output {
        let Some(template) = template else {
            return Output::None;
        };
        let before = self.errors.len();
        let text = self.text(field, template, visible);
        match text.trim().to_lowercase().as_str() {
            "none" => Output::None,
            "stdout" => Output::Stdout,
            "all" => Output::All,
            _ => {
                if self.errors.len() == before {
                    self.error(DeployErrorKind::Output { field, text });
                }
                Output::None
            }
        }
    }
}
