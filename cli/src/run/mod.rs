//! `partita run`: the whole life of one environment in the foreground, with a core of its own.

mod life;
mod story;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use partita_artefact::digest::Digest;
use partita_artefact::ir::{Artefact, Layers};
use partita_core::core::Config;

use crate::compile::compiled;
use crate::failure::Failure;
use crate::inputs::{Inputs, given};
use crate::{core, store};

/// Run a workflow on this machine: deploy, configure, start, stop, and leave nothing behind.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: partita run examples/flp/workflows/readout --for 5s\n          \
    partita run 3f2a9c --set hosts='[\"localhost\"]'"
)]
pub(crate) struct Run {
    /// Workflow (as for `compile`) or artefact (as for `show`)
    #[arg(value_name = "WORKFLOW|ARTEFACT")]
    what: String,
    #[command(flatten)]
    inputs: Inputs,
    /// How long to take data: 500ms, 10s, 2m, 1h30m, or forever
    #[arg(long = "for", default_value = "10s", value_name = "DURATION", value_parser = data_taking)]
    data_taking: DataTaking,
    /// Hosts to play on this machine, an executor each
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "localhost",
        value_name = "NAMES"
    )]
    hosts: Vec<String>,
    /// Keep the executors' logs in this folder, with the output of tasks that ask for it
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Folder for the run number
    #[arg(long, env = "PARTITA_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
}

/// How long data is taken; `None`: until somebody stops it.
#[derive(Debug, Clone, Copy)]
struct DataTaking(Option<Duration>);

fn data_taking(text: &str) -> Result<DataTaking, String> {
    if text == "forever" {
        return Ok(DataTaking(None));
    }
    partita_artefact::duration::parse(text)
        .map(|time| DataTaking(Some(time)))
        .map_err(|error| error.to_string())
}

impl Run {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let (artefact, digest) = self.artefact(folder)?;
        let given = self.given(&artefact)?;
        let config = self.configuration(&artefact)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::Surroundings(format!("cannot start: {error}")))?;
        runtime.block_on(life::live(
            Arc::new(artefact),
            digest,
            given,
            config,
            self.data_taking.0,
        ))
    }

    /// What is asked for, in any case loaded from the store by its hash.
    fn artefact(&self, folder: Option<&Path>) -> Result<(Artefact, Digest), Failure> {
        let names_an_artefact = Path::new(&self.what).is_file() || store::is_hash(&self.what);
        let wanted = if self.inputs.repositories.is_empty() && names_an_artefact {
            self.what.clone()
        } else {
            compiled(&self.what, &self.inputs, true, folder)?.1.to_string()
        };
        let (digest, artefact) = store::find(folder, &wanted)?;
        Ok((artefact, digest))
    }

    /// All variables: those of the artefact, and those of this command on top.
    fn given(&self, artefact: &Artefact) -> Result<Layers, Failure> {
        given(artefact, &self.inputs.layers()?)
    }

    fn configuration(&self, artefact: &Artefact) -> Result<Config, Failure> {
        let state = match &self.state {
            Some(folder) => folder.clone(),
            None => store::data_folder()?.join("state"),
        };
        let program = std::env::current_exe()
            .map_err(|error| Failure::Surroundings(format!("cannot find this program: {error}")))?;
        let mut config = Config::new(
            state,
            vec![program.into(), "executor".into()],
            core::services::registry(&artefact.services)?,
        );
        config.hosts.clone_from(&self.hosts);
        if let Some(folder) = &self.logs {
            std::fs::create_dir_all(folder).map_err(|error| {
                Failure::Surroundings(format!("cannot make {}: {error}", folder.display()))
            })?;
        }
        config.log_directory.clone_from(&self.logs);
        Ok(config)
    }
}
