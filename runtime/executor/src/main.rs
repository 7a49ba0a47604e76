//! `partita-executor`: the executor alone, for hosts that need nothing else of Partita.
//!
//! `partita-executor --core ADDRESS --host NAME --directory DIR [--core-patience-ms N] [--die-with-executor]`,
//! with the secret in the environment variable `PARTITA_EXECUTOR_SECRET`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use partita_executor::{Config, SECRET_VARIABLE, run};

const USAGE: &str = "usage: partita-executor --core unix:/path|http://host:port --host NAME --directory DIR \
                     [--core-patience-ms N] [--die-with-executor]";

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let Some(config) = configuration(std::env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

fn configuration(mut arguments: impl Iterator<Item = OsString>) -> Option<Config> {
    let (mut core, mut host, mut directory) = (None, None, None);
    let (mut core_patience, mut die_with_executor) = (None, false);
    while let Some(flag) = arguments.next() {
        match flag.to_str()? {
            "--core" => core = arguments.next()?.into_string().ok(),
            "--host" => host = arguments.next()?.into_string().ok(),
            "--directory" => directory = arguments.next(),
            "--core-patience-ms" => {
                core_patience = Some(Duration::from_millis(arguments.next()?.to_str()?.parse().ok()?));
            }
            "--die-with-executor" => die_with_executor = true,
            _ => return None,
        }
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the command line of the executor"
    )]
    let secret = std::env::var(SECRET_VARIABLE).unwrap_or_default();
    let mut config = Config::new(core?, host?, secret, directory?.into());
    config.core_patience = core_patience;
    config.die_with_executor = die_with_executor;
    Some(config)
}
