//! An environment whose tasks do at once what they are told.

use std::collections::{BTreeMap, VecDeque};

use partita_core::aggregate::State as TaskState;
use partita_core::environment::plan::{Mode, Plan, PlannedRole, PlannedTask, RoleKind, Workflow};
use partita_core::environment::{
    Answer, Effect, Environment, Event, Life, Numbered, Request, TaskReport, Timer,
};

pub(crate) const ENVIRONMENT: &str = "<id1>";
const CLASS: &str = "<repo>/tasks/light@<revision>";
const START: u64 = 1_700_000_000_000;

pub(crate) struct World {
    machine: Environment,
    requests: u64,
    versions: u64,
    /// What has happened and was not told to the machine yet.
    news: VecDeque<Event>,
    pub(crate) seen: Vec<Numbered>,
}

fn role(path: &str, parent: Option<usize>, kind: RoleKind) -> PlannedRole {
    PlannedRole {
        path: path.to_owned(),
        parent,
        critical: true,
        kind,
    }
}

impl World {
    /// One task on each of these hosts, with these identities.
    pub(crate) fn new(hosts: &[(&str, &str)]) -> Self {
        let mut plan = Plan {
            id: ENVIRONMENT.to_owned(),
            workflow: Workflow {
                name: "light".to_owned(),
                path: "light".to_owned(),
                ..Workflow::default()
            },
            variables: BTreeMap::from([("last_request_user".to_owned(), r#"{"name":"peers"}"#.to_owned())]),
            roles: vec![role("light", None, RoleKind::Aggregator)],
            ..Plan::default()
        };
        for (index, (host, id)) in hosts.iter().enumerate() {
            let parent = plan.roles.len();
            plan.roles
                .push(role(&format!("light.host-{host}"), Some(0), RoleKind::Aggregator));
            let path = format!("light.host-{host}.task-0");
            plan.roles.push(role(&path, Some(parent), RoleKind::Task(index)));
            plan.tasks.push(PlannedTask {
                role: parent + 1,
                id: (*id).to_owned(),
                class: CLASS.to_owned(),
                host: Ok((*host).to_owned()),
                mode: Mode::Stateful,
                critical: true,
                trigger: None,
                timeout: std::time::Duration::ZERO,
            });
        }
        Self {
            machine: Environment::new(plan),
            requests: 0,
            versions: 0,
            news: VecDeque::new(),
            seen: Vec::new(),
        }
    }

    pub(crate) fn ask(&mut self, request: Request) {
        self.requests += 1;
        self.news.push_back(Event::Request(self.requests, request));
        self.run();
    }

    pub(crate) fn report(&mut self, task: usize, report: TaskReport) {
        self.reported(task, report);
        self.run();
    }

    fn reported(&mut self, task: usize, report: TaskReport) {
        self.versions += 1;
        let version = self.versions;
        self.news
            .push_back(Event::Task(task, TaskReport { version, ..report }));
    }

    fn run(&mut self) {
        while let Some(event) = self.news.pop_front() {
            let time = START + self.seen.len() as u64 / 7;
            for effect in self.machine.step(time, event) {
                self.perform(time, effect);
            }
        }
    }

    fn perform(&mut self, time: u64, effect: Effect) {
        match effect {
            Effect::Observe(observation) => self.seen.push(Numbered {
                number: self.seen.len() as u64 + 1,
                time,
                environment: ENVIRONMENT.to_owned(),
                observation,
            }),
            Effect::Launch(tasks) => {
                for task in tasks {
                    let life = Life::Active;
                    let state = Some(TaskState::Standby);
                    self.reported(
                        task,
                        TaskReport {
                            life,
                            state,
                            ..TaskReport::default()
                        },
                    );
                }
            }
            Effect::Command {
                command,
                transition,
                tasks,
                ..
            } => {
                let (_, _, to) = transition.task_event();
                for task in tasks {
                    let answer = Answer {
                        task,
                        state: TaskState::from_name(to),
                        error: None,
                        late: false,
                        last_lines: Vec::new(),
                    };
                    self.news.push_back(Event::Answers(command, vec![answer]));
                }
            }
            Effect::Kill(tasks) => {
                for task in tasks {
                    let life = Life::Ended;
                    self.reported(
                        task,
                        TaskReport {
                            life,
                            requested: true,
                            ..TaskReport::default()
                        },
                    );
                }
            }
            Effect::AllocateRunNumber => self.news.push_back(Event::RunNumber(Ok(42))),
            Effect::SetTimer(Timer::Linger, _) => self.news.push_back(Event::Timer(Timer::Linger)),
            _ => {}
        }
    }
}
