//! Tasks: all, one in full, and the end of those that nobody owns.

use partita_artefact::deploy::{self, Plugin, Special};
use partita_artefact::evaluate::Snapshot as Surroundings;
use partita_core::core::{Snapshot, User as CoreUser};
use partita_proto::o2control as pb;
use tonic::Status;

use super::{Control, picture};
use crate::refusal::status;
use crate::server::now_ms;

impl Control {
    pub(super) async fn tasks(&self) -> Result<pb::GetTasksReply, Status> {
        let snapshots = self.0.snapshots().await.map_err(|error| status(&error))?;
        let tasks = snapshots
            .iter()
            .flat_map(|snapshot| picture::tasks(snapshot, &self.0.about));
        Ok(pb::GetTasksReply {
            tasks: tasks.collect(),
            timestamp: now_ms(),
        })
    }

    pub(super) async fn task(&self, id: &str) -> Result<pb::GetTaskReply, Status> {
        if id.is_empty() {
            return Err(Status::invalid_argument(
                "received nil request: give the id of a task",
            ));
        }
        let snapshots = self.0.snapshots().await.map_err(|error| status(&error))?;
        let found = snapshots.iter().find_map(|snapshot| {
            let mut roles = snapshot.roles.iter().enumerate();
            let is_it = |role: &partita_core::core::RoleSnapshot| {
                role.task.as_ref().is_some_and(|task| task.id == id)
            };
            let (place, _) = roles.find(|(_, role)| is_it(role))?;
            self.info(snapshot, place)
        });
        let task = found.ok_or_else(|| Status::not_found("task not found"))?;
        Ok(pb::GetTaskReply {
            task: Some(task),
            timestamp: now_ms(),
        })
    }

    fn info(&self, snapshot: &Snapshot, place: usize) -> Option<pb::TaskInfo> {
        let seen = snapshot.roles.get(place)?;
        let short = picture::task(snapshot, place, seen, &self.0.about)?;
        let (role, stack) = snapshot.role(place)?;
        let special = Special {
            task_id: &short.task_id,
            hostname: short
                .deployment_info
                .as_ref()
                .map_or("", |info| info.hostname.as_str()),
            environment_id: &snapshot.id,
        };
        let uid = || self.0.core.new_id().unwrap_or_default();
        let world = Surroundings::new(&snapshot.artefact, uid);
        let command = deploy::command(
            &snapshot.artefact,
            role,
            &stack,
            &special,
            &Plugin::default(),
            &world,
        );
        let command = command.map(|command| pb::CommandInfo {
            env: command.env,
            shell: command.shell,
            value: command.value,
            arguments: command.arguments,
            user: command.user,
        });
        let inbound = role.bind.iter().map(|bound| pb::ChannelInfo {
            name: bound.channel.name.clone(),
            r#type: bound.channel.kind.clone(),
            target: String::new(),
        });
        let outbound = role.connect.iter().map(|connected| pb::ChannelInfo {
            name: connected.channel.name.clone(),
            r#type: connected.channel.kind.clone(),
            target: connected.target.clone(),
        });
        Some(pb::TaskInfo {
            inbound_channels: inbound.collect(),
            outbound_channels: outbound.collect(),
            // A command that cannot be made is why the task never was.
            command_info: command.ok(),
            task_path: seen.path.clone(),
            env_id: snapshot.id.clone(),
            short_info: Some(short),
            ..pb::TaskInfo::default()
        })
    }

    pub(super) async fn cleanup(&self, ids: &[String]) -> Result<pb::CleanupTasksReply, Status> {
        let owned = self.tasks().await?.tasks;
        if let Some(owned) = owned.iter().find(|task| ids.contains(&task.task_id)) {
            return Err(Status::failed_precondition(format!(
                "task {} belongs to an environment: destroy that, or leave the task alone",
                owned.task_id
            )));
        }
        self.0
            .core
            .cleanup(CoreUser::default())
            .await
            .map_err(|error| status(&error))?;
        Ok(pb::CleanupTasksReply {
            killed_tasks: Vec::new(),
            running_tasks: owned,
            timestamp: now_ms(),
        })
    }
}
