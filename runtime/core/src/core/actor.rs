//! The loop in which everything happens, one thing after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use partita_artefact::instance::Instance;
use partita_artefact::ir::Artefact;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::entry::Entry;
use super::{
    Config, CoreError, Creation, DETECTORS, EnvironmentId, Pending, Snapshot, WATCH_WINDOW, snapshot,
};
use crate::cluster::{Cluster, ClusterEvent};
use crate::environment::plan::{TaskIndex, Workflow};
use crate::environment::{Environment, Event, Observation, Request, State};
use crate::identity::Identities;
use crate::prepare::{Prepared, prepare};
use crate::run_number::RunNumbers;

/// What is asked of the core.
pub(super) enum Asked {
    Create {
        id: EnvironmentId,
        artefact: Arc<Artefact>,
        instance: Box<Instance>,
        auto: bool,
        answer: oneshot::Sender<Result<Creation, CoreError>>,
    },
    Request {
        id: EnvironmentId,
        request: Request,
        answer: oneshot::Sender<Result<Pending, CoreError>>,
    },
    Watch {
        id: EnvironmentId,
        answer: oneshot::Sender<Result<broadcast::Receiver<Observation>, CoreError>>,
    },
    Snapshot {
        id: EnvironmentId,
        answer: oneshot::Sender<Result<Snapshot, CoreError>>,
    },
    List {
        answer: oneshot::Sender<BTreeMap<EnvironmentId, State>>,
    },
    Cleanup {
        answer: oneshot::Sender<()>,
    },
    Shutdown {
        answer: oneshot::Sender<()>,
    },
}

pub(super) struct Actor {
    pub(super) config: Config,
    pub(super) cluster: Box<dyn Cluster>,
    pub(super) run_numbers: RunNumbers,
    pub(super) identities: Arc<Identities>,
    pub(super) environments: BTreeMap<EnvironmentId, Entry>,
    /// Whose task is it.
    pub(super) tasks: BTreeMap<String, (EnvironmentId, TaskIndex)>,
    /// Tasks without environment, by host.
    pub(super) left: BTreeMap<String, Vec<String>>,
    /// Hosts that are gone, and why.
    pub(super) lost: BTreeMap<String, crate::cause::Cause>,
    /// What the shell itself has found out for a machine.
    pub(super) found: mpsc::UnboundedSender<(EnvironmentId, Event)>,
    finding: Option<mpsc::UnboundedReceiver<(EnvironmentId, Event)>>,
}

/// Milliseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is where time enters the core")]
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What the environment is made from, for people.
fn workflow(artefact: &Artefact, instance: &Instance) -> Workflow {
    let module = artefact.modules.get(&artefact.root);
    let (_, name) = artefact.root.rsplit_once("/workflows/").unwrap_or_default();
    Workflow {
        name: instance.root.name.clone(),
        description: module
            .and_then(|module| module.description.clone())
            .unwrap_or_default(),
        path: name.split('@').next().unwrap_or_default().to_owned(),
        public: module.is_some_and(|module| module.public),
    }
}

fn detectors(list: Option<&String>) -> Vec<String> {
    list.and_then(|list| serde_json::from_str(list).ok())
        .unwrap_or_default()
}

fn detectors_of(machine: &Environment) -> Vec<String> {
    detectors(machine.plan().variables.get(DETECTORS))
}

impl Actor {
    pub(super) fn new(
        config: Config,
        cluster: Box<dyn Cluster>,
        run_numbers: RunNumbers,
        identities: Arc<Identities>,
    ) -> Self {
        let (found, finding) = mpsc::unbounded_channel();
        Self {
            config,
            cluster,
            run_numbers,
            identities,
            environments: BTreeMap::new(),
            tasks: BTreeMap::new(),
            left: BTreeMap::new(),
            lost: BTreeMap::new(),
            found,
            finding: Some(finding),
        }
    }

