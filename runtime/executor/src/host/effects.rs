//! What the machine of a task says is to be done.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use partita_occ::State;
use partita_occ::codec::Codec;
use partita_proto::executor::{
    ControlMode, DeviceEventKind, Output as OutputMode, TransitionResult, from_executor::Body,
};
use rustix::process::{Signal as SystemSignal, geteuid};
use tokio::time::Instant;

use super::{Entry, Host, MEMORY, unix_ms};
use crate::control::Call;
use crate::output::{Capture, Limits, Treatment};
use crate::process::{Launch, Processes, remove_output};
use crate::task::{Effect, Input, Signal};

/// The codec of a task: devices have the JSON plugin, all others the OCC library. (The reference looked for the text
/// `-P OCClite` in the command line instead, and missed it in an argument list; `runtime.md` 5.3.)
pub(super) fn codec(mode: ControlMode) -> Option<Codec> {
    match mode {
        ControlMode::Direct => Some(Codec::Protobuf),
        ControlMode::Fairmq => Some(Codec::Json),
        ControlMode::Basic | ControlMode::Hook => None,
    }
}

impl Host {
    /// Hands `input` to the machine of a task and does what it says.
    pub(super) fn drive(&mut self, task_id: &str, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(entry) = self.tasks.get_mut(task_id) else {
                return;
            };
            for effect in entry.task.step(input, unix_ms()) {
                inputs.extend(self.perform(task_id, effect));
            }
        }
        self.record(task_id);
    }

    fn perform(&mut self, task_id: &str, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Launch => return Some(Input::Launched(self.launch(task_id))),
            Effect::Connect => {
                let peer = self.peer(task_id)?;
                let watch = tokio::spawn(peer.watch()).abort_handle();
                self.tasks.get_mut(task_id)?.watch = Some(watch);
            }
            Effect::Reconnect => {
                let peer = self.peer(task_id)?;
                let watch = tokio::spawn(peer.resume()).abort_handle();
                self.tasks.get_mut(task_id)?.watch = Some(watch);
            }
            Effect::Call {
                event,
                source,
                destination,
                arguments,
                patience,
            } => {
                let call = Call {
                    event,
                    source,
                    destination,
                    arguments,
                    patience,
                };
                let (peer, number) = self.next_call(task_id)?;
                let entry = self.tasks.get_mut(task_id)?;
                let task = tokio::spawn(peer.call(number, entry.client.clone(), call));
                entry.call = Some(task.abort_handle());
            }
            Effect::Ask => {
                let (peer, number) = self.next_call(task_id)?;
                let entry = self.tasks.get_mut(task_id)?;
                entry.call = Some(tokio::spawn(peer.ask(number, entry.client.clone())).abort_handle());
            }
            Effect::Cancel => self.cancel(task_id),
            Effect::Signal(signal) => self.processes.signal(task_id, system_signal(signal)),
            Effect::Timer(patience) => {
                let entry = self.tasks.get_mut(task_id)?;
                entry.timer_number += 1;
                self.timers
                    .insert((Instant::now() + patience, task_id.to_owned(), entry.timer_number));
            }
            Effect::NoTimer => self.tasks.get_mut(task_id)?.timer_number += 1,
            Effect::Update(mut update) => {
                if update.state == State::Error.to_string() && update.last_lines.is_empty() {
                    update.last_lines = self.last_lines(task_id);
                }
                self.send(Body::Update(*update));
            }
            Effect::Answer {
                command_id,
                mut result,
            } => {
                if !result.ok {
                    result.last_lines = self.last_lines(task_id);
                }
                self.answer(&command_id, result);
            }
            Effect::Report(report) => {
                self.commands.report(&report);
                self.answered(&report.command_id, task_id);
                self.send(Body::HookReport(*report));
            }
            Effect::Raise(mut event) => {
                if event.kind() == DeviceEventKind::TaskInternalError {
                    event.last_lines = self.last_lines(task_id);
                }
                self.send(Body::DeviceEvent(event));
            }
            Effect::Release => self.release(task_id),
        }
        None
    }

    /// The last lines that the task has written, as long as it is there.
    fn last_lines(&self, task_id: &str) -> Vec<String> {
        let entry = self.tasks.get(task_id);
        let capture = entry.and_then(|entry| entry.capture.as_ref());
        capture.map(Capture::last_lines).unwrap_or_default()
    }

    /// Results of one command go out together: with the last one, or when those that lag have had their time.
    pub(super) fn answer(&mut self, command_id: &str, result: TransitionResult) {
        if let Some(report) = self.commands.answer(command_id, result) {
            for result in &report.results {
                self.answered(command_id, &result.task_id);
            }
            self.send(Body::TransitionReport(report));
        } else if self.flush_at.is_none() {
            self.flush_at = Some(Instant::now() + self.config.patience.gather);
        }
        if !self.commands.has_unsent() {
            self.flush_at = None;
        }
    }

    fn launch(&mut self, task_id: &str) -> Result<u32, String> {
        self.new_output(task_id);
        let Some(entry) = self.tasks.get_mut(task_id) else {
            return Err("it is not known".to_owned());
        };
        let spec = &entry.spec;
        let mut env = environment(&spec.env)?;
        let mut arguments = spec.arguments.clone();
        if let Some(port) = &entry.control_port {
            // Some tasks read one, some the other (wire.md 5.3).
            env.push(("OCC_CONTROL_PORT".to_owned(), port.number().to_string()));
            if spec.mode() == ControlMode::Fairmq
                && !arguments.iter().any(|argument| argument == "--control-port")
            {
                arguments.extend(["--control-port".to_owned(), port.number().to_string()]);
            }
        }
        let user = if spec.user.is_empty() {
            None
        } else if geteuid().is_root() {
            Some(self.users.find(&spec.user)?)
        } else {
            tracing::warn!(
                task = spec.name,
                user = spec.user,
                "not run as this user: the executor is not root"
            );
            None
        };
        let output = self.inventory.output(entry.output);
        let launch = Launch {
            task_id,
            output: output.as_deref(),
            value: &spec.value,
            shell: spec.shell,
            arguments: &arguments,
            env: &env,
            user,
            directory: &self.config.working_directory,
            die_with_executor: self.config.die_with_executor,
        };
        let launched = self.processes.launch(&launch).map_err(|error| {
            let place = self.config.working_directory.display();
            format!("`{}` could not be started in {place}: {error}", spec.value)
        })?;
        entry.child = Some((launched.pid, Processes::started(launched.pid)));
        entry.foreign = false;
        entry.capture(launched.stdout, launched.stderr);
        Ok(launched.pid.number().unsigned_abs())
    }

    /// Names the output of the next process of the task; written down before there is one.
    fn new_output(&mut self, task_id: &str) {
        let Some(entry) = self.tasks.get_mut(task_id) else {
            return;
        };
        if let Some(output) = self.inventory.output(entry.output) {
            remove_output(&output); // Of an earlier run.
        }
        self.outputs += 1;
        entry.output = self.outputs;
        self.record(task_id);
    }

    fn next_call(&mut self, task_id: &str) -> Option<(crate::control::Peer, u64)> {
        self.cancel(task_id);
        let peer = self.peer(task_id)?;
        Some((peer, self.tasks.get(task_id)?.call_number))
    }

    fn cancel(&mut self, task_id: &str) {
        let Some(entry) = self.tasks.get_mut(task_id) else {
            return;
        };
        entry.call_number += 1;
        if let Some(call) = entry.call.take() {
            call.abort();
        }
    }

    fn release(&mut self, task_id: &str) {
        let Some(entry) = self.tasks.get_mut(task_id) else {
            return;
        };
        if let Some(watch) = entry.watch.take() {
            watch.abort();
        }
        entry.client = None;
        entry.control_port = None;
        entry.bind_ports.clear();
        entry.capture = None;
        if let Some(output) = self.inventory.output(entry.output) {
            remove_output(&output);
        }
        self.lingering.remove(task_id);
        self.processes.forget(task_id);
        self.ended.push_back(task_id.to_owned());
        if self.ended.len() > MEMORY
            && let Some(oldest) = self.ended.pop_front()
        {
            self.tasks.remove(&oldest);
        }
    }
}

impl Entry {
    /// Reads what the process writes from now on.
    pub(super) fn capture(&mut self, stdout: OwnedFd, stderr: OwnedFd) {
        let spec = &self.spec;
        let tail = spec.mode() == ControlMode::Hook;
        let treatment = |mode: OutputMode| Treatment {
            log: mode != OutputMode::None,
            tail,
        };
        let streams = [
            (stdout, treatment(spec.stdout())),
            (stderr, treatment(spec.stderr())),
        ];
        match Capture::new(&spec.name, streams, Limits::default()) {
            Ok(capture) => self.capture = Some(capture),
            Err(error) => tracing::warn!(task = spec.name, %error, "its output cannot be read"),
        }
    }
}

fn environment(entries: &[String]) -> Result<Vec<(String, String)>, String> {
    let pair = |entry: &String| match entry.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{entry}` in its env is not KEY=VALUE")),
    };
    entries.iter().map(pair).collect()
}

fn system_signal(signal: Signal) -> SystemSignal {
    match signal {
        Signal::Term => SystemSignal::TERM,
        Signal::Interrupt => SystemSignal::INT,
        Signal::Kill => SystemSignal::KILL,
    }
}
