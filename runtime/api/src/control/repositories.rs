//! Repositories. An index of a client is a place in the list, which is sorted by name.

use partita_proto::o2control as pb;
use tonic::Status;

use super::Control;
use crate::refusal::unavailable;
use crate::server::now_ms;
use crate::workflows::{Unavailable, Workflows};

fn place(index: i32) -> Result<usize, Status> {
    usize::try_from(index)
        .map_err(|_| Status::invalid_argument(format!("there is no repository at index {index}")))
}

impl Control {
    async fn asked<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Workflows) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Status> {
        let answer = self
            .0
            .ask(question)
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        answer.map_err(|error| unavailable(&error))
    }

    pub(super) async fn repositories(&self, revisions: bool) -> Result<pb::ListReposReply, Status> {
        let all = self
            .asked(move |workflows| workflows.repositories(revisions))
            .await?;
        let repos = all.list.into_iter().map(|repository| pb::RepoInfo {
            default: repository.name == all.default,
            name: repository.name,
            default_revision: repository.default_revision,
            revisions: repository.revisions,
        });
        Ok(pb::ListReposReply {
            repos: repos.collect(),
            global_default_revision: all.global_default_revision,
            timestamp: now_ms(),
        })
    }

    pub(super) async fn add_repository(
        &self,
        request: pb::AddRepoRequest,
    ) -> Result<pb::AddRepoReply, Status> {
        if request.name.trim().is_empty() {
            return Err(Status::invalid_argument(
                "received nil request: give a repository",
            ));
        }
        let added = self
            .asked(move |workflows| workflows.add_repository(&request.name, &request.default_revision))
            .await?;
        Ok(pb::AddRepoReply {
            new_default_revision: added.default_revision,
            info: added.info,
            timestamp: now_ms(),
        })
    }

    pub(super) async fn remove_repository(&self, index: i32) -> Result<pb::RemoveRepoReply, Status> {
        let index = place(index)?;
        let new_default = self
            .asked(move |workflows| workflows.remove_repository(index))
            .await?;
        Ok(pb::RemoveRepoReply {
            new_default_repo: new_default.unwrap_or_default(),
            timestamp: now_ms(),
        })
    }

    pub(super) async fn refresh_repositories(&self, index: i32) -> Result<pb::Empty, Status> {
        let index = if index == -1 { None } else { Some(place(index)?) };
        self.asked(move |workflows| workflows.refresh_repositories(index))
            .await?;
        Ok(pb::Empty {})
    }

    pub(super) async fn set_default_repository(&self, index: i32) -> Result<pb::Empty, Status> {
        let index = place(index)?;
        self.asked(move |workflows| workflows.set_default_repository(index))
            .await?;
        Ok(pb::Empty {})
    }

    pub(super) async fn set_global_default_revision(&self, revision: String) -> Result<pb::Empty, Status> {
        self.asked(move |workflows| workflows.set_global_default_revision(&revision))
            .await?;
        Ok(pb::Empty {})
    }

    pub(super) async fn set_default_revision(
        &self,
        request: pb::SetRepoDefaultRevisionRequest,
    ) -> Result<pb::SetRepoDefaultRevisionReply, Status> {
        let index = place(request.index)?;
        let others = self
            .asked(move |workflows| workflows.set_default_revision(index, &request.revision))
            .await?;
        Ok(pb::SetRepoDefaultRevisionReply {
            info: others.map(|others| others.join("\n")).unwrap_or_default(),
            timestamp: now_ms(),
        })
    }
}
