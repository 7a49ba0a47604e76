//! The life of the environment: created, taken through a run, ended; and what signals do to it.

use std::sync::Arc;
use std::time::Duration;

use partita_artefact::digest::Digest;
use partita_artefact::ir::{Artefact, Layers};
use partita_core::core::{Config, Core, CoreError, Creation, Origin, TreeError, User, Wanted};
use partita_core::environment::{DestroyOptions, State, Transition};
use partita_core::local::LocalError;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::story::{Story, View};
use crate::failure::Failure;
use crate::show;

/// Starts a core, lives one life in it, and ends it; whatever happens, nothing is left.
pub(super) async fn live(
    artefact: Arc<Artefact>,
    digest: Digest,
    given: Layers,
    config: Config,
    data_taking: Option<Duration>,
) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let mut story = Story::begin(&artefact.root, &digest.to_string());
    let core = Core::start(config).map_err(|error| refused(&error))?;
    let mut life = Life {
        core: &core,
        data_taking,
        signals,
    };
    let result = life.lived(artefact, digest, given, &mut story).await;
    core.shutdown().await;
    story.end(result.is_ok());
    result
}

struct Life<'a> {
    core: &'a Core,
    data_taking: Option<Duration>,
    signals: Signals,
}

/// How a piece of work ended.
enum End<T> {
    Itself(T),
    /// A second signal came meanwhile.
    ByForce,
}

impl Life<'_> {
    async fn lived(
        &mut self,
        artefact: Arc<Artefact>,
        hash: Digest,
        given: Layers,
        story: &mut Story,
    ) -> Result<(), Failure> {
        let Creation {
            id,
            observations,
            outcome,
            warnings,
        } = create(self.core, artefact, hash, given).await?;
        let view = &mut View {
            core: self.core,
            id: &id,
            observations,
        };
        story.environment(&id, &warnings);
        tokio::select! {
            outcome = story.watching(view, outcome.wait()) => {
                outcome.map_err(|error| story.failure(&error))?;
            }
            name = self.signals.next() => {
                story.interrupted(name);
                return self.destroy(story, view).await;
            }
        }
        let taken = self.take_data(story, view).await;
        let ended = self.destroy(story, view).await;
        taken.and(ended)
    }

    /// START, the run, STOP.
    async fn take_data(&mut self, story: &mut Story, view: &mut View<'_>) -> Result<(), Failure> {
        let id = view.id;
        tokio::select! {
            started = story.watching(view, self.core.transition(id, Transition::Start)) => {
                started.map_err(|error| story.failure(&error))?;
            }
            name = self.signals.next() => {
                story.interrupted(name);
                return Ok(());
            }
        }
        let snapshot = self
            .core
            .snapshot(id)
            .await
            .map_err(|error| story.failure(&error))?;
        story.running(&snapshot, self.data_taking);
        tokio::select! {
            state = story.until_it_stops(view) => return if state == State::Error {
                Err(Failure::No("the run failed; see above".into()))
            } else {
                story.ended_by_itself();
                Ok(())
            },
            () = elapsed(self.data_taking) => {}
            name = self.signals.next() => {
                story.interrupted(name);
            }
        }
        let stop = self.core.transition(id, Transition::Stop);
        match self.unless_forced(stop, story, view).await {
            End::Itself(stopped) => stopped.map(|_| ()).map_err(|error| story.failure(&error)),
            End::ByForce => self.force(story, view).await,
        }
    }

    /// Waits for work that ends the run: the first signal asks for nothing else, the second has no patience with it.
    async fn unless_forced<T>(
        &mut self,
        work: impl Future<Output = Result<T, CoreError>>,
        story: &mut Story,
        view: &mut View<'_>,
    ) -> End<Result<T, CoreError>> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = story.watching(view, &mut work) => return End::Itself(ended),
                name = self.signals.next() => {
                    if story.is_interrupted() {
                        story.forced(name);
                        return End::ByForce;
                    }
                    story.interrupted(name);
                }
            }
        }
    }

    /// Ends the environment in order; a signal meanwhile ends it by force.
    async fn destroy(&mut self, story: &mut Story, view: &mut View<'_>) -> Result<(), Failure> {
        let in_order = DestroyOptions {
            allow_in_running: true,
            ..DestroyOptions::default()
        };
        let destroy = self.core.destroy(view.id, in_order);
        match self.unless_forced(destroy, story, view).await {
            End::Itself(ended) => gone(ended, story),
            End::ByForce => self.force(story, view).await,
        }
    }

    async fn force(&self, story: &mut Story, view: &mut View<'_>) -> Result<(), Failure> {
        let by_force = DestroyOptions {
            allow_in_running: true,
            force: true,
            ..DestroyOptions::default()
        };
        let ended = story.watching(view, self.core.destroy(view.id, by_force)).await;
        gone(ended, story)
    }
}

/// What is gone already needs no ending.
fn gone<T>(ended: Result<T, CoreError>, story: &mut Story) -> Result<(), Failure> {
    match ended {
        Ok(_)
        | Err(
            CoreError::NotFound(_)
            | CoreError::Refused {
                state: State::Done, ..
            },
        ) => Ok(()),
        Err(error) => Err(story.failure(&error)),
    }
}

async fn create(
    core: &Core,
    artefact: Arc<Artefact>,
    hash: Digest,
    given: Layers,
) -> Result<Creation, Failure> {
    let id = core.new_id().map_err(|error| refused(&error))?;
    let user = User::default();
    let mut origin = Origin {
        artefact: hash.to_string(),
        root: artefact.root.clone(),
        given: core.surroundings(&id, &user).with(&given),
        ..Origin::default()
    };
    let instance = core.tree(&artefact, &mut origin).map_err(|error| match error {
        TreeError::Instantiate(errors) => show::failed(&artefact, &errors),
        error @ TreeError::NoRole(_) => Failure::No(error.to_string()),
    })?;
    let wanted = Wanted {
        id,
        artefact,
        instance,
        origin: Some(origin),
        user,
        auto: false,
    };
    core.create(wanted).await.map_err(|error| refused(&error))
}

/// Before there is an environment: the plan is impossible, or the machine fails us.
fn refused(error: &CoreError) -> Failure {
    match error {
        CoreError::Prepare(_) => Failure::No(error.to_string()),
        CoreError::Local(LocalError::HostName(_) | LocalError::Twice(_)) => {
            Failure::Usage(format!("--hosts: {error}"))
        }
        _ => Failure::Surroundings(error.to_string()),
    }
}

async fn elapsed(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// What a person, or the session manager, sends to end a run.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::Surroundings(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}
