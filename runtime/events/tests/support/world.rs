//! An environment whose tasks do at once what they are told, and events as JSON.

use std::collections::{BTreeMap, VecDeque};

use partita_core::aggregate::State as TaskState;
use partita_core::environment::plan::{Mode, Plan, PlannedRole, PlannedTask, RoleKind, Workflow};
use partita_core::environment::{
    Answer, Effect, Environment, Event, Life, Numbered, Request, TaskReport, Timer,
};
use partita_proto::common::{User, WorkflowTemplateInfo};
use partita_proto::events::event::Payload;
use partita_proto::events::{Event as Told, OpStatus, Traits};
use serde_json::{Map, Value, json};

pub const ENVIRONMENT: &str = "<id1>";
const CLASS: &str = "<repo>/tasks/light@<revision>";
const START: u64 = 1_700_000_000_000;

pub struct World {
    machine: Environment,
    requests: u64,
    versions: u64,
    /// What has happened and was not told to the machine yet.
    news: VecDeque<Event>,
    pub seen: Vec<Numbered>,
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
    pub fn new(hosts: &[(&str, &str)]) -> Self {
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

    pub fn ask(&mut self, request: Request) {
        self.requests += 1;
        self.news.push_back(Event::Request(self.requests, request));
        self.run();
    }

    pub fn report(&mut self, task: usize, report: TaskReport) {
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

/// As protobuf writes JSON: what is as by default is left out. Times and run numbers are placeholders, as recorded.
pub fn as_json(event: &Told) -> Value {
    let (name, mut body) = match event.payload.as_ref() {
        Some(Payload::EnvironmentEvent(e)) => (
            "environmentEvent",
            json!({
                "environmentId": e.environment_id, "state": e.state, "error": e.error, "message": e.message,
                "transition": e.transition, "transitionStep": e.transition_step,
                "transitionStatus": status(e.transition_status), "runNumber": run(e.run_number),
                "vars": e.vars, "lastRequestUser": user(e.last_request_user.as_ref()),
            }),
        ),
        Some(Payload::TaskEvent(e)) => (
            "taskEvent",
            json!({
                "name": e.name, "taskid": e.taskid, "state": e.state, "status": e.status, "hostname": e.hostname,
                "className": e.class_name, "traits": traits(e.traits.as_ref()), "environmentId": e.environment_id,
                "path": e.path,
            }),
        ),
        Some(Payload::RoleEvent(e)) => (
            "roleEvent",
            json!({
                "name": e.name, "status": e.status, "state": e.state, "rolePath": e.role_path,
                "environmentId": e.environment_id,
            }),
        ),
        Some(Payload::RunEvent(e)) => (
            "runEvent",
            json!({
                "environmentId": e.environment_id, "runNumber": run(e.run_number), "state": e.state, "error": e.error,
                "transition": e.transition, "transitionStatus": status(e.transition_status),
                "lastRequestUser": user(e.last_request_user.as_ref()),
            }),
        ),
        other => ("unexpected", json!({ "payload": format!("{other:?}") })),
    };
    prune(&mut body);
    if let (Some(Payload::EnvironmentEvent(e)), Some(body)) = (event.payload.as_ref(), body.as_object_mut()) {
        // A message that is there is told even if it is empty.
        if let Some(info) = &e.workflow_template_info {
            body.insert("workflowTemplateInfo".to_owned(), workflow(info));
        }
    }
    json!({ "timestamp": "<time>", "timestampNano": "<time>", name: body })
}

fn prune(value: &mut Value) {
    if let Value::Object(map) = value {
        let old = std::mem::take(map);
        for (name, mut value) in old {
            prune(&mut value);
            let empty = [json!(""), json!(null), json!(false), json!({})].contains(&value);
            if !empty {
                map.insert(name, value);
            }
        }
    }
}

fn status(number: i32) -> String {
    let status = OpStatus::try_from(number).unwrap_or(OpStatus::Null);
    if status == OpStatus::Null {
        return String::new();
    }
    status.as_str_name().to_owned()
}

fn run(number: u32) -> &'static str {
    if number == 0 { "" } else { "<run>" }
}

fn user(user: Option<&User>) -> Value {
    user.map_or(Value::Null, |user| json!({ "name": user.name }))
}

fn traits(traits: Option<&Traits>) -> Value {
    traits.map_or(Value::Null, |traits| {
        json!({
            "trigger": traits.trigger, "await": traits.r#await, "timeout": traits.timeout, "critical": traits.critical,
        })
    })
}

fn workflow(info: &WorkflowTemplateInfo) -> Value {
    let mut map = Map::new();
    for (name, text) in [
        ("name", &info.name),
        ("description", &info.description),
        ("path", &info.path),
    ] {
        if !text.is_empty() {
            map.insert(name.to_owned(), json!(text));
        }
    }
    Value::Object(map)
}
