//! The machine of one environment: events in, effects out (`runtime.md` 2.1, 3).
//!
//! It has no clock and does no input or output: the time comes with each event, deadlines are timers that it asks
//! for, and whoever runs it does what it says. It never waits without a timer, and never answers a request twice.

mod device;
mod hooks;
mod jobs;
mod message;
mod observation;
mod observe;
pub mod plan;
mod resume;
mod run;
mod tasks;
mod transition;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use message::{
    Answer, CallReport, CommandId, DestroyOptions, DeviceEvent, Effect, Event, HookReport, Life, Obstacle,
    Reply, Request, RequestId, TaskReport, Timer,
};
pub use observation::{Advance, Called, Label, Numbered, Observation, Progress, Traits};
pub use transition::{State, Transition};

use crate::aggregate::{RoleIndex, State as TaskState, Status, Tree};
use crate::cause::Cause;
use crate::compact::pairs;
use hooks::{Pass, StartedCall};
use jobs::Job;
use plan::{Plan, RoleKind, TaskIndex};
use serde::{Deserialize, Serialize};
use tasks::Task;
use transition::Program;

/// What the program at hand waits for.
#[derive(Debug, Serialize, Deserialize)]
enum Wait {
    /// Tasks to be there.
    Deploy {
        /// Also for those that are not critical.
        patient: bool,
        /// How far all critical tasks are there, and how far all others: so far nobody needs to look again.
        there: [TaskIndex; 2],
    },
    /// Answers to a command.
    Answers {
        command: CommandId,
        transition: Transition,
        pending: std::collections::BTreeSet<TaskIndex>,
        failures: Vec<Cause>,
    },
    /// The calls that are awaited at this moment.
    Calls,
    /// Hook tasks to end.
    Hooks {
        pending: BTreeMap<CommandId, TaskIndex>,
        failures: Vec<Cause>,
    },
    /// A run number.
    RunNumber,
    /// All processes to be gone.
    Kill {
        /// How far all are.
        gone: TaskIndex,
    },
}

/// A wait that is under way, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDeadline {
    /// What is waited for.
    pub what: String,
    /// What is left of it.
    pub left: Duration,
    /// Paths of the roles that are waited for, where there are some.
    pub late: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RunningTimer {
    due: u64,
    what: String,
}

/// One environment.
#[derive(Debug, Serialize, Deserialize)]
pub struct Environment {
    plan: Plan,
    now: u64,
    state: State,
    run: Option<u32>,
    tree: Tree,
    tasks: Vec<Task>,
    /// Variables of the root role that were set since it was created; `None`: removed.
    variables: BTreeMap<String, Option<String>>,
    queue: VecDeque<Job>,
    job: Option<Job>,
    /// It goes through one run by itself and then ends.
    auto: bool,
    /// The job at hand has begun its own program.
    began: bool,
    program: Option<Program>,
    pass: Option<Pass>,
    wait: Option<Wait>,
    /// Hooks whose turn it is and whose task is still starting.
    deferred: BTreeMap<TaskIndex, (CommandId, Duration)>,
    calls: BTreeMap<CommandId, StartedCall>,
    #[serde(with = "pairs")]
    timers: BTreeMap<Timer, RunningTimer>,
    /// Commands that some task may still owe an answer to.
    owed: BTreeMap<CommandId, Transition>,
    commands: CommandId,
    /// Of the step under way.
    #[serde(skip)]
    effects: Vec<Effect>,
}

impl Environment {
    /// An environment in STANDBY, with nothing started.
    pub fn new(plan: Plan) -> Self {
        let mut tree = Tree::default();
        for role in &plan.roles {
            let (state, status) = match role.kind {
                RoleKind::Aggregator => (TaskState::Invariant, Status::Invariant),
                RoleKind::Task(_) => (TaskState::Standby, Status::Inactive),
                RoleKind::Call(_) => (TaskState::Invariant, Status::Inactive),
            };
            let counts = role.critical || role.kind == RoleKind::Aggregator;
            tree.add(role.parent, counts, state, status);
        }
        let tasks = plan.tasks.iter().map(|_| Task::default()).collect();
        Self {
            plan,
            now: 0,
            state: State::Standby,
            run: None,
            tree,
            tasks,
            variables: BTreeMap::new(),
            queue: VecDeque::new(),
            job: None,
            auto: false,
            began: false,
            program: None,
            pass: None,
            wait: None,
            deferred: BTreeMap::new(),
            calls: BTreeMap::new(),
            timers: BTreeMap::new(),
            owed: BTreeMap::new(),
            commands: 0,
            effects: Vec::new(),
        }
    }

    /// Takes one event and says what is to be done, in order. `now`: milliseconds since 1970.
    pub fn step(&mut self, now: u64, event: Event) -> Vec<Effect> {
        self.now = self.now.max(now);
        let gone = self.state == State::Done && self.program.is_none();
        match event {
            // Late news of what is over.
            event if gone && !matches!(event, Event::Request(..)) => {}
            Event::User(user) => self.set_variable(0, observe::USER, Some(user)),
            Event::Request(id, request) => self.request(id, request),
            Event::Task(task, report) => self.task_report(task, report),
            Event::Answers(command, answers) => self.answers(command, answers),
            Event::Impossible(command, causes) => self.impossible(command, causes),
            Event::Hook(command, report) => self.hook_ended(command, report),
            Event::Call(command, report) => self.call_ended(command, report),
            Event::RunNumber(number) => self.run_number(number),
            Event::Device(task, event) => self.device_event(task, event),
            Event::Timer(timer) => self.timer(timer),
            Event::Restarted(away) => self.restarted(away),
        }
        self.advance();
        std::mem::take(&mut self.effects)
    }

