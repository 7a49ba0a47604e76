//! A machine on a bench: a world around it that does at once and well what it is asked, but for what is told to fail
//! or to hang.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use partita_artefact::instance::Moment;
use partita_core::aggregate::State as TaskState;
use partita_core::cause::{Cause, Exit};
use partita_core::environment::plan::{
    Deadlines, Mode, Plan, PlannedCall, PlannedRole, PlannedTask, RoleKind,
};
use partita_core::environment::{
    Answer, CallReport, DestroyOptions, Effect, Environment, Event, HookReport, Life, Observation, Progress,
    Reply, Request, State, TaskReport, Timer, Transition,
};

/// What an environment is made of; the root role is called `e`.
pub(crate) struct Flow(Plan);

impl Flow {
    pub(crate) fn new() -> Self {
        let mut plan = Plan {
            id: "bench".to_owned(),
            deadlines: Deadlines::default(),
            ..Plan::default()
        };
        plan.roles.push(PlannedRole {
            path: "e".to_owned(),
            parent: None,
            critical: true,
            kind: RoleKind::Aggregator,
        });
        Self(plan)
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.0.variables.insert(name.to_owned(), value.to_owned());
        self.0.deadlines = Deadlines::from_variables(&self.0.variables).0;
        self
    }

    fn role(&mut self, name: &str, critical: bool, kind: RoleKind) -> usize {
        self.0.roles.push(PlannedRole {
            path: format!("e.{name}"),
            parent: Some(0),
            critical,
            kind,
        });
        self.0.roles.len() - 1
    }

    fn add(mut self, name: &str, mode: Mode, critical: bool, trigger: &str) -> Self {
        let role = self.role(name, critical, RoleKind::Task(self.0.tasks.len()));
        self.0.tasks.push(PlannedTask {
            role,
            id: name.to_owned(),
            class: String::new(),
            host: Ok("host1".to_owned()),
            mode,
            critical,
            trigger: Moment::parse(trigger),
            timeout: Duration::from_secs(5),
        });
        self
    }

    /// A critical task that speaks OCC.
    pub(crate) fn task(self, name: &str) -> Self {
        self.add(name, Mode::Stateful, true, "")
    }

    /// One that is not critical.
    pub(crate) fn spare(self, name: &str) -> Self {
        self.add(name, Mode::Stateful, false, "")
    }

    pub(crate) fn basic(self, name: &str) -> Self {
        self.add(name, Mode::Basic, true, "")
    }

    pub(crate) fn hook(self, name: &str, trigger: &str) -> Self {
        self.add(name, Mode::Hook, true, trigger)
    }

    pub(crate) fn call(mut self, name: &str, trigger: &str, await_at: &str) -> Self {
        let role = self.role(name, true, RoleKind::Call(self.0.calls.len()));
        self.0.calls.push(PlannedCall {
            role,
            function: String::new(),
            returns: String::new(),
            trigger: Moment::parse(trigger),
            await_at: Moment::parse(await_at),
            timeout: Duration::from_secs(5),
            critical: true,
            repeatable: false,
        });
        self
    }

    pub(crate) fn on_bench(self) -> Bench {
        Bench::new(self.0)
    }
}

pub(crate) struct Bench {
    pub(crate) machine: Environment,
    pub(crate) now: u64,
    /// What it asked for, in order: `run hook e.h`, `call e.c`, `START e.a e.b`, `kill e.a`, …
    pub(crate) log: Vec<String>,
    pub(crate) seen: Vec<Observation>,
    pub(crate) timers: BTreeMap<Timer, u64>,
    /// Paths of roles that fail, or that never answer.
    pub(crate) fails: BTreeSet<String>,
    pub(crate) hangs: BTreeSet<String>,
    /// What hangs, to be ended by hand.
    pub(crate) held: Vec<Effect>,
    pub(crate) runs: u32,
    coming: VecDeque<Event>,
    replies: BTreeMap<u64, Reply>,
    asked: u64,
    versions: u64,
}

impl Bench {
    fn new(plan: Plan) -> Self {
        Self {
            machine: Environment::new(plan),
            now: 1_700_000_000_000,
            log: Vec::new(),
            seen: Vec::new(),
            timers: BTreeMap::new(),
            fails: BTreeSet::new(),
            hangs: BTreeSet::new(),
            held: Vec::new(),
            runs: 0,
            coming: VecDeque::new(),
            replies: BTreeMap::new(),
            asked: 0,
            versions: 0,
        }
    }

