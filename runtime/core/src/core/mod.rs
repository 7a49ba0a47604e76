//! The core: one [`machine`] that decides, and the shell around it, which has the clock, the cluster and the services,
//! does what the machine says, and tells it what happens. The shell decides nothing.

mod actor;
mod effects;
mod history;
pub mod machine;
mod memory;
mod news;
mod origin;
mod scene;
mod snapshot;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use partita_artefact::deploy::Plugin;
use partita_artefact::instance::Instance;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::store::Store;
use partita_services::Registry;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

pub use crate::deployment::KillSteps;
pub use history::{Events, EventsError};
pub use machine::{Origin, User};
pub use origin::TreeError;
pub use snapshot::{RoleSnapshot, Snapshot, TaskSnapshot};

use crate::cause::Cause;
use crate::cluster::Cluster;
use crate::environment::{DestroyOptions, Observation, Reply, Request, State, Transition};
use crate::identity::Identities;
use crate::journal::JournalError;
use crate::local::{Life, Local, LocalConfig, LocalError};
use crate::prepare::{PrepareError, Prepared, prepare};
use actor::{Actor, Asked, Ears};
use history::Reader;
use machine::Create;
use memory::Memory;
use scene::Scene;

/// Observations that a slow watcher may lag behind before it loses some, and is told so.
const WATCH_WINDOW: usize = 16 * 1024;

/// Identity of an environment: a short text in base 58.
pub type EnvironmentId = String;

/// What a core needs to know.
#[derive(Debug)]
pub struct Config {
    /// Folder for what must outlive the core: the run number. Sessions have a folder of their own in it.
    pub state_directory: PathBuf,
    /// Names of the hosts of the local cluster.
    pub hosts: Vec<String>,
    /// Program and first arguments that start an executor.
    pub executor: Vec<OsString>,
    /// Folder for the logs of executors, with the output of tasks that asks to be logged; `None`: they go with the
    /// session.
    pub log_directory: Option<PathBuf>,
    /// How long executors wait for a core that is gone before they end their tasks; `None`: for ever.
    pub executor_patience: Option<Duration>,
    /// How long executors have to end at the shutdown, before they are killed.
    pub farewell: Duration,
    /// How much longer than its time-out a call may take, for services that keep to it themselves.
    pub call_grace: Duration,
    /// How patiently tasks are ended.
    pub kill: KillSteps,
    /// The control plugin of `FairMQ` devices.
    pub plugin: Plugin,
    /// The services that calls are made to.
    pub services: Registry,
    /// With a store, the core is durable: it keeps a journal in [`Config::state_directory`], its executors outlive it,
    /// and a core that is started there later takes up everything again, finding the artefacts here.
    pub durable: Option<Store>,
}

impl Config {
    /// One host, `localhost`, with executors that do not outlive the core.
    pub fn new(state_directory: PathBuf, executor: Vec<OsString>, services: Registry) -> Self {
        Self {
            state_directory,
            hosts: vec!["localhost".to_owned()],
            executor,
            log_directory: None,
            executor_patience: Some(Duration::from_secs(1)),
            farewell: Duration::from_secs(20),
            call_grace: Duration::from_millis(100),
            kill: KillSteps::default(),
            plugin: Plugin::default(),
            services,
            durable: None,
        }
    }
}

