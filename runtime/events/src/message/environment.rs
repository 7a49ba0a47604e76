//! Events of environments, with the texts that users' tools compare (`wire.md` 2.2, 4.3).

use std::collections::BTreeMap;

use partita_core::cause::Cause;
use partita_core::environment::{Advance, Label, Observation};
use partita_proto::common::WorkflowTemplateInfo;
use partita_proto::events::{EvEnvironmentEvent, OpStatus};

use super::{last, user_of};

/// States that no environment is in: while it is created, and when that has failed.
const PENDING: &str = "PENDING";

fn workflow(label: &Label) -> WorkflowTemplateInfo {
    WorkflowTemplateInfo {
        name: label.workflow.name.clone(),
        description: label.workflow.description.clone(),
        path: label.workflow.path.clone(),
        public: label.workflow.public,
    }
}

/// How a transition stands after an advance, and what went wrong.
pub(super) fn status(advance: &Advance) -> (OpStatus, Option<&str>) {
    match advance {
        Advance::Begun => (OpStatus::Started, None),
        Advance::StepBegun(_) | Advance::StepEnded { error: None, .. } => (OpStatus::Ongoing, None),
        Advance::Ended { error: None } => (OpStatus::DoneOk, None),
        Advance::Refused(error)
        | Advance::StepEnded {
            error: Some(error), ..
        }
        | Advance::Ended { error: Some(error) } => (OpStatus::DoneError, Some(error)),
    }
}

/// CREATE as a whole: what an environment is made from is there before it is.
pub(super) fn created(
    id: &str,
    label: &Label,
    auto: bool,
    variables: &BTreeMap<String, String>,
) -> impl Iterator<Item = EvEnvironmentEvent> {
    let event = |state: &str, step: &str, status: OpStatus, message: &str, info| EvEnvironmentEvent {
        environment_id: id.to_owned(),
        state: state.to_owned(),
        message: message.to_owned(),
        transition: "CREATE".to_owned(),
        transition_step: step.to_owned(),
        transition_status: status.into(),
        last_request_user: user_of(&label.user),
        workflow_template_info: info,
        ..EvEnvironmentEvent::default()
    };
    let (known, unknown) = (Some(workflow(label)), Some(WorkflowTemplateInfo::default()));
    let begun = event(PENDING, "", OpStatus::Started, "transition starting", None);
    let ended = event(
        "STANDBY",
        "",
        OpStatus::DoneOk,
        "transition completed successfully",
        None,
    );
    let steps = [
        event(
            PENDING,
            "before_CREATE",
            OpStatus::Started,
            "instantiating",
            known.clone(),
        ),
        event(
            PENDING,
            "before_CREATE",
            OpStatus::Ongoing,
            "running hooks",
            unknown.clone(),
        ),
        event(PENDING, "CREATE", OpStatus::Ongoing, "loading workflow", unknown),
        EvEnvironmentEvent {
            vars: variables
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            ..event(
                "STANDBY",
                "after_CREATE",
                OpStatus::DoneOk,
                "workflow loaded",
                known,
            )
        },
    ];
    // Those that go through a run by themselves are not told of as a request.
    let told = |event| (!auto).then_some(event);
    told(begun).into_iter().chain(steps).chain(told(ended))
}

/// Everything after that.
pub(super) fn advanced(id: &str, observation: &Observation) -> Vec<EvEnvironmentEvent> {
    let (Observation::Advance {
        state, run, label, ..
    }
    | Observation::ErrorImminent {
        state, run, label, ..
    }) = observation
    else {
        return Vec::new();
    };
    let base = EvEnvironmentEvent {
        environment_id: id.to_owned(),
        state: state.name().to_owned(),
        run_number: run.unwrap_or_default(),
        last_request_user: user_of(&label.user),
        workflow_template_info: Some(workflow(label)),
        ..EvEnvironmentEvent::default()
    };
    match observation {
        Observation::Advance {
            transition: Some(transition),
            advance,
            ..
        } => {
            let base = EvEnvironmentEvent {
                transition: transition.name().to_owned(),
                ..base
            };
            transition_events(base, advance)
        }
        Observation::Advance {
            transition: None,
            advance,
            ..
        } => vec![end(base, advance)],
        Observation::ErrorImminent { cause, .. } => vec![EvEnvironmentEvent {
            error: broken(cause),
            message: "a critical error occurred, GO_ERROR transition imminent".to_owned(),
            ..base
        }],
        _ => Vec::new(),
    }
}

fn transition_events(base: EvEnvironmentEvent, advance: &Advance) -> Vec<EvEnvironmentEvent> {
    let (status, error) = status(advance);
    let (step, message) = match advance {
        Advance::Begun => ("", "transition starting"),
        Advance::Refused(_) => ("", "transition impossible"),
        Advance::StepBegun(step) => (step.as_str(), "transition step starting"),
        Advance::StepEnded { step, .. } => (step.as_str(), "transition step finished"),
        Advance::Ended { error: None } => ("", "transition completed successfully"),
        Advance::Ended { error: Some(_) } => ("", "transition error"),
    };
    let event = EvEnvironmentEvent {
        transition_step: step.to_owned(),
        transition_status: status.into(),
        message: message.to_owned(),
        error: error.unwrap_or_default().to_owned(),
        ..base.clone()
    };
    let begun = matches!(advance, Advance::Refused(_)).then(|| EvEnvironmentEvent {
        transition_status: OpStatus::Started.into(),
        message: "transition starting".to_owned(),
        ..base
    });
    begun.into_iter().chain([event]).collect()
}

/// The end of an environment.
fn end(base: EvEnvironmentEvent, advance: &Advance) -> EvEnvironmentEvent {
    let (status, error) = status(advance);
    let (step, status, message) = match advance {
        Advance::StepBegun(step) => match step.as_str() {
            "before_DESTROY" => (step.as_str(), OpStatus::Started, "workflow teardown started"),
            "DESTROY" => (step.as_str(), status, "releasing tasks"),
            "after_DESTROY" => (step.as_str(), status, "running DESTROY hooks"),
            leave => (leave, status, "workflow teardown ongoing"),
        },
        Advance::Ended { error: None } => ("after_DESTROY", status, "environment teardown complete"),
        _ => (
            "after_DESTROY",
            status,
            "environment teardown finished with error",
        ),
    };
    EvEnvironmentEvent {
        transition: "DESTROY".to_owned(),
        transition_step: step.to_owned(),
        transition_status: status.into(),
        message: message.to_owned(),
        error: error.unwrap_or_default().to_owned(),
        ..base
    }
}

/// The reference's sentence, where it is about a task, and what is known beyond it.
fn broken(cause: &Cause) -> String {
    let line = cause.to_string();
    let line = line.lines().next().unwrap_or_default();
    match (&cause.role, &cause.host) {
        (Some(role), Some(host)) => {
            let name = last(role);
            format!("critical task '{name}' on host '{host}' transitioned to ERROR: {line}")
        }
        _ => line.to_owned(),
    }
}
