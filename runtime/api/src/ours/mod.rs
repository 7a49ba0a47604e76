//! `partita.v1.Core`: what is ours.

mod artefacts;
mod drain;
mod events;
mod plan;
mod watch;

use std::sync::Arc;

use partita_core::core::CoreError;
use partita_core::environment::{DestroyOptions, Transition};
use partita_proto::partita::v1 as pb;
use partita_proto::partita::v1::core_server;
use tonic::{Request, Response, Status};

use crate::control::Stream;
use crate::identity::identity;
use crate::refusal::status;
use crate::server::{Shared, now_ms};

/// The service.
pub(crate) struct Ours(pub(crate) Arc<Shared>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl core_server::Core for Ours {
    async fn compile(&self, request: Request<pb::CompileRequest>) -> Answer<pb::CompileReply> {
        self.compiled(request.into_inner()).await.map(Response::new)
    }

    async fn put(&self, request: Request<pb::PutRequest>) -> Answer<pb::PutReply> {
        self.kept(request.into_inner().artefact).await.map(Response::new)
    }

    async fn plan(&self, request: Request<pb::PlanRequest>) -> Answer<pb::PlanReply> {
        self.planned(request.into_inner()).await.map(Response::new)
    }

    type CreateStream = Stream<pb::Creation>;

    async fn create(&self, request: Request<pb::CreateRequest>) -> Answer<Self::CreateStream> {
        self.created(request.into_inner()).await.map(Response::new)
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Answer<pb::CancelReply> {
        let request = request.into_inner();
        let id = identity(&request.environment)?;
        let options = DestroyOptions {
            allow_in_running: true,
            force: true,
            keep_tasks: false,
        };
        match self.0.core.destroy(id, options).await {
            Ok(_) => Ok(Response::new(pb::CancelReply {})),
            Err(error) => Err(status(&error)),
        }
    }

    async fn transition(&self, request: Request<pb::TransitionRequest>) -> Answer<pb::TransitionReply> {
        let request = request.into_inner();
        let id = identity(&request.environment)?;
        let transition = transition(&request.transition)?;
        let begun_ms = now_ms();
        let outcome = self
            .0
            .core
            .transition(id, transition)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(pb::TransitionReply {
            state: outcome.state.name().to_owned(),
            run_number: outcome.run.unwrap_or_default(),
            begun_ms,
            ended_ms: now_ms(),
        }))
    }

    type WatchStream = Stream<pb::Picture>;

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Answer<Self::WatchStream> {
        self.watched(request.into_inner()).await.map(Response::new)
    }

    type EventsStream = Stream<pb::NumberedEvent>;

    async fn events(&self, request: Request<pb::EventsRequest>) -> Answer<Self::EventsStream> {
        self.followed(request.into_inner()).map(Response::new)
    }

    type JournalStream = Stream<pb::JournalEntry>;

    async fn journal(&self, _: Request<pb::JournalRequest>) -> Answer<Self::JournalStream> {
        Err(Status::unimplemented("not yet"))
    }

    type DrainStream = Stream<pb::Drained>;

    async fn drain(&self, request: Request<pb::DrainRequest>) -> Answer<Self::DrainStream> {
        self.drained(&request.into_inner()).await.map(Response::new)
    }
}

/// The transition of that name.
fn transition(name: &str) -> Result<Transition, Status> {
    let all = [
        Transition::Deploy,
        Transition::Configure,
        Transition::Start,
        Transition::Stop,
        Transition::Reset,
        Transition::Recover,
    ];
    all.into_iter()
        .find(|transition| transition.name() == name)
        .ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|transition| transition.name()).collect();
            Status::invalid_argument(format!(
                "`{name}` is no transition: there is {}",
                names.join(", ")
            ))
        })
}

/// Whether an environment is no longer there.
fn is_gone(error: &CoreError) -> bool {
    matches!(error, CoreError::NotFound(_))
}
