//! What executors say, as events of the machines.

use partita_proto::executor::{
    self as wire, DeviceEvent as WireDevice, DeviceEventKind, HookReport as WireHook, Phase, TaskUpdate,
    TransitionReport, exit::How, from_executor::Body,
};

use super::actor::Actor;
use crate::aggregate::State as TaskState;
use crate::cause::{Cause, Exit};
use crate::cluster::ClusterEvent;
use crate::environment::{Answer, CommandId, DeviceEvent, Event, HookReport, Life, TaskReport};

/// How many of the last lines of a hook's output a cause shows.
const LAST_LINES: usize = 10;

fn exit(exit: Option<wire::Exit>) -> Option<Exit> {
    exit.and_then(|exit| exit.how).map(|how| match how {
        How::Code(code) => Exit::Code(code),
        How::Signal(signal) => Exit::Signal(signal),
    })
}

/// Environment and number of a command.
fn command(text: &str) -> Option<(&str, CommandId)> {
    let (environment, number) = text.rsplit_once('-')?;
    Some((environment, number.parse().ok()?))
}

impl Actor {
    pub(super) fn heard(&mut self, event: ClusterEvent) {
        match event {
            ClusterEvent::Attached { host, inventory } => {
                for task in inventory {
                    self.update(&host, task);
                }
            }
            ClusterEvent::Said { host, sequence, body } => {
                self.cluster.acknowledge(&host, sequence);
                self.said(&host, body);
            }
            // Deadlines say who is late, should it last.
            ClusterEvent::Away { host, cause } => tracing::warn!(host, %cause),
            ClusterEvent::HostLost { host, cause } => self.host_lost(&host, &cause),
        }
    }

    fn said(&mut self, host: &str, body: Body) {
        match body {
            Body::Update(update) => self.update(host, update),
            Body::TransitionReport(report) => self.transition_report(report),
            Body::HookReport(report) => self.hook_report(&report),
            Body::DeviceEvent(event) => self.device_event(event),
            Body::Hello(_) => {}
        }
    }

    fn update(&mut self, host: &str, update: TaskUpdate) {
        let life = match update.phase() {
            Phase::Starting => Life::Starting,
            Phase::Active => Life::Active,
            Phase::Ended => Life::Ended,
        };
        let Some((id, task)) = self.tasks.get(&update.task_id).cloned() else {
            if life == Life::Ended
                && let Some(left) = self.left.get_mut(host)
            {
                left.retain(|task| *task != update.task_id);
            }
            return;
        };
        let state = (!update.state.is_empty()).then(|| TaskState::from_name(&update.state));
        let report = TaskReport {
            version: update.version,
            life,
            state,
            pid: update.pid,
            control_port: update.control_port,
            bind_ports: update.bind_ports,
            exit: exit(update.exit),
            requested: update.requested,
            obstacle: None,
            reason: update.reason,
            late: update.late,
            last_lines: update.last_lines,
        };
        self.step(&id, Event::Task(task, report));
    }

    fn transition_report(&mut self, report: TransitionReport) {
        let Some((environment, number)) = command(&report.command_id) else {
            return;
        };
        let mut answers = Vec::new();
        for result in report.results {
            let Some((owner, task)) = self.tasks.get(&result.task_id) else {
                continue;
            };
            if owner == environment {
                let state = TaskState::from_name(&result.state);
                let error = (!result.ok).then_some(result.error);
                answers.push(Answer {
                    task: *task,
                    state,
                    error,
                    late: result.late,
                    last_lines: result.last_lines,
                });
            }
        }
        self.step(environment, Event::Answers(number, answers));
    }

    fn hook_report(&mut self, report: &WireHook) {
        let Some((environment, number)) = command(&report.command_id) else {
            return;
        };
        let lines: Vec<&str> = report.stdout.lines().chain(report.stderr.lines()).collect();
        let last = lines
            .get(lines.len().saturating_sub(LAST_LINES)..)
            .unwrap_or_default();
        let error = (!report.ok).then(|| match report.error.as_str() {
            "" => "failed".to_owned(),
            error => error.to_owned(),
        });
        let event = HookReport {
            exit: exit(report.exit),
            error,
            last_lines: last.iter().map(|line| (*line).to_owned()).collect(),
        };
        self.step(environment, Event::Hook(number, event));
    }

    fn device_event(&mut self, event: WireDevice) {
        let Some((id, task)) = self.tasks.get(&event.task_id).cloned() else {
            return;
        };
        let said = match event.kind() {
            DeviceEventKind::EndOfStream => DeviceEvent::EndOfStream,
            DeviceEventKind::TaskInternalError => DeviceEvent::InternalError {
                last_lines: event.last_lines,
            },
            DeviceEventKind::BasicTaskTerminated => DeviceEvent::Terminated {
                exit: exit(event.exit),
                last_lines: event.last_lines,
            },
        };
        self.step(&id, Event::Device(task, said));
    }

    /// An executor is gone: so are its tasks, as far as anybody can steer them.
    fn host_lost(&mut self, host: &str, cause: &Cause) {
        self.lost.insert(host.to_owned(), cause.clone());
        self.left.remove(host);
        let on_host = |(id, task): &&(String, usize)| {
            let entry = self.environments.get(id);
            let planned = entry.and_then(|entry| entry.machine.plan().tasks.get(*task));
            planned.is_some_and(|planned| planned.host.as_deref() == Ok(host))
        };
        let tasks: Vec<_> = self.tasks.values().filter(on_host).cloned().collect();
        for (id, task) in tasks {
            let started = self
                .environments
                .get(&id)
                .and_then(|entry| entry.machine.report(task))
                .map(|r| r.version);
            let how = cause.exit.map(|exit| format!(" ({exit})")).unwrap_or_default();
            let report = TaskReport {
                version: started.unwrap_or_default().saturating_add(1),
                life: Life::Ended,
                reason: format!("lost with its host: {}{how}", cause.what),
                last_lines: cause.last_lines.clone(),
                ..TaskReport::default()
            };
            self.step(&id, Event::Task(task, report));
        }
    }
}
