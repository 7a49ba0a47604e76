//! The walls between compiler and runtime, as the dependency tree shows them (ARCHITECTURE.md, "Walls").

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::cargo_tree;

/// Names of all crates that `package` links, directly or not.
fn dependencies(package: &str) -> Vec<String> {
    let listed = cargo_tree(&["--package", package, "--edges", "normal", "--format", "{lib}"]);
    let mut names: Vec<String> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn assert_absent(package: &str, forbidden: &[&str]) {
    let linked = dependencies(package);
    assert!(linked.len() > 5, "{package} links only {linked:?}");
    let found: Vec<&String> = linked
        .iter()
        .filter(|name| {
            forbidden
                .iter()
                .any(|stem| *name == stem || name.starts_with(&format!("{stem}_")))
        })
        .collect();
    assert!(found.is_empty(), "{package} must not link {found:?}");
}

/// What turns source text into meaning.
const SOURCE_READERS: &[&str] = &[
    "partita_compiler",
    "partita_grammar",
    "pest",
    "saphyr",
    "saphyr_parser",
    "gix",
    "serde_yaml",
    "annotate_snippets",
];

#[test]
fn the_runtime_cannot_parse_a_template() {
    for package in [
        "partita-api",
        "partita-core",
        "partita-events",
        "partita-executor",
        "partita-link",
        "partita-occ",
        "partita-services",
        "partita-artefact",
        "partita-stand-in",
    ] {
        assert_absent(package, SOURCE_READERS);
    }
}

#[test]
fn the_executor_serves_nobody() {
    assert_absent(
        "partita-executor",
        &["axum", "partita_artefact", "partita_core", "redb"],
    );
}

#[test]
fn the_executor_carries_no_messages_of_clients() {
    let listed = cargo_tree(&["--package", "partita-executor", "--edges", "normal,features"]);
    assert!(listed.contains("partita-proto feature \"executor\""), "{listed}");
    for feature in ["api", "events", "artefact"] {
        let carried = format!("partita-proto feature \"{feature}\"");
        assert!(!listed.contains(&carried), "{carried}");
    }
}

#[test]
fn the_compiler_runs_nothing() {
    assert_absent(
        "partita-compiler",
        &[
            "tokio",
            "tonic",
            "hyper",
            "partita_core",
            "partita_executor",
            "partita_occ",
        ],
    );
}
