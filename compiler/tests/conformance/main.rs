//! The cases of `../shared/conformance`: what the reference makes of workflow repositories, and what we make of them.
//!
//! Prints a table of what agrees, field by field (`cargo test -p partita-compiler --test conformance -- --nocapture`),
//! and asserts floors that only go up.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails loudly on data that is not as described"
)]

mod case;
mod compare;
mod compiled;
mod load;
mod world;

use std::path::{Path, PathBuf};

use case::Case;
use compare::Tally;
use load::{Failure, Loaded};
use partita_artefact::show::{Detail, Dry, json};
use serde_json::{Value, json};

#[test]
fn agrees_with_the_reference() {
    // Three differ: see `cases` in the output.
    compare(222, |_| true, load::load);
}

/// The same by way of `compile`, but for what needs a DPL program.
#[test]
fn compiles_what_the_reference_loads() {
    compare(
        191,
        |case| case.dpl.command.is_empty() && case.dpl.uri.is_empty(),
        compiled::load,
    );
}

/// Compares the chosen cases; at least `floor` must agree in every field. The floor only goes up.
fn compare(
    floor: usize,
    chosen: impl Fn(&Case) -> bool,
    load: impl Fn(&Path, &Case) -> Result<Loaded, Failure>,
) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance"));
    if !root.join("cases").is_dir() {
        eprintln!("SKIPPED: {} is not there", root.display());
        return;
    }
    let mut tally = Tally::default();
    let (mut agree, mut all) = (0, 0);
    for case in folders(&root.join("cases"))
        .iter()
        .map(|folder| Case::read(folder))
        .filter(chosen)
    {
        let produced = match load(root, &case) {
            Ok(loaded) => show(&loaded),
            Err(Failure {
                text,
                stage: Some(stage),
            }) => json!({ "error": text, "stage": stage }),
            Err(Failure { text, stage: None }) => json!({ "error": text, "stage": case.expected["stage"] }),
        };
        let differences = tally.case(&case.expected, &produced);
        all += 1;
        agree += usize::from(differences.is_empty());
        if !differences.is_empty() {
            println!(
                "DIFFERS  {}: {} ({} differences)",
                case.name,
                case.description,
                differences.len()
            );
        }
        for difference in differences.iter().take(3) {
            println!("         {difference}");
        }
    }
    println!("{tally}");
    println!("cases: {agree} of {all} agree");
    assert!(agree >= floor, "{agree} cases agree; there were {floor}");
}

/// What we make of a case, in the form of the expected result.
fn show((artefact, instance, world): &Loaded) -> Value {
    let dry = Dry::new(artefact, instance, world);
    json(
        artefact,
        instance,
        &Detail {
            stacks: true,
            dry: Some(&dry),
        },
    )
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}
