//! What the core asks for.

use std::time::Duration;

use partita_occ::{Event, State};
use partita_proto::executor::{
    Begun, ControlMode, HookReport, Kept, KillPolicy, Phase, Target, TaskSpec, TaskUpdate, Transition,
    TransitionResult, Trigger, from_executor::Body, record::What, to_executor,
};

use super::{Entry, Host, unix_ms};
use crate::config::Patience;
use crate::ports::{Port, PortError};
use crate::task::{Command, Input, KillPatience, Spec, Task};

impl Host {
    pub(super) fn request(&mut self, body: to_executor::Body) {
        match body {
            to_executor::Body::Launch(launch) => {
                for spec in launch.tasks {
                    if !self.tasks.contains_key(&spec.task_id) {
                        self.inventory.keep(Kept {
                            task_id: spec.task_id.clone(),
                            spec: Some(spec.clone()),
                            ..Kept::default()
                        });
                    }
                    self.queue.push_back(spec);
                }
            }
            to_executor::Body::Transition(transition) => self.transition(&transition),
            to_executor::Body::Trigger(trigger) => self.trigger(&trigger),
            to_executor::Body::Kill(kill) => {
                for task_id in kill.task_ids {
                    self.kill(&task_id, kill.now);
                }
            }
            to_executor::Body::Shutdown(_) => self.close(None),
            to_executor::Body::Welcome(_) => {} // The link has taken it.
        }
    }

    /// Starts the task that has waited longest.
    pub(super) fn launch_next(&mut self) {
        let Some(spec) = self.queue.pop_front() else {
            return;
        };
        if let Some(entry) = self.tasks.get(&spec.task_id) {
            let told = entry.task.told();
            self.send(Body::Update(told)); // Sent again by a core that has lost its memory.
            return;
        }
        let task_id = spec.task_id.clone();
        let machine = machine_spec(&spec, &self.config.patience);
        let ports = if self.closing {
            Err("the executor is ending".to_owned())
        } else {
            self.ports(&spec)
        };
        let (control_port, bind_ports, input) = match ports {
            Ok((control_port, bind_ports)) => (control_port, bind_ports, Input::Accept),
            Err(reason) => (None, Vec::new(), Input::Launched(Err(reason))),
        };
        let numbers = bind_ports.iter().map(|port| port.number().into()).collect();
        let control = control_port.as_ref().map_or(0, |port| port.number().into());
        let entry = Entry {
            task: Task::new(machine, control, numbers),
            spec,
            control_port,
            bind_ports,
            client: None,
            watch: None,
            call: None,
            call_number: 0,
            timer_number: 0,
            capture: None,
            child: None,
            foreign: false,
            output: 0,
        };
        self.tasks.insert(task_id.clone(), entry);
        self.record(&task_id); // With its ports, before there is a process that uses them.
        self.drive(&task_id, input);
    }

    fn ports(&mut self, spec: &TaskSpec) -> Result<(Option<Port>, Vec<Port>), String> {
        let text = |error: PortError| error.to_string();
        let control = match (spec.mode(), spec.control_port) {
            (ControlMode::Basic | ControlMode::Hook, _) => None,
            (_, 0) => Some(self.control_ports.find().map_err(text)?),
            (_, given) => Some(Port::given(given).map_err(text)?),
        };
        let given = spec.bind_ports.iter().map(|port| Port::given(*port));
        let mut bind: Vec<Port> = given.collect::<Result<_, _>>().map_err(text)?;
        for _ in 0..spec.bind_ports_wanted {
            bind.push(self.channel_ports.find().map_err(text)?);
        }
        Ok((control, bind))
    }

