//! What the core says, as JSON for programs. Names are those of the wire (`wire.md` 2); what a person never needs is
//! left out.

use std::collections::BTreeMap;

use partita_proto::o2control as pb;
use serde_json::{Value, json};

/// Prints one value on standard output.
pub(super) fn print(value: &Value) {
    println!("{value:#}");
}

#[allow(
    clippy::disallowed_types,
    reason = "generated messages hold hash maps; they are sorted here"
)]
fn sorted<T: Clone>(map: &std::collections::HashMap<String, T>) -> BTreeMap<String, T> {
    map.clone().into_iter().collect()
}

pub(super) fn environment(info: &pb::EnvironmentInfo) -> Value {
    json!({
        "id": info.id,
        "createdWhen": info.created_when,
        "state": info.state,
        "currentTransition": info.current_transition,
        "currentRunNumber": info.current_run_number,
        "rootRole": info.root_role,
        "description": info.description,
        "includedDetectors": info.included_detectors,
        "numberOfHosts": info.number_of_hosts,
        "numberOfTasks": info.number_of_tasks,
        "numberOfActiveTasks": info.number_of_active_tasks,
        "defaults": sorted(&info.defaults),
        "vars": sorted(&info.vars),
        "userVars": sorted(&info.user_vars),
    })
}

pub(super) fn task(task: &pb::ShortTaskInfo) -> Value {
    let host = task.deployment_info.as_ref().map(|info| info.hostname.as_str());
    json!({
        "taskId": task.task_id,
        "name": task.name,
        "className": task.class_name,
        "hostname": host.unwrap_or_default(),
        "state": task.state,
        "status": task.status,
        "pid": task.pid,
        "locked": task.locked,
        "claimable": task.claimable,
        "critical": task.critical,
        "sandboxStdout": task.sandbox_stdout,
    })
}

pub(super) fn role(role: &pb::RoleInfo, variables: bool) -> Value {
    let below: Vec<Value> = role.roles.iter().map(|one| self::role(one, variables)).collect();
    let mut value = json!({
        "name": role.name,
        "fullPath": role.full_path,
        "state": role.state,
        "status": role.status,
        "taskIds": role.task_ids,
    });
    if let Some(object) = value.as_object_mut() {
        if variables {
            object.insert("defaults".to_owned(), json!(sorted(&role.defaults)));
            object.insert("vars".to_owned(), json!(sorted(&role.vars)));
            object.insert("userVars".to_owned(), json!(sorted(&role.user_vars)));
            object.insert(
                "consolidatedStack".to_owned(),
                json!(sorted(&role.consolidated_stack)),
            );
        }
        object.insert("roles".to_owned(), Value::Array(below));
    }
    value
}

pub(super) fn template(template: &pb::WorkflowTemplateInfo) -> Value {
    let variables: BTreeMap<&String, Value> = template
        .var_spec_map
        .iter()
        .map(|(name, spec)| (name, variable(spec)))
        .collect();
    json!({
        "repo": template.repo,
        "template": template.template,
        "revision": template.revision,
        "description": template.description,
        "variables": variables,
    })
}

fn variable(spec: &pb::VarSpecMessage) -> Value {
    json!({
        "default": spec.default_value,
        "type": spec.r#type().as_str_name(),
        "label": spec.label,
        "description": spec.description,
        "widget": spec.widget().as_str_name(),
        "panel": spec.panel,
        "allowedValues": spec.allowed_values,
        "index": spec.index,
        "visibleIf": spec.visible_if,
        "enabledIf": spec.enabled_if,
    })
}

pub(super) fn service(service: &pb::IntegratedServiceInfo) -> Value {
    json!({
        "name": service.name,
        "enabled": service.enabled,
        "endpoint": service.endpoint,
        "connectionState": service.connection_state,
    })
}
