//! Findings as tools read them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use partita_compiler::check::{Report, check};
use partita_compiler::diagnostic::Code;
use partita_compiler::render;
use serde_json::Value;

/// A repository with an error that has a second place, a warning, a name that needs escapes, and a finding without a
/// place.
fn report() -> Report {
    let folder = support::folder(&[
        (
            "workflows/one.yaml",
            "name: one\nroles:\n- name: a\n  task: {load: \"50%, really: no\"}\n- name: b\n  enabled: \"{{ x }}\"\n  task: {load: \"50%, really: no\"}\n",
        ),
        ("workflows/größe 1.yaml", "name: größe 1\nrolls: []\n"),
        ("partita.toml", "[variables]\nx = {}\n"),
    ]);
    std::fs::write(folder.path().join("tasks.yaml"), "").unwrap();
    std::fs::create_dir(folder.path().join("tasks")).unwrap();
    std::fs::write(folder.path().join("tasks/latin1.yaml"), b"name: \xff").unwrap();
    check(&support::repositories(folder.path()), None).unwrap()
}

#[test]
fn concise_has_a_line_each() {
    let report = report();
    insta::assert_snapshot!(render::concise(&report.diagnostics, &report.sources));
}

#[test]
fn json_is_as_documented() {
    let report = report();
    insta::assert_snapshot!(format!(
        "{:#}",
        render::json(&report.diagnostics, &report.sources)
    ));
}

#[test]
fn github_marks_lines() {
    let report = report();
    let text = render::github(&report.diagnostics, &report.sources);
    for line in text.lines() {
        assert!(
            line.starts_with("::error ") || line.starts_with("::warning "),
            "{line}"
        );
    }
    insta::assert_snapshot!(text);
}

/// What the schema of SARIF 2.1.0 requires (OASIS standard, appendix of sections 3.13 to 3.30).
#[test]
fn sarif_has_what_its_schema_requires() {
    let report = report();
    let log = render::sarif(&report.diagnostics, &report.sources, "1.2.3");
    assert_eq!(log["version"], "2.1.0");
    assert!(
        log["$schema"]
            .as_str()
            .unwrap()
            .ends_with("sarif-schema-2.1.0.json")
    );
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "partita");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules = driver["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Code::ALL.len());
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string());
        assert!(level(&rule["defaultConfiguration"]["level"]));
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.diagnostics.len());
    for result in results {
        assert!(result["message"]["text"].is_string() && level(&result["level"]));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        for location in result["locations"].as_array().unwrap() {
            let place = &location["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(
                uri.is_ascii() && !uri.contains([' ', '\\']) && !uri.starts_with('/'),
                "{uri}"
            );
            let region = &place["region"];
            let number = |name: &str| region[name].as_u64().unwrap();
            assert!(number("startLine") >= 1 && number("startColumn") >= 1);
            assert!(number("endColumn") >= number("startColumn"));
        }
    }
    insta::assert_snapshot!(format!("{:#}", results[0]));
}

fn level(value: &Value) -> bool {
    ["none", "note", "warning", "error"].contains(&value.as_str().unwrap())
}
