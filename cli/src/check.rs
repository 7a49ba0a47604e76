//! `partita check`: what is wrong with a repository, whatever variables it is given.

use partita_compiler::check::{Report, check};
use partita_compiler::render;
use partita_compiler::source::Repositories;

use crate::failure::Failure;
use crate::terminal;

/// Check every workflow and task template of a repository; no variables are needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita check examples/flp --format concise")]
pub(crate) struct Check {
    /// Repository to check: a folder or a Git repository, optionally under an identifier of its own
    #[arg(default_value = ".", value_name = "[ID=]REPO")]
    repository: String,
    /// Branch, tag or commit to check, instead of the files as they stand
    #[arg(long = "rev", value_name = "REVISION")]
    revision: Option<String>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Full)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Each with the lines that it is about
    Full,
    /// One line each
    Concise,
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let surroundings =
            |error: partita_compiler::source::SourceError| Failure::Surroundings(error.to_string());
        let repositories = Repositories::open(&[&self.repository]).map_err(surroundings)?;
        let report = check(&repositories, self.revision.as_deref()).map_err(surroundings)?;
        let findings = match self.format {
            Format::Full => render::frames(
                &report.diagnostics,
                &report.sources,
                terminal::colours(&std::io::stdout()),
            ),
            Format::Concise => render::concise(&report.diagnostics, &report.sources),
        };
        println!("{findings}{}", summary(&report));
        if report.has_errors() {
            return Err(Failure::No(String::new()));
        }
        Ok(())
    }
}

fn summary(report: &Report) -> String {
    let findings = match render::count(&report.diagnostics) {
        none if none.is_empty() => "nothing wrong".to_owned(),
        counted => counted.trim_end().to_owned(),
    };
    format!(
        "{} and {}: {findings}",
        render::plural(report.workflows, "workflow"),
        render::plural(report.tasks, "task template")
    )
}