    /// One that is CONFIGURED.
    pub(crate) fn configured(flow: Flow) -> Self {
        let mut bench = flow.on_bench();
        bench.create();
        assert_eq!(bench.machine.state(), State::Configured, "{:?}", bench.log);
        bench
    }

    /// One that is RUNNING.
    pub(crate) fn running(flow: Flow) -> Self {
        let mut bench = Self::configured(flow);
        bench.transition(Transition::Start);
        assert_eq!(bench.machine.state(), State::Running, "{:?}", bench.log);
        bench
    }

    pub(crate) fn create(&mut self) -> Option<Reply> {
        let id = self.ask(Request::Create { auto: false });
        self.reply(id)
    }

    pub(crate) fn transition(&mut self, transition: Transition) -> Option<Reply> {
        let id = self.ask(Request::Transition(transition));
        self.reply(id)
    }

    pub(crate) fn destroy(&mut self, options: DestroyOptions) -> Option<Reply> {
        let id = self.ask(Request::Destroy(options));
        self.reply(id)
    }

    /// Asks, and goes on until nothing more happens by itself.
    pub(crate) fn ask(&mut self, request: Request) -> u64 {
        self.asked += 1;
        self.happen(Event::Request(self.asked, request));
        self.asked
    }

    pub(crate) fn reply(&mut self, id: u64) -> Option<Reply> {
        self.replies.remove(&id)
    }

    /// Something happens, and all that follows by itself.
    pub(crate) fn happen(&mut self, event: Event) {
        self.coming.push_back(event);
        while let Some(event) = self.coming.pop_front() {
            self.now += 1;
            if let Event::Timer(timer) = &event {
                self.timers.remove(timer);
            }
            for effect in self.machine.step(self.now, event) {
                self.perform(effect);
            }
        }
    }

    /// Time goes by until the first timer runs down.
    pub(crate) fn wait(&mut self) -> Timer {
        let first = self.timers.iter().min_by_key(|(_, due)| **due);
        let (timer, due) = first
            .map(|(timer, due)| (*timer, *due))
            .expect("something is waited for");
        self.now = self.now.max(due);
        self.happen(Event::Timer(timer));
        timer
    }

    pub(crate) fn task(&self, name: &str) -> usize {
        let plan = self.machine.plan();
        plan.tasks
            .iter()
            .position(|task| task.id == name)
            .expect("a task")
    }

    fn path(&self, task: usize) -> String {
        let plan = self.machine.plan();
        plan.roles[plan.tasks[task].role].path.clone()
    }

    /// Of a hook task it is the run that fails or hangs.
    fn is_hook(&self, task: usize) -> bool {
        self.machine.plan().tasks[task].mode == Mode::Hook
    }

    pub(crate) fn state_of(&self, name: &str) -> TaskState {
        self.machine
            .role(self.machine.plan().tasks[self.task(name)].role)
            .0
    }

    pub(crate) fn report(&mut self, name: &str, life: Life, state: TaskState) -> Event {
        let report = TaskReport {
            life,
            state: Some(state),
            exit: (life == Life::Ended).then_some(Exit::Signal(9)),
            ..self.next_report()
        };
        Event::Task(self.task(name), report)
    }

    fn next_report(&mut self) -> TaskReport {
        self.versions += 1;
        TaskReport {
            version: self.versions,
            ..TaskReport::default()
        }
    }

    /// A task dies.
    pub(crate) fn kill(&mut self, name: &str) {
        let event = self.report(name, Life::Ended, TaskState::Error);
        self.happen(event);
    }

    /// Everything that has hung so far now ends, well or not.
    pub(crate) fn release(&mut self) {
        self.hangs.clear();
        let lines = self.log.len();
        for effect in std::mem::take(&mut self.held) {
            self.perform(effect);
        }
        self.log.truncate(lines);
        self.now += 1;
        if let Some(event) = self.coming.pop_front() {
            self.happen(event);
        }
    }

    /// How often the log holds this.
    pub(crate) fn count(&self, entry: &str) -> usize {
        self.log.iter().filter(|line| *line == entry).count()
    }

    /// Causes that were told, harmless ones too.
    pub(crate) fn causes(&self) -> Vec<&Cause> {
        let mut causes = Vec::new();
        for seen in &self.seen {
            if let Observation::Cause(cause) = seen {
                causes.push(cause);
            }
        }
        causes
    }