/// Why a core cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The cluster cannot be started.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// Something with the state directory or the system.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it did not work.
        source: io::Error,
    },
    /// The environment cannot be planned.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The journal cannot be read or written. What was asked was not done.
    #[error(transparent)]
    Journal(#[from] Arc<JournalError>),
    /// What the journal tells of cannot be made again.
    #[error("environment {environment} cannot be taken up again: {why}")]
    Lost {
        /// Which.
        environment: EnvironmentId,
        /// Why.
        why: String,
    },
    /// Another core is at work there.
    #[error("{by} is a core that works with {} already: stop that one, or choose another state directory", folder.display())]
    InUse {
        /// The state directory.
        folder: PathBuf,
        /// Who.
        by: String,
    },
    /// A core that outlives itself must be able to find the artefact again.
    #[error("an environment of this core needs an artefact of its store")]
    NoOrigin,
    /// There is an environment of this identity.
    #[error("there is an environment {0} already")]
    Exists(EnvironmentId),
    /// Two environments cannot use one detector.
    #[error("detector {detector} is already in use by environment {by}")]
    DetectorInUse {
        /// Which.
        detector: String,
        /// Whose it is.
        by: EnvironmentId,
    },
    /// There is no environment of this identity.
    #[error("there is no environment {0}")]
    NotFound(EnvironmentId),
    /// Not possible now; nothing has changed.
    #[error("refused in {state}: {reason}")]
    Refused {
        /// State of the environment.
        state: State,
        /// Why.
        reason: String,
    },
    /// It was tried and failed.
    #[error("{cause}")]
    Failed {
        /// State of the environment now.
        state: State,
        /// Why.
        cause: Box<Cause>,
    },
    /// The core is shutting down.
    #[error("the core is shutting down")]
    Stopped,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// State of the environment when it was done.
    pub state: State,
    /// Number of the run then.
    pub run: Option<u32>,
}

/// An answer that is still to come.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Reply>);

impl Pending {
    /// Waits for it.
    pub async fn wait(self) -> Result<Outcome, CoreError> {
        match self.0.await {
            Ok(Reply::Done { state, run }) => Ok(Outcome { state, run }),
            Ok(Reply::Failed { state, cause }) => Err(CoreError::Failed {
                state,
                cause: Box::new(cause),
            }),
            Ok(Reply::Refused { state, reason }) => Err(CoreError::Refused { state, reason }),
            Err(_) => Err(CoreError::Stopped),
        }
    }
}

/// An environment that is being created.
#[derive(Debug)]
pub struct Creation {
    /// Its identity.
    pub id: EnvironmentId,
    /// Everything there is to see of it, from the beginning.
    pub observations: broadcast::Receiver<Observation>,
    /// Comes when it is CONFIGURED, or has failed and is gone.
    pub outcome: Pending,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

/// Detectors that an environment uses: the list in variable `detectors` of its root role (`runtime.md` 3.1).
pub(crate) const DETECTORS: &str = "detectors";

/// What an environment is to be made of.
#[derive(Debug)]
pub struct Wanted {
    /// Its identity, from [`Core::new_id`].
    pub id: EnvironmentId,
    /// Its artefact.
    pub artefact: Arc<Artefact>,
    /// Its role tree.
    pub instance: Instance,
    /// What that was made from ([`Core::tree`]), so that a core that comes back can make it again. `None` is possible
    /// only in a core that does not come back.
    pub origin: Option<Origin>,
    /// Who wants it.
    pub user: User,
    /// It goes through one run by itself, and ends.
    pub auto: bool,
}

/// A core. Dropping it without [`Core::shutdown`] kills its executors, and with them all tasks.
#[derive(Debug)]
pub struct Core {
    asked: mpsc::UnboundedSender<Asked>,
    actor: JoinHandle<()>,
    identities: Arc<Identities>,
    hosts: Arc<[String]>,
    history: Reader,
    is_durable: bool,
}

impl Core {
    /// Starts a core with a local cluster. A durable one takes up what the one before it has left behind.
    pub fn start(config: Config) -> Result<Self, CoreError> {
        let system = |what| move |source| CoreError::System { what, source };
        let identities = Identities::open().map_err(system("read randomness"))?;
        let session = identities.new_id().map_err(system("read randomness"))?;
        let secret = identities.secret().map_err(system("read randomness"))?;
        std::fs::create_dir_all(&config.state_directory).map_err(|source| LocalError::File {
            what: "make the folder",
            path: config.state_directory.clone(),
            source,
        })?;
        let memory = Memory::open(&config)?;
        let (directory, life) = if memory.is_durable() {
            (config.state_directory.join("cluster"), Life::Lasting)
        } else {
            let patience = config.executor_patience;
            let folder = format!("session-{session}");
            (config.state_directory.join(folder), Life::Session { patience })
        };
        let (events, news) = mpsc::unbounded_channel();
        let local = LocalConfig {
            hosts: config.hosts.clone(),
            executor: config.executor.clone(),
            log_directory: config.log_directory.clone(),
            directory,
            life,
            farewell: config.farewell,
        };
        let cluster = Local::start(local, &session, &secret, &events)?;
        let identities = Arc::new(identities);
        let hosts = cluster.hosts().into();
        let (asked, asking) = mpsc::unbounded_channel();
        let (found, finding) = mpsc::unbounded_channel();
        let ears = Ears {
            asking,
            news,
            finding,
        };
        let is_durable = memory.is_durable();
        let actor = Actor::new(config, Box::new(cluster), Arc::clone(&identities), found, memory);
        Ok(Self {
            asked,
            history: actor.history.reader(),
            actor: tokio::spawn(actor.serve(ears)),
            identities,
            hosts,
            is_durable,
        })
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Asked) -> Result<T, CoreError> {
        let (answer, answered) = oneshot::channel();
        self.asked
            .send(question(answer))
            .map_err(|_| CoreError::Stopped)?;
        answered.await.map_err(|_| CoreError::Stopped)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Actor) -> T + Send + 'static,
    ) -> Result<T, CoreError> {
        // Who asked may have gone.
        self.ask(|answer| Asked::Read(Box::new(move |actor| drop(answer.send(read(actor))))))
            .await
    }

