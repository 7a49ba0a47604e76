//! Events as JSON.

use partita_proto::common::{User, WorkflowTemplateInfo};
use partita_proto::events::event::Payload;
use partita_proto::events::{Event as Told, OpStatus, Traits};
use serde_json::{Map, Value, json};

/// As protobuf writes JSON: what is as by default is left out. Times and run numbers are placeholders, as recorded.
pub(crate) fn as_json(event: &Told) -> Value {
    let (name, mut body) = match event.payload.as_ref() {
        Some(Payload::EnvironmentEvent(e)) => (
            "environmentEvent",
            json!({
                "environmentId": e.environment_id, "state": e.state, "error": e.error, "message": e.message,
                "transition": e.transition, "transitionStep": e.transition_step,
                "transitionStatus": status(e.transition_status), "runNumber": run(e.run_number),
                "vars": e.vars, "lastRequestUser": user(e.last_request_user.as_ref()),
            }),
        ),
        Some(Payload::TaskEvent(e)) => (
            "taskEvent",
            json!({
                "name": e.name, "taskid": e.taskid, "state": e.state, "status": e.status, "hostname": e.hostname,
                "className": e.class_name, "traits": traits(e.traits.as_ref()), "environmentId": e.environment_id,
                "path": e.path,
            }),
        ),
        Some(Payload::RoleEvent(e)) => (
            "roleEvent",
            json!({
                "name": e.name, "status": e.status, "state": e.state, "rolePath": e.role_path,
                "environmentId": e.environment_id,
            }),
        ),
        Some(Payload::RunEvent(e)) => (
            "runEvent",
            json!({
                "environmentId": e.environment_id, "runNumber": run(e.run_number), "state": e.state, "error": e.error,
                "transition": e.transition, "transitionStatus": status(e.transition_status),
                "lastRequestUser": user(e.last_request_user.as_ref()),
            }),
        ),
        other => ("unexpected", json!({ "payload": format!("{other:?}") })),
    };
    prune(&mut body);
    if let (Some(Payload::EnvironmentEvent(e)), Some(body)) = (event.payload.as_ref(), body.as_object_mut()) {
        // A message that is there is told even if it is empty.
        if let Some(info) = &e.workflow_template_info {
            body.insert("workflowTemplateInfo".to_owned(), workflow(info));
        }
    }
    json!({ "timestamp": "<time>", "timestampNano": "<time>", name: body })
}

fn prune(value: &mut Value) {
    if let Value::Object(map) = value {
        let old = std::mem::take(map);
        for (name, mut value) in old {
            prune(&mut value);
            let empty = [json!(""), json!(null), json!(false), json!({})].contains(&value);
            if !empty {
                map.insert(name, value);
            }
        }
    }
}

fn status(number: i32) -> String {
    let status = OpStatus::try_from(number).unwrap_or(OpStatus::Null);
    if status == OpStatus::Null {
        return String::new();
    }
    status.as_str_name().to_owned()
}

fn run(number: u32) -> &'static str {
    if number == 0 { "" } else { "<run>" }
}

fn user(user: Option<&User>) -> Value {
    user.map_or(Value::Null, |user| json!({ "name": user.name }))
}

fn traits(traits: Option<&Traits>) -> Value {
    traits.map_or(Value::Null, |traits| {
        json!({
            "trigger": traits.trigger, "await": traits.r#await, "timeout": traits.timeout, "critical": traits.critical,
        })
    })
}

fn workflow(info: &WorkflowTemplateInfo) -> Value {
    let mut map = Map::new();
    for (name, text) in [
        ("name", &info.name),
        ("description", &info.description),
        ("path", &info.path),
    ] {
        if !text.is_empty() {
            map.insert(name.to_owned(), json!(text));
        }
    }
    Value::Object(map)
}
