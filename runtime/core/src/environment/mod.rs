//! The machine of one environment: events in, effects out (`runtime.md` 2.1, 3).
//!
//! It has no clock and does no input or output: the time comes with each event, deadlines are timers that it asks
//! for, and whoever runs it does what it says. It never waits without a timer, and never answers a request twice.

mod calls;
mod command;
mod deploy;
mod device;
mod ending;
mod failing;
mod hook_tasks;
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

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;
use std::time::Duration;

pub use message::{
    Answer, CallReport, CommandId, DestroyOptions, DeviceEvent, Effect, Event, HookReport, Life, Obstacle,
    Reply, Request, RequestId, TaskReport, Timer,
};
pub use observation::{Advance, Called, Label, Numbered, Observation, Progress, Traits};
pub use transition::{State, Transition};

use crate::aggregate::{RoleIndex, State as TaskState, Status, Tree};
use crate::cause::{Cause, Patience};
use crate::compact::pairs;
use calls::StartedCall;
use command::Owed;
use hook_tasks::StartedHook;
use hooks::{Pass, Schedule};
use jobs::Job;
use plan::{Plan, RoleKind, TaskIndex};
use serde::{Deserialize, Serialize};
use tasks::{Tally, Task};
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
        pending: BTreeSet<TaskIndex>,
        failures: Vec<Cause>,
    },
    /// The calls that are awaited at this moment.
    Calls,
    /// Hook tasks to end.
    Hooks {
        pending: BTreeSet<CommandId>,
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
    /// What sets it: the name of a variable, or the trait of a role.
    pub name: String,
    /// How long it may take in all.
    pub allowed: Duration,
    /// What is left of that; zero: it is over, and who enforces it is given a moment to say so.
    pub left: Duration,
    /// Paths of the roles that are waited for, where there are some.
    pub late: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RunningTimer {
    due: u64,
    what: String,
    /// What it enforces, and how much was granted on top.
    #[serde(default)]
    deadline: Patience,
    #[serde(default)]
    margin: Duration,
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
    #[serde(default)]
    tally: Tally,
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
    #[serde(default)]
    hooks: BTreeMap<CommandId, StartedHook>,
    calls: BTreeMap<CommandId, StartedCall>,
    #[serde(with = "pairs")]
    timers: BTreeMap<Timer, RunningTimer>,
    /// Commands that some task still owes an answer to.
    owed: BTreeMap<CommandId, Owed>,
    commands: CommandId,
    /// Of the plan.
    #[serde(skip)]
    schedule: OnceLock<Schedule>,
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
            tally: Tally::default(),
            variables: BTreeMap::new(),
            queue: VecDeque::new(),
            job: None,
            auto: false,
            began: false,
            program: None,
            pass: None,
            wait: None,
            hooks: BTreeMap::new(),
            calls: BTreeMap::new(),
            timers: BTreeMap::new(),
            owed: BTreeMap::new(),
            commands: 0,
            schedule: OnceLock::new(),
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
                    self.react(Transition::Stop, None);
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
        let pending = self.timers.iter().map(|(timer, running)| PendingDeadline {
            what: running.what.clone(),
            name: running.deadline.name.clone(),
            allowed: running.deadline.time,
            left: Duration::from_millis(running.due.saturating_sub(now)).saturating_sub(running.margin),
            late: self.late(*timer),
        });
        pending.collect()
    }

    /// Paths of the roles that a timer waits for.
    fn late(&self, timer: Timer) -> Vec<String> {
        let tasks: Vec<TaskIndex> = match timer {
            Timer::Command(command) => self.tasks_that(|task| task.owes == Some(command)),
            Timer::Deploy | Timer::Patience => self.tasks_that(|task| task.life < Life::Active),
            Timer::Kill => self.live_tasks(),
            Timer::Hook(command) => self
                .hooks
                .get(&command)
                .map(|hook| hook.task)
                .into_iter()
                .collect(),
            Timer::Call(command) => {
                let call = self.calls.get(&command).map(|started| started.call);
                return call.into_iter().map(|call| self.call_path(call)).collect();
            }
            Timer::RunNumber | Timer::AutoStop | Timer::Linger => Vec::new(),
        };
        tasks.into_iter().map(|task| self.task_path(task)).collect()
    }

    fn tasks_that(&self, is_so: impl Fn(&Task) -> bool) -> Vec<TaskIndex> {
        let all = self.tasks.iter().enumerate().filter(|(_, task)| is_so(task));
        all.map(|(index, _)| index).collect()
    }

    fn next_command(&mut self) -> CommandId {
        self.commands += 1;
        self.commands
    }

    fn set_timer(&mut self, timer: Timer, deadline: Patience, what: String) {
        let margin = match timer {
            // Who is to enforce a deadline itself and then answer is granted a little more.
            Timer::Deploy | Timer::Command(_) | Timer::Hook(_) | Timer::Call(_) => {
                self.plan.deadlines.margin.time
            }
            _ => Duration::ZERO,
        };
        let after = deadline.time.saturating_add(margin);
        let running = RunningTimer {
            due: self
                .now
                .saturating_add(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            what,
            deadline,
            margin,
        };
        self.timers.insert(timer, running);
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
