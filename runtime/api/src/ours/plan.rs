//! What creating an environment would do.

use partita_artefact::instance::{Kind, Role};
use partita_core::environment::plan::Deadlines;
use partita_core::placement::place;
use partita_proto::partita::v1 as pb;
use partita_proto::partita::v1::planned_role::Kind as PbKind;
use tonic::Status;

use super::Ours;
use super::artefacts::uncreated;
use crate::control::class_name;
use crate::create::{DETECTORS, Order};
use crate::refusal::status;

impl Ours {
    pub(super) async fn planned(&self, request: pb::PlanRequest) -> Result<pb::PlanReply, Status> {
        let digest = self.found(&request.artefact)?;
        let order = Order {
            id: self.0.core.new_id().map_err(|error| status(&error))?,
            variables: request.variables.into_iter().collect(),
            user: None,
            auto: false,
        };
        let made = self
            .0
            .make(digest, order)
            .await
            .map_err(|error| uncreated(&error))?;
        let mut roles = Vec::new();
        made.instance
            .walk(&mut |role, _| roles.push(planned(role, &self.0.about.hosts)));
        let variables = made.instance.at(&[]).map(|(_, stack)| stack);
        let variables = variables.map(|stack| stack.consolidated()).unwrap_or_default();
        let owned = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables: std::collections::BTreeMap<String, String> = owned.collect();
        let (deadlines, mut warnings) = Deadlines::from_variables(&variables);
        warnings.extend(made.instance.warnings.iter().map(ToString::to_string));
        let detectors = variables
            .get(DETECTORS)
            .and_then(|list| serde_json::from_str(list).ok());
        Ok(pb::PlanReply {
            artefact: made.digest.to_string(),
            roles,
            detectors: detectors.unwrap_or_default(),
            warnings,
            deadlines: budget(&deadlines),
        })
    }
}

fn budget(deadlines: &Deadlines) -> Vec<pb::Deadline> {
    let all = [
        deadlines.deploy,
        deadlines.patience,
        deadlines.configure,
        deadlines.transition,
        deadlines.run_number,
        deadlines.kill,
        deadlines.linger,
        deadlines.margin,
    ];
    let deadline = |deadline: partita_core::environment::plan::Deadline| pb::Deadline {
        what: deadline.name.to_owned(),
        left_ms: i64::try_from(deadline.time.as_millis()).unwrap_or(i64::MAX),
        roles: Vec::new(),
        roles_total: 0,
    };
    all.into_iter().map(deadline).collect()
}

fn planned(role: &Role, hosts: &[String]) -> pb::PlannedRole {
    let mut planned = pb::PlannedRole {
        path: role.path.clone(),
        critical: role.critical,
        ..pb::PlannedRole::default()
    };
    if let Some(traits) = role.traits() {
        planned.trigger.clone_from(&traits.texts.trigger);
        planned.r#await.clone_from(&traits.texts.await_at);
    }
    match &role.kind {
        Kind::Aggregator => planned.set_kind(PbKind::Aggregator),
        Kind::Task(task) => {
            planned.set_kind(PbKind::Task);
            class_name(&task.class).clone_into(&mut planned.class);
            match place(role, hosts) {
                Ok(host) => planned.host = host,
                Err(obstacle) => planned.obstacle = obstacle,
            }
        }
        Kind::Call(call) => {
            planned.set_kind(PbKind::Call);
            planned.call.clone_from(&call.text);
        }
    }
    planned
}
