//! The machine of an environment in a world that lies, dies and dawdles, from seeds: whatever happens, every request
//! is answered once, every timer ends, no run number and no command is used twice, a refused request does nothing,
//! no hook runs twice in one transition, every call that begins ends once, nothing is waited for without a timer, the state of
//! the root is the product of its parts, and everything comes to an end.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test, and what its worlds are made of"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use partita_artefact::instance::Moment;
use partita_core::aggregate::State as TaskState;
use partita_core::cause::Exit;
use partita_core::environment::plan::{
    Deadlines, Mode, Plan, PlannedCall, PlannedRole, PlannedTask, RoleKind,
};
use partita_core::environment::{
    Advance, Answer, CallReport, CommandId, DestroyOptions, DeviceEvent, Effect, Environment, Event,
    HookReport, Life, Observation, Progress, Reply, Request, TaskReport, Timer, Transition,
};
use proptest::prelude::*;

/// More steps than any of these lives can take.
const STEPS: usize = 20_000;

const MOMENTS: [&str; 12] = [
    "before_DEPLOY",
    "after_DEPLOY-1",
    "before_CONFIGURE",
    "after_CONFIGURE+1",
    "before_START_ACTIVITY-5",
    "before_START_ACTIVITY",
    "leave_CONFIGURED",
    "enter_RUNNING+2",
    "after_STOP_ACTIVITY",
    "before_GO_ERROR",
    "DESTROY",
    "after_DESTROY-3",
];

/// A small generator of numbers (xorshift), so that a seed is a whole world.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }

    fn moment(&mut self) -> Option<Moment> {
        let index = usize::try_from(self.below(MOMENTS.len() as u64)).expect("small");
        Moment::parse(MOMENTS[index])
    }
}

fn plan(chance: &mut Chance) -> Plan {
    let role = |path: String, critical, kind| PlannedRole {
        path,
        parent: Some(0),
        critical,
        kind,
    };
    let mut plan = Plan {
        id: "sim".to_owned(),
        deadlines: Deadlines::default(),
        ..Plan::default()
    };
    plan.roles.push(PlannedRole {
        parent: None,
        ..role("sim".to_owned(), true, RoleKind::Aggregator)
    });
    for task in 0..usize::try_from(1 + chance.below(6)).expect("small") {
        let mode = match chance.below(4) {
            0 => Mode::Hook,
            1 => Mode::Basic,
            _ => Mode::Stateful,
        };
        let critical = !chance.one_in(3);
        plan.tasks.push(PlannedTask {
            class: String::new(),
            role: plan.roles.len(),
            id: format!("task{task}"),
            host: if chance.one_in(60) {
                Err("no host".to_owned())
            } else {
                Ok("host".to_owned())
            },
            mode,
            critical,
            trigger: if mode == Mode::Hook { chance.moment() } else { None },
            timeout: Duration::from_secs(5),
        });
        plan.roles
            .push(role(format!("sim.task{task}"), critical, RoleKind::Task(task)));
    }
    for call in 0..usize::try_from(chance.below(5)).expect("small") {
        let critical = !chance.one_in(3);
        let trigger = chance.moment();
        let await_at = if chance.one_in(2) {
            chance.moment()
        } else {
            trigger.clone()
        };
        plan.calls.push(PlannedCall {
            function: String::new(),
            returns: String::new(),
            role: plan.roles.len(),
            trigger,
            await_at,
            timeout: Duration::from_secs(5),
            critical,
            repeatable: false,
        });
        plan.roles
            .push(role(format!("sim.call{call}"), critical, RoleKind::Call(call)));
    }
    plan
}

