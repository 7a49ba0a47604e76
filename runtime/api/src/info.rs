//! What a core says of itself.

use std::collections::{BTreeMap, BTreeSet};

use partita_core::core::Snapshot;
use partita_proto::o2control as pb;

use crate::create::DETECTORS;
use crate::server::{Shared, now_ms};

/// What a core says of itself.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Name of the instance, for people.
    pub instance: String,
    /// Identity of the framework: `local` for a local cluster.
    pub framework: String,
    /// Version of the program.
    pub version: String,
    /// Where the configuration comes from; may be empty.
    pub configuration: String,
    /// Hosts of the cluster.
    pub hosts: Vec<String>,
    /// Folder with the logs of executors, `<host>.log`, which hold the output of tasks.
    pub logs: String,
    /// The services that workflows can call, by name.
    pub services: BTreeMap<String, ServiceInfo>,
}

/// A service that workflows can call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceInfo {
    /// Its name, for people.
    pub name: String,
    /// It is there, or a stand-in for it.
    pub enabled: bool,
    /// Where it is; may be empty.
    pub endpoint: String,
}

/// The detectors that an environment uses.
pub(crate) fn detectors_of(snapshot: &Snapshot) -> Vec<String> {
    let list = snapshot
        .role(0)
        .and_then(|(_, stack)| stack.get(DETECTORS).map(str::to_owned));
    let list = list.and_then(|list| serde_json::from_str::<Vec<String>>(&list).ok());
    let mut list = list.unwrap_or_default();
    list.sort();
    list.dedup();
    list
}

/// The detectors that any environment uses.
pub(crate) fn active_detectors(snapshots: &[Snapshot]) -> Vec<String> {
    let all: BTreeSet<String> = snapshots.iter().flat_map(detectors_of).collect();
    all.into_iter().collect()
}

impl Shared {
    pub(crate) async fn framework_info(&self) -> pb::GetFrameworkInfoReply {
        // It never fails: where the core is silent there is nothing to count.
        let snapshots = self.snapshots().await.unwrap_or_default();
        let tasks = snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.roles)
            .filter(|role| role.task.is_some())
            .count();
        let all: Vec<String> = self.workflows.detectors().into_keys().collect();
        let active = active_detectors(&snapshots);
        let number = |part: usize| {
            let parts = self.about.version.split(['.', '-', '+']);
            parts
                .into_iter()
                .nth(part)
                .and_then(|part| part.parse().ok())
                .unwrap_or_default()
        };
        pb::GetFrameworkInfoReply {
            framework_id: self.about.framework.clone(),
            environments_count: count(snapshots.len()),
            tasks_count: count(tasks),
            state: "CONNECTED".to_owned(),
            hosts_count: count(self.about.hosts.len()),
            instance_name: self.about.instance.clone(),
            version: Some(pb::Version {
                major: number(0),
                minor: number(1),
                patch: number(2),
                build: String::new(),
                product_name: "Partita".to_owned(),
                version_str: self.about.version.clone(),
            }),
            configuration_endpoint: self.about.configuration.clone(),
            available_detectors: all.iter().filter(|one| !active.contains(one)).cloned().collect(),
            active_detectors: active,
            detectors_in_instance: all,
            timestamp: now_ms(),
        }
    }

    pub(crate) fn services(&self) -> pb::ListIntegratedServicesReply {
        let info = |service: &ServiceInfo| pb::IntegratedServiceInfo {
            name: service.name.clone(),
            enabled: service.enabled,
            endpoint: service.endpoint.clone(),
            connection_state: if service.enabled { "READY" } else { "UNKNOWN" }.to_owned(),
            data: "{}".to_owned(),
        };
        let services = self.about.services.iter();
        pb::ListIntegratedServicesReply {
            services: services
                .map(|(id, service)| (id.clone(), info(service)))
                .collect(),
            timestamp: now_ms(),
        }
    }
}

/// A number of things as the wire has it.
pub(crate) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
