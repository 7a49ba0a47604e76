//! The loop in which everything happens: what has come in meanwhile is taken in one after the other, and what the
//! machine says to it is done.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::history::History;
use super::machine::{Create, Input, Machine, Refusal, User};
use super::memory::Memory;
use super::news;
use super::scene::Scene;
use super::{Config, CoreError, EnvironmentId, Pending};
use crate::cluster::{Cluster, ClusterEvent};
use crate::environment::{Event, Observation, Reply, Request, RequestId};
use crate::identity::Identities;
use crate::journal::{Journal, JournalError};
use crate::run_number::RunNumbers;

/// Inputs that are taken in together.
const BATCH: usize = 1024;
/// Until a journal that cannot be written is tried again.
const PAUSE: Duration = Duration::from_secs(1);

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
        answer: oneshot::Sender<Result<(), CoreError>>,
    },
    Read(Question),
    /// Everything stays as it is, for the next core.
    Leave {
        answer: oneshot::Sender<()>,
    },
    /// Everything ends, and with it the cluster.
    Shutdown {
        answer: oneshot::Sender<()>,
    },
}

/// How the actor ends.
enum End {
    Leave(oneshot::Sender<()>),
    Shutdown(oneshot::Sender<()>),
}

/// An input, and who waits for it to be taken in.
struct Told {
    input: Input,
    waiter: Waiter,
}

impl Told {
    fn by_itself(input: Input) -> Self {
        Self {
            input,
            waiter: Waiter::Nobody,
        }
    }

    /// It cannot be written down. Gives back what has happened all the same.
    fn refuse(self, error: &Arc<JournalError>) -> Option<Self> {
        let error = || CoreError::Journal(Arc::clone(error));
        // Who asked may have gone.
        match self.waiter {
            Waiter::Nobody | Waiter::Executor { .. } => return Some(self),
            Waiter::Creator { answer, .. } => drop(answer.send(Err(error()))),
            Waiter::Asker(answer) => drop(answer.send(Err(error()))),
            Waiter::Cleaner(answer) => drop(answer.send(Err(error()))),
        }
        None
    }
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
    Cleaner(oneshot::Sender<Result<(), CoreError>>),
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
    /// `None`: this core does not come back.
    journal: Option<Journal>,
    /// There was a core before.
    is_old: bool,
    _held: Option<File>,
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
        memory: Memory,
    ) -> Self {
        let run_numbers = RunNumbers::new(config.state_directory.join("run_number"));
        Self {
            config,
            cluster,
            run_numbers,
            identities,
            request: memory.machine.last_request(),
            machine: memory.machine,
            scenes: memory.scenes,
            replies: BTreeMap::new(),
            history: memory.history,
            journal: memory.journal,
            is_old: memory.is_old,
            _held: memory.held,
            found,
        }
    }

    pub(super) async fn serve(mut self, mut ears: Ears) {
        let mut batch = Vec::new();
        if self.is_old {
            batch.push(Told::by_itself(Input::Restarted));
        }
        loop {
            let mut end = self.gather(&mut ears, &mut batch);
            if batch.is_empty() && end.is_none() {
                end = match self.wait(&mut ears, &mut batch).await {
                    Some(end) => end,
                    None => return,
                };
                end = end.or_else(|| self.gather(&mut ears, &mut batch));
            }
            let is_written = self.take_in(&mut batch);
            match end {
                Some(End::Shutdown(answer)) => {
                    self.cluster.shut_down().await;
                    let _ = answer.send(());
                    return;
                }
                Some(End::Leave(answer)) => {
                    self.compact();
                    self.cluster.leave().await;
                    let _ = answer.send(());
                    return;
                }
                // Who asks now is told so; what has happened waits until it can be written.
                None if !is_written => tokio::time::sleep(PAUSE).await,
                None => {}
            }
        }
    }

    /// Waits until something comes; `None`: nobody has the core any more.
    async fn wait(&mut self, ears: &mut Ears, batch: &mut Vec<Told>) -> Option<Option<End>> {
        let due = self.machine.next_timer();
        let timer = due.map_or_else(Instant::now, |due| {
            Instant::now() + Duration::from_millis(due.saturating_sub(now()))
        });
        tokio::select! {
            Some(event) = ears.news.recv() => self.heard(event, batch),
            Some((id, event)) = ears.finding.recv() => found(id, event, batch),
            asked = ears.asking.recv() => return asked.map(|asked| self.asked(asked, batch)),
            () = sleep_until(timer), if due.is_some() => batch.push(Told::by_itself(Input::Time)),
        }
        Some(None)
    }

    /// Takes up what else has come, without waiting.
    fn gather(&mut self, ears: &mut Ears, batch: &mut Vec<Told>) -> Option<End> {
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
            // Deadlines say who is late, should it last.
            ClusterEvent::Away { host, cause } => return tracing::warn!(host, %cause),
            ClusterEvent::HostLost { host, cause } => (Input::HostLost { host, cause }, Waiter::Nobody),
        };
        batch.push(Told { input, waiter });
    }

    /// An answer that nobody waits for any more is dropped.
    fn asked(&mut self, asked: Asked, batch: &mut Vec<Told>) -> Option<End> {
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
            Asked::Leave { answer } => return Some(End::Leave(answer)),
            Asked::Shutdown { answer } => return Some(End::Shutdown(answer)),
        };
        batch.push(Told { input, waiter });
        None
    }

    fn next_request(&mut self) -> RequestId {
        self.request = self.request.max(self.machine.last_request()) + 1;
        self.request
    }

    /// Writes down what has come, then takes it in. `false`: it could not be written; then whoever asked is refused, and
    /// what has happened stays in the batch.
    fn take_in(&mut self, batch: &mut Vec<Told>) -> bool {
        let now = now().max(self.machine.now());
        if let Err(error) = self.write(now, batch) {
            tracing::error!(%error, "the core stands still until its journal can be written");
            let error = Arc::new(error);
            let kept = batch.drain(..).filter_map(|told| told.refuse(&error)).collect();
            *batch = kept;
            return false;
        }
        for Told { input, waiter } in batch.drain(..) {
            self.expect(&input, waiter);
            for output in self.machine.apply(now, input) {
                self.perform(output);
            }
        }
        if self.journal.as_ref().is_some_and(Journal::is_full) {
            self.compact();
        }
        true
    }

    fn write(&mut self, now: u64, batch: &[Told]) -> Result<(), JournalError> {
        if batch.is_empty() {
            return Ok(());
        }
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        if journal.is_broken() {
            let recent = self.history.readable();
            journal.compact(
                &self.machine,
                &recent.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            )?;
        }
        journal.append(now, batch.iter().map(|told| &told.input))
    }

    /// If the whole machine cannot be written now, the inputs go on where they are.
    fn compact(&mut self) {
        let recent = self.history.readable();
        let recent: Vec<_> = recent.iter().map(AsRef::as_ref).collect();
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.compact(&self.machine, &recent)
        {
            tracing::error!(%error, "the journal grows on");
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
            (Waiter::Cleaner(answer), _) => drop(answer.send(Ok(()))),
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
    batch.push(Told::by_itself(Input::Found { environment, event }));
}