    /// Hooks and calls that were seen to end, in order, with `!` where they failed.
    pub(crate) fn ended(&self) -> Vec<String> {
        let ended = |seen: &Observation| match seen {
            Observation::Hook { path, progress, .. } => match progress {
                Progress::Ended { .. } => Some(path.clone()),
                Progress::Failed(_) => Some(format!("{path}!")),
                _ => None,
            },
            _ => None,
        };
        self.seen.iter().filter_map(ended).collect()
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::SetTimer(timer, after) => {
                let due = self.now + u64::try_from(after.as_millis()).expect("short");
                assert!(self.timers.insert(timer, due).is_none(), "{timer:?} runs already");
            }
            Effect::CancelTimer(timer) => {
                self.timers.remove(&timer).expect("it runs");
            }
            Effect::Reply(id, reply) => {
                assert!(self.replies.insert(id, reply).is_none(), "{id} is answered twice");
            }
            Effect::Observe(observation) => self.seen.push(observation),
            Effect::AllocateRunNumber => {
                self.log.push("run number".to_owned());
                self.runs += 1;
                self.coming.push_back(Event::RunNumber(Ok(self.runs)));
            }
            Effect::Launch(tasks) => self.each("launch", tasks, Self::launched),
            Effect::Kill(tasks) => self.each("kill", tasks, Self::killed),
            Effect::Leave(tasks) => self.each("leave", tasks, |_, _| ()),
            Effect::Command {
                command,
                transition,
                tasks,
                ..
            } => self.command(command, transition, tasks),
            Effect::Trigger { command, task, .. } => {
                let path = self.path(task);
                self.log.push(format!("run hook {path}"));
                let error = self.fails.contains(&path).then(|| "failed".to_owned());
                let report = HookReport {
                    error,
                    ..HookReport::default()
                };
                self.end(&path, effect, Event::Hook(command, report));
            }
            Effect::Call { command, call, .. } => {
                let plan = self.machine.plan();
                let path = plan.roles[plan.calls[call].role].path.clone();
                self.log.push(format!("call {path}"));
                let error = self.fails.contains(&path).then(|| "failed".to_owned());
                let report = CallReport {
                    error,
                    ..CallReport::default()
                };
                self.end(&path, effect, Event::Call(command, report));
            }
            Effect::CancelCall(_) => self.log.push("cancel call".to_owned()),
            Effect::Gone => {
                assert!(self.timers.is_empty(), "{:?} outlive the end", self.timers);
                self.log.push("gone".to_owned());
            }
            Effect::SetVariable { .. } | Effect::Store { .. } => {}
        }
    }

    fn end(&mut self, path: &str, effect: Effect, event: Event) {
        if self.hangs.contains(path) {
            self.held.push(effect);
        } else {
            self.coming.push_back(event);
        }
    }

    fn each(&mut self, what: &str, tasks: Vec<usize>, then: impl Fn(&mut Self, usize)) {
        let paths: Vec<String> = tasks.iter().map(|task| self.path(*task)).collect();
        self.log.push(format!("{what} {}", paths.join(" ")));
        for (task, path) in tasks.into_iter().zip(paths) {
            if !self.is_hook(task) && self.hangs.contains(&path) {
                continue;
            }
            then(self, task);
        }
    }

    fn launched(&mut self, task: usize) {
        let report = TaskReport {
            life: Life::Active,
            state: Some(TaskState::Standby),
            ..self.next_report()
        };
        self.coming.push_back(Event::Task(task, report));
    }

    fn killed(&mut self, task: usize) {
        let report = TaskReport {
            life: Life::Ended,
            requested: true,
            ..self.next_report()
        };
        self.coming.push_back(Event::Task(task, report));
    }

    fn command(&mut self, command: u64, transition: Transition, tasks: Vec<usize>) {
        let (event, _, to) = transition.task_event();
        let paths: Vec<String> = tasks.iter().map(|task| self.path(*task)).collect();
        self.log.push(format!("{event} {}", paths.join(" ")));
        let mut answers = Vec::new();
        for (task, path) in tasks.into_iter().zip(paths) {
            if !self.is_hook(task) && self.hangs.contains(&path) {
                self.held.push(Effect::Command {
                    command,
                    transition,
                    tasks: vec![task],
                    arguments: Vec::new(),
                    timeout: Duration::ZERO,
                });
                continue;
            }
            let fails = !self.is_hook(task) && self.fails.contains(&path);
            answers.push(Answer {
                task,
                state: if fails {
                    TaskState::Error
                } else {
                    TaskState::from_name(to)
                },
                error: fails.then(|| "failed".to_owned()),
                late: false,
                last_lines: Vec::new(),
            });
        }
        self.coming.push_back(Event::Answers(command, answers));
    }
}
