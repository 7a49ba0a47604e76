//! Environments: list, show, create, control, destroy.

use partita_core::core::{CoreError, Creation, Snapshot};
use partita_core::environment::{DestroyOptions, Request as Work, State, Transition};
use partita_proto::o2control as pb;
use partita_proto::o2control::control_environment_request::Optype;
use tonic::Status;

use super::{Control, picture, story};
use crate::create::{Order, Uncreated, asker};
use crate::identity::identity;
use crate::refusal::{not_created, shortened, status};
use crate::server::now_ms;

/// State of an environment that is only promised (`wire.md` 2.2).
const PENDING: &str = "PENDING";

impl Control {
    pub(super) async fn environments(
        &self,
        request: pb::GetEnvironmentsRequest,
    ) -> Result<pb::GetEnvironmentsReply, Status> {
        let snapshots = self.0.snapshots().await.map_err(|error| status(&error))?;
        let shown = snapshots
            .iter()
            .filter(|snapshot| request.show_all || picture::is_public(snapshot));
        let info = |snapshot: &Snapshot| {
            let mut info = picture::environment(snapshot, &self.0.about);
            if !request.show_task_infos {
                info.tasks.clear();
            }
            info
        };
        Ok(pb::GetEnvironmentsReply {
            framework_id: self.0.about.framework.clone(),
            environments: shown.map(info).collect(),
            timestamp: now_ms(),
        })
    }

    pub(super) async fn environment(
        &self,
        request: pb::GetEnvironmentRequest,
    ) -> Result<pb::GetEnvironmentReply, Status> {
        let snapshot = self.snapshot(&request.id).await?;
        Ok(pb::GetEnvironmentReply {
            environment: Some(picture::environment(&snapshot, &self.0.about)),
            workflow: request.show_workflow_tree.then(|| picture::tree(&snapshot)),
            public: picture::is_public(&snapshot),
            timestamp: now_ms(),
        })
    }

    /// What is true of the environment of that identity.
    pub(super) async fn snapshot(&self, id: &str) -> Result<Snapshot, Status> {
        let id = identity(id)?;
        self.0.core.snapshot(id).await.map_err(|error| status(&error))
    }

    fn order(
        &self,
        variables: std::collections::BTreeMap<String, String>,
        user: Option<partita_proto::common::User>,
        auto: bool,
    ) -> Result<Order, Status> {
        Ok(Order {
            id: self.0.core.new_id().map_err(|error| status(&error))?,
            variables,
            user,
            auto,
        })
    }

    pub(super) async fn new_and_wait(
        &self,
        request: pb::NewEnvironmentRequest,
    ) -> Result<pb::NewEnvironmentReply, Status> {
        named(&request.workflow_template)?;
        let order = self.order(
            request.vars.into_iter().collect(),
            request.request_user,
            request.auto_transition,
        )?;
        let (id, begun) = (order.id.clone(), now_ms());
        let failed = |error: &dyn std::fmt::Display| {
            tracing::warn!(environment = id, "cannot create new environment: {error}");
            not_created(&id, begun, &error.to_string())
        };
        let creation = self
            .0
            .create_workflow(&request.workflow_template, order)
            .await
            .map_err(|error| failed(&error))?;
        warn(&creation);
        creation.outcome.wait().await.map_err(|error| failed(&error))?;
        let snapshot = self.0.core.snapshot(&id).await.map_err(|error| {
            not_created(
                &id,
                begun,
                &format!("cannot get newly created environment: {error}"),
            )
        })?;
        Ok(pb::NewEnvironmentReply {
            public: picture::is_public(&snapshot),
            environment: Some(picture::environment(&snapshot, &self.0.about)),
            timestamp: now_ms(),
        })
    }

