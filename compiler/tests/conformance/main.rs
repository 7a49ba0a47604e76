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
mod load;
mod world;

use std::path::{Path, PathBuf};

use case::Case;
use compare::Tally;
use partita_artefact::show::{Detail, Dry, json};
use serde_json::{Value, json};

/// Cases of 225 that agree in every field. Only goes up.
const FLOOR: usize = 222;

#[test]
fn agrees_with_the_reference() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance"));
    if !root.join("cases").is_dir() {
        eprintln!("SKIPPED: {} is not there", root.display());
        return;
    }
    let mut tally = Tally::default();
    let (mut agree, mut all) = (0, 0);
    for folder in folders(&root.join("cases")) {
        let case = Case::read(&folder);
        let differences = tally.case(&case.expected, &produce(root, &case));
        all += 1;
        agree += usize::from(differences.is_empty());
        if !differences.is_empty() {
            println!(
                "DIFFERS  {}: {} ({} differences)",
                case.name,
                case.description,
                differences.len()
            );
            for difference in differences.iter().take(3) {
                println!("         {difference}");
            }
        }
    }
    println!("{tally}");
    println!("cases: {agree} of {all} agree");
    assert!(agree >= FLOOR, "{agree} cases agree; there were {FLOOR}");
}

/// What we make of a case, in the form of the expected result.
fn produce(root: &Path, case: &Case) -> Value {
    let (artefact, instance, world) = match load::load(root, case) {
        Ok(loaded) => loaded,
        Err(failure) => return json!({ "error": failure.text, "stage": failure.stage }),
    };
    let dry = Dry::new(&artefact, &instance, &world);
    json(
        &artefact,
        &instance,
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
