//! What `explain` says about the example detector.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

use std::fmt::Write as _;
use std::path::Path;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::explain::{ExplainError, Explainer, Paint};
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::show::DRY_UID;
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::{Repositories, Repository};
use partita_compiler::syntax::expression::parse;

fn example() -> Artefact {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/flp"));
    let mut repositories = Repositories::default();
    repositories.add(Repository::open("flp", path).unwrap()).unwrap();
    let request = Request {
        workflow: "readout".to_owned(),
        ..Request::default()
    };
    let outcome = compile(&request, &repositories);
    outcome
        .artefact
        .unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics))
}

/// Everything asked about a role, and the answers.
fn asked(given: &[(&str, &str)], questions: &[(&str, &str)]) -> String {
    let artefact = example();
    let user = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let given = artefact.given.clone().with(&Layers {
        user: user.collect(),
        ..Layers::default()
    });
    let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
    let explainer = Explainer::new(&artefact, &given, &world);
    let mut text = String::new();
    for (role, name) in questions {
        let _ = writeln!(text, "$ explain {role} {name}");
        let answer = if name.is_empty() {
            explainer
                .overview(role)
                .map(|overview| overview.text(&artefact, Paint(false)))
        } else {
            explainer.explain(role, name).map(|all| {
                let texts: Vec<_> = all.iter().map(|one| one.text(&artefact, Paint(false))).collect();
                texts.concat()
            })
        };
        let _ = match answer {
            Ok(answer) => writeln!(text, "{answer}"),
            Err(error @ ExplainError::Absent(_)) => {
                let ExplainError::Absent(absence) = &error else {
                    unreachable!()
                };
                writeln!(text, "{error}\n{}", absence.text(&artefact, Paint(false)))
            }
            Err(error) => writeln!(text, "{error:?}\n"),
        };
    }
    // The revision of the checkout is no part of the example.
    text
}

#[test]
fn layers_and_steps() {
    let given = [
        ("hosts", r#"["flp001","flp002"]"#),
        ("rate", "500"),
        ("environment_id", "2oDvieFrVTi"),
    ];
    insta::assert_snapshot!(asked(
        &given,
        &[
            ("readout.host-flp002.readout", "rate"),
            ("readout.host-flp002.readout", "it"),
            ("readout.host-flp002.readout", "detector"),
            ("readout.host-flp002.readout", "user"),
            ("readout.host-flp002.monitor", "rate"),
            ("readout.host-flp002.stfsender", "connect"),
            ("readout.host-flp002.stfsender", "command"),
            ("readout.host-flp002.monitor", "enabled"),
            ("readout.collectors.collector-flp002", "machine_id"),
            ("readout.collectors.collector-flp002", "bind"),
            ("readout.announcement", ""),
        ]
    ));
}

#[test]
fn what_is_not_there() {
    let given = [
        ("monitoring_enabled", "false"),
        ("hosts", r#"["flp001","flp002"]"#),
    ];
    insta::assert_snapshot!(asked(
        &given,
        &[
            ("readout.host-flp001.monitor", ""),
            ("readout.host-flp001.monitor.agent", "rate"),
            ("readout.host-flp001.stfbilder", "rate"),
            ("readout.host-flp003.readout", "rate"),
            ("stfsender", "rate"),
            ("readout.host-flp001.stfsender", "detectr"),
            ("readout.host-flp001.stfsender", ".trigger"),
            ("readout.host-flp001.stfsender.below", ""),
        ]
    ));
}

/// An expression without the places of its parts.
fn meaning(expression: &impl std::fmt::Debug) -> String {
    let text = format!("{expression:?}");
    let mut parts = text.split("at: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |meaning, part| {
        meaning + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn an_expression_as_text_means_the_same() {
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/conformance/expressions.jsonl"
    ));
    let Ok(lines) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return;
    };
    let mut compared = 0;
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let written = line.get("expr").and_then(serde_json::Value::as_str);
        let Some(expression) = written.and_then(|text| parse(text).ok()) else {
            continue;
        };
        let text = expression.to_string();
        let again = parse(&text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(meaning(&again), meaning(&expression), "{text}");
        compared += 1;
    }
    assert!(compared > 0);
}
