//! An environment, now and with each change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use partita_core::cause::Cause;
use partita_core::core::Snapshot;
use partita_core::environment::{Observation, PendingDeadline, Progress};
use partita_proto::partita::v1 as pb;
use partita_proto::partita::v1::hook_change::Progress as PbProgress;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tonic::Status;

use super::{Ours, is_gone};
use crate::control::Stream;
use crate::identity::identity;
use crate::refusal::status;
use crate::server::{Shared, now_ms};

/// Pictures come no closer than this: what happens meanwhile is in the next one.
const PACE: Duration = Duration::from_millis(50);

/// While something is waited for, a picture comes at least so often, with what is left of the time.
const TICK: Duration = Duration::from_secs(1);

/// Roles that a picture names as late; of more it tells the number.
const LATE: usize = 100;

impl Ours {
    pub(super) async fn watched(&self, request: pb::WatchRequest) -> Result<Stream<pb::Picture>, Status> {
        let id = identity(&request.environment)?.to_owned();
        let observations = self.0.core.watch(&id).await.map_err(|error| status(&error))?;
        let shared = Arc::clone(&self.0);
        Ok(Box::pin(pictures(shared, id, observations)))
    }
}

/// An environment now and with each change, and at last what became of it.
pub(super) fn pictures(
    shared: Arc<Shared>,
    id: String,
    mut observations: Receiver<Observation>,
) -> impl tokio_stream::Stream<Item = Result<pb::Picture, Status>> + Send {
    async_stream::stream! {
        let mut news = Vec::new();
        loop {
            let snapshot = match shared.core.snapshot(&id).await {
                Ok(snapshot) => snapshot,
                Err(error) if is_gone(&error) => {
                    news.extend(told_so_far(&mut observations));
                    yield Ok(gone(&id, news));
                    return;
                }
                Err(error) => {
                    yield Err(status(&error));
                    return;
                }
            };
            let waits = !snapshot.deadlines.is_empty();
            yield Ok(picture(&snapshot, std::mem::take(&mut news)));
            tokio::select! {
                observed = observations.recv() => match observed {
                    Ok(observation) => news.extend(told(observation)),
                    // The next picture is true all the same.
                    Err(RecvError::Lagged(missed)) => news.push(lost(missed)),
                    Err(RecvError::Closed) => {
                        yield Ok(gone(&id, news));
                        return;
                    }
                },
                () = tokio::time::sleep(TICK), if waits => {}
            }
            tokio::time::sleep(PACE).await;
            news.extend(told_so_far(&mut observations));
        }
    }
}

/// What has been seen and not been told.
fn told_so_far(observations: &mut Receiver<Observation>) -> Vec<pb::News> {
    let mut news = Vec::new();
    loop {
        match observations.try_recv() {
            Ok(observation) => news.extend(told(observation)),
            Err(TryRecvError::Lagged(missed)) => news.push(lost(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return news,
        }
    }
}

fn gone(id: &str, news: Vec<pb::News>) -> pb::Picture {
    pb::Picture {
        time_ms: now_ms(),
        environment: id.to_owned(),
        state: partita_core::environment::State::Done.name().to_owned(),
        news,
        gone: true,
        ..pb::Picture::default()
    }
}

fn lost(missed: u64) -> pb::News {
    let cause = Cause::new(format!(
        "{missed} changes are not told: this watcher was too slow"
    ));
    pb::News {
        what: Some(pb::news::What::Cause(self::cause(&cause))),
    }
}

fn picture(snapshot: &Snapshot, news: Vec<pb::News>) -> pb::Picture {
    let mut tasks: BTreeMap<&str, u32> = BTreeMap::new();
    for role in snapshot.roles.iter().filter(|role| role.task.is_some()) {
        *tasks.entry(role.state.name()).or_default() += 1;
    }
    let count = |(state, tasks): (&str, u32)| pb::Count {
        state: state.to_owned(),
        tasks,
    };
    pb::Picture {
        sequence: 0,
        time_ms: now_ms(),
        environment: snapshot.id.clone(),
        state: snapshot.state.name().to_owned(),
        transition: snapshot
            .transition
            .map(|transition| transition.name().to_owned())
            .unwrap_or_default(),
        run_number: snapshot.run.unwrap_or_default(),
        waits: snapshot.deadlines.iter().map(deadline).collect(),
        tasks: tasks.into_iter().map(count).collect(),
        news,
        gone: false,
    }
}

fn deadline(deadline: &PendingDeadline) -> pb::Deadline {
    pb::Deadline {
        what: deadline.what.clone(),
        left_ms: i64::try_from(deadline.left.as_millis()).unwrap_or(i64::MAX),
        roles: deadline.late.iter().take(LATE).cloned().collect(),
        roles_total: u32::try_from(deadline.late.len()).unwrap_or(u32::MAX),
    }
}

fn told(observation: Observation) -> Option<pb::News> {
    let what = match observation {
        Observation::Role {
            path, state, status, ..
        } => pb::news::What::Role(pb::RoleChange {
            path,
            state: state.name().to_owned(),
            status: status.name().to_owned(),
        }),
        Observation::Hook {
            path,
            moment,
            progress,
            ..
        } => pb::news::What::Hook(hook(path, moment, progress)),
        Observation::Cause(cause) => pb::news::What::Cause(self::cause(&cause)),
        // The picture itself shows the rest.
        _ => return None,
    };
    Some(pb::News { what: Some(what) })
}

fn hook(path: String, moment: String, progress: Progress) -> pb::HookChange {
    let mut change = pb::HookChange {
        path,
        moment,
        ..pb::HookChange::default()
    };
    match progress {
        Progress::Started => change.set_progress(PbProgress::Started),
        Progress::Ended { stand_in } => {
            change.set_progress(PbProgress::Ended);
            change.stand_in = stand_in;
        }
        Progress::Failed(cause) => {
            change.set_progress(PbProgress::Failed);
            change.cause = Some(self::cause(&cause));
        }
        Progress::Skipped(reason) => {
            change.set_progress(PbProgress::Skipped);
            change.reason = reason;
        }
    }
    change
}

fn cause(cause: &Cause) -> pb::Cause {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    pb::Cause {
        what: cause.what.clone(),
        role: text(&cause.role),
        task: text(&cause.task),
        host: text(&cause.host),
        exit: cause.exit.map(|exit| exit.to_string()).unwrap_or_default(),
        deadline: cause
            .deadline
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        last_lines: cause.last_lines.clone(),
        harmless: cause.harmless,
        because: cause.because.iter().map(self::cause).collect(),
    }
}
