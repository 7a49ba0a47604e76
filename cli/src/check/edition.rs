//! `partita check --edition`: what would change in another edition of the language.

use std::fmt::Write as _;

use partita_artefact::diff::Diff;
use partita_artefact::diff::render::{self as diff, text};
use partita_artefact::ir::Edition;
use partita_compiler::editions::{Comparison, Workflow, compare};
use partita_compiler::render;
use partita_compiler::source::Repositories;
use serde_json::{Value, json};

use super::Format;
use crate::compile::surroundings;
use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::terminal;

/// Tells what becomes an error, then what changes in each workflow, and sums up. The answer is no if there are errors.
pub(super) fn tell(
    repositories: &Repositories,
    revision: Option<&str>,
    edition: Edition,
    inputs: &Inputs,
    format: Format,
) -> Result<(), Failure> {
    if !matches!(format, Format::Full | Format::Json) {
        let message =
            "what an edition changes is written as text (`--format full`) or JSON (`--format json`)";
        return Err(Failure::Usage(message.to_owned()));
    }
    let request = surroundings(inputs)?;
    let comparison = compare(repositories, revision, edition, &request)
        .map_err(|error| Failure::Surroundings(error.to_string()))?;
    if format == Format::Json {
        println!("{:#}", as_json(&comparison, edition));
    } else {
        print_text(&comparison, edition);
    }
    if comparison.errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::No(String::new()))
    }
}

fn print_text(comparison: &Comparison, edition: Edition) {
    let colours = terminal::colours(&std::io::stdout());
    if !comparison.errors.is_empty() {
        println!("becomes an error\n");
        print!(
            "{}",
            render::frames(&comparison.errors, &comparison.sources, colours)
        );
    }
    for workflow in &comparison.workflows {
        print!("{}", told(workflow, colours));
    }
    println!("{}", summary(comparison, edition));
}

/// For programs (docs/check.md).
fn as_json(comparison: &Comparison, edition: Edition) -> Value {
    let errors = comparison.errors.iter();
    let errors: Vec<Value> = errors
        .map(|error| render::finding(error, &comparison.sources))
        .collect();
    let workflows = comparison.workflows.iter().map(|workflow| {
        json!({
            "workflow": workflow.name,
            "templates": workflow.templates.as_ref().map(diff::json),
            "tree": workflow.tree.as_ref().ok().map(diff::json),
            "why_no_tree": workflow.tree.as_ref().err(),
            "assumed": workflow.assumed,
        })
    });
    json!({
        "edition": edition.as_str(),
        "errors": errors,
        "workflows": workflows.collect::<Vec<_>>(),
        "changed": comparison.changed(),
    })
}

/// What changes in a workflow; nothing if nothing does.
fn told(workflow: &Workflow, colours: bool) -> String {
    let name = &workflow.name;
    let mut told = String::new();
    let changed = |diff: &&Diff| !diff.is_empty();
    if let Some(diff) = workflow.templates.as_ref().filter(changed) {
        let _ = write!(
            told,
            "workflow {name}, as it is written\n\n{}\n",
            text(diff, colours)
        );
    }
    match workflow.tree.as_ref() {
        Ok(diff) if diff.is_empty() => {}
        Ok(diff) => {
            let assumed = assumed(workflow);
            let _ = write!(
                told,
                "workflow {name}, its roles{assumed}\n\n{}\n",
                text(diff, colours)
            );
        }
        Err(why) => {
            let _ = writeln!(told, "workflow {name}: its roles cannot be compared: {why}\n");
        }
    }
    told
}

fn assumed(workflow: &Workflow) -> String {
    if workflow.assumed.is_empty() {
        return String::new();
    }
    format!(" with some value for {}", workflow.assumed.join(", "))
}

fn summary(comparison: &Comparison, edition: Edition) -> String {
    let errors = match comparison.errors.len() {
        0 => "no new error".to_owned(),
        number => render::plural(number, "new error"),
    };
    let all = render::plural(comparison.workflows.len(), "workflow");
    format!(
        "edition {edition}: {errors}; {} of {all} would change",
        comparison.changed()
    )
}
