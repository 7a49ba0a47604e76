//! `partita explain`: why a value is what it is.

use std::path::Path;

use partita_artefact::explain::{DEFAULT_DEPTH, ExplainError, Explainer, Paint};

use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::subject::Subject;
use crate::terminal;

/// Explain why a variable or field of a role is what it is, or why a role is not there.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: partita explain 3f2a readout.host-flp001.stfsender rate\n          \
    partita explain 3f2a readout.host-flp001.stfsender command\n          \
    partita explain examples/flp/workflows/readout readout.host-localhost.monitor --set monitoring_enabled=false\n\n\
    VARIABLE may be a field of the role: enabled, name, command, command.arguments[0], properties.NAME, critical,\n\
    trigger, a constraint or a channel. Where a variable has the same name, put a dot in front: .enabled"
)]
pub(crate) struct Explain {
    /// Artefact (as for `show`) or workflow (as for `compile`)
    #[arg(value_name = "ARTEFACT|WORKFLOW")]
    what: String,
    /// Path of the role, as `show --tree` has it: names joined by dots
    role: String,
    /// Variable or field; without it, everything that the role sees
    variable: Option<String>,
    #[command(flatten)]
    inputs: Inputs,
    /// Also show the steps of definitions that lose
    #[arg(long)]
    all: bool,
    /// How far the origin of a name is followed through the names in its own definition
    #[arg(long, default_value_t = DEFAULT_DEPTH, value_name = "LEVELS")]
    depth: usize,
    /// Print JSON (docs/explain.md)
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let subject = Subject::find(&self.what, &self.inputs, folder)?;
        let artefact = &subject.artefact;
        let world = subject.world();
        let mut explainer = Explainer::new(artefact, &subject.given, &world);
        explainer.depth = self.depth;
        explainer.all = self.all;
        for error in explainer.errors() {
            eprintln!("{} {error}", terminal::warning_label());
        }
        let paint = Paint(terminal::colours(&std::io::stdout()));
        let answer = match &self.variable {
            Some(name) => explainer.explain(&self.role, name).map(|all| {
                if self.json {
                    let all: Vec<_> = all.iter().map(|one| one.json(artefact)).collect();
                    return format!("{:#}\n", serde_json::Value::from(all));
                }
                let texts: Vec<String> = all.iter().map(|one| one.text(artefact, paint)).collect();
                texts.join("\n")
            }),
            None => explainer.overview(&self.role).map(|overview| {
                if self.json {
                    format!("{:#}\n", overview.json(artefact))
                } else {
                    overview.text(artefact, paint)
                }
            }),
        };
        let failure = match answer {
            Ok(text) => {
                print!("{text}");
                return Ok(());
            }
            Err(error) => error,
        };
        Err(Failure::No(match &failure {
            ExplainError::Absent(absence) => {
                if self.json {
                    println!("{:#}", absence.json(artefact));
                } else {
                    print!("{}", absence.text(artefact, paint));
                }
                failure.to_string()
            }
            ExplainError::NoRole { hint, .. } | ExplainError::NoVariable { hint: Some(hint), .. } => {
                format!("{failure}: {hint}")
            }
            _ => failure.to_string(),
        }))
    }
}
