//! `partita log`: which commits changed what a workflow does.

use std::io::{self, ErrorKind, Write as _};

use partita_artefact::diff::render;
use partita_compiler::log::{Effect, Entry, Range, log};
use serde_json::{Value, json};

use crate::compile::request;
use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::terminal;

/// Longest subject of a commit that is shown, in characters.
const SUBJECT: usize = 60;

/// Say which commits changed what a workflow does, and how much; those that changed nothing of it are left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita log readout --repo examples/flp -n 10")]
pub(crate) struct Log {
    /// NAME, PATH/TO/REPO/workflows/NAME or HOST/REPO/workflows/NAME, each with an optional @REVISION to begin at
    workflow: String,
    /// Only commits that are not ancestors of this one
    #[arg(long, value_name = "REVISION")]
    since: Option<String>,
    /// Only so many, the newest
    #[arg(short = 'n', value_name = "COUNT")]
    count: Option<usize>,
    /// Every ancestor, not only first parents
    #[arg(long)]
    all: bool,
    /// How they are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line a commit
    Text,
    /// One JSON object a line (docs/diff.md)
    Json,
}

impl Log {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (repositories, request) = request(&self.workflow, &self.inputs, false)?;
        let range = Range {
            since: self.since.clone(),
            all: self.all,
        };
        let mut left = self.count.unwrap_or(usize::MAX);
        let mut written = Ok(());
        if left == 0 {
            return Ok(());
        }
        log(&request, &repositories, &range, &mut |entry| {
            let line = match self.format {
                Format::Text => line(&entry),
                Format::Json => object(&entry).to_string(),
            };
            written = writeln!(io::stdout(), "{line}");
            left -= 1;
            left > 0 && written.is_ok()
        })
        .map_err(|error| Failure::Surroundings(error.to_string()))?;
        match written {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::Surroundings(format!("cannot write: {error}"))),
            Ok(()) => Ok(()),
        }
    }
}

fn line(entry: &Entry) -> String {
    let Entry { commit, effect } = entry;
    let hash: String = commit.hash.chars().take(8).collect();
    let date: String = commit.date.chars().take(10).collect();
    let mut subject: String = commit.summary.chars().take(SUBJECT).collect();
    if subject.len() < commit.summary.len() {
        subject.push('…');
    }
    let what = match effect {
        Effect::Changed(diff) => diff.summary(),
        Effect::Compiles { roles: Some(roles) } => format!("compiles: {roles} roles"),
        Effect::Compiles { roles: None } => "compiles".to_owned(),
        Effect::Fails(error) => format!("does not compile: {error}"),
    };
    let (bold, plain) = if terminal::colours(&io::stdout()) {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    };
    format!(
        "{hash}  {date}  {}  {bold}{subject}{plain}  {what}",
        commit.author
    )
}

fn object(entry: &Entry) -> Value {
    let Entry { commit, effect } = entry;
    let (effect, summary, diff) = match effect {
        Effect::Changed(diff) => ("changed", diff.summary(), render::json(diff)),
        Effect::Compiles { roles } => (
            "compiles",
            roles.map_or_else(String::new, |roles| format!("{roles} roles")),
            Value::Null,
        ),
        Effect::Fails(error) => ("fails", error.clone(), Value::Null),
    };
    json!({
        "commit": commit.hash,
        "parent": commit.parents.first(),
        "time": commit.date,
        "author": commit.author,
        "subject": commit.summary,
        "effect": effect,
        "summary": summary,
        "diff": diff,
    })
}
