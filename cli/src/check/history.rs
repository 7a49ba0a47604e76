//! `partita check --history`: what each commit broke and mended.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use partita_compiler::check::{Change, history};
use partita_compiler::diagnostic::{Diagnostic, SourceMap};
use partita_compiler::render;
use partita_compiler::source::{Repositories, SourceError};
use serde_json::{Value, json};

use super::Format;
use crate::failure::Failure;
use crate::terminal;

/// Characters of a hash that people read.
const SHORT: usize = 10;

/// Tells about each commit that changes what is wrong, the oldest first, and sums up.
pub(super) fn tell(
    repositories: &Repositories,
    revision: Option<&str>,
    format: Format,
) -> Result<(), Failure> {
    if !matches!(format, Format::Full | Format::Concise | Format::Json) {
        let message = "a history is written as text (`--format concise`) or JSON (`--format json`)";
        return Err(Failure::Usage(message.to_owned()));
    }
    let Some(repository) = repositories.first() else {
        return Err(Failure::Usage("no repository is given".to_owned()));
    };
    let bar = progress();
    let mut sum = Sum::default();
    let mut changes: Vec<Value> = Vec::new();
    let told = history(repository, repositories, revision, |change, sources, progress| {
        bar.set_length(progress.all as u64);
        bar.set_position(progress.done as u64);
        sum.add(change);
        if change.appeared.is_empty() && change.mended.is_empty() {
            return;
        }
        if format == Format::Json {
            changes.push(as_json(change, sources));
        } else {
            bar.suspend(|| print!("{}", as_text(change, sources)));
        }
    });
    bar.finish_and_clear();
    told.map_err(|error: SourceError| Failure::Surroundings(error.to_string()))?;
    if format == Format::Json {
        println!("{:#}", Value::Array(changes));
    } else {
        println!("{}", sum.text());
    }
    Ok(())
}

#[derive(Default)]
struct Sum {
    commits: usize,
    appeared: usize,
    mended: usize,
    left: usize,
}

impl Sum {
    fn add(&mut self, change: &Change) {
        self.commits += 1;
        self.appeared += change.appeared.len();
        self.mended += change.mended.len();
        self.left = change.left;
    }

    fn text(&self) -> String {
        format!(
            "{}: {} appeared, {} mended, {} left",
            render::plural(self.commits, "commit"),
            render::plural(self.appeared, "finding"),
            self.mended,
            self.left
        )
    }
}

fn progress() -> ProgressBar {
    if !terminal::live() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    // A template that indicatif cannot read would only cost the looks.
    let style = ProgressStyle::with_template("{pos}/{len} commits {bar:30}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn as_text(change: &Change, sources: &SourceMap) -> String {
    let short: String = change.commit.hash.chars().take(SHORT).collect();
    let mut text = format!("{short} {}\n", change.commit.summary);
    for (sign, findings) in [("+", &change.appeared), ("-", &change.mended)] {
        for finding in findings {
            let line = render::line(finding, sources);
            text.extend(["  ", sign, " ", &line]);
        }
    }
    text
}

fn as_json(change: &Change, sources: &SourceMap) -> Value {
    let findings = |findings: &[Diagnostic]| -> Vec<Value> {
        findings
            .iter()
            .map(|finding| render::finding(finding, sources))
            .collect()
    };
    json!({
        "commit": change.commit.hash,
        "summary": change.commit.summary,
        "appeared": findings(&change.appeared),
        "mended": findings(&change.mended),
        "left": change.left,
    })
}