    pub(super) async fn serve(
        mut self,
        mut asking: mpsc::UnboundedReceiver<Asked>,
        mut news: mpsc::UnboundedReceiver<ClusterEvent>,
    ) {
        let Some(mut finding) = self.finding.take() else {
            return;
        };
        loop {
            let timers = self
                .environments
                .iter()
                .filter_map(|(id, entry)| Some((entry.next_timer()?, id)));
            let next = timers.min().map(|((due, timer), id)| (due, timer, id.clone()));
            let due = next.as_ref().map_or_else(Instant::now, |(due, ..)| *due);
            tokio::select! {
                Some(event) = news.recv() => self.heard(event),
                Some((id, event)) = finding.recv() => self.step(&id, event),
                asked = asking.recv() => match asked {
                    Some(Asked::Shutdown { answer }) => {
                        self.cluster.shut_down().await;
                        let _ = answer.send(());
                        return;
                    }
                    Some(asked) => self.asked(asked),
                    None => return,
                },
                () = sleep_until(due), if next.is_some() => {
                    if let Some((_, timer, id)) = next {
                        if let Some(entry) = self.environments.get_mut(&id) {
                            entry.timers.remove(&timer);
                        }
                        self.step(&id, Event::Timer(timer));
                    }
                }
            }
        }
    }

    /// Tells a machine what happened, and does what it says.
    pub(super) fn step(&mut self, id: &str, event: Event) {
        let Some(entry) = self.environments.get_mut(id) else {
            return;
        };
        for effect in entry.machine.step(now(), event) {
            self.perform(id, effect);
        }
    }

    /// An answer that nobody waits for any more is dropped.
    fn asked(&mut self, asked: Asked) {
        match asked {
            Asked::Create {
                id,
                artefact,
                instance,
                auto,
                answer,
            } => drop(answer.send(self.create(id, artefact, *instance, auto))),
            Asked::Request { id, request, answer } => drop(answer.send(self.request(&id, request))),
            Asked::Watch { id, answer } => {
                let entry = self.environments.get(&id);
                let watch = entry.map(|entry| entry.observations.subscribe());
                drop(answer.send(watch.ok_or(CoreError::NotFound(id))));
            }
            Asked::Snapshot { id, answer } => {
                let entry = self.environments.get(&id);
                let taken = entry.map(|entry| snapshot::take(entry, now()));
                drop(answer.send(taken.ok_or(CoreError::NotFound(id))));
            }
            Asked::List { answer } => {
                let all = self.environments.iter();
                drop(
                    answer.send(
                        all.map(|(id, entry)| (id.clone(), entry.machine.state()))
                            .collect(),
                    ),
                );
            }
            Asked::Cleanup { answer } => {
                self.kill_left();
                let _ = answer.send(());
            }
            Asked::Shutdown { .. } => {}
        }
    }

    fn create(
        &mut self,
        id: EnvironmentId,
        artefact: Arc<Artefact>,
        mut instance: Instance,
        auto: bool,
    ) -> Result<Creation, CoreError> {
        if self.environments.contains_key(&id) {
            return Err(CoreError::Exists(id));
        }
        self.kill_left();
        instance
            .root
            .layers
            .user
            .insert("environment_id".to_owned(), id.clone());
        let prepared = prepare(&id, &instance, self.cluster.hosts(), &self.identities)?;
        let Prepared {
            mut plan,
            trails,
            warnings,
        } = prepared;
        plan.workflow = workflow(&artefact, &instance);
        let detectors = detectors(plan.variables.get(DETECTORS));
        for (by, other) in &self.environments {
            let theirs = detectors_of(&other.machine);
            if let Some(detector) = detectors.iter().find(|detector| theirs.contains(detector)) {
                let (detector, by) = (detector.clone(), by.clone());
                return Err(CoreError::DetectorInUse { detector, by });
            }
        }
        for (index, task) in plan.tasks.iter().enumerate() {
            self.tasks.insert(task.id.clone(), (id.clone(), index));
        }
        let (observations, watch) = broadcast::channel(WATCH_WINDOW);
        let entry = Entry {
            machine: Environment::new(plan),
            artefact,
            instance: Arc::new(instance),
            trails: Arc::new(trails),
            created_ms: now(),
            observations,
            replies: BTreeMap::new(),
            requests: 0,
            timers: BTreeMap::new(),
            calls: BTreeMap::new(),
            run_number: None,
        };
        self.environments.insert(id.clone(), entry);
        let outcome = self.request(&id, Request::Create { auto })?;
        Ok(Creation {
            id,
            observations: watch,
            outcome,
            warnings,
        })
    }

    fn request(&mut self, id: &str, request: Request) -> Result<Pending, CoreError> {
        let not_found = || CoreError::NotFound(id.to_owned());
        let entry = self.environments.get_mut(id).ok_or_else(not_found)?;
        let (answer, answered) = oneshot::channel();
        entry.requests += 1;
        let number = entry.requests;
        entry.replies.insert(number, answer);
        self.step(id, Event::Request(number, request));
        Ok(Pending(answered))
    }
}