/// Everything around the machine.
struct World {
    machine: Environment,
    chance: Chance,
    /// One in so many things goes wrong; 0: none does.
    trouble: u64,
    now: u64,
    /// What is going to happen, by time and order.
    coming: BTreeMap<(u64, u64), Event>,
    order: u64,
    timers: BTreeMap<Timer, (u64, u64)>,
    versions: BTreeMap<usize, u64>,
    last_run: u32,
    asked: BTreeSet<u64>,
    /// Requests that were made and are not answered.
    open: BTreeSet<u64>,
    /// Calls that have begun and not ended, by role and moment.
    calls: BTreeMap<(String, String), u32>,
    replies: BTreeMap<u64, Reply>,
    commands: BTreeSet<CommandId>,
    started_runs: BTreeSet<String>,
    /// Hooks that ran in the transition under way.
    ran: BTreeSet<String>,
    under_way: Option<Transition>,
    gone: bool,
    /// Somebody may end it before its creation is done.
    destroyed_early: bool,
}

impl World {
    fn new(seed: u64, trouble: u64) -> Self {
        let mut chance = Chance(seed | 1);
        Self {
            machine: Environment::new(plan(&mut chance)),
            chance,
            trouble,
            now: 1_700_000_000_000,
            coming: BTreeMap::new(),
            order: 0,
            timers: BTreeMap::new(),
            versions: BTreeMap::new(),
            last_run: 0,
            asked: BTreeSet::new(),
            open: BTreeSet::new(),
            calls: BTreeMap::new(),
            replies: BTreeMap::new(),
            commands: BTreeSet::new(),
            started_runs: BTreeSet::new(),
            ran: BTreeSet::new(),
            under_way: None,
            gone: false,
            destroyed_early: false,
        }
    }

    fn soon(&mut self, event: Event) -> (u64, u64) {
        let late = if self.chance.one_in(self.trouble) {
            200_000
        } else {
            50
        };
        let after = self.chance.below(late);
        self.after(after, event)
    }

    fn after(&mut self, milliseconds: u64, event: Event) -> (u64, u64) {
        self.order += 1;
        let key = (self.now + milliseconds, self.order);
        self.coming.insert(key, event);
        key
    }

    fn goes_wrong(&mut self) -> bool {
        self.chance.one_in(self.trouble)
    }

    fn report(&mut self, task: usize, life: Life, state: TaskState, requested: bool) {
        let version = self.versions.entry(task).or_default();
        *version += 1;
        let report = TaskReport {
            version: *version,
            life,
            state: Some(state),
            requested,
            exit: (life == Life::Ended).then_some(Exit::Code(1)),
            ..TaskReport::default()
        };
        self.soon(Event::Task(task, report));
    }

    fn step(&mut self, event: Event) {
        let idle = self.machine.transition().is_none() && !self.gone;
        let (before, request) = (
            self.machine.state(),
            match &event {
                Event::Request(id, _) => Some(*id),
                _ => None,
            },
        );
        let effects = self.machine.step(self.now, event);
        let refused = |effect: &Effect| matches!(effect, Effect::Reply(id, Reply::Refused { .. }) if Some(*id) == request);
        if idle && effects.iter().any(refused) {
            let told = |effect: &Effect| {
                let advance = match effect {
                    Effect::Observe(Observation::Advance { advance, .. }) => Some(advance),
                    _ => None,
                };
                matches!(advance, Some(Advance::Refused(_)))
            };
            let more = effects.iter().filter(|effect| !told(effect)).count();
            assert_eq!(more, 1, "a refusal does nothing else: {effects:?}");
            assert_eq!(self.machine.state(), before);
        }
        self.open.extend(request);
        for effect in effects {
            self.perform(effect);
        }
        assert!(
            self.open.is_empty() || !self.timers.is_empty(),
            "{:?} wait for nothing",
            self.open
        );
        self.check_product();
    }

    /// The state of the root is the product of what is critical below it.
    fn check_product(&self) {
        let roles = self.machine.plan().roles.iter().enumerate().skip(1);
        let critical = roles.filter(|(_, role)| role.critical);
        let states = critical.map(|(index, _)| self.machine.role(index).0);
        let product = states.fold(TaskState::Invariant, TaskState::product);
        assert_eq!(self.machine.role(0).0, product);
    }

    fn new_command(&mut self, command: CommandId) {
        assert!(self.commands.insert(command), "command {command} is used twice");
    }