    fn transition(&mut self, transition: &Transition) {
        let id = &transition.command_id;
        if let Some(again) = self.commands.begin(id, transition.targets.len()) {
            if let Some(report) = again.transition {
                self.send(Body::TransitionReport(report));
            }
            return;
        }
        self.inventory.write(What::Begun(without_arguments(transition)));
        let event = transition.event.parse::<Event>();
        let state = |text: &str| text.parse::<State>().unwrap_or_default();
        for target in &transition.targets {
            let error = match &event {
                Err(unknown) => unknown.to_string(),
                Ok(_) if !self.is_here(&target.task_id) => "there is no such task on this host".to_owned(),
                Ok(event) => {
                    let own = |key: &str| target.arguments.iter().any(|argument| argument.key == key);
                    let common = transition.common.iter().filter(|argument| !own(&argument.key));
                    let arguments = common.chain(&target.arguments);
                    let command = Command {
                        id: id.clone(),
                        event: *event,
                        source: state(&transition.source),
                        destination: state(&transition.destination),
                        arguments: arguments
                            .map(|one| (one.key.clone(), one.value.clone()))
                            .collect(),
                        patience: milliseconds(transition.timeout_ms),
                    };
                    self.drive(&target.task_id, Input::Transition(command));
                    continue;
                }
            };
            let state = State::Unknown.to_string();
            self.answer(
                id,
                TransitionResult {
                    task_id: target.task_id.clone(),
                    ok: false,
                    state,
                    error,
                    ..TransitionResult::default()
                },
            );
        }
    }

    fn trigger(&mut self, trigger: &Trigger) {
        if let Some(again) = self.commands.begin(&trigger.command_id, trigger.task_ids.len()) {
            for report in again.hooks {
                self.send(Body::HookReport(report));
            }
            return;
        }
        self.inventory.write(What::Begun(Begun {
            command_id: trigger.command_id.clone(),
            transition: None,
            trigger: Some(trigger.clone()),
        }));
        for task_id in &trigger.task_ids {
            let command_id = trigger.command_id.clone();
            if self.is_here(task_id) {
                let patience = (trigger.timeout_ms > 0).then(|| milliseconds(trigger.timeout_ms));
                self.drive(task_id, Input::Trigger { command_id, patience });
            } else {
                let error = "there is no such task on this host".to_owned();
                let report = HookReport {
                    command_id,
                    task_id: task_id.clone(),
                    error,
                    ..HookReport::default()
                };
                self.commands.report(&report);
                self.answered(&report.command_id, task_id);
                self.send(Body::HookReport(report));
            }
        }
    }

    /// Whether the task is known. One that waits to be started is started first: the core sees no queue.
    fn is_here(&mut self, task_id: &str) -> bool {
        while self.queue.iter().any(|spec| spec.task_id == task_id) {
            self.launch_next();
        }
        self.tasks.contains_key(task_id)
    }

    fn kill(&mut self, task_id: &str, now: bool) {
        if self.is_here(task_id) {
            self.drive(task_id, if now { Input::KillNow } else { Input::Kill(None) });
            return;
        }
        self.send(Body::Update(TaskUpdate {
            task_id: task_id.to_owned(),
            phase: Phase::Ended.into(),
            state: State::Unknown.to_string(),
            requested: true,
            reason: "there is no such task on this host".to_owned(),
            ended_unix_ms: unix_ms(),
            ..TaskUpdate::default()
        }));
    }
}

/// A command as the inventory has it. Payloads are of no use to a successor, and long.
fn without_arguments(transition: &Transition) -> Begun {
    let targets = transition.targets.iter().map(|target| Target {
        task_id: target.task_id.clone(),
        arguments: Vec::new(),
    });
    Begun {
        command_id: transition.command_id.clone(),
        transition: Some(Transition {
            command_id: String::new(),
            event: transition.event.clone(),
            source: transition.source.clone(),
            destination: transition.destination.clone(),
            common: Vec::new(),
            targets: targets.collect(),
            timeout_ms: transition.timeout_ms,
        }),
        trigger: None,
    }
}

pub(super) fn machine_spec(spec: &TaskSpec, patience: &Patience) -> Spec {
    let kill = spec.kill.unwrap_or_else(|| {
        tracing::debug!(
            task = spec.task_id,
            "the core says nothing about patience in killing, so there is none"
        );
        KillPolicy::default()
    });
    Spec {
        task_id: spec.task_id.clone(),
        name: spec.name.clone(),
        environment_id: spec.environment_id.clone(),
        mode: spec.mode(),
        start_timeout: milliseconds(spec.start_timeout_ms),
        run_timeout: (spec.hook_timeout_ms > 0).then(|| milliseconds(spec.hook_timeout_ms)),
        kill: KillPatience {
            transition: milliseconds(kill.transition_ms),
            exit: milliseconds(kill.exit_ms),
            term: milliseconds(kill.term_ms),
            interrupt: milliseconds(kill.interrupt_ms),
            again: patience.kill_again,
        },
        doubt: patience.doubt,
    }
}

pub(super) fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
