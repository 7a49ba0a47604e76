//! What executors are told of an environment's tasks: command lines, and the properties that configure them.

use std::collections::BTreeMap;
use std::time::Duration;

use partita_artefact::Stack;
use partita_artefact::deploy::{self, BindMap, Endpoints, Plugin, Special};
use partita_artefact::evaluate::World;
use partita_artefact::instance::{Instance, Role};
use partita_artefact::ir::{Artefact, ControlMode, KubernetesMode};
use partita_proto::executor::{self as wire, Argument, KillPolicy, TaskSpec};

use crate::cause::Cause;
use crate::environment::plan::{Plan, TaskIndex};

/// How patiently a task is ended (`runtime.md` 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillSteps {
    /// For each of STOP, RESET and EXIT.
    pub transition: Duration,
    /// From EXIT to the end of the process.
    pub exit: Duration,
    /// From SIGTERM to SIGINT.
    pub term: Duration,
    /// From SIGINT to SIGKILL.
    pub interrupt: Duration,
}

impl Default for KillSteps {
    fn default() -> Self {
        Self {
            transition: Duration::from_secs(5),
            exit: Duration::from_secs(1),
            term: Duration::from_secs(2),
            interrupt: Duration::from_secs(3),
        }
    }
}

/// Milliseconds as the messages have them.
pub(crate) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// What there is to read of an environment.
pub(crate) struct Deployment<'a> {
    pub(crate) artefact: &'a Artefact,
    pub(crate) instance: &'a Instance,
    pub(crate) plan: &'a Plan,
    pub(crate) trails: &'a [Vec<usize>],
    pub(crate) plugin: &'a Plugin,
    pub(crate) kill: KillSteps,
    pub(crate) world: &'a dyn World,
}

impl<'a> Deployment<'a> {
    fn role(&self, task: TaskIndex) -> Option<(&'a Role, Stack<'a>)> {
        let role = self.plan.tasks.get(task)?.role;
        self.instance.at(self.trails.get(role)?)
    }

    fn special(&self, task: TaskIndex) -> Option<Special<'a>> {
        let task = self.plan.tasks.get(task)?;
        Some(Special {
            task_id: &task.id,
            hostname: task.host.as_deref().unwrap_or_default(),
            environment_id: &self.plan.id,
        })
    }

    /// How to start a task; `Err`: why it cannot be.
    pub(crate) fn spec(&self, index: TaskIndex) -> Result<TaskSpec, Vec<Cause>> {
        let nobody = || vec![Cause::new("there is no such task")];
        let (role, stack) = self.role(index).ok_or_else(nobody)?;
        let special = self.special(index).ok_or_else(nobody)?;
        let mode = role.task().map(|task| task.mode).unwrap_or_default();
        let command = deploy::command(self.artefact, role, &stack, &special, self.plugin, self.world)
            .map_err(|errors| causes(&errors))?;
        let output = |output| match output {
            deploy::Output::None => wire::Output::None,
            deploy::Output::Stdout => wire::Output::Stdout,
            deploy::Output::All => wire::Output::All,
        };
        Ok(TaskSpec {
            task_id: special.task_id.to_owned(),
            name: role.path.clone(),
            mode: wire_mode(mode).into(),
            value: command.value,
            shell: command.shell,
            arguments: command.arguments,
            env: command.env,
            user: command.user,
            stdout: output(command.stdout).into(),
            stderr: output(command.stderr).into(),
            control_port: 0,
            bind_ports: Vec::new(),
            bind_ports_wanted: u32::try_from(deploy::tcp_channels(&role.bind)).unwrap_or(u32::MAX),
            start_timeout_ms: milliseconds(self.plan.deadlines.deploy.time),
            hook_timeout_ms: command.timeout.map_or(0, milliseconds),
            kill: Some(KillPolicy {
                transition_ms: milliseconds(self.kill.transition),
                exit_ms: milliseconds(self.kill.exit),
                term_ms: milliseconds(self.kill.term),
                interrupt_ms: milliseconds(self.kill.interrupt),
            }),
            environment_id: self.plan.id.clone(),
        })
    }

    /// The properties of tasks, by task. `here`: the tasks that are there, with the ports of their inbound channels
    /// and the address of their host.
    pub(crate) fn properties(
        &self,
        targets: &[TaskIndex],
        here: &[(TaskIndex, Vec<u16>, String)],
    ) -> Result<BTreeMap<TaskIndex, Vec<Argument>>, Vec<Cause>> {
        let mut errors = Vec::new();
        let mut bound = BindMap::default();
        let mut endpoints: BTreeMap<TaskIndex, Endpoints> = BTreeMap::new();
        for (task, ports, address) in here {
            let Some((role, _)) = self.role(*task) else {
                continue;
            };
            let id = self
                .plan
                .tasks
                .get(*task)
                .map(|task| task.id.as_str())
                .unwrap_or_default();
            match deploy::endpoints(role, address, ports, |channel| format!("{id}-{channel}")) {
                Ok(own) => {
                    if let Err(taken) = bound.add(&role.path, &role.bind, &own) {
                        errors.extend(causes(&taken));
                    }
                    endpoints.insert(*task, own);
                }
                Err(error) => errors.extend(causes(&[error])),
            }
        }
        let none = Endpoints::new();
        let mut all = BTreeMap::new();
        for task in targets {
            let Some(((role, stack), special)) = self.role(*task).zip(self.special(*task)) else {
                continue;
            };
            let own = endpoints.get(task).unwrap_or(&none);
            match deploy::properties(self.artefact, role, &stack, &special, own, &bound, self.world) {
                Ok(properties) => {
                    let arguments = properties.into_iter().map(|(key, value)| Argument { key, value });
                    all.insert(*task, arguments.collect());
                }
                Err(wrong) => errors.extend(causes(&wrong)),
            }
        }
        if errors.is_empty() { Ok(all) } else { Err(errors) }
    }
}

fn causes<E: std::fmt::Display>(errors: &[E]) -> Vec<Cause> {
    errors.iter().map(|error| Cause::new(error.to_string())).collect()
}

fn wire_mode(mode: ControlMode) -> wire::ControlMode {
    match mode {
        ControlMode::Direct
        | ControlMode::Kubernetes(KubernetesMode::Direct | KubernetesMode::KubectlDirect) => {
            wire::ControlMode::Direct
        }
        ControlMode::Fairmq
        | ControlMode::Kubernetes(KubernetesMode::Fairmq | KubernetesMode::KubectlFairmq) => {
            wire::ControlMode::Fairmq
        }
        ControlMode::Basic => wire::ControlMode::Basic,
        ControlMode::Hook => wire::ControlMode::Hook,
    }
}