    fn timer(&mut self, timer: Timer) {
        // One that was cancelled while it ran down means nothing.
        if self.timers.remove(&timer).is_none() {
            return;
        }
        match timer {
            Timer::Deploy => self.deploy_late(),
            Timer::Patience => self.patience_over(),
            Timer::Command(command) => self.command_late(command),
            Timer::Hook(command) => self.hook_late(command),
            Timer::Call(command) => self.call_late(command),
            Timer::RunNumber => self.run_number_late(),
            Timer::Kill => self.kill_late(),
            Timer::Linger => self.end_by_itself(),
            Timer::AutoStop => {
                if self.state == State::Running {
                    self.react(Transition::Stop, Vec::new());
                }
            }
        }
    }

    /// Goes on until something has to be waited for, or nothing is left to do.
    fn advance(&mut self) {
        loop {
            let waits = match &self.wait {
                None => false,
                Some(Wait::Hooks { pending, .. }) => !pending.is_empty(),
                Some(_) => true,
            };
            if waits {
                return;
            }
            if let Some(mut pass) = self.pass.take() {
                match self.advance_pass(&mut pass) {
                    None => self.pass = Some(pass),
                    Some(failures) if failures.is_empty() => {}
                    Some(failures) => self.fail(failures),
                }
            } else if let Some(program) = &mut self.program {
                match program.steps.pop_front() {
                    Some(step) => self.do_step(step),
                    None => self.end_program(),
                }
            } else if !self.next_job() {
                return;
            }
        }
    }

    /// State of the environment.
    pub fn state(&self) -> State {
        self.state
    }

    /// The transition that is under way.
    pub fn transition(&self) -> Option<Transition> {
        self.program.as_ref()?.transition
    }

    /// Number of the run that is under way.
    pub fn run(&self) -> Option<u32> {
        self.run
    }

    /// What it was made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// State and status of a role.
    pub fn role(&self, role: RoleIndex) -> (TaskState, Status) {
        (self.tree.state(role), self.tree.status(role))
    }

    /// The last report of a task.
    pub fn report(&self, task: TaskIndex) -> Option<&TaskReport> {
        self.tasks.get(task).map(|task| &task.report)
    }

    /// A variable of the root role.
    pub fn variable(&self, name: &str) -> Option<&str> {
        match self.variables.get(name) {
            Some(value) => value.as_deref(),
            None => self.plan.variables.get(name).map(String::as_str),
        }
    }

    /// What is waited for, and who is late. `now`: milliseconds since 1970.
    pub fn deadlines(&self, now: u64) -> Vec<PendingDeadline> {
        let late = |timer: &Timer| -> Vec<TaskIndex> {
            match (timer, &self.wait) {
                (
                    Timer::Command(command),
                    Some(Wait::Answers {
                        command: current,
                        pending,
                        ..
                    }),
                ) if command == current => pending.iter().copied().collect(),
                (Timer::Deploy | Timer::Patience, _) => (0..self.tasks.len())
                    .filter(|task| self.task(*task).life < Life::Active)
                    .collect(),
                (Timer::Kill, _) => (0..self.tasks.len())
                    .filter(|task| self.task(*task).life == Life::Active)
                    .collect(),
                _ => Vec::new(),
            }
        };
        let pending = self.timers.iter().map(|(timer, running)| PendingDeadline {
            what: running.what.clone(),
            left: Duration::from_millis(running.due.saturating_sub(now)),
            late: late(timer).into_iter().map(|task| self.task_path(task)).collect(),
        });
        pending.collect()
    }

    fn next_command(&mut self) -> CommandId {
        self.commands += 1;
        self.commands
    }

    fn set_timer(&mut self, timer: Timer, after: Duration, what: String) {
        let due = self
            .now
            .saturating_add(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        self.timers.insert(timer, RunningTimer { due, what });
        self.effects.push(Effect::SetTimer(timer, after));
    }

    fn cancel_timer(&mut self, timer: Timer) {
        if self.timers.remove(&timer).is_some() {
            self.effects.push(Effect::CancelTimer(timer));
        }
    }

    fn set_variable(&mut self, role: RoleIndex, name: &str, value: Option<String>) {
        if role == 0 {
            self.variables.insert(name.to_owned(), value.clone());
        }
        let name = name.to_owned();
        self.effects.push(Effect::SetVariable { role, name, value });
    }

    fn role_path(&self, role: RoleIndex) -> String {
        self.plan
            .roles
            .get(role)
            .map_or_else(String::new, |role| role.path.clone())
    }

    fn task_path(&self, task: TaskIndex) -> String {
        self.plan
            .tasks
            .get(task)
            .map_or_else(String::new, |task| self.role_path(task.role))
    }

    fn task(&self, index: TaskIndex) -> &Task {
        static NONE: std::sync::LazyLock<Task> = std::sync::LazyLock::new(Task::default);
        self.tasks.get(index).unwrap_or(&NONE)
    }
}
