//! The loop in which everything happens: what has come in meanwhile is taken in one after the other, and what the
//! machine says to it is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::history::History;
use super::machine::{Create, Input, Machine, Refusal, User};
use super::news;
use super::scene::Scene;
use super::{Config, CoreError, EnvironmentId, Pending};
use crate::cluster::{Cluster, ClusterEvent};
use crate::environment::{Event, Observation, Reply, Request, RequestId};
use crate::identity::Identities;
use crate::run_number::RunNumbers;

/// Inputs that are taken in together.
const BATCH: usize = 1024;

/// A question about what is true now.
pub(super) type Question = Box<dyn FnOnce(&Actor) + Send>;
/// What came of the wish for an environment: who can watch it, and its answer.
pub(super) type Created = Result<(broadcast::Receiver<Observation>, Pending), CoreError>;

/// What is asked of the core.
pub(super) enum Asked {
    Create {
        create: Box<Create>,
        scene: Box<Scene>,
        answer: oneshot::Sender<Created>,
    },
    Request {
        environment: EnvironmentId,
        work: Request,
        user: User,
        answer: oneshot::Sender<Result<Pending, CoreError>>,
    },
    Cleanup {
        user: User,
        answer: oneshot::Sender<()>,
    },
    Read(Question),
    /// Everything ends, and with it the cluster.
    Shutdown {
        answer: oneshot::Sender<()>,
    },
}

/// An input, and who waits for it to be taken in.
struct Told {
    input: Input,
    waiter: Waiter,
}

enum Waiter {
    Nobody,
    /// An executor keeps it until it is acknowledged.
    Executor {
        host: String,
        sequence: u64,
    },
    Creator {
        scene: Box<Scene>,
        answer: oneshot::Sender<Created>,
    },
    Asker(oneshot::Sender<Result<Pending, CoreError>>),
    Cleaner(oneshot::Sender<()>),
}

pub(super) struct Actor {
    pub(super) config: Config,
    pub(super) cluster: Box<dyn Cluster>,
    pub(super) run_numbers: RunNumbers,
    pub(super) identities: Arc<Identities>,
    pub(super) machine: Machine,
    pub(super) scenes: BTreeMap<EnvironmentId, Scene>,
    pub(super) replies: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    pub(super) history: History,
    /// What the shell itself has found out for an environment.
    pub(super) found: mpsc::UnboundedSender<(EnvironmentId, Event)>,
    /// Highest identity of a request.
    request: RequestId,
}

/// Where the world speaks to the actor.
pub(super) struct Ears {
    pub(super) asking: mpsc::UnboundedReceiver<Asked>,
    pub(super) news: mpsc::UnboundedReceiver<ClusterEvent>,
    pub(super) finding: mpsc::UnboundedReceiver<(EnvironmentId, Event)>,
}

/// Milliseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is where time enters the core")]
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Actor {
    pub(super) fn new(
        config: Config,
        cluster: Box<dyn Cluster>,
        identities: Arc<Identities>,
        found: mpsc::UnboundedSender<(EnvironmentId, Event)>,
    ) -> Self {
        let run_numbers = RunNumbers::new(config.state_directory.join("run_number"));
        Self {
            config,
            cluster,
            run_numbers,
            identities,
            machine: Machine::default(),
            scenes: BTreeMap::new(),
            replies: BTreeMap::new(),
            history: History::new(0, Vec::new()),
            found,
            request: 0,
        }
    }

    pub(super) async fn serve(mut self, mut ears: Ears) {
        let mut batch = Vec::new();
        loop {
            let due = self.machine.next_timer();
            let timer = due.map_or_else(Instant::now, |due| {
                Instant::now() + Duration::from_millis(due.saturating_sub(now()))
            });
            let end = tokio::select! {
                Some(event) = ears.news.recv() => { self.heard(event, &mut batch); None }
                Some((id, event)) = ears.finding.recv() => { found(id, event, &mut batch); None }
                asked = ears.asking.recv() => match asked {
                    Some(asked) => self.asked(asked, &mut batch),
                    None => return,
                },
                () = sleep_until(timer), if due.is_some() => {
                    batch.push(Told { input: Input::Time, waiter: Waiter::Nobody });
                    None
                }
            };
            let end = end.or_else(|| self.gather(&mut ears, &mut batch));
            self.take_in(&mut batch);
            if let Some(answer) = end {
                self.cluster.shut_down().await;
                let _ = answer.send(());
                return;
            }
        }
    }

    /// Takes up what else has come, without waiting.
    fn gather(&mut self, ears: &mut Ears, batch: &mut Vec<Told>) -> Option<oneshot::Sender<()>> {
        while batch.len() < BATCH
            && let Ok(event) = ears.news.try_recv()
        {
            self.heard(event, batch);
        }
        while batch.len() < BATCH
            && let Ok((id, event)) = ears.finding.try_recv()
        {
            found(id, event, batch);
        }
        while batch.len() < BATCH
            && let Ok(asked) = ears.asking.try_recv()
        {
            if let Some(end) = self.asked(asked, batch) {
                return Some(end);
            }
        }
        None
    }

    fn heard(&mut self, event: ClusterEvent, batch: &mut Vec<Told>) {
        let (input, waiter) = match event {
            ClusterEvent::Attached { host, inventory } => {
                let inventory = inventory.into_iter().map(news::task).collect();
                (Input::Attached { host, inventory }, Waiter::Nobody)
            }
            ClusterEvent::Said { host, sequence, body } => {
                let Some(input) = news::said(host.clone(), body) else {
                    self.cluster.acknowledge(&host, sequence);
                    return;
                };
                (input, Waiter::Executor { host, sequence })
            }
            ClusterEvent::HostLost { host, cause } => (Input::HostLost { host, cause }, Waiter::Nobody),
        };
        batch.push(Told { input, waiter });
    }

    /// An answer that nobody waits for any more is dropped.
    fn asked(&mut self, asked: Asked, batch: &mut Vec<Told>) -> Option<oneshot::Sender<()>> {
        let (input, waiter) = match asked {
            Asked::Create {
                mut create,
                scene,
                answer,
            } => {
                create.request = self.next_request();
                (Input::Create(create), Waiter::Creator { scene, answer })
            }
            Asked::Request {
                environment,
                work,
                user,
                answer,
            } => {
                if !self.machine.environments().contains_key(&environment) {
                    let _ = answer.send(Err(CoreError::NotFound(environment)));
                    return None;
                }
                let request = self.next_request();
                let input = Input::Request {
                    environment,
                    request,
                    work,
                    user,
                };
                (input, Waiter::Asker(answer))
            }
            Asked::Cleanup { user, answer } => (Input::Cleanup { user }, Waiter::Cleaner(answer)),
            Asked::Read(question) => {
                question(self);
                return None;
            }
            Asked::Shutdown { answer } => return Some(answer),
        };
        batch.push(Told { input, waiter });
        None
    }

    fn next_request(&mut self) -> RequestId {
        self.request = self.request.max(self.machine.last_request()) + 1;
        self.request
    }

    fn take_in(&mut self, batch: &mut Vec<Told>) {
        let now = now();
        for Told { input, waiter } in batch.drain(..) {
            self.expect(&input, waiter);
            for output in self.machine.apply(now, input) {
                self.perform(output);
            }
        }
    }

    /// Before an input is applied: whoever waits for it gets its answer as soon as there is one.
    fn expect(&mut self, input: &Input, waiter: Waiter) {
        match (waiter, input) {
            (Waiter::Creator { scene, answer }, Input::Create(create)) => {
                let id = create.plan.id.clone();
                let refused = self.machine.refuses(create).map(|refusal| match refusal {
                    Refusal::Exists => CoreError::Exists(id.clone()),
                    Refusal::DetectorInUse { detector, by } => CoreError::DetectorInUse { detector, by },
                });
                if let Some(refused) = refused {
                    let _ = answer.send(Err(refused));
                    return;
                }
                let watch = scene.observations.subscribe();
                self.scenes.insert(id, *scene);
                let _ = answer.send(Ok((watch, self.pending(create.request))));
            }
            (
                Waiter::Asker(answer),
                Input::Request {
                    environment, request, ..
                },
            ) => {
                let answered = if self.machine.environments().contains_key(environment) {
                    Ok(self.pending(*request))
                } else {
                    Err(CoreError::NotFound(environment.clone()))
                };
                let _ = answer.send(answered);
            }
            (Waiter::Cleaner(answer), _) => drop(answer.send(())),
            (Waiter::Executor { host, sequence }, _) => self.cluster.acknowledge(&host, sequence),
            _ => {}
        }
    }

    fn pending(&mut self, request: RequestId) -> Pending {
        let (reply, replied) = oneshot::channel();
        self.replies.insert(request, reply);
        Pending(replied)
    }
}

fn found(environment: EnvironmentId, event: Event, batch: &mut Vec<Told>) {
    let input = Input::Found { environment, event };
    batch.push(Told {
        input,
        waiter: Waiter::Nobody,
    });
}
