//! What a command that looks at a tree is asked about: an artefact that exists, or a workflow that is compiled for it.

use std::path::Path;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::show::DRY_UID;
use partita_artefact::surroundings::assumed;
use partita_compiler::configuration;

use crate::compile::compiled;
use crate::failure::Failure;
use crate::inputs::{Inputs, read_text};
use crate::store;

/// An artefact, and the variables around its tree; with stand-ins for those that the core will add.
pub(crate) struct Subject {
    pub(crate) artefact: Artefact,
    pub(crate) given: Layers,
}

impl Subject {
    /// What `what` means: an artefact by file, hash or name, or else a workflow. The variables are those of the artefact,
    /// and those of this command on top; a configuration given here takes the place of the artefact's.
    pub(crate) fn find(what: &str, inputs: &Inputs, folder: Option<&Path>) -> Result<Self, Failure> {
        let mut artefact = if inputs.repositories.is_empty() && store::names_an_artefact(folder, what) {
            store::find(folder, what)?.1
        } else {
            compiled(what, inputs, false, folder)?.0
        };
        if let Some(path) = &inputs.configuration {
            artefact.configuration = configuration::parse(&read_text(path)?)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        }
        if !inputs.services.is_empty() {
            artefact.services.clone_from(&inputs.services);
        }
        let given = assumed(&artefact.given.clone().with(&inputs.layers()?));
        Ok(Self { artefact, given })
    }

    /// Everything that its tree needs is given.
    pub(crate) fn require_closed(&self) -> Result<(), Failure> {
        let layers = [&self.given.defaults, &self.given.vars, &self.given.user];
        let missing: Vec<String> = self
            .artefact
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .filter(|parameter| !layers.iter().any(|layer| layer.contains_key(&parameter.name)))
            .map(|parameter| format!("--set {}=…", parameter.name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "the artefact is open: give {}",
            missing.join(" ")
        )))
    }

    /// The world in which its expressions are evaluated.
    pub(crate) fn world(&self) -> Snapshot<'_> {
        Snapshot::new(&self.artefact, || DRY_UID.to_owned())
    }
}
