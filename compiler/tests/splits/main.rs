//! Binding times do not matter to the result: what is given when compiling and what is given when an environment is
//! created make the tree that all of it makes when it is given at once, or fail for the same reasons.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::GivenError;
use partita_artefact::evaluate::{ErrorKind as EvaluateKind, Snapshot};
use partita_artefact::instantiate::{ErrorKind, InstantiateError, instantiate};
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::show::{self, Detail, Dry};
use partita_compiler::compile::{Outcome, Request, compile};
use partita_compiler::diagnostic::{Code, Diagnostic};
use partita_compiler::source::Repositories;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::Value;

use cases::Case;

/// When the parts of a case are given; each number decides on one, in their order.
#[derive(Debug, Clone)]
struct Split {
    choices: Vec<u8>,
    /// The configuration is known when compiling.
    configured: bool,
}

fn split() -> impl Strategy<Value = Split> {
    (prop::collection::vec(0..4u8, 8..64), any::<bool>())
        .prop_map(|(choices, configured)| Split { choices, configured })
}

/// The same cases in each run.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Tree, or the kinds of what is wrong.
type Result = std::result::Result<Value, BTreeSet<String>>;

#[test]
fn hand_made_repositories() {
    let folder = support::folder(cases::FILES);
    let repositories = support::repositories(folder.path());
    let strategy = (cases::hand_made(), split());
    runner(200)
        .run(&strategy, |(case, split)| check(&case, &repositories, &split))
        .unwrap();
}

#[test]
fn the_example() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/flp");
    let repositories = support::repositories(&root);
    runner(40)
        .run(&(cases::example(), split()), |(case, split)| {
            check(&case, &repositories, &split)
        })
        .unwrap();
}

#[test]
fn recorded_cases() {
    splits_of(|case| case.name.starts_with("lang-"), 150);
}

/// Production's workflows at many revisions.
#[test]
fn recorded_production() {
    splits_of(|case| case.name.starts_with("cw-") && case.is_small(), 8);
}

/// Half an hour in a debug build.
#[test]
#[ignore = "as above, with large cases and many splits"]
fn recorded_production_at_length() {
    splits_of(|case| case.name.starts_with("cw-"), 1000);
}

fn splits_of(chosen: impl Fn(&Case) -> bool, runs: u32) {
    let Some(cases) = cases::recorded() else {
        return;
    };
    let cases: Vec<Case> = cases.into_iter().filter(chosen).collect();
    assert!(!cases.is_empty());
    runner(runs)
        .run(&(0..cases.len(), split()), |(index, split)| {
            check(&cases[index], &cases[index].repositories(), &split)
        })
        .unwrap();
}

fn check(case: &Case, repositories: &Repositories, split: &Split) -> std::result::Result<(), TestCaseError> {
    let whole = Request {
        closed: true,
        ..case.request(case.given.clone(), case.configuration.clone())
    };
    let at_once = match made(compile(&whole, repositories)) {
        Err(errors) => Err(errors),
        Ok(artefact) => tree(&artefact, &case.given, case),
    };
    // A call whose text comes into being with the tree is parsed only where it is known when compiling.
    let unknown = |errors: &BTreeSet<String>| {
        let mut errors = errors.iter();
        errors.any(|error| error.contains("which this artefact does not know"))
    };
    let (early, late) = parted(&case.given, &split.choices);
    let configuration = if split.configured {
        case.configuration.clone()
    } else {
        BTreeMap::new()
    };
    let partial = case.request(early, configuration);
    match made(compile(&partial, repositories)) {
        Ok(artefact) => match artefact.with_variables(&late) {
            Ok(given) => {
                let found = tree(&artefact, &given, case);
                if !found.as_ref().is_err_and(unknown) {
                    prop_assert_eq!(found, at_once, "{}: {:?}", case.name, late);
                }
            }
            Err(errors) => prop_assert!(
                errors.iter().all(is_missing)
                    && at_once.as_ref().is_err_and(|errors| errors.contains(UNDEFINED)),
                "{}: {errors:?}, {at_once:?}",
                case.name
            ),
        },
        Err(errors) => {
            let all = at_once.err().unwrap_or_default();
            prop_assert!(errors.is_subset(&all), "{}: {errors:?}, {all:?}", case.name);
        }
    }
    Ok(())
}

/// User variables are given early, late, or twice; those of the other layers may change.
fn parted(given: &Layers, choices: &[u8]) -> (Layers, Layers) {
    let mut choices = choices.iter().cycle();
    let mut part = |layer: &BTreeMap<String, String>, may_change: bool| {
        let (mut early, mut late) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in layer {
            let choice = choices.next().copied().unwrap_or_default();
            if choice != 0 {
                late.insert(name.clone(), value.clone());
            }
            if choice < 2 {
                early.insert(name.clone(), value.clone());
            } else if choice == 3 && may_change {
                early.insert(name.clone(), "another".to_owned());
            }
        }
        (early, late)
    };
    let (defaults, late_defaults) = part(&given.defaults, true);
    let (vars, late_vars) = part(&given.vars, true);
    let (user, late_user) = part(&given.user, false);
    (
        Layers { defaults, vars, user },
        Layers {
            defaults: late_defaults,
            vars: late_vars,
            user: late_user,
        },
    )
}

fn made(outcome: Outcome) -> std::result::Result<Artefact, BTreeSet<String>> {
    let errors = outcome.diagnostics.iter().filter(|found| found.is_error());
    let errors = errors.map(of_diagnostic).collect();
    outcome.artefact.ok_or(errors)
}

fn tree(artefact: &Artefact, given: &Layers, case: &Case) -> Result {
    let artefact = &Artefact {
        configuration: case.configuration.clone(),
        ..artefact.clone()
    };
    let world = Snapshot::new(artefact, || "uid".to_owned());
    let instance = instantiate(artefact, given, &world).map_err(|errors| {
        let errors = errors.iter().filter(|error| !error.is_warning());
        errors.map(of_instantiation).collect::<BTreeSet<_>>()
    })?;
    let dry = Dry::new(artefact, &instance, &world);
    let detail = Detail {
        stacks: true,
        dry: Some(&dry),
    };
    Ok(show::json(artefact, &instance, &detail))
}

const MISSING: &str = "a file";
const UNDEFINED: &str = "a variable";
const RECURSION: &str = "recursion";

fn is_missing(error: &GivenError) -> bool {
    matches!(error, GivenError::Missing { .. })
}

fn of_instantiation(error: &InstantiateError) -> String {
    match &error.kind {
        ErrorKind::Evaluate(error) if error.kind == EvaluateKind::UnknownName => UNDEFINED.to_owned(),
        ErrorKind::Evaluate(error) => error.message.clone(),
        ErrorKind::MissingModule { .. } | ErrorKind::MissingClass { .. } => MISSING.to_owned(),
        ErrorKind::Includes { .. } => RECURSION.to_owned(),
        kind => kind.to_string(),
    }
}

/// Whatever is wrong with a file that is needed, at run time it is not there.
fn of_diagnostic(diagnostic: &Diagnostic) -> String {
    match diagnostic.code {
        Code::UndefinedVariable => UNDEFINED.to_owned(),
        Code::Expression | Code::Instantiate => diagnostic.message.clone(),
        Code::RecursiveInclude => RECURSION.to_owned(),
        _ => MISSING.to_owned(),
    }
}
