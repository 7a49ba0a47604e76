//! `partita check`: what is wrong with a repository, whatever variables it is given.

mod edition;
mod history;

use partita_artefact::ir::Edition;
use partita_artefact::similar::closest;
use partita_compiler::check::{Report, check};
use partita_compiler::diagnostic::Code;
use partita_compiler::render;
use partita_compiler::source::{Repositories, SourceError};

use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::terminal;

/// Check every workflow and task template of a repository; no variables are needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    partita check examples/flp --format concise\n  \
    partita check --history            what each commit broke and mended\n  \
    partita check --edition 2026       what would change in that edition of the language\n  \
    partita check --explain not-found  what a code means")]
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
    /// Check every commit that leads to the revision, and tell what each broke and mended
    #[arg(long)]
    history: bool,
    /// Show what would change in another edition of the language: `aliecs` or `2026`
    #[arg(long, value_name = "EDITION", conflicts_with = "history")]
    edition: Option<Edition>,
    #[command(flatten, next_help_heading = "With --edition")]
    inputs: Inputs,
    /// Print what a code means, why it matters and how to mend it
    #[arg(long, value_name = "CODE", conflicts_with_all = ["revision", "history"])]
    explain: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Each with the lines that it is about
    Full,
    /// One line each
    Concise,
    /// For tools (docs/check.md)
    Json,
    /// Workflow commands of GitHub, which mark the lines of a pull request
    Github,
    /// SARIF 2.1.0, for code scanning services
    Sarif,
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if let Some(code) = &self.explain {
            return explain(code);
        }
        let surroundings = |error: SourceError| Failure::Surroundings(error.to_string());
        let opened: Vec<&str> = std::iter::once(&self.repository)
            .chain(&self.inputs.repositories)
            .map(String::as_str)
            .collect();
        let repositories = Repositories::open(&opened).map_err(surroundings)?;
        if let Some(edition) = self.edition {
            let revision = self.revision.as_deref();
            return edition::tell(&repositories, revision, edition, &self.inputs, self.format);
        }
        if self.inputs.any() {
            let message = "check needs no variables; only `--edition` makes trees with them";
            return Err(Failure::Usage(message.to_owned()));
        }
        if self.history {
            return history::tell(&repositories, self.revision.as_deref(), self.format);
        }
        let report = check(&repositories, self.revision.as_deref()).map_err(surroundings)?;
        print(&report, self.format);
        if report.has_errors() {
            return Err(Failure::No(String::new()));
        }
        Ok(())
    }
}

fn print(report: &Report, format: Format) {
    let (findings, sources) = (&report.diagnostics, &report.sources);
    match format {
        Format::Full => {
            let frames = render::frames(findings, sources, terminal::colours(&std::io::stdout()));
            println!("{frames}{}", summary(report));
        }
        Format::Concise => println!("{}{}", render::concise(findings, sources), summary(report)),
        Format::Json => println!("{:#}", render::json(findings, sources)),
        Format::Github => print!("{}", render::github(findings, sources)),
        Format::Sarif => println!(
            "{:#}",
            render::sarif(findings, sources, env!("CARGO_PKG_VERSION"))
        ),
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

fn explain(name: &str) -> Result<(), Failure> {
    if let Some(code) = Code::parse(name) {
        print!("{}", code.page());
        return Ok(());
    }
    let names = Code::ALL.iter().map(|code| code.as_str());
    let hint = closest(name, names).map_or_else(String::new, |close| format!("; did you mean `{close}`?"));
    Err(Failure::Usage(format!("there is no code `{name}`{hint}")))
}
