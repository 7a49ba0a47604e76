//! What a predecessor has left: its tasks are taken over as they are, and its commands answered for.

use partita_occ::{Event, State};
use partita_proto::executor::{
    Answered, Exit, Kept, Phase, TransitionReport, TransitionResult, from_executor::Body,
    record::What as Record,
};
use rustix::process::Pid;

use super::requests::{machine_spec, milliseconds};
use super::{Entry, Host};
use crate::control::{Said, What};
use crate::inventory;
use crate::link::Out;
use crate::output::Capture;
use crate::ports::Port;
use crate::process::{Process, Processes, Watched, found_output, watch};
use crate::task::{Command, Input, Pending, Task};

impl Host {
    /// Takes over what a predecessor has left.
    pub(super) fn adopt(&mut self) {
        let state = self.inventory.state().clone();
        for (number, said) in state.said {
            self.told = number;
            if let Some(body) = said.body {
                let _ = self.out.send(Out::Say(number, Box::new(body)));
            }
        }
        self.outputs = state
            .tasks
            .values()
            .map(|kept| kept.output)
            .max()
            .unwrap_or_default();
        for command in state.commands.values() {
            self.commands
                .begin(&command.begun.command_id, command.waiting.len());
        }
        if !state.tasks.is_empty() {
            tracing::warn!(
                tasks = state.tasks.len(),
                "an executor was here before and has died"
            );
        }
        for (task_id, kept) in state.tasks {
            let mut pending = state
                .commands
                .values()
                .filter(|command| command.waiting.contains(&task_id));
            let last = pending.next_back();
            self.adopt_task(&task_id, kept, last.and_then(pending_of));
        }
        for command in state.commands.values() {
            for task_id in &command.waiting {
                self.disown(command, task_id);
            }
        }
    }

    fn adopt_task(&mut self, task_id: &str, kept: Kept, pending: Option<Pending>) {
        let told = kept.told.unwrap_or_default();
        let spec = kept.spec.unwrap_or_default();
        if told.phase() == Phase::Ended {
            let task = Task::adopted(machine_spec(&spec, &self.config.patience), told, false);
            self.tasks.insert(task_id.to_owned(), Entry::adopted(task, spec));
            self.ended.push_back(task_id.to_owned());
            return;
        }
        let known = i32::try_from(kept.child)
            .ok()
            .and_then(Pid::from_raw)
            .map(Process);
        let found = self
            .processes
            .adopt(task_id, known.map(|child| (child, kept.child_started)));
        if told.version == 0 && known.is_none() && found.is_none() {
            self.queue.push_back(spec); // Never begun.
            return;
        }
        let mut told = told;
        task_id.clone_into(&mut told.task_id);
        told.name.clone_from(&spec.name);
        told.environment_id.clone_from(&spec.environment_id);
        let had_child = known.is_some() || found.is_some();
        let ports = told
            .bind_ports
            .iter()
            .filter_map(|port| u16::try_from(*port).ok());
        let bind_ports = ports.map(Port::again).collect();
        let control = u16::try_from(told.control_port).ok().filter(|port| *port > 0);
        let task = Task::adopted(machine_spec(&spec, &self.config.patience), told, had_child);
        let mut entry = Entry {
            control_port: control.map(Port::again),
            bind_ports,
            child: found.map(|process| (process, Processes::started(process))),
            foreign: found.is_some(),
            output: kept.output,
            ..Entry::adopted(task, spec)
        };
        if let Some(output) = self.inventory.output(kept.output).filter(|_| kept.output > 0) {
            match found_output(&output) {
                Ok([stdout, stderr]) => entry.capture(stdout, stderr),
                Err(error) => tracing::warn!(task_id, %error, "its output cannot be read any more"),
            }
        }
        tracing::info!(task_id, pid = found.map(Process::number), "taken over");
        self.tasks.insert(task_id.to_owned(), entry);
        let ended = had_child && found.is_none();
        self.drive(task_id, Input::Adopted(pending));
        if ended {
            self.child_ended(task_id);
        } else if let Some(process) = found {
            self.watch(task_id, vec![process]);
        }
    }

