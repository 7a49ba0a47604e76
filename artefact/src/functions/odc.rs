//! What the EPN farm wants to know, from the `pdp_*` variables (reference: template-language.md 5.4, errata 5).

use std::collections::BTreeSet;

use super::md5;
use crate::evaluate::Context;

/// A variable that must be there.
fn required<'a>(context: &Context<'a>, name: &str) -> Option<&'a str> {
    context.variables.get(name)
}

/// Where the topology comes from.
#[derive(PartialEq)]
enum Source {
    Hash,
    Path,
    Xml,
}

fn source(context: &Context<'_>) -> Option<Source> {
    match required(context, "pdp_config_option")? {
        "Repository hash" => Some(Source::Hash),
        "Repository path" => Some(Source::Path),
        "Manual XML" => Some(Source::Xml),
        _ => None,
    }
}

/// `None` where a variable is missing or the mode is not known.
pub(super) fn topology_fullname(context: &Context<'_>) -> Option<String> {
    // Where the service is not there, this is a stub.
    if !context.world.services().iter().any(|service| service == "odc") {
        return None;
    }
    let (kind, origin) = match source(context)? {
        Source::Hash => ("hash", "pdp_o2_data_processing_hash"),
        Source::Path => ("path", "pdp_o2_data_processing_path"),
        Source::Xml => return Some(format!("(xml, {})", required(context, "odc_topology")?)),
    };
    Some(format!(
        "({kind}, {}, {}, {})",
        required(context, origin)?,
        required(context, "pdp_topology_description_library_file")?,
        required(context, "pdp_workflow_name")?
    ))
}

/// `None` where a variable is missing or does not fit, or the topology is given as XML.
pub(super) fn workflow_script(context: &Context<'_>) -> Option<String> {
    let command = command(context)?;
    let wipe = context
        .variables
        .get("pdp_wipe_workflow_cache")
        .is_some_and(|wipe| wipe.trim() == "true");
    Some(format!(
        "ECS_ENVIRONMENT_ID={} GEN_TOPO_WIPE_CACHE={} GEN_TOPO_CACHE_HASH={} {command}",
        required(context, "environment_id")?,
        u8::from(wipe),
        md5::hex(&command)
    ))
}

fn command(context: &Context<'_>) -> Option<String> {
    let plain = |name: &str| required(context, name).map(str::trim);
    let whole = |name: &str| plain(name)?.parse::<i64>().ok();
    let or_base = |name: &str| {
        let value = plain(name)?;
        let base = || context.world.base_variable(name).unwrap_or_default();
        Some(if value == "default" {
            base()
        } else {
            value.to_owned()
        })
    };
    let (by_hash, origin) = match source(context)? {
        Source::Hash => (1, or_base("pdp_o2_data_processing_hash")?),
        Source::Path => (0, plain("pdp_o2_data_processing_path")?.to_owned()),
        Source::Xml => return None,
    };
    let configuration = context.world.runtime_get("qc", "config_hash").unwrap_or_default();
    let parts = [
        format!("GEN_TOPO_HASH={by_hash}"),
        format!("GEN_TOPO_SOURCE='{origin}'"),
        format!("DDMODE='{}'", plain("tfb_dd_mode")?),
        format!(
            "GEN_TOPO_LIBRARY_FILE='{}'",
            plain("pdp_topology_description_library_file")?
        ),
        format!("GEN_TOPO_WORKFLOW_NAME='{}'", plain("pdp_workflow_name")?),
        format!("WORKFLOW_DETECTORS='{}'", detectors(context)?),
        format!(
            "WORKFLOW_DETECTORS_EXCLUDE_QC='{}'",
            plain("pdp_detector_exclude_list_qc")?
        ),
        format!(
            "WORKFLOW_DETECTORS_EXCLUDE_CALIB='{}'",
            plain("pdp_detector_exclude_list_calib")?
        ),
        format!("WORKFLOW_PARAMETERS='{}'", plain("pdp_workflow_parameters")?),
        format!("RECO_NUM_NODES_OVERRIDE={}", whole("odc_n_epns")?),
        format!("RECO_MAX_FAIL_NODES_OVERRIDE={}", whole("odc_n_epns_max_fail")?),
        format!(
            "MULTIPLICITY_FACTOR_RAWDECODERS={}",
            plain("pdp_raw_decoder_multi_factor")?
        ),
        format!(
            "MULTIPLICITY_FACTOR_CTFENCODERS={}",
            plain("pdp_ctf_encoder_multi_factor")?
        ),
        format!(
            "MULTIPLICITY_FACTOR_REST={}",
            plain("pdp_reco_process_multi_factor")?
        ),
        format!("BEAMTYPE='{}'", plain("pdp_beam_type")?),
        format!("NHBPERTF={}", plain("pdp_n_hbf_per_tf")?),
        "GEN_TOPO_ONTHEFLY=1".to_owned(),
        format!(
            "OVERRIDE_PDPSUITE_VERSION='{}'",
            or_base("pdp_o2pdpsuite_version")?
        ),
        format!("SET_QCJSON_VERSION='{configuration}'"),
        format!("DD_DISK_FRACTION='{}'", plain("epn_store_raw_data_fraction")?),
        format!("SHM_MANAGER_SHMID='{}'", plain("pdp_epn_shmid")?),
        format!("RUNTYPE={}", plain("run_type").unwrap_or("NONE")),
        format!("FLP_IDS='{}'", flp_ids(context)),
        format!(
            "GEN_TOPO_DEPLOYMENT_TYPE={}",
            plain("setup_name").unwrap_or("UNKNOWN").replace(' ', "_")
        ),
        required(context, "pdp_extra_env_vars")?.to_owned(),
        required(context, "pdp_epn_shm_sizes")?.to_owned(),
        required(context, "pdp_generator_script_path")?.to_owned(),
    ];
    Some(parts.join(" "))
}

/// The detectors as written, or those of the environment: sorted, with the trigger if CTP is read out.
fn detectors(context: &Context<'_>) -> Option<String> {
    let given: Vec<String> = serde_json::from_str(required(context, "detectors")?).ok()?;
    let listed = required(context, "pdp_detector_list_global")?.trim();
    if listed != "default" {
        return Some(listed.to_owned());
    }
    let mut detectors: BTreeSet<String> = given.into_iter().collect();
    let with_trigger = context
        .variables
        .get("ctp_readout_enabled")
        .is_some_and(|on| on.trim() == "true");
    if with_trigger {
        detectors.insert("TRG".to_owned());
    }
    Some(detectors.into_iter().collect::<Vec<_>>().join(","))
}

/// `alio2-cr1-flp001` is 001, `alio2-cr1-mvs02` is S02; other hosts have no id.
fn flp_ids(context: &Context<'_>) -> String {
    let hosts: Vec<String> = context
        .variables
        .get("hosts")
        .and_then(|hosts| serde_json::from_str(hosts).ok())
        .unwrap_or_default();
    let id = |host: &String| {
        host.strip_prefix("alio2-cr1-flp").map(str::to_owned).or_else(|| {
            host.strip_prefix("alio2-cr1-mvs")
                .map(|number| format!("S{number}"))
        })
    };
    hosts.iter().filter_map(id).collect::<Vec<_>>().join(",")
}
