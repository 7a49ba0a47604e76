//! `partita graph`: what a workflow looks like.

use std::path::Path;

use clap::ValueEnum;
use partita_artefact::instantiate::instantiate;
use partita_artefact::show::short;
use partita_compiler::graph::{Expand, Graph as Picture, dot, mermaid, svg};

use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::show::failed;
use crate::subject::Subject;
use crate::terminal;

/// Draw the roles of a workflow, the channels between its tasks, and its hooks and calls in their order.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: partita graph 3f2a --set hosts='[\"flp001\",\"flp002\"]' > readout.svg\n          \
    partita graph examples/flp/workflows/readout --format mermaid\n\n\
    The SVG opens in any browser: tooltips tell more, a click on a count lists the roles behind it."
)]
pub(crate) struct Graph {
    /// Artefact (as for `show`) or workflow (as for `compile`)
    #[arg(value_name = "ARTEFACT|WORKFLOW")]
    what: String,
    #[command(flatten)]
    inputs: Inputs,
    /// What to write: a picture, or text for Graphviz or mermaid
    #[arg(long, value_enum, default_value_t = Format::Svg)]
    format: Format,
    /// Path of a role that is to stand apart from its likes, or `all`
    #[arg(long, value_name = "ROLE|all")]
    expand: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Svg,
    Dot,
    Mermaid,
}

impl Graph {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let subject = Subject::find(&self.what, &self.inputs, folder)?;
        let picture = match subject.require_closed() {
            Err(open) if self.expand.is_empty() => {
                eprintln!("{} drawn as it is written: {open}", terminal::warning_label());
                Picture::of_open(&subject.artefact, short(&subject.artefact.root))
            }
            Err(open) => return Err(open),
            Ok(()) => self.tree(&subject)?,
        };
        print!(
            "{}",
            match self.format {
                Format::Svg => svg(&picture),
                Format::Dot => dot(&picture),
                Format::Mermaid => mermaid(&picture),
            }
        );
        Ok(())
    }

    /// The picture of the tree that the variables make.
    fn tree(&self, subject: &Subject) -> Result<Picture, Failure> {
        let instance = instantiate(&subject.artefact, &subject.given, &subject.world())
            .map_err(|errors| failed(&subject.artefact, &errors))?;
        let expand = if self.expand.iter().any(|path| path == "all") {
            Expand::All
        } else if self.expand.is_empty() {
            Expand::Nothing
        } else {
            for path in &self.expand {
                if instance.find(path).is_none() {
                    return Err(Failure::No(format!("--expand {path}: there is no such role")));
                }
            }
            Expand::Roles(self.expand.clone())
        };
        Ok(Picture::of(&instance, short(&subject.artefact.root), &expand))
    }
}
