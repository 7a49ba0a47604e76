//! The data of `../shared/conformance`: what the reference makes of workflow repositories, expressions, functions and
//! DPL commands, and what we make of them.
//!
//! Prints what agrees (`cargo test -p partita-compiler --test conformance -- --nocapture`). What differs must be exactly
//! what `docs/differences.md` lists.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails loudly on data that is not as described"
)]

mod case;
mod compare;
mod explain;
mod lines;
mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use case::Case;
use compare::Tally;
use load::Stores;
use partita_artefact::evaluate::Snapshot;
use partita_artefact::show::{DRY_UID, Detail, Dry, json};
use serde_json::{Value, json};

/// The data, or nothing, loudly.
fn data() -> Option<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance"));
    if root.join("cases").is_dir() {
        return Some(root.to_owned());
    }
    eprintln!("SKIPPED: {} is not there", root.display());
    None
}

/// What may differ in an area: the first two columns of the table in `docs/differences.md`.
fn deliberate(area: &str) -> BTreeSet<String> {
    let page = include_str!("../../../docs/differences.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let columns = rows.filter_map(|row| {
        let (area, rest) = row.split_once(" | ")?;
        let (case, _) = rest.split_once(" | ")?;
        Some((area.to_owned(), case.trim_matches('`').to_owned()))
    });
    columns
        .filter(|(of, _)| of == area)
        .map(|(_, case)| case)
        .collect()
}

#[test]
fn trees_agree_with_the_reference() {
    let Some(root) = data() else { return };
    let mut tally = Tally::default();
    let mut stores = Stores::new();
    let (mut all, mut differ) = (0, BTreeSet::new());
    for folder in folders(&root.join("cases")) {
        let case = Case::read(&folder);
        let differences = tally.case(&case.expected, &made(&root, &case, &mut stores));
        all += 1;
        if !differences.is_empty() {
            println!(
                "DIFFERS  {}: {} ({})",
                case.name,
                case.description,
                differences.len()
            );
            differ.insert(case.name.clone());
        }
        for difference in differences.iter().take(3) {
            println!("         {difference}");
        }
    }
    println!("{tally}");
    println!("trees: {} of {all} cases agree", all - differ.len());
    assert_eq!(
        differ,
        deliberate("trees"),
        "what differs, and what docs/differences.md lists"
    );
}

/// What we make of a case, in the form of the expected result.
fn made(root: &Path, case: &Case, stores: &mut Stores) -> Value {
    match load::load(root, case, stores) {
        Err(failure) => json!({ "error": failure.text, "stage": failure.stage }),
        Ok((artefact, instance)) => {
            let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
            let dry = Dry::new(&artefact, &instance, &world);
            let detail = Detail {
                stacks: true,
                dry: Some(&dry),
            };
            json(&artefact, &instance, &detail)
        }
    }
}

#[test]
fn expressions_agree_with_the_reference() {
    let Some(root) = data() else { return };
    compare_lines("expressions", &lines::run(&root, "expressions.jsonl"));
}

#[test]
fn functions_agree_with_the_reference() {
    let Some(root) = data() else { return };
    compare_lines("functions", &lines::run(&root, "functions.jsonl"));
}

/// The check without values calls nothing wrong that the reference evaluates, but for what fails only in a branch that is not
/// taken, or passes as nothing.
#[test]
fn what_evaluates_is_not_called_wrong() {
    let Some(root) = data() else { return };
    let mut alarms = Vec::new();
    for file in ["expressions.jsonl", "functions.jsonl"] {
        let outcomes = lines::run(&root, file);
        alarms.extend(outcomes.iter().filter_map(lines::Outcome::false_alarm));
        let foreseen: Vec<bool> = outcomes.iter().filter_map(lines::Outcome::foreseen).collect();
        let seen = foreseen.iter().filter(|seen| **seen).count();
        println!("{file}: {seen} of {} refusals are foreseen", foreseen.len());
    }
    println!("{}", alarms.join("\n"));
    assert_eq!(alarms.len(), 0, "false alarms");
}

#[test]
fn names_of_dpl_results_agree_with_the_reference() {
    let Some(root) = data() else { return };
    compare_lines("names", &lines::names(&root));
}

fn compare_lines(area: &str, outcomes: &[lines::Outcome]) {
    let mut table: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut differ = BTreeSet::new();
    for outcome in outcomes {
        let [all, agree] = table.entry(&outcome.group).or_default();
        *all += 1;
        *agree += usize::from(outcome.agrees());
        if !outcome.agrees() {
            println!("DIFFERS  {area} {}: {}", outcome.number, outcome.difference());
            differ.insert(outcome.number.to_string());
        }
    }
    for (group, [all, agree]) in &table {
        println!("  {group:45} {agree:5} of {all:5}");
    }
    let kinds = outcomes
        .iter()
        .filter(|outcome| outcome.agrees() && outcome.same_kind())
        .count();
    println!(
        "{area}: {} of {} lines agree, {kinds} also in the kind of mistake",
        outcomes.len() - differ.len(),
        outcomes.len()
    );
    assert_eq!(
        differ,
        deliberate(area),
        "what differs, and what docs/differences.md lists"
    );
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}
