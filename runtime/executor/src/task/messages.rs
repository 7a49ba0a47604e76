//! What the machine of a task is told, and what it says is to be done.

use std::time::Duration;

use partita_occ::{Event, State};
use partita_proto::executor::{
    ControlMode, DeviceEvent, DeviceEventKind, Exit, HookReport, TaskUpdate, TransitionResult, exit::How,
};

/// What is to be known of a task beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) task_id: String,
    pub(crate) name: String,
    pub(crate) environment_id: String,
    pub(crate) mode: ControlMode,
    pub(crate) start_timeout: Duration,
    /// Longest run of one process of a basic or hook task.
    pub(crate) run_timeout: Option<Duration>,
    pub(crate) kill: KillPatience,
    /// For the state of a task that has become doubtful.
    pub(crate) doubt: Duration,
}

/// How long each step of the ending of a task may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KillPatience {
    /// Each of STOP, RESET, EXIT.
    pub(crate) transition: Duration,
    /// From EXIT to the end of the process.
    pub(crate) exit: Duration,
    /// From SIGTERM to SIGINT.
    pub(crate) term: Duration,
    /// From SIGINT to SIGKILL.
    pub(crate) interrupt: Duration,
    /// From one SIGKILL to the next.
    pub(crate) again: Duration,
}

/// A transition that the core asks for.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) id: String,
    pub(crate) event: Event,
    pub(crate) source: State,
    pub(crate) destination: State,
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) patience: Duration,
}

/// What a predecessor of this executor was to answer.
#[derive(Debug)]
pub(crate) enum Pending {
    Transition(Command),
    /// The run of a hook, by the command that triggered it.
    Trigger(String),
}

/// What became of a call to the task.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// State of the task now; `Unknown` where it did not say.
    pub(crate) state: State,
    /// Why the destination was not reached.
    pub(crate) error: Option<String>,
}

/// The last words of a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    pub(crate) last_lines: Vec<String>,
    /// Hook tasks only: the end of all of it.
    pub(crate) stdout: String,
    /// As `stdout`.
    pub(crate) stderr: String,
}

/// What happens to a task.
#[derive(Debug)]
pub(crate) enum Input {
    /// The core wants it.
    Accept,
    /// A predecessor of this executor has died and left it here, perhaps in the midst of a command.
    Adopted(Option<Pending>),
    /// Answer to [`Effect::Launch`]: the pid, or why there is none.
    Launched(Result<u32, String>),
    /// The process answers on its control port, in this state, with this pid (0: it did not say).
    Up { state: State, pid: u32 },
    /// Answer to [`Effect::Ask`].
    Seen(State),
    /// The task, or the lack of a sign of life, hints at another state than the one known.
    Hint(State),
    /// It is there but cannot be reached.
    Unreachable(String),
    /// It says so itself.
    Raised(DeviceEventKind),
    /// The core wants a transition.
    Transition(Command),
    /// Answer to [`Effect::Call`].
    Called(Outcome),
    /// The core wants the process of a hook task to run.
    Trigger {
        command_id: String,
        patience: Option<Duration>,
    },
    /// The core wants it gone; or it has to go because of trouble that the core does not know of.
    Kill(Option<String>),
    /// The core wants it gone at once, by force.
    KillNow,
    /// The direct child has ended; `left`: others that it started have not.
    Exited { exit: Exit, output: Output, left: bool },
    /// Of a task whose direct child has ended, nothing is left.
    Gone,
    /// The time of the last [`Effect::Timer`] is up.
    Timer,
}

/// What is to be done about it, in this order.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// Start the process; [`Input::Launched`] follows at once.
    Launch,
    /// Try its control port until it answers: [`Input::Up`]. From then on watch its streams.
    Connect,
    /// Reach it again: [`Input::Hint`] or [`Input::Unreachable`]. From then on watch its streams.
    Reconnect,
    /// Have the task do this; [`Input::Called`] follows.
    Call {
        event: Event,
        source: State,
        destination: State,
        arguments: Vec<(String, String)>,
        patience: Duration,
    },
    /// Ask for its state; [`Input::Seen`] or [`Input::Unreachable`] follows.
    Ask,
    /// Drop the call or question under way.
    Cancel,
    /// Send a signal to every process of the task. After [`Signal::Kill`], also to those that turn up later.
    Signal(Signal),
    /// [`Input::Timer`] after this time, in place of any other.
    Timer(Duration),
    /// No timer any more.
    NoTimer,
    /// To the core.
    Update(Box<TaskUpdate>),
    /// To the core.
    Answer {
        command_id: String,
        result: TransitionResult,
    },
    /// To the core.
    Report(Box<HookReport>),
    /// To the core.
    Raise(DeviceEvent),
    /// It has ended: give back its ports and connections.
    Release,
}

/// The steps of force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Interrupt,
    Kill,
}

/// How a process ended, for people.
pub(super) fn exit_text(exit: Exit) -> String {
    match exit.how {
        Some(How::Code(code)) => format!("exited with code {code}"),
        Some(How::Signal(signal)) => match signal_name(signal) {
            Some(name) => format!("was killed by signal {signal} ({name})"),
            None => format!("was killed by signal {signal}"),
        },
        None => "ended".to_owned(),
    }
}

/// What is to be said of an end that nobody saw.
pub(super) fn unseen(exit: Exit) -> &'static str {
    match exit.how {
        Some(_) => "",
        None => ", while no executor was there to see how: exit status and last lines are not known",
    }
}

/// Names of the signals that processes die of on Linux.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}
