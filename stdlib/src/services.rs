//! The services that workflows call while they run.

/// A service as workflow code sees it (reference: template-language.md 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// Its methods; none takes arguments.
    pub methods: &'static [&'static str],
    /// The variables that it reads around the call, besides those of every call. A `*` stands for any text.
    pub reads: &'static [&'static str],
    /// The variables that it sets in the environment. A `*` stands for any text.
    pub sets: &'static [&'static str],
}

/// The service of that name.
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

/// Every service, by name.
pub const SERVICES: &[Service] = &[
    Service {
        name: "bookkeeping",
        methods: &[
            "StartOfRun",
            "UpdateRunStart",
            "UpdateRunStop",
            "CreateEnv",
            "UpdateEnv",
            "RetrieveFillInfo",
        ],
        reads: &[
            "run_number",
            "last_run_number",
            "run_start_time_ms",
            "run_end_time_ms",
            "trg_start_time_ms",
            "trg_end_time_ms",
            "pdp_config_option",
            "pdp_topology_description_library_file",
            "pdp_workflow_parameters",
            "pdp_beam_type",
            "readout_cfg_uri",
            "ctp_readout_enabled",
            "ctp_readout_host",
            "odc_n_epns",
            "dd_enabled",
            "dcs_enabled",
            "epn_enabled",
            "odc_topology",
            "trg_global_run_enabled",
            "trg_enabled",
            "tfb_dd_mode",
            "lhc_period",
            "hosts",
            "detectors",
            "run_type",
            "odc_topology_fullname",
        ],
        sets: &["fill_info_*"],
    },
    Service {
        name: "ccdb",
        methods: &["RunStart", "RunStop"],
        reads: &[
            "run_number",
            "run_type",
            "run_start_time_ms",
            "run_end_completion_time_ms",
            "trg_start_time_ms",
            "trg_end_time_ms",
            "detectors",
            "ctp_readout_enabled",
            "pdp_n_hbf_per_tf",
            "lhc_period",
            "original_run_number",
            "pdp_override_run_start_time",
        ],
        sets: &[],
    },
    Service {
        name: "dcs",
        methods: &["PrepareForRun", "StartOfRun", "EndOfRun", "Cleanup"],
        reads: &[
            "dcs_*",
            "*_dcs_sor_parameters",
            "*_dcs_eor_parameters",
            "*_dcs_send_enabled_links",
            "*_default_*",
            "run_number",
            "run_type",
        ],
        sets: &[],
    },
    Service {
        name: "ddsched",
        methods: &["PartitionInitialize", "PartitionTerminate", "EnsureTermination"],
        reads: &[
            "ddsched_*",
            "dd_discovery_ib_hostname",
            "dd_discovery_stfs_id",
            "dd_discovery_stfb_id",
        ],
        sets: &[],
    },
    Service {
        name: "kafka",
        methods: &[
            "PublishEnterStateUpdate",
            "PublishLeaveStateUpdate",
            "PublishStartActivityUpdate",
        ],
        reads: &["run_number", "run_type", "enter_state_time_ms", "detectors"],
        sets: &[],
    },
    Service {
        name: "lhc",
        methods: &["UpdateFillInfo"],
        reads: &[],
        sets: &["fill_info_*"],
    },
    Service {
        name: "odc",
        methods: &[
            "PartitionInitialize",
            "Configure",
            "Start",
            "Stop",
            "Reset",
            "PartitionTerminate",
            "EnsureStop",
            "EnsureCleanup",
            "PreDeploymentCleanup",
            "EnsureCleanupLegacy",
        ],
        // The generators of topologies read the others (5.4).
        reads: &[
            "pdp_*",
            "odc_*",
            "ctp_readout_enabled",
            "detectors",
            "hosts",
            "lhc_period",
            "run_number",
            "run_type",
            "setup_name",
            "tfb_dd_mode",
            "__fmq_cleanup_count",
            "__odc_partitioninitialize_called",
        ],
        sets: &[],
    },
    Service {
        name: "testplugin",
        methods: &["Noop", "Test", "TimestampObserver", "CallOrderObserver"],
        reads: &[
            "testplugin_message",
            "testplugin_fail",
            "testplugin_hang",
            "run_number",
            "call_history",
        ],
        sets: &["call_history", "*_called", "*_saw_*"],
    },
    Service {
        name: "trg",
        methods: &[
            "PrepareForRun",
            "RunLoad",
            "RunStart",
            "RunStop",
            "RunUnload",
            "Cleanup",
            "EnsureRunStop",
            "EnsureRunUnload",
        ],
        reads: &[
            "run_number",
            "run_type",
            "trg_detectors",
            "trg_global_run_enabled",
            "trg_global_config",
            "trg_runtime_config",
            "ctp_readout_enabled",
        ],
        sets: &["trg_start_time_ms", "trg_end_time_ms"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_declared_once() {
        assert!(SERVICES.is_sorted_by_key(|service| service.name));
    }
}