    fn perform(&mut self, effect: Effect) {
        let late_answer = matches!(effect, Effect::Reply(..));
        assert!(
            !self.gone || late_answer,
            "nothing comes after the end: {effect:?}"
        );
        match effect {
            Effect::Launch(tasks) => {
                for task in tasks {
                    let life = if self.goes_wrong() {
                        Life::Ended
                    } else {
                        Life::Active
                    };
                    let state = if life == Life::Ended {
                        TaskState::Error
                    } else {
                        TaskState::Standby
                    };
                    if !self.goes_wrong() {
                        self.report(task, life, state, false);
                    }
                }
            }
            Effect::Command {
                command,
                transition,
                tasks,
                arguments,
                ..
            } => {
                self.command(command, transition, tasks, &arguments);
            }
            Effect::Trigger { command, task, .. } => {
                self.new_command(command);
                assert!(self.ran.insert(format!("task {task}")), "hook {task} runs twice");
                let error = self.goes_wrong().then(|| "no".to_owned());
                if !self.goes_wrong() {
                    self.soon(Event::Hook(
                        command,
                        HookReport {
                            error,
                            ..HookReport::default()
                        },
                    ));
                }
            }
            Effect::Call { command, call, .. } => {
                self.new_command(command);
                assert!(self.ran.insert(format!("call {call}")), "call {call} runs twice");
                let error = self.goes_wrong().then(|| "no".to_owned());
                if !self.goes_wrong() {
                    self.soon(Event::Call(
                        command,
                        CallReport {
                            error,
                            ..CallReport::default()
                        },
                    ));
                }
            }
            Effect::Kill(tasks) => {
                for task in tasks {
                    if !self.goes_wrong() {
                        self.report(task, Life::Ended, TaskState::Done, true);
                    }
                }
            }
            Effect::AllocateRunNumber => {
                self.last_run += 1;
                let number = if self.goes_wrong() {
                    Err("disk full".to_owned())
                } else {
                    Ok(self.last_run)
                };
                if !self.goes_wrong() {
                    self.soon(Event::RunNumber(number));
                }
            }
            effect => self.keep(effect),
        }
    }

    fn command(
        &mut self,
        command: CommandId,
        transition: Transition,
        tasks: Vec<usize>,
        arguments: &[(String, String)],
    ) {
        self.new_command(command);
        if transition == Transition::Start {
            let number = arguments
                .iter()
                .find(|(key, _)| key == "run_number")
                .expect("a run number");
            assert!(
                self.started_runs.insert(number.1.clone()),
                "run {} is used twice",
                number.1
            );
        }
        if self.goes_wrong() {
            let causes = vec![partita_core::cause::Cause::new("no address")];
            self.soon(Event::Impossible(command, causes));
            return;
        }
        for task in tasks {
            let error = self.goes_wrong().then(|| "no".to_owned());
            let state = match (&error, transition.task_event().2) {
                (Some(_), _) => TaskState::Error,
                (None, name) => TaskState::from_name(name),
            };
            if !self.goes_wrong() {
                self.soon(Event::Answers(
                    command,
                    vec![Answer {
                        task,
                        state,
                        error,
                        late: false,
                        last_lines: Vec::new(),
                    }],
                ));
            }
        }
    }

    /// Effects that need no answer.
    fn keep(&mut self, effect: Effect) {
        match effect {
            Effect::SetTimer(timer, after) => {
                let key = self.after(
                    u64::try_from(after.as_millis()).expect("short"),
                    Event::Timer(timer),
                );
                assert!(self.timers.insert(timer, key).is_none(), "{timer:?} runs already");
            }
            Effect::CancelTimer(timer) => {
                let key = self.timers.remove(&timer).expect("it runs");
                self.coming.remove(&key);
            }
            Effect::Reply(id, reply) => {
                assert!(self.asked.contains(&id), "nobody asked {id}");
                assert!(self.replies.insert(id, reply).is_none(), "{id} is answered twice");
                self.open.remove(&id);
            }
            Effect::Observe(Observation::Environment { transition, .. }) if transition != self.under_way => {
                self.under_way = transition;
                self.ran.clear();
            }
            Effect::Observe(Observation::Hook {
                path,
                moment,
                progress,
                called: Some(_),
            }) => {
                let open = self.calls.entry((path, moment)).or_default();
                match progress {
                    Progress::Started => *open += 1,
                    _ => *open = open.checked_sub(1).expect("a call ends once"),
                }
            }
            Effect::Gone => {
                self.gone = true;
                let left: Vec<_> = self.calls.iter().filter(|(_, open)| **open > 0).collect();
                assert!(left.is_empty(), "calls without end: {left:?}");
                assert!(
                    self.timers.is_empty(),
                    "timers outlive the environment: {:?}",
                    self.timers
                );
            }
            _ => {}
        }
    }

