//! `partita info`: what a core is and has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use partita_proto::o2control as pb;
use serde_json::json;

use super::{answer, json, table, with};
use crate::connection::Endpoint;
use crate::failure::Failure;

/// Show what a running core is: version, hosts, detectors, integrated services
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita info --core 127.0.0.1:32102")]
pub(crate) struct Info {
    #[command(flatten)]
    core: Endpoint,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (info, services) = with(&self.core, async |mut core| {
            let info = answer(
                core.control
                    .get_framework_info(pb::GetFrameworkInfoRequest {})
                    .await,
            )?;
            let services = answer(core.control.get_integrated_services(pb::Empty {}).await)?;
            Ok((info, services))
        })?;
        let services: BTreeMap<_, _> = services.services.into_iter().collect();
        if self.json {
            as_json(&info, &services);
        } else {
            print!("{}", for_people(&info, &services));
        }
        Ok(())
    }
}

fn as_json(info: &pb::GetFrameworkInfoReply, services: &BTreeMap<String, pb::IntegratedServiceInfo>) {
    let version = info.version.clone().unwrap_or_default();
    let services: BTreeMap<&String, _> = services
        .iter()
        .map(|(id, service)| (id, json::service(service)))
        .collect();
    json::print(&json!({
        "frameworkId": info.framework_id,
        "instanceName": info.instance_name,
        "product": version.product_name,
        "version": version.version_str,
        "state": info.state,
        "hosts": info.hosts_count,
        "environments": info.environments_count,
        "tasks": info.tasks_count,
        "detectors": info.detectors_in_instance,
        "activeDetectors": info.active_detectors,
        "availableDetectors": info.available_detectors,
        "services": services,
    }));
}

fn for_people(
    info: &pb::GetFrameworkInfoReply,
    services: &BTreeMap<String, pb::IntegratedServiceInfo>,
) -> String {
    let version = info.version.clone().unwrap_or_default();
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(" "),
    };
    let mut text = format!(
        "core          {} {}, {}\nframework     {}\nhosts         {}\nenvironments  {}\ntasks         {}\n\
         detectors     {}\n  active      {}\n",
        version.product_name,
        version.version_str,
        info.state,
        info.framework_id,
        info.hosts_count,
        info.environments_count,
        info.tasks_count,
        list(&info.detectors_in_instance),
        list(&info.active_detectors),
    );
    let enabled: Vec<_> = services.iter().filter(|(_, service)| service.enabled).collect();
    let _ = writeln!(text, "services      {} of {}", enabled.len(), services.len());
    if !enabled.is_empty() {
        let row = |(id, service): (&String, &pb::IntegratedServiceInfo)| {
            [
                format!("  {id}"),
                service.connection_state.clone(),
                service.endpoint.clone(),
            ]
        };
        let rows: Vec<_> = enabled.into_iter().map(row).collect();
        text += &table::draw(["  SERVICE", "CONNECTION", "ENDPOINT"], &rows);
    }
    text
}
