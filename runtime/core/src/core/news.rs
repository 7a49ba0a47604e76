//! What executors say, as inputs of the machine.

use partita_proto::executor::{
    self as wire, DeviceEvent as WireDevice, DeviceEventKind, HookReport as WireHook, Phase, TaskUpdate,
    TransitionReport, exit::How, from_executor::Body,
};

use super::machine::{Input, TaskAnswer};
use crate::aggregate::State as TaskState;
use crate::cause::Exit;
use crate::environment::{CommandId, DeviceEvent, Event, HookReport, Life, TaskReport};

/// How many of the last lines of a hook's output a cause shows.
const LAST_LINES: usize = 10;

fn exit(exit: Option<wire::Exit>) -> Option<Exit> {
    exit.and_then(|exit| exit.how).map(|how| match how {
        How::Code(code) => Exit::Code(code),
        How::Signal(signal) => Exit::Signal(signal),
    })
}

/// Environment and number of a command.
fn command(text: &str) -> Option<(String, CommandId)> {
    let (environment, number) = text.rsplit_once('-')?;
    Some((environment.to_owned(), number.parse().ok()?))
}

/// What an executor says; `None`: nothing that anybody asked for.
pub(super) fn said(host: String, body: Body) -> Option<Input> {
    match body {
        Body::Update(update) => {
            let (task, report) = task(update);
            Some(Input::Task { host, task, report })
        }
        Body::TransitionReport(report) => answers(report),
        Body::HookReport(report) => hook(&report),
        Body::DeviceEvent(event) => Some(device(event)),
        Body::Hello(_) => None,
    }
}

/// News of a task, and which.
pub(super) fn task(update: TaskUpdate) -> (String, TaskReport) {
    let life = match update.phase() {
        Phase::Starting => Life::Starting,
        Phase::Active => Life::Active,
        Phase::Ended => Life::Ended,
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
    (update.task_id, report)
}

fn answers(report: TransitionReport) -> Option<Input> {
    let (environment, command) = command(&report.command_id)?;
    let answer = |result: wire::TransitionResult| TaskAnswer {
        task: result.task_id,
        state: TaskState::from_name(&result.state),
        error: (!result.ok).then_some(result.error),
        late: result.late,
        last_lines: result.last_lines,
    };
    Some(Input::Answers {
        environment,
        command,
        answers: report.results.into_iter().map(answer).collect(),
    })
}

fn hook(report: &WireHook) -> Option<Input> {
    let (environment, command) = command(&report.command_id)?;
    let lines: Vec<&str> = report.stdout.lines().chain(report.stderr.lines()).collect();
    let last = lines
        .get(lines.len().saturating_sub(LAST_LINES)..)
        .unwrap_or_default();
    let error = (!report.ok).then(|| match report.error.as_str() {
        "" => "failed".to_owned(),
        error => error.to_owned(),
    });
    let report = HookReport {
        exit: exit(report.exit),
        error,
        last_lines: last.iter().map(|line| (*line).to_owned()).collect(),
    };
    let event = Event::Hook(command, report);
    Some(Input::Found { environment, event })
}

fn device(event: WireDevice) -> Input {
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
    Input::Device {
        task: event.task_id,
        event: said,
    }
}
