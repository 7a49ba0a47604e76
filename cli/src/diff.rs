//! `partita diff`: what changed between two artefacts, and what that costs a running environment.

use std::path::Path;

use partita_artefact::diff::{artefacts, render};
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::store::StoreError;
use partita_compiler::compile::compile;

use crate::compile::{report, request};
use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::{store, terminal};

/// Say what changed between two artefacts or workflows, role by role, and what it costs a running environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    partita diff 3f2a 91bc\n  \
    partita diff readout@main readout --repo examples/flp --format markdown --exit-code\n\n\
    Costs, from the worst: remove, add, move, restart, reconfigure, none (docs/diff.md).")]
pub(crate) struct Diff {
    /// Hash (or its beginning), name in the store, file, or WORKFLOW[@REVISION] to compile; a workflow without a revision
    /// is taken from the files as they stand
    before: String,
    /// The same
    after: String,
    /// How the difference is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs (docs/diff.md)
    Json,
    /// For a comment of a pull request
    Markdown,
}

impl Diff {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let [(a, given_a), (b, given_b)] =
            [self.side(&self.before, folder)?, self.side(&self.after, folder)?];
        let diff = artefacts((&a, &given_a), (&b, &given_b));
        match self.format {
            Format::Text => print!("{}", render::text(&diff, terminal::colours(&std::io::stdout()))),
            Format::Json => println!("{:#}", render::json(&diff)),
            Format::Markdown => {
                let title = format!("{} → {}", self.before, self.after);
                print!("{}", render::markdown(&title, &diff));
            }
        }
        if self.exit_code && !diff.is_empty() {
            return Err(Failure::No(String::new()));
        }
        Ok(())
    }

    /// An artefact that exists, or a workflow that is compiled for this, and the variables around its tree.
    fn side(&self, what: &str, folder: Option<&Path>) -> Result<(Artefact, Layers), Failure> {
        if let Some(artefact) = existing(what, folder)? {
            let given = artefact.given.clone().with(&self.inputs.layers()?);
            return Ok((artefact, given));
        }
        let (repositories, request) = request(what, &self.inputs, false)?;
        let mut outcome = compile(&request, &repositories);
        let Some(artefact) = outcome.artefact.take() else {
            report(&outcome);
            return Err(Failure::No(format!("`{what}` does not compile")));
        };
        let given = artefact.given.clone();
        Ok((artefact, given))
    }
}

/// The artefact of that file, hash or name, if there is one.
fn existing(what: &str, folder: Option<&Path>) -> Result<Option<Artefact>, Failure> {
    let file = Path::new(what);
    if file.is_file() && file.extension().is_none_or(|extension| extension != "yaml") {
        return Ok(Some(store::find(folder, what)?.1));
    }
    match store::open(folder)?.get(what) {
        Ok((_, artefact)) => Ok(Some(artefact)),
        Err(StoreError::Unknown(_) | StoreError::NoHash(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
