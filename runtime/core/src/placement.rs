//! Which task goes to which host. Pure.

use partita_artefact::instance::{Constraint, Role};
use partita_artefact::similar::closest;

/// Attribute of a host that is its name (`runtime.md` 4.3).
const MACHINE_ID: &str = "machine_id";

/// The host for a task: the first that satisfies all of its constraints. Or why there is none.
///
/// Every host has one attribute, `machine_id`: its name. The reference lets the last constraint decide alone, a defect
/// (`runtime.md` 4.3).
pub fn place(role: &Role, hosts: &[String]) -> Result<String, String> {
    let demands: Vec<&Constraint> = role.constraints.iter().filter(|one| one.is_demand()).collect();
    for demand in &demands {
        let Constraint { attribute, value, .. } = demand;
        let wanted = format!("no host with {attribute} = {value}");
        if attribute != MACHINE_ID {
            return Err(format!("{wanted}: the hosts here have only {MACHINE_ID}"));
        }
        if !hosts.contains(value) {
            let meant = closest(value, hosts.iter().map(String::as_str));
            let hint = meant.map_or_else(String::new, |host| format!(" (did you mean {host}?)"));
            return Err(format!("{wanted}{hint}; there is {}", list(hosts)));
        }
    }
    let satisfies = |host: &&String| demands.iter().all(|demand| demand.value == **host);
    hosts.iter().find(satisfies).cloned().ok_or_else(|| {
        if demands.is_empty() {
            return "there are no hosts".to_owned();
        }
        let values: Vec<&str> = demands.iter().map(|demand| demand.value.as_str()).collect();
        format!("no host has {MACHINE_ID} = {} at once", values.join(" and "))
    })
}

fn list(hosts: &[String]) -> String {
    if hosts.is_empty() {
        return "none".to_owned();
    }
    hosts.join(", ")
}

#[cfg(test)]
mod tests {
    use partita_artefact::instance::Kind;
    use partita_artefact::ir::{Layers, Span};

    use super::*;

    fn placed(constraints: &[(&str, &str, i64)], hosts: &[&str]) -> Result<String, String> {
        let constraint = |(attribute, value, operator): &(&str, &str, i64)| Constraint {
            span: Span::default(),
            attribute: (*attribute).to_owned(),
            value: (*value).to_owned(),
            operator: *operator,
        };
        let role = Role {
            name: "readout".to_owned(),
            path: "flp.readout".to_owned(),
            span: Span::default(),
            enabled: true,
            layers: Layers::default(),
            constraints: constraints.iter().map(constraint).collect(),
            connect: Vec::new(),
            bind: Vec::new(),
            critical: true,
            kind: Kind::Aggregator,
            roles: Vec::new(),
            include: None,
            empty_iterators: 0,
        };
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        place(&role, &hosts)
    }

    #[test]
    fn without_a_demand_the_first_host_takes_it() {
        for constraints in [
            &[][..],
            &[(MACHINE_ID, "", 0)],
            &[(MACHINE_ID, "nowhere", 1), ("detector", "ITS", 2)],
        ] {
            assert_eq!(placed(constraints, &["host1", "host2"]), Ok("host1".to_owned()));
        }
    }

    #[test]
    fn the_demanded_host_takes_it() {
        let constraints = [(MACHINE_ID, "host2", 0), (MACHINE_ID, "", 0)];
        assert_eq!(placed(&constraints, &["host1", "host2"]), Ok("host2".to_owned()));
    }

    #[test]
    fn says_why_nothing_takes_it() {
        let why = |constraints: &[_], hosts: &[_]| placed(constraints, hosts).expect_err("no host");
        let hosts = ["host1", "host2"];
        insta::assert_snapshot!(why(&[(MACHINE_ID, "alio2-cr1-flp001", 0)], &hosts), @"no host with machine_id = alio2-cr1-flp001; there is host1, host2");
        insta::assert_snapshot!(why(&[(MACHINE_ID, "hots2", 0)], &hosts), @"no host with machine_id = hots2 (did you mean host2?); there is host1, host2");
        insta::assert_snapshot!(why(&[("detector", "ITS", 0)], &hosts), @"no host with detector = ITS: the hosts here have only machine_id");
        insta::assert_snapshot!(why(&[(MACHINE_ID, "host1", 0), (MACHINE_ID, "host2", 0)], &hosts), @"no host has machine_id = host1 and host2 at once");
        insta::assert_snapshot!(why(&[(MACHINE_ID, "host1", 0)], &[]), @"no host with machine_id = host1; there is none");
        insta::assert_snapshot!(why(&[], &[]), @"there are no hosts");
    }
}
