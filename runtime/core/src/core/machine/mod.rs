//! The whole core as one machine: all environments, whose task is whose, what is due when. Inputs in, outputs out.
//!
//! It has no clock, no randomness and does no input or output: time, identities and places come with the inputs. So it
//! can be rebuilt from its inputs, and two that were told the same are the same, down to the numbers of what they let
//! people see. It can be written down whole.

mod hosts;
mod input;
mod output;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use input::{Create, Input, Origin, TaskAnswer, User};
pub use output::Output;

use super::{DETECTORS, EnvironmentId};
use crate::aggregate::RoleIndex;
use crate::cause::Cause;
use crate::environment::plan::{Plan, TaskIndex};
use crate::environment::{Answer, CommandId, Effect, Environment, Event, Numbered, Request, RequestId};

/// Variables of roles that were set while the environment lives; `None`: removed.
pub type RoleVariables = BTreeMap<RoleIndex, BTreeMap<String, Option<String>>>;

/// An environment, and what the core has to know of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    environment: Environment,
    user: User,
    /// Milliseconds since 1970.
    created: u64,
    origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "crate::compact::is_default")]
    variables: RoleVariables,
}

impl Entry {
    /// Its machine.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Who wanted it.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// When it was created; milliseconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// What its role tree was made from.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What was set since its role tree was made.
    pub fn variables(&self) -> &RoleVariables {
        &self.variables
    }
}

/// Why an environment cannot be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is one of this identity.
    Exists,
    /// Two environments cannot use one detector.
    DetectorInUse {
        /// Which.
        detector: String,
        /// Whose it is.
        by: EnvironmentId,
    },
}

/// All environments.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Machine {
    now: u64,
    environments: BTreeMap<EnvironmentId, Entry>,
    /// Tasks without environment, by host.
    kept: BTreeMap<String, BTreeSet<String>>,
    /// Hosts that are gone, and why.
    lost: BTreeMap<String, Cause>,
    /// Hosts that have attached since the core is there.
    attached: BTreeSet<String>,
    /// What calls wrote to the run-time store, by full key.
    #[serde(default, skip_serializing_if = "crate::compact::is_default")]
    stored: BTreeMap<String, String>,
    /// Number of the last thing that people were let see.
    sequence: u64,
    /// Highest identity of a request so far.
    request: RequestId,
    /// Whose task is it.
    #[serde(skip)]
    tasks: BTreeMap<String, (EnvironmentId, TaskIndex)>,
    /// The next timer of each environment that has one.
    #[serde(skip)]
    timers: BTreeSet<(u64, EnvironmentId)>,
    #[serde(skip)]
    outputs: Vec<Output>,
}

/// A machine as it is written: without what follows from the rest.
#[derive(Deserialize)]
struct Written {
    now: u64,
    environments: BTreeMap<EnvironmentId, Entry>,
    kept: BTreeMap<String, BTreeSet<String>>,
    lost: BTreeMap<String, Cause>,
    attached: BTreeSet<String>,
    #[serde(default)]
    stored: BTreeMap<String, String>,
    sequence: u64,
    request: RequestId,
}

impl From<Written> for Machine {
    fn from(written: Written) -> Self {
        let mut machine = Self {
            now: written.now,
            environments: written.environments,
            kept: written.kept,
            lost: written.lost,
            attached: written.attached,
            stored: written.stored,
            sequence: written.sequence,
            request: written.request,
            ..Self::default()
        };
        for (id, entry) in &machine.environments {
            for (index, task) in entry.environment.plan().tasks.iter().enumerate() {
                machine.tasks.insert(task.id.clone(), (id.clone(), index));
            }
            if let Some((due, _)) = entry.environment.next_timer() {
                machine.timers.insert((due, id.clone()));
            }
        }
        machine
    }
}

/// The detectors that a plan claims: a JSON list in a variable.
fn detectors(plan: &Plan) -> Vec<String> {
    plan.variables
        .get(DETECTORS)
        .and_then(|list| serde_json::from_str(list).ok())
        .unwrap_or_default()
}

impl Machine {
    /// Takes one input and says what is to be done, in order. `now`: milliseconds since 1970.
    pub fn apply(&mut self, now: u64, input: Input) -> Vec<Output> {
        let away = Duration::from_millis(now.saturating_sub(self.now));
        self.now = self.now.max(now);
        match input {
            Input::Create(create) => self.create(*create),
            Input::Request {
                environment,
                request,
                work,
                user,
            } => {
                self.request = self.request.max(request);
                self.step(&environment, Event::User(user.to_string()));
                self.step(&environment, Event::Request(request, work));
            }
            Input::Cleanup { user: _ } => self.kill_kept(),
            Input::Found { environment, event } => self.step(&environment, event),
            Input::Time => self.time(),
            Input::Attached { host, inventory } => self.attached(&host, inventory),
            Input::Task { host, task, report } => self.task(&host, &task, report),
            Input::Answers {
                environment,
                command,
                answers,
            } => self.answers(&environment, command, answers),
            Input::Device { task, event } => {
                if let Some((environment, task)) = self.tasks.get(&task).cloned() {
                    self.step(&environment, Event::Device(task, event));
                }
            }
            Input::HostLost { host, cause } => self.host_lost(&host, &cause),
            Input::Restarted => self.restarted(away),
        }
        std::mem::take(&mut self.outputs)
    }