    /// Says [`What::Ended`] when all of these have ended.
    fn watch(&self, task_id: &str, processes: Vec<Process>) {
        let (said, task_id) = (self.said.clone(), task_id.to_owned());
        let watched = processes.into_iter().filter_map(Watched::new).collect();
        tokio::spawn(async move {
            watch(watched).await;
            // The host outlives all of its tasks; if it is gone there is nobody to tell.
            let _ = said.send(Said {
                task_id,
                what: What::Ended,
            });
        });
    }

    /// Processes of a task that a predecessor has started have ended: what is left of it?
    pub(super) fn look(&mut self, task_id: &str) {
        let Some(entry) = self.tasks.get_mut(task_id) else {
            return;
        };
        // What a predecessor left behind may end when another process of the task is there already.
        if std::mem::take(&mut entry.foreign) {
            entry.child = None;
            return self.child_ended(task_id);
        }
        self.processes.again(task_id);
        let left = self.processes.adopted_of(task_id);
        if left.is_empty() {
            self.lingering.remove(task_id);
            self.drive(task_id, Input::Gone);
        } else {
            self.watch(task_id, left);
        }
    }

    fn child_ended(&mut self, task_id: &str) {
        let left = self.processes.adopted_of(task_id);
        let capture = self.tasks.get(task_id).and_then(|entry| entry.capture.as_ref());
        let output = capture.map(Capture::finish).unwrap_or_default();
        let exit = Exit { how: None };
        if left.is_empty() {
            self.drive(
                task_id,
                Input::Exited {
                    exit,
                    output,
                    left: false,
                },
            );
        } else {
            self.drive(
                task_id,
                Input::Exited {
                    exit,
                    output,
                    left: true,
                },
            );
            self.watch(task_id, left);
        }
    }

    /// The answer for a task that the predecessor did not know either.
    fn disown(&mut self, command: &inventory::Command, task_id: &str) {
        if self.tasks.contains_key(task_id) {
            return;
        }
        let error = "its executor died before this could be done".to_owned();
        self.answered(&command.begun.command_id, task_id);
        if command.begun.transition.is_some() {
            let result = TransitionResult {
                task_id: task_id.to_owned(),
                state: State::Unknown.to_string(),
                error,
                ..TransitionResult::default()
            };
            self.send(Body::TransitionReport(TransitionReport {
                command_id: command.begun.command_id.clone(),
                results: vec![result],
            }));
        } else {
            self.send(Body::HookReport(partita_proto::executor::HookReport {
                command_id: command.begun.command_id.clone(),
                task_id: task_id.to_owned(),
                error,
                ..Default::default()
            }));
        }
    }

    /// What a successor is to know of the task.
    pub(super) fn record(&mut self, task_id: &str) {
        let Some(entry) = self.tasks.get(task_id) else {
            return;
        };
        let (child, child_started) = entry.child.map_or((0, 0), |(process, started)| {
            (process.number().unsigned_abs(), started)
        });
        self.inventory.keep(Kept {
            task_id: task_id.to_owned(),
            spec: Some(entry.spec.clone()),
            told: Some(entry.task.told()),
            child,
            child_started,
            output: entry.output,
        });
    }

    pub(super) fn answered(&mut self, command_id: &str, task_id: &str) {
        self.inventory.write(Record::Answered(Answered {
            command_id: command_id.to_owned(),
            task_id: task_id.to_owned(),
        }));
    }
}

impl Entry {
    fn adopted(task: Task, spec: partita_proto::executor::TaskSpec) -> Self {
        Self {
            task,
            spec,
            control_port: None,
            bind_ports: Vec::new(),
            client: None,
            watch: None,
            call: None,
            call_number: 0,
            timer_number: 0,
            capture: None,
            child: None,
            foreign: false,
            output: 0,
        }
    }
}

/// What the predecessor was to answer.
fn pending_of(command: &inventory::Command) -> Option<Pending> {
    let id = command.begun.command_id.clone();
    let Some(transition) = &command.begun.transition else {
        return Some(Pending::Trigger(id));
    };
    let state = |text: &str| text.parse::<State>().unwrap_or_default();
    Some(Pending::Transition(Command {
        id,
        event: transition.event.parse::<Event>().ok()?,
        source: state(&transition.source),
        destination: state(&transition.destination),
        arguments: Vec::new(),
        patience: milliseconds(transition.timeout_ms),
    }))
}
