//! Variables that pass between the core and a role tree: what the core puts around every root role, and what it takes from
//! there.

use crate::ir::Layers;

/// Variables that the core defines before a workflow is loaded (`template-language.md` 3.1).
pub const AT_LOAD: [&str; 10] = [
    "__fmq_cleanup_count",
    "consul_base_uri",
    "consul_endpoint",
    "consul_hostname",
    "consul_port",
    "core_hostname",
    "enter_state_time_ms",
    "environment_id",
    "framework_id",
    "last_request_user",
];

/// What is given, and a stand-in for each variable that the core will put around the root role: any value will do where a
/// tree is only looked at.
#[must_use]
pub fn assumed(given: &Layers) -> Layers {
    let stand_in = |name: &&str| ((*name).to_owned(), format!("<{name}>"));
    Layers {
        defaults: AT_LOAD.iter().map(stand_in).collect(),
        ..Layers::default()
    }
    .with(given)
}

/// Variables that go to the tasks with `START_ACTIVITY` (`runtime.md` 3.5); the first [`STOP_ARGUMENTS`] of them go with
/// `STOP_ACTIVITY` too.
pub const ARGUMENTS: [&str; 13] = [
    "fill_info_fill_number",
    "fill_info_filling_scheme",
    "fill_info_beam_type",
    "fill_info_stable_beams_start_ms",
    "fill_info_stable_beams_end_ms",
    "run_end_time_ms",
    "run_number",
    "run_type",
    "run_start_time_ms",
    "lhc_period",
    "pdp_beam_type",
    "pdp_override_run_start_time",
    "original_run_number",
];

/// How many of [`ARGUMENTS`] go with `STOP_ACTIVITY`.
pub const STOP_ARGUMENTS: usize = 6;

/// Variables of the root role by which the core steers an environment (`template-language.md` quirk 39, `runtime.md` 3.3),
/// besides [`ARGUMENTS`].
pub const STEERING: [&str; 12] = [
    "answer_margin",
    "auto_linger",
    "auto_stop_enabled",
    "auto_stop_timeout",
    "configure_timeout",
    "deploy_patience",
    "deploy_timeout",
    "detectors",
    "hosts",
    "kill_timeout",
    "run_number_timeout",
    "transition_timeout",
];
