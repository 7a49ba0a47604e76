//! What happens in environments, as log lines with fields. Variables and what tasks write are never among them: they may
//! hold secrets.

use partita_core::cause::Cause;
use partita_core::environment::{Advance, Numbered, Observation, Progress};

/// Target of these lines, for filters: `PARTITA_LOG=info,partita::environments=debug`.
pub const TARGET: &str = "partita::environments";

macro_rules! line {
    ($level:ident, $seen:ident, $($rest:tt)+) => {
        tracing::$level!(target: TARGET, environment = $seen.environment, number = $seen.number, $($rest)+)
    };
}

/// Logs an observation: what an operator follows as information, what went wrong as warning or error, and each single
/// role, task, step and hook for debugging.
pub fn log(seen: &Numbered) {
    match &seen.observation {
        Observation::Created { label, auto, .. } => {
            line!(
                info,
                seen,
                workflow = label.workflow.name,
                auto,
                user = label.user,
                "created"
            );
        }
        Observation::Advance {
            state,
            run,
            transition,
            advance,
            ..
        } => {
            let transition = transition.map_or("DESTROY", |transition| transition.name());
            advanced(seen, state.name(), *run, transition, advance);
        }
        Observation::ErrorImminent { run, .. } => {
            line!(error, seen, run, "something critical is broken: GO_ERROR follows");
        }
        Observation::Run {
            number,
            transition,
            advance,
            ..
        } => {
            let transition = transition.map_or("DESTROY", |transition| transition.name());
            if *advance == Advance::Begun {
                line!(
                    info,
                    seen,
                    run = number,
                    transition,
                    "run begins, or begins to end"
                );
            } else {
                line!(info, seen, run = number, transition, "run has begun, or ended");
            }
        }
        Observation::Task {
            path,
            id,
            host,
            state,
            status,
            ..
        } => {
            let state = state.map_or("LAUNCHED", |state| state.name());
            line!(
                debug,
                seen,
                role = path,
                task = id,
                host,
                state,
                status = status.name(),
                "task"
            );
        }
        Observation::Role {
            path, state, status, ..
        } => {
            line!(
                debug,
                seen,
                role = path,
                state = state.name(),
                status = status.name(),
                "role"
            );
        }
        Observation::Hook {
            path,
            moment,
            progress,
            ..
        } => match progress {
            Progress::Started => line!(debug, seen, role = path, moment, "hook begins"),
            Progress::Ended { stand_in } => line!(debug, seen, role = path, moment, stand_in, "hook ended"),
            Progress::Failed(_) => line!(warn, seen, role = path, moment, "hook failed"),
            Progress::Skipped(reason) => line!(warn, seen, role = path, moment, reason, "hook did not run"),
        },
        Observation::Cause(cause) => caused(seen, cause),
        Observation::Gone => line!(info, seen, "gone"),
        Observation::Environment { state, run, .. } => line!(debug, seen, state = state.name(), run, "state"),
    }
}

fn advanced(seen: &Numbered, state: &str, run: Option<u32>, transition: &str, advance: &Advance) {
    match advance {
        Advance::Begun => line!(info, seen, state, run, transition, "transition begins"),
        Advance::Refused(reason) => line!(warn, seen, state, run, transition, reason, "transition refused"),
        Advance::StepBegun(step) => line!(debug, seen, state, run, transition, step, "step begins"),
        Advance::StepEnded { step, error } => {
            line!(debug, seen, state, run, transition, step, error, "step ended");
        }
        Advance::Ended { error: None } => line!(info, seen, state, run, transition, "transition ended"),
        Advance::Ended { error: Some(error) } => {
            line!(error, seen, state, run, transition, error, "transition failed");
        }
    }
}

/// A cause and what led to it, a line each.
fn caused(seen: &Numbered, cause: &Cause) {
    let told = Cause {
        last_lines: Vec::new(),
        because: Vec::new(),
        ..cause.clone()
    };
    let (role, task, host) = (&cause.role, &cause.task, &cause.host);
    let exit = cause.exit.map(|exit| exit.to_string());
    if cause.harmless {
        line!(warn, seen, role, task, host, exit, "{told}");
    } else {
        line!(error, seen, role, task, host, exit, "{told}");
    }
    for deeper in &cause.because {
        caused(seen, deeper);
    }
}
