//! What tests with real processes share: this test program is executor and task as well, by its first argument.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use partita_artefact::instance::Instance;
use partita_artefact::ir::Artefact;
use partita_core::core::{Config, User, Wanted};
use partita_executor::SECRET_VARIABLE;
use partita_occ::server::{Mode, Options, Task};
use partita_services::Registry;

struct Idle;

impl Task for Idle {}

/// Is what this process was started for, if that is not testing.
pub(crate) fn play_role() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("executor") => executor(&arguments),
        Some("idle") => {
            let variable = |name: &str| environment(name);
            let options =
                Options::new(Mode::Direct, arguments.into_iter().skip(1), variable).expect("options");
            partita_occ::server::run(Idle, &options).expect("a port");
        }
        _ => return false,
    }
    true
}

#[allow(clippy::disallowed_methods, reason = "this is the edge of a test program")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn executor(arguments: &[String]) {
    let value = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let wanted = |flag| value(flag).expect("given by the core");
    let secret = environment(SECRET_VARIABLE).expect("given by the core");
    let directory = wanted("--directory").into();
    let mut config = partita_executor::Config::new(wanted("--core"), wanted("--host"), secret, directory);
    config.die_with_executor = arguments.iter().any(|argument| argument == "--die-with-executor");
    config.core_patience =
        value("--core-patience-ms").map(|n| Duration::from_millis(n.parse().expect("a number")));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(partita_executor::run(config)).expect("a core");
}

/// This program.
pub(crate) fn myself() -> OsString {
    std::env::current_exe().expect("a program").into()
}

/// An environment with this tree, wanted by nobody in particular.
#[allow(dead_code, reason = "each test file takes what it needs")]
pub(crate) fn wanted(id: String, artefact: Arc<Artefact>, instance: Instance, auto: bool) -> Wanted {
    Wanted {
        id,
        artefact,
        instance,
        origin: None,
        user: User::default(),
        auto,
    }
}

/// A core whose executors are this program.
#[allow(dead_code, reason = "each test file takes what it needs")]
pub(crate) fn config(folder: &Path, hosts: &[&str], services: Registry) -> Config {
    let mut config = Config::new(folder.to_owned(), vec![myself(), "executor".into()], services);
    config.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    config
}
