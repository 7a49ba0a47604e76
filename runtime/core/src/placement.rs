//! Which task goes to which host.

use partita_artefact::instance::{Constraint, Role};

/// Attribute of a host that is its name (`runtime.md` 4.3).
const MACHINE_ID: &str = "machine_id";

/// The host for a task, or why there is none. Every host has one attribute, `machine_id`: its name.
pub fn place(role: &Role, hosts: &[String]) -> Result<String, String> {
    let mut place = None;
    for Constraint { attribute, value, .. } in &role.constraints {
        if attribute != MACHINE_ID {
            return Err(format!(
                "constraint {attribute} = {value}: the hosts here have only {MACHINE_ID}"
            ));
        }
        let host = hosts.iter().find(|host| *host == value);
        let Some(host) = host else {
            let hosts = hosts.join(", ");
            return Err(format!(
                "constraint {MACHINE_ID} = {value}: no such host; there are: {hosts}"
            ));
        };
        if place.is_some_and(|place| place != host) {
            return Err(format!(
                "constraint {MACHINE_ID} = {value}: it demands another host as well"
            ));
        }
        place = Some(host);
    }
    let place = place.or_else(|| hosts.first()).cloned();
    place.ok_or_else(|| "there are no hosts".to_owned())
}