    /// An identity for an environment. Templates see it as `environment_id`, so it is needed before the role tree.
    pub fn new_id(&self) -> Result<EnvironmentId, CoreError> {
        self.identities.new_id().map_err(|source| CoreError::System {
            what: "read randomness",
            source,
        })
    }

    /// The variables that a core puts around the root role of an environment, weaker than anything given
    /// (`template-language.md` 3.1). There is no Mesos and no configuration service here: the framework is called
    /// `local`, and Consul would be where it is by default.
    pub fn surroundings(&self, id: &str, user: &User) -> Layers {
        let layer = |pairs: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        Layers {
            defaults: layer(&[
                ("consul_base_uri", "consul://localhost:8500"),
                ("consul_endpoint", "localhost:8500"),
                ("consul_hostname", "localhost"),
                ("consul_port", "8500"),
                ("core_hostname", "localhost"),
                ("framework_id", "local"),
            ]),
            vars: layer(&[("__fmq_cleanup_count", "0")]),
            user: layer(&[
                ("enter_state_time_ms", &actor::now().to_string()),
                ("environment_id", id),
                ("last_request_user", &user.to_string()),
            ]),
        }
    }

    /// Makes the role tree of an environment, which may take a while for a large one. What only chance decides is noted
    /// in `origin`.
    pub fn tree(&self, artefact: &Artefact, origin: &mut Origin) -> Result<Instance, TreeError> {
        origin::make(artefact, origin, &self.identities)
    }

    /// Begins to create an environment: DEPLOY, then CONFIGURE. If that fails, nothing of it stays.
    pub async fn create(&self, wanted: Wanted) -> Result<Creation, CoreError> {
        if wanted.origin.is_none() && self.is_durable {
            return Err(CoreError::NoOrigin);
        }
        let Wanted {
            id,
            artefact,
            mut instance,
            origin,
            user,
            auto,
        } = wanted;
        let (hosts, identities) = (Arc::clone(&self.hosts), Arc::clone(&self.identities));
        let own = id.clone();
        let planned = tokio::task::spawn_blocking(move || {
            origin::own(&mut instance, &own);
            let prepared = prepare(&own, &instance, &hosts, &identities)?;
            Ok::<_, PrepareError>((prepared, instance))
        });
        let (prepared, instance) = planned.await.map_err(|_| CoreError::Stopped)??;
        let Prepared {
            mut plan,
            trails,
            warnings,
        } = prepared;
        plan.workflow = origin::workflow(&artefact, &instance);
        let create = Create {
            request: 0,
            user,
            auto,
            origin,
            plan,
        };
        let scene = Scene::new(artefact, instance, trails);
        let created = self.ask(|answer| Asked::Create {
            create: Box::new(create),
            scene: Box::new(scene),
            answer,
        });
        let (observations, outcome) = created.await??;
        Ok(Creation {
            id,
            observations,
            outcome,
            warnings,
        })
    }

