//! What transitions take from the variables of the root role.

/// Variables that go to the tasks with START_ACTIVITY (`runtime.md` 3.5); the first [`STOP_ARGUMENTS`] of them go with
/// STOP_ACTIVITY too.
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

/// How many of [`ARGUMENTS`] go with STOP_ACTIVITY.
pub const STOP_ARGUMENTS: usize = 6;
