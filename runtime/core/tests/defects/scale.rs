//! What the machine does for each task is the same however many there are: counted, not timed.

use partita_core::aggregate::State as TaskState;
use partita_core::environment::plan::{Deadlines, Mode, Plan, PlannedRole, PlannedTask, RoleKind};
use partita_core::environment::{
    Answer, DestroyOptions, Effect, Environment, Event, Life, Request, State, TaskReport, Transition,
};

/// Tasks on one host: that many answers come in one message.
const ON_HOST: usize = 100;

fn plan(tasks: usize) -> Plan {
    let role = |path: String, parent, kind| PlannedRole {
        path,
        parent,
        critical: true,
        kind,
    };
    let mut plan = Plan {
        id: "big".to_owned(),
        deadlines: Deadlines::default(),
        ..Plan::default()
    };
    plan.roles.push(role("e".to_owned(), None, RoleKind::Aggregator));
    for task in 0..tasks {
        if task % ON_HOST == 0 {
            let host = format!("e.h{}", task / ON_HOST);
            plan.roles.push(role(host, Some(0), RoleKind::Aggregator));
        }
        let host = plan.roles.len() - 1 - task % ON_HOST;
        plan.tasks.push(PlannedTask {
            role: plan.roles.len(),
            id: task.to_string(),
            class: String::new(),
            host: Ok("host".to_owned()),
            mode: Mode::Stateful,
            critical: true,
            trigger: None,
            timeout: std::time::Duration::ZERO,
        });
        plan.roles
            .push(role(format!("e.t{task}"), Some(host), RoleKind::Task(task)));
    }
    plan
}

struct Big {
    machine: Environment,
    /// Effects in all, and the most that one event had.
    effects: usize,
    version: u64,
}

impl Big {
    /// Something happens, with all that follows in a world that does as it is told.
    fn happen(&mut self, event: Event) {
        let mut coming = std::collections::VecDeque::from([event]);
        while let Some(event) = coming.pop_front() {
            let effects = self.machine.step(0, event);
            self.effects += effects.len();
            for effect in effects {
                match effect {
                    Effect::Launch(tasks) => {
                        coming.extend(tasks.into_iter().map(|task| self.report(task, Life::Active)));
                    }
                    Effect::Kill(tasks) => {
                        coming.extend(tasks.into_iter().map(|task| self.report(task, Life::Ended)));
                    }
                    Effect::Command {
                        command,
                        transition,
                        tasks,
                        ..
                    } => {
                        let state = TaskState::from_name(transition.task_event().2);
                        let answer = |task: &usize| Answer {
                            task: *task,
                            state,
                            error: None,
                            late: false,
                            last_lines: Vec::new(),
                        };
                        coming.extend(
                            tasks
                                .chunks(ON_HOST)
                                .map(|host| Event::Answers(command, host.iter().map(answer).collect())),
                        );
                    }
                    Effect::AllocateRunNumber => coming.push_back(Event::RunNumber(Ok(1))),
                    _ => {}
                }
            }
        }
    }

    fn report(&mut self, task: usize, life: Life) -> Event {
        self.version += 1;
        let report = TaskReport {
            version: self.version,
            life,
            state: (life == Life::Active).then_some(TaskState::Standby),
            requested: life == Life::Ended,
            ..TaskReport::default()
        };
        Event::Task(task, report)
    }

    fn request(&mut self, request: Request) -> usize {
        let before = self.effects;
        self.happen(Event::Request(0, request));
        self.effects - before
    }
}

fn life(tasks: usize) -> [usize; 5] {
    let mut big = Big {
        machine: Environment::new(plan(tasks)),
        effects: 0,
        version: 0,
    };
    let counts = [
        big.request(Request::Create { auto: false }),
        big.request(Request::Transition(Transition::Start)),
        big.request(Request::Transition(Transition::Stop)),
        big.request(Request::Transition(Transition::Reset)),
        big.request(Request::Destroy(DestroyOptions::default())),
    ];
    assert_eq!(big.machine.state(), State::Done);
    counts
}

/// Ten times the tasks, ten times the effects, in each transition.
#[test]
fn what_is_said_grows_with_the_tasks_and_no_faster() {
    let (small, large) = (life(1_000), life(10_000));
    for (transition, (small, large)) in small.into_iter().zip(large).enumerate() {
        assert!(
            large <= small * 10 + 100,
            "transition {transition}: {small} effects for 1,000 tasks, {large} for 10,000"
        );
    }
}

/// All fail at once: each is told once, and one chain of causes stays short.
#[test]
fn a_hundred_thousand_failures_are_one_short_chain() {
    let tasks = 100_000;
    let mut big = Big {
        machine: Environment::new(plan(tasks)),
        effects: 0,
        version: 0,
    };
    big.request(Request::Create { auto: false });
    let effects = big
        .machine
        .step(0, Event::Request(7, Request::Transition(Transition::Start)));
    assert!(effects.contains(&Effect::AllocateRunNumber));
    let effects = big.machine.step(0, Event::RunNumber(Ok(1)));
    let command = effects.iter().find_map(|effect| match effect {
        Effect::Command { command, .. } => Some(*command),
        _ => None,
    });
    let command = command.expect("a command");
    let (mut told, mut chain) = (0, 0);
    for first in (0..tasks).step_by(ON_HOST) {
        let answer = |task| Answer {
            task,
            state: TaskState::Error,
            error: Some("no".to_owned()),
            late: false,
            last_lines: Vec::new(),
        };
        let answers = (first..first + ON_HOST).map(answer).collect();
        for effect in big.machine.step(0, Event::Answers(command, answers)) {
            match effect {
                Effect::Observe(partita_core::environment::Observation::Cause(cause)) => {
                    told += usize::from(cause.because.is_empty());
                }
                Effect::Reply(7, partita_core::environment::Reply::Failed { cause, .. }) => {
                    chain = cause.because.len();
                }
                _ => {}
            }
        }
    }
    assert_eq!(told, tasks);
    assert!((1..=101).contains(&chain), "{chain}");
    assert_eq!(big.machine.state(), State::Error);
}