    fn ask(&mut self, request: Request) {
        let id = self.asked.len() as u64 + 1;
        self.asked.insert(id);
        let after = self.chance.below(400_000);
        self.after(after, Event::Request(id, request));
    }

    /// Lives the whole life; the end is asked for at last, by force.
    fn live(&mut self) {
        self.asked.insert(0);
        let auto = self.chance.one_in(5);
        self.step(Event::Request(0, Request::Create { auto }));
        for _ in 0..self.chance.below(8) {
            let transition = match self.chance.below(6) {
                0 => Transition::Configure,
                1 | 2 => Transition::Start,
                3 => Transition::Stop,
                4 => Transition::Recover,
                _ => Transition::Reset,
            };
            self.ask(Request::Transition(transition));
        }
        if self.chance.one_in(4) {
            let options = DestroyOptions {
                allow_in_running: self.chance.one_in(2),
                force: self.chance.one_in(3),
                keep_tasks: self.chance.one_in(5),
            };
            let id = self.asked.len() as u64 + 1;
            self.asked.insert(id);
            let soon = if self.chance.one_in(2) { 200 } else { 400_000 };
            let after = self.chance.below(soon);
            self.destroyed_early = true;
            self.after(after, Event::Request(id, Request::Destroy(options)));
        }
        for task in 0..self.machine.plan().tasks.len() {
            if self.goes_wrong() {
                let after = self.chance.below(300_000);
                let report = TaskReport {
                    version: 1_000,
                    life: Life::Ended,
                    exit: Some(Exit::Signal(9)),
                    ..TaskReport::default()
                };
                self.after(after, Event::Task(task, report));
            }
            let after = self.chance.below(300_000);
            let event = match self.chance.below(3) {
                0 => DeviceEvent::EndOfStream,
                1 if self.trouble > 0 => DeviceEvent::InternalError {
                    last_lines: Vec::new(),
                },
                _ => continue,
            };
            self.after(after, Event::Device(task, event));
        }
        let last = Request::Destroy(DestroyOptions {
            allow_in_running: true,
            force: self.chance.one_in(2),
            keep_tasks: self.chance.one_in(5),
        });
        self.asked.insert(1_000);
        self.after(500_000, Event::Request(1_000, last));
        let mut steps = 0;
        while let Some(((time, _), event)) = self.coming.pop_first() {
            steps += 1;
            assert!(steps < STEPS, "it never ends");
            self.now = self.now.max(time);
            if let Event::Timer(timer) = &event {
                self.timers.remove(timer);
            }
            self.step(event);
        }
        assert!(
            self.gone,
            "it is still there: {:?}",
            self.machine.deadlines(self.now)
        );
        let answered: BTreeSet<u64> = self.replies.keys().copied().collect();
        assert_eq!(answered, self.asked, "every request is answered");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_ends_well_or_says_why(seed in any::<u64>(), trouble in prop::sample::select(vec![0, 3, 8, 30, 100])) {
        World::new(seed, trouble).live();
    }

    /// Where nothing goes wrong and a host is found for everybody, the creation succeeds.
    #[test]
    fn without_trouble_there_is_no_failure(seed in any::<u64>()) {
        let mut world = World::new(seed, 0);
        let placed = world.machine.plan().tasks.iter().all(|task| task.host.is_ok() || !task.critical);
        world.live();
        let done = matches!(world.replies[&0], Reply::Done { .. });
        prop_assert!(done == placed || (world.destroyed_early && !done));
    }
}