    /// Why this environment cannot be created now; `None`: it can.
    pub fn refuses(&self, create: &Create) -> Option<Refusal> {
        if self.environments.contains_key(&create.plan.id) {
            return Some(Refusal::Exists);
        }
        let wanted = detectors(&create.plan);
        for (by, other) in &self.environments {
            let theirs = detectors(other.environment.plan());
            if let Some(detector) = wanted.iter().find(|detector| theirs.contains(detector)) {
                let (detector, by) = (detector.clone(), by.clone());
                return Some(Refusal::DetectorInUse { detector, by });
            }
        }
        None
    }

    /// When [`Input::Time`] is due next; milliseconds since 1970.
    pub fn next_timer(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The time of the last input.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// All environments.
    pub fn environments(&self) -> &BTreeMap<EnvironmentId, Entry> {
        &self.environments
    }

    /// Whose task it is.
    pub fn owner(&self, task: &str) -> Option<(&EnvironmentId, TaskIndex)> {
        self.tasks.get(task).map(|(id, index)| (id, *index))
    }

    /// Tasks that were left when their environment ended, by host.
    pub fn kept(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.kept
    }

    /// Hosts that are gone, and why.
    pub fn lost(&self) -> &BTreeMap<String, Cause> {
        &self.lost
    }

    /// Number of the last thing that people were let see.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Highest identity of a request so far.
    pub fn last_request(&self) -> RequestId {
        self.request
    }

    fn create(&mut self, create: Create) {
        self.request = self.request.max(create.request);
        if self.refuses(&create).is_some() {
            return;
        }
        self.kill_kept();
        let id = create.plan.id.clone();
        for (index, task) in create.plan.tasks.iter().enumerate() {
            self.tasks.insert(task.id.clone(), (id.clone(), index));
        }
        let entry = Entry {
            environment: Environment::new(create.plan),
            user: create.user,
            created: self.now,
            origin: create.origin,
            variables: RoleVariables::new(),
        };
        self.environments.insert(id.clone(), entry);
        let work = Request::Create { auto: create.auto };
        self.step(&id, Event::Request(create.request, work));
    }

    /// Tells an environment what happened.
    fn step(&mut self, id: &str, event: Event) {
        let Some(entry) = self.environments.get_mut(id) else {
            return;
        };
        let before = entry.environment.next_timer().map(|(due, _)| due);
        let effects = entry.environment.step(self.now, event);
        let after = entry.environment.next_timer().map(|(due, _)| due);
        if before != after {
            if let Some(due) = before {
                self.timers.remove(&(due, id.to_owned()));
            }
            if let Some(due) = after {
                self.timers.insert((due, id.to_owned()));
            }
        }
        for effect in effects {
            self.take(id, effect);
        }
    }

    fn take(&mut self, id: &str, effect: Effect) {
        let output = match effect {
            // The environment itself knows when they run down.
            Effect::SetTimer(..) | Effect::CancelTimer(_) => return,
            Effect::Reply(request, reply) => Output::Reply(request, reply),
            Effect::Observe(observation) => {
                self.sequence += 1;
                Output::Observed(Numbered {
                    number: self.sequence,
                    time: self.now,
                    environment: id.to_owned(),
                    observation,
                })
            }
            Effect::Leave(tasks) => return self.keep(id, &tasks),
            Effect::Store { key, value } => {
                self.stored.insert(key, value);
                return;
            }
            Effect::Gone => {
                self.forget(id);
                Output::Gone(id.to_owned())
            }
            Effect::SetVariable { role, name, value } => {
                if let Some(entry) = self.environments.get_mut(id) {
                    let variables = entry.variables.entry(role).or_default();
                    variables.insert(name.clone(), value.clone());
                }
                Output::Effect(id.to_owned(), Effect::SetVariable { role, name, value })
            }
            effect => Output::Effect(id.to_owned(), effect),
        };
        self.outputs.push(output);
    }

    /// What calls wrote to the run-time store, by full key.
    pub fn stored(&self) -> &BTreeMap<String, String> {
        &self.stored
    }

    fn forget(&mut self, id: &str) {
        let Some(entry) = self.environments.remove(id) else {
            return;
        };
        if let Some((due, _)) = entry.environment.next_timer() {
            self.timers.remove(&(due, id.to_owned()));
        }
        for task in &entry.environment.plan().tasks {
            self.tasks.remove(&task.id);
        }
    }

    fn time(&mut self) {
        while let Some((due, id)) = self.timers.first().cloned()
            && due <= self.now
        {
            let entry = self.environments.get(&id);
            match entry.and_then(|entry| entry.environment.next_timer()) {
                Some((_, timer)) => self.step(&id, Event::Timer(timer)),
                None => drop(self.timers.remove(&(due, id))),
            }
        }
    }

    fn answers(&mut self, environment: &str, command: CommandId, answers: Vec<TaskAnswer>) {
        let mut known = Vec::new();
        for answer in answers {
            if let Some((owner, task)) = self.tasks.get(&answer.task)
                && owner == environment
            {
                known.push(Answer {
                    task: *task,
                    state: answer.state,
                    error: answer.error,
                    late: answer.late,
                    last_lines: answer.last_lines,
                });
            }
        }
        self.step(environment, Event::Answers(command, known));
    }

    fn restarted(&mut self, away: Duration) {
        self.attached.clear();
        let ids: Vec<EnvironmentId> = self.environments.keys().cloned().collect();
        for id in ids {
            self.step(&id, Event::Restarted(away));
        }
    }
}
