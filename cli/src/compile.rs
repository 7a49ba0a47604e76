//! `partita compile`: from a repository to an artefact in the store.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use partita_artefact::codec;
use partita_artefact::digest::Digest;
use partita_artefact::ir::{Artefact, Pins};
use partita_compiler::compile::{Outcome, Request, compile};
use partita_compiler::configuration;
use partita_compiler::source::Repositories;
use partita_compiler::{lock, render};

use crate::failure::Failure;
use crate::inputs::{Inputs, read_text};
use crate::{store, terminal};

/// Compile a workflow to an artefact, keep it in the store, and print its hash.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita compile readout --repo examples/flp --set hosts='[\"localhost\"]'")]
pub(crate) struct Compile {
    /// NAME, PATH/TO/REPO/workflows/NAME or HOST/REPO/workflows/NAME, each with an optional @REVISION
    workflow: String,
    #[command(flatten)]
    inputs: Inputs,
    /// Also write the artefact to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// No variable will be given later: an undefined one is an error, not a parameter
    #[arg(long)]
    closed: bool,
}

impl Compile {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let (artefact, digest) = compiled(&self.workflow, &self.inputs, self.closed, folder)?;
        if let Some(out) = &self.out {
            replace(
                out,
                &codec::encode(&artefact).map_err(|error| Failure::No(error.to_string()))?,
            )?;
        }
        let open: Vec<&str> = artefact
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .map(|parameter| parameter.name.as_str())
            .collect();
        if !open.is_empty() {
            eprintln!("open: {} must be given before it can run", open.join(", "));
        }
        println!("{digest}");
        Ok(())
    }
}

/// Compiles a workflow into the store. What the compiler has to say goes to standard error.
pub(crate) fn compiled(
    workflow: &str,
    inputs: &Inputs,
    closed: bool,
    folder: Option<&Path>,
) -> Result<(Artefact, Digest), Failure> {
    let (repositories, request) = request(workflow, inputs, closed)?;
    let outcome = compile(&request, &repositories);
    report(&outcome);
    let artefact = outcome.artefact.ok_or_else(|| Failure::No(String::new()))?;
    let store = store::open(folder)?;
    let digest = store.put(&artefact)?;
    store.set_name(&artefact.root, &digest)?;
    Ok((artefact, digest))
}

/// What is to be compiled, and from where.
pub(crate) fn request(
    workflow: &str,
    inputs: &Inputs,
    closed: bool,
) -> Result<(Repositories, Request), Failure> {
    let (repositories, workflow) = Repositories::open_for(workflow, &inputs.repositories)
        .map_err(|error| Failure::Surroundings(error.to_string()))?;
    let request = Request {
        workflow,
        closed,
        ..surroundings(inputs)?
    };
    Ok((repositories, request))
}

/// What is around any workflow. The variables are those of `--environment` exactly, or else those of the configuration
/// store; `--vars` and `--set` come on top.
pub(crate) fn surroundings(inputs: &Inputs) -> Result<Request, Failure> {
    let configuration = match &inputs.configuration {
        None => BTreeMap::new(),
        Some(path) => configuration::parse(&read_text(path)?)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?,
    };
    let given = match inputs.environment {
        Some(_) => inputs.layers()?,
        None => configuration::environment(&configuration).with(&inputs.layers()?),
    };
    let pins = match &inputs.lock {
        None => Pins::default(),
        Some(path) => pins(path)?,
    };
    Ok(Request {
        given,
        configuration,
        services: inputs.services.clone(),
        pins,
        ..Request::default()
    })
}

/// Writes what the compiler has to say to standard error.
pub(crate) fn report(outcome: &Outcome) {
    let colours = terminal::colours(&std::io::stderr());
    eprint!("{}", render::full(outcome.findings(), &outcome.sources, colours));
}

/// What the lock file at `path` pins.
fn pins(path: &Path) -> Result<Pins, Failure> {
    let (pins, wrong) = lock::parse(&read_text(path)?, 0);
    match wrong.first() {
        None => Ok(pins),
        Some(first) => {
            let line = first.primary.as_ref().map_or(0, |label| label.span.line);
            Err(Failure::Usage(format!(
                "{}:{line}: {}",
                path.display(),
                first.message
            )))
        }
    }
}

/// Replaces a file as a whole: a reader sees the old or the new one, never a part.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Surroundings(format!("cannot write {}: {error}", path.display()));
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
