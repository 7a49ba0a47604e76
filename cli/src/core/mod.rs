//! `partita core`: the daemon, and what people at its machine tell it.

mod clone;
mod drain;
mod ledger;
mod seen;
mod serve;
pub(crate) mod services;
mod templates;
mod workflows;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Serve environments to clients, for months: `coconut`, the web GUI and `partita env` speak to it.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: partita core --cluster local=host1,host2 --repo /path/to/workflows --state /var/lib/partita\n\n\
        SIGTERM and SIGINT end the core; `partita core drain` ends all environments in order."
)]
pub(crate) struct Core {
    #[command(subcommand)]
    action: Option<Action>,
    /// Where tasks run: `local` is this machine, an executor for each host that is named
    #[arg(long, default_value = "local", value_name = "local[=HOST,...]", value_parser = cluster)]
    cluster: LocalCluster,
    /// Repository of workflows: a folder, or what `git clone` understands; the first is the default
    #[arg(long = "repo", value_name = "[ID=]REPOSITORY[@REVISION]")]
    repositories: Vec<String>,
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:32102", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Let clients of other machines connect: there is no authentication, whoever reaches the port steers
    #[arg(long)]
    allow_remote_clients: bool,
    /// Folder for everything that must outlive the core
    #[arg(long, env = "PARTITA_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Snapshot of the configuration store (YAML), with the inventory; read again when repositories are refreshed
    #[arg(long = "config", value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// Integrated services that workflows may call; the test service is always there
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    services: Vec<String>,
    /// Name of this instance, shown by clients
    #[arg(long, default_value = "partita", value_name = "NAME")]
    instance: String,
    #[command(flatten)]
    outside: seen::Outside,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Drain(drain::Drain),
}

/// Hosts of the local cluster.
#[derive(Debug, Clone)]
struct LocalCluster(Vec<String>);

fn cluster(text: &str) -> Result<LocalCluster, String> {
    let hosts = match text.split_once('=') {
        None if text == "local" => vec!["localhost".to_owned()],
        Some(("local", hosts)) => hosts.split(',').map(str::to_owned).collect(),
        _ => return Err("expected `local` or `local=HOST,...`".to_owned()),
    };
    if hosts.iter().any(String::is_empty) {
        return Err("a host has no name".to_owned());
    }
    Ok(LocalCluster(hosts))
}

impl Core {
    pub(crate) fn run(self, store: Option<&Path>) -> Result<(), Failure> {
        match self.action {
            Some(Action::Drain(ref drain)) => drain.run(),
            None => serve::serve(self, store),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_cluster_has_hosts() {
        let hosts = |text: &str| cluster(text).map(|LocalCluster(hosts)| hosts);
        assert_eq!(hosts("local").unwrap(), ["localhost"]);
        assert_eq!(hosts("local=a,b").unwrap(), ["a", "b"]);
        for wrong in ["", "mesos=x:1", "local=", "local=a,,b"] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
    }
}