    /// Asks something of an environment; requests are served one after the other.
    pub async fn request(&self, id: &str, work: Request, user: User) -> Result<Pending, CoreError> {
        let environment = id.to_owned();
        self.ask(|answer| Asked::Request {
            environment,
            work,
            user,
            answer,
        })
        .await?
    }

    /// The same, and waits for what comes of it.
    pub async fn carry_out(&self, id: &str, work: Request, user: User) -> Result<Outcome, CoreError> {
        self.request(id, work, user).await?.wait().await
    }

    /// Makes a transition, after those that were asked for before.
    pub async fn transition(&self, id: &str, transition: Transition) -> Result<Outcome, CoreError> {
        let work = Request::Transition(transition);
        self.carry_out(id, work, User::default()).await
    }

    /// Ends an environment. [`CoreError::Failed`] in state DONE: it is gone, but not everything went well.
    pub async fn destroy(&self, id: &str, options: DestroyOptions) -> Result<Outcome, CoreError> {
        let work = Request::Destroy(options);
        self.carry_out(id, work, User::default()).await
    }

    /// Everything there is to see of an environment from now on. A watcher that is too slow is told how much it has
    /// missed; a snapshot then says what is true.
    pub async fn watch(&self, id: &str) -> Result<broadcast::Receiver<Observation>, CoreError> {
        let id = id.to_owned();
        self.read(move |actor| {
            let scene = actor.scenes.get(&id);
            scene
                .map(|scene| scene.observations.subscribe())
                .ok_or(CoreError::NotFound(id))
        })
        .await?
    }

    /// Everything there is to see in all environments, beginning with a number; `None`: from now on.
    pub fn events(&self, from: Option<u64>) -> Result<Events, EventsError> {
        Events::new(self.history.clone(), from)
    }

    /// What is true of an environment now.
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, CoreError> {
        let id = id.to_owned();
        self.read(move |actor| {
            let entry = actor.machine.environments().get(&id);
            let taken = entry
                .zip(actor.scenes.get(&id))
                .map(|(entry, scene)| snapshot::take(entry, scene, actor::now()));
            taken.ok_or(CoreError::NotFound(id))
        })
        .await?
    }

    /// Identities of the environments, with their states.
    pub async fn environments(&self) -> Result<BTreeMap<EnvironmentId, State>, CoreError> {
        self.read(|actor| {
            let all = actor.machine.environments().iter();
            all.map(|(id, entry)| (id.clone(), entry.environment().state()))
                .collect()
        })
        .await
    }

    /// Ends tasks that were left when their environment ended.
    pub async fn cleanup(&self, user: User) -> Result<(), CoreError> {
        self.ask(|answer| Asked::Cleanup { user, answer }).await?
    }

    /// Lets go of everything as it is: environments, runs and tasks go on without a core, until one is started on the
    /// same state directory. A core that is not durable shuts down instead.
    pub async fn leave(self) {
        if !self.is_durable {
            return self.shutdown().await;
        }
        let _ = self.ask(|answer| Asked::Leave { answer }).await;
        let _ = self.actor.await;
    }

    /// Ends all environments in order, then the executors. Afterwards no process, socket or file of the session is
    /// left.
    pub async fn shutdown(self) {
        for id in self.environments().await.unwrap_or_default().into_keys() {
            let options = DestroyOptions {
                allow_in_running: true,
                ..DestroyOptions::default()
            };
            if let Err(error) = self.destroy(&id, options).await {
                tracing::warn!(environment = id, %error, "not everything went well at the end");
            }
        }
        let _ = self.ask(|answer| Asked::Shutdown { answer }).await;
        let _ = self.actor.await;
    }
}
