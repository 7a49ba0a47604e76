//! Stand-ins for the programs that workflows start, for examples and tests.
//!
//! They keep the real state machines, take the options that the production workflows give, bind and connect the
//! channels that are pushed to them, and move data over them, so that a wrong address, port or variable shows. They
//! do no physics, and speak no protocol of the real programs but OCC.
//!
//! This crate must never be needed by the runtime: all that it knows of Partita is the OCC library.

mod arguments;
mod channel;
mod misbehave;
mod plain;
mod station;

use std::process::ExitCode;

use arguments::Arguments;
use partita_occ::server::{Mode, Options, Task};

/// Names of the stand-ins, with what they stand for.
pub const PROGRAMS: [(&str, &str); 9] = [
    (
        "readout",
        "o2-readout-exe: a direct task that makes data and pushes it",
    ),
    (
        "stfbuilder",
        "StfBuilder: a FairMQ device that passes on what it pulls",
    ),
    ("stfsender", "StfSender: a FairMQ device that takes what it pulls"),
    (
        "qc",
        "a FairMQ device, as those of data quality control: takes what it pulls, passes it on if it has where to",
    ),
    ("qc-direct", "the same as a direct task"),
    ("idle", "a task that does nothing, in either mode"),
    (
        "hook",
        "a program that prints its arguments and exits: [--code N] [--after MS] [WORDS…]",
    ),
    ("numactl", "starts the program that stands after `--`, wherever"),
    ("misbehave", "goes wrong on purpose: MODE [VALUE]"),
];

/// Runs the stand-in for `program`, which may be a path: only its last part counts, in any case. `arguments` are
/// those that the real program would get.
pub fn run(program: &str, arguments: &[String]) -> ExitCode {
    log_to_stderr();
    let name = program.rsplit('/').next().unwrap_or(program).to_ascii_lowercase();
    let parsed = Arguments::parse(arguments);
    match name.as_str() {
        "readout" | "o2-readout-exe" => station::run("readout", Mode::Direct, &parsed, arguments),
        "stfbuilder" => station::run("StfBuilder", Mode::Fairmq, &parsed, arguments),
        "stfsender" => station::run("StfSender", Mode::Fairmq, &parsed, arguments),
        "qc" => station::run("qc", Mode::Fairmq, &parsed, arguments),
        "qc-direct" => station::run("qc", Mode::Direct, &parsed, arguments),
        "idle" => serve(plain::Idle, parsed.mode(), arguments),
        "hook" => plain::hook(&parsed),
        "numactl" => plain::exec(arguments),
        "misbehave" => misbehave::run(&parsed, arguments),
        _ => {
            let known: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
            tracing::error!(
                "there is no stand-in for `{program}`; there are: {}",
                known.join(", ")
            );
            ExitCode::from(2)
        }
    }
}

/// Serves `task` until EXIT, and says why where it cannot.
fn serve(task: impl Task, mode: Mode, arguments: &[String]) -> ExitCode {
    #[allow(
        clippy::disallowed_methods,
        reason = "the control port is told to a task by its environment"
    )]
    let options = Options::new(mode, arguments.iter().cloned(), |name| std::env::var(name).ok());
    let served = options
        .map_err(|error| error.to_string())
        .and_then(|options| partita_occ::server::run(task, &options).map_err(|error| error.to_string()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    // It fails if there is a log already, and then that one is used.
    let _ = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
}