    pub(super) fn new_and_go(
        &self,
        request: pb::NewEnvironmentRequest,
    ) -> Result<pb::NewEnvironmentReply, Status> {
        named(&request.workflow_template)?;
        if self.0.is_draining() {
            return Err(Status::unavailable(Uncreated::Draining.to_string()));
        }
        let order = self.order(
            request.vars.into_iter().collect(),
            request.request_user,
            request.auto_transition,
        )?;
        let environment = pb::EnvironmentInfo {
            id: order.id.clone(),
            created_when: now_ms(),
            state: PENDING.to_owned(),
            user_vars: order.variables.clone().into_iter().collect(),
            ..pb::EnvironmentInfo::default()
        };
        let shared = std::sync::Arc::clone(&self.0);
        self.0.later(async move {
            let id = order.id.clone();
            let ended = match shared.create_workflow(&request.workflow_template, order).await {
                Ok(creation) => {
                    warn(&creation);
                    creation
                        .outcome
                        .wait()
                        .await
                        .map(|_| ())
                        .map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) = ended {
                tracing::warn!(environment = id, "cannot create new environment: {reason}");
            }
        });
        Ok(pb::NewEnvironmentReply {
            environment: Some(environment),
            public: request.public,
            timestamp: now_ms(),
        })
    }

    pub(super) fn new_auto(
        &self,
        request: pb::NewAutoEnvironmentRequest,
    ) -> Result<pb::NewAutoEnvironmentReply, Status> {
        named(&request.workflow_template)?;
        if self.0.is_draining() {
            return Err(Status::unavailable(Uncreated::Draining.to_string()));
        }
        let feed = self
            .0
            .subscriptions
            .write(&request.id)
            .map_err(|_| super::subscribe::too_many())?;
        let order = self.order(request.vars.into_iter().collect(), request.request_user, true)?;
        let shared = std::sync::Arc::clone(&self.0);
        self.0.later(async move {
            let id = order.id.clone();
            match shared.create_workflow(&request.workflow_template, order).await {
                Ok(creation) => {
                    warn(&creation);
                    story::tell(creation, &feed).await;
                }
                Err(error) => {
                    tracing::warn!(environment = id, "cannot create new environment: {error}");
                    feed.say(story::not_created(&id, &shortened(&error.to_string())));
                }
            }
            feed.end();
        });
        Ok(pb::NewAutoEnvironmentReply { timestamp: now_ms() })
    }

    pub(super) async fn transition(
        &self,
        request: pb::ControlEnvironmentRequest,
    ) -> Result<pb::ControlEnvironmentReply, Status> {
        // Who is unknown is told so whatever else is wrong (`runtime.md` 13, "API").
        self.snapshot(&request.id).await?;
        let begun = now_ms();
        let transition = transition(request.r#type)?;
        let (work, user) = (Work::Transition(transition), asker(request.request_user.as_ref()));
        let (state, run) = match self.0.core.carry_out(&request.id, work, user).await {
            Ok(outcome) => (outcome.state, outcome.run),
            // So clients know it: the answer is fine, the state is not (`wire.md` 2.2).
            Err(CoreError::Failed {
                state: State::Error,
                cause,
            }) => {
                tracing::warn!(environment = request.id, "{transition} failed: {cause}");
                let run = self
                    .0
                    .core
                    .snapshot(&request.id)
                    .await
                    .ok()
                    .and_then(|snapshot| snapshot.run);
                (State::Error, run)
            }
            Err(error) => return Err(status(&error)),
        };
        let ended = now_ms();
        Ok(pb::ControlEnvironmentReply {
            id: request.id,
            state: state.name().to_owned(),
            current_run_number: run.unwrap_or_default(),
            start_of_transition: begun,
            end_of_transition: ended,
            transition_duration: ended.saturating_sub(begun),
            timestamp: ended,
        })
    }

    pub(super) async fn destroy(
        &self,
        request: pb::DestroyEnvironmentRequest,
    ) -> Result<pb::DestroyEnvironmentReply, Status> {
        let before = self.snapshot(&request.id).await?;
        let options = DestroyOptions {
            allow_in_running: request.allow_in_running_state,
            force: request.force,
            keep_tasks: request.keep_tasks,
        };
        let (work, user) = (Work::Destroy(options), asker(request.request_user.as_ref()));
        match self.0.core.carry_out(&request.id, work, user).await {
            Ok(_) => {}
            Err(CoreError::Failed {
                state: State::Done,
                cause,
            }) => {
                return Err(Status::internal(shortened(&format!(
                    "the environment is gone, but not in order: {cause}"
                ))));
            }
            Err(error) => return Err(status(&error)),
        }
        let killed = (!request.keep_tasks).then(|| picture::tasks(&before, &self.0.about));
        let cleanup_tasks_reply = match killed {
            None => None,
            Some(killed_tasks) => Some(pb::CleanupTasksReply {
                killed_tasks: killed_tasks.into_iter().map(picture::killed).collect(),
                running_tasks: self.tasks().await?.tasks,
                timestamp: now_ms(),
            }),
        };
        Ok(pb::DestroyEnvironmentReply {
            cleanup_tasks_reply,
            timestamp: now_ms(),
        })
    }
}

fn named(workflow: &str) -> Result<(), Status> {
    if workflow.trim().is_empty() {
        return Err(Status::invalid_argument(
            "received nil request: name a workflow template",
        ));
    }
    Ok(())
}

fn warn(creation: &Creation) {
    for warning in &creation.warnings {
        tracing::warn!(environment = creation.id, "{warning}");
    }
}

fn transition(number: i32) -> Result<Transition, Status> {
    match Optype::try_from(number) {
        Ok(Optype::StartActivity) => Ok(Transition::Start),
        Ok(Optype::StopActivity) => Ok(Transition::Stop),
        Ok(Optype::Configure) => Ok(Transition::Configure),
        Ok(Optype::Reset) => Ok(Transition::Reset),
        Ok(Optype::Deploy) => Ok(Transition::Deploy),
        Ok(refused @ (Optype::Noop | Optype::GoError)) => Err(Status::invalid_argument(format!(
            "cannot prepare invalid transition {}",
            refused.as_str_name()
        ))),
        Err(_) => Err(Status::invalid_argument(format!(
            "cannot prepare invalid transition {number}"
        ))),
    }
}
