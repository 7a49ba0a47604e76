//! `o2control.Control` (`wire.md` 2): the service that clients of the reference speak.

mod environments;
mod picture;
mod repositories;
mod roles;
mod story;
mod subscribe;
mod tasks;
mod templates;

use std::sync::Arc;

use partita_proto::events::Event;
use partita_proto::o2control as pb;
use partita_proto::o2control::control_server;
use tonic::{Request, Response, Status};

pub(crate) use picture::class_name;

use crate::info::active_detectors;
use crate::refusal::status;
use crate::server::{Shared, now_ms};

/// The service.
pub(crate) struct Control(pub(crate) Arc<Shared>);

type Answer<T> = Result<Response<T>, Status>;

/// A stream of a server.
pub(crate) type Stream<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl control_server::Control for Control {
    async fn get_framework_info(
        &self,
        _: Request<pb::GetFrameworkInfoRequest>,
    ) -> Answer<pb::GetFrameworkInfoReply> {
        Ok(Response::new(self.0.framework_info().await))
    }

    async fn get_environments(
        &self,
        request: Request<pb::GetEnvironmentsRequest>,
    ) -> Answer<pb::GetEnvironmentsReply> {
        self.environments(request.into_inner()).await.map(Response::new)
    }

    async fn new_auto_environment(
        &self,
        request: Request<pb::NewAutoEnvironmentRequest>,
    ) -> Answer<pb::NewAutoEnvironmentReply> {
        self.new_auto(request.into_inner()).map(Response::new)
    }

    async fn new_environment(
        &self,
        request: Request<pb::NewEnvironmentRequest>,
    ) -> Answer<pb::NewEnvironmentReply> {
        self.new_and_wait(request.into_inner()).await.map(Response::new)
    }

    async fn get_environment(
        &self,
        request: Request<pb::GetEnvironmentRequest>,
    ) -> Answer<pb::GetEnvironmentReply> {
        self.environment(request.into_inner()).await.map(Response::new)
    }

    async fn control_environment(
        &self,
        request: Request<pb::ControlEnvironmentRequest>,
    ) -> Answer<pb::ControlEnvironmentReply> {
        self.transition(request.into_inner()).await.map(Response::new)
    }

    async fn destroy_environment(
        &self,
        request: Request<pb::DestroyEnvironmentRequest>,
    ) -> Answer<pb::DestroyEnvironmentReply> {
        self.destroy(request.into_inner()).await.map(Response::new)
    }

    async fn get_active_detectors(&self, _: Request<pb::Empty>) -> Answer<pb::GetActiveDetectorsReply> {
        let snapshots = self.0.snapshots().await.map_err(|error| status(&error))?;
        Ok(Response::new(pb::GetActiveDetectorsReply {
            detectors: active_detectors(&snapshots),
            timestamp: now_ms(),
        }))
    }

    async fn get_available_detectors(&self, _: Request<pb::Empty>) -> Answer<pb::GetAvailableDetectorsReply> {
        let info = self.0.framework_info().await;
        Ok(Response::new(pb::GetAvailableDetectorsReply {
            detectors: info.available_detectors,
            timestamp: now_ms(),
        }))
    }

    async fn new_environment_async(
        &self,
        request: Request<pb::NewEnvironmentRequest>,
    ) -> Answer<pb::NewEnvironmentReply> {
        self.new_and_go(request.into_inner()).map(Response::new)
    }

    async fn get_tasks(&self, _: Request<pb::GetTasksRequest>) -> Answer<pb::GetTasksReply> {
        self.tasks().await.map(Response::new)
    }

    async fn get_task(&self, request: Request<pb::GetTaskRequest>) -> Answer<pb::GetTaskReply> {
        self.task(&request.into_inner().task_id).await.map(Response::new)
    }

    async fn cleanup_tasks(
        &self,
        request: Request<pb::CleanupTasksRequest>,
    ) -> Answer<pb::CleanupTasksReply> {
        self.cleanup(&request.into_inner().task_ids)
            .await
            .map(Response::new)
    }

    async fn get_roles(&self, request: Request<pb::GetRolesRequest>) -> Answer<pb::GetRolesReply> {
        let request = request.into_inner();
        self.roles(&request.env_id, &request.path_spec)
            .await
            .map(Response::new)
    }

    async fn get_workflow_templates(
        &self,
        request: Request<pb::GetWorkflowTemplatesRequest>,
    ) -> Answer<pb::GetWorkflowTemplatesReply> {
        self.templates(request.into_inner()).await.map(Response::new)
    }

    async fn list_repos(&self, request: Request<pb::ListReposRequest>) -> Answer<pb::ListReposReply> {
        self.repositories(request.into_inner().get_revisions)
            .await
            .map(Response::new)
    }

    async fn add_repo(&self, request: Request<pb::AddRepoRequest>) -> Answer<pb::AddRepoReply> {
        self.add_repository(request.into_inner()).await.map(Response::new)
    }

    async fn remove_repo(&self, request: Request<pb::RemoveRepoRequest>) -> Answer<pb::RemoveRepoReply> {
        self.remove_repository(request.into_inner().index)
            .await
            .map(Response::new)
    }

    async fn refresh_repos(&self, request: Request<pb::RefreshReposRequest>) -> Answer<pb::Empty> {
        self.refresh_repositories(request.into_inner().index)
            .await
            .map(Response::new)
    }

    async fn set_default_repo(&self, request: Request<pb::SetDefaultRepoRequest>) -> Answer<pb::Empty> {
        self.set_default_repository(request.into_inner().index)
            .await
            .map(Response::new)
    }

    async fn set_global_default_revision(
        &self,
        request: Request<pb::SetGlobalDefaultRevisionRequest>,
    ) -> Answer<pb::Empty> {
        self.set_global_default_revision(request.into_inner().revision)
            .await
            .map(Response::new)
    }

    async fn set_repo_default_revision(
        &self,
        request: Request<pb::SetRepoDefaultRevisionRequest>,
    ) -> Answer<pb::SetRepoDefaultRevisionReply> {
        self.set_default_revision(request.into_inner())
            .await
            .map(Response::new)
    }

    type SubscribeStream = Stream<Event>;

    async fn subscribe(&self, request: Request<pb::SubscribeRequest>) -> Answer<Self::SubscribeStream> {
        self.follow(&request.into_inner().id).map(Response::new)
    }

    async fn get_integrated_services(
        &self,
        _: Request<pb::Empty>,
    ) -> Answer<pb::ListIntegratedServicesReply> {
        Ok(Response::new(self.0.services()))
    }

    async fn teardown(&self, _: Request<pb::TeardownRequest>) -> Answer<pb::TeardownReply> {
        Err(Status::unimplemented(
            "not implemented, as ever: `partita core drain` ends all environments in order",
        ))
    }

    async fn modify_environment(
        &self,
        _: Request<pb::ModifyEnvironmentRequest>,
    ) -> Answer<pb::ModifyEnvironmentReply> {
        Err(Status::unimplemented("not implemented"))
    }
}
