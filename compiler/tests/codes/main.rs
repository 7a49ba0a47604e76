//! The pages of `docs/codes/` are tests: each example is a small repository, and what its comments say about a line is
//! exactly what is found there. `docs/codes/README.md` says how a page is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod page;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use page::{Example, Expected};
use partita_artefact::ir::Layers;
use partita_compiler::check::check;
use partita_compiler::compile::{Request, compile};
use partita_compiler::diagnostic::{Code, Diagnostic, SourceMap};
use partita_compiler::source::{LOCAL, Repositories, Repository};

#[test]
fn every_page_is_true() {
    let mut wrong = String::new();
    for code in Code::ALL {
        for failure in failures(*code) {
            writeln!(wrong, "docs/codes/{}.md: {failure}", code.as_str()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_index_lists_every_code() {
    let index = include_str!("../../../docs/codes/README.md");
    for code in Code::ALL {
        let (text, level, summary) = (code.as_str(), code.level().as_str(), code.summary());
        let row = format!("\n| [{text}]({text}.md) | {level} | {summary} |\n");
        assert!(index.contains(&row), "docs/codes/README.md lacks the row{row}");
    }
}

fn failures(code: Code) -> Vec<String> {
    let page = code.page();
    let mut failures = Vec::new();
    let head = format!("# {}\n\n", code.as_str());
    if !page.starts_with(&head) {
        failures.push(format!(
            "it does not begin with `# {}` and an empty line",
            code.as_str()
        ));
    }
    let level = format!("\nDefault level: {}", code.level().as_str());
    if !page.contains(&level) {
        failures.push(format!("the line `{}` is missing", level.trim()));
    }
    let examples = page::examples(page);
    if !examples
        .iter()
        .flat_map(|example| &example.expected)
        .any(|expected| expected.code == code.as_str())
    {
        failures.push("no example shows it".to_owned());
    }
    for example in &examples {
        let differences = differences(example);
        failures.extend(
            differences
                .into_iter()
                .map(|difference| format!("{}: {difference}", example.heading)),
        );
    }
    failures
}

/// What an example says and is not found, and the other way round.
fn differences(example: &Example) -> Vec<String> {
    let mut found: BTreeMap<Expected, String> = BTreeMap::new();
    let (diagnostics, sources) = findings(example);
    for diagnostic in &diagnostics {
        found.insert(as_expected(diagnostic, &sources), diagnostic.message.clone());
    }
    let mut differences = Vec::new();
    for (finding, message) in &found {
        if !example.expected.contains(finding) {
            differences.push(format!("found, not said: {finding}: {message}"));
        }
    }
    for expected in &example.expected {
        if !found.contains_key(expected) {
            differences.push(format!("said, not found: {expected}"));
        }
    }
    differences
}

fn as_expected(diagnostic: &Diagnostic, sources: &SourceMap) -> Expected {
    let label = diagnostic.primary.as_ref();
    let file = label.and_then(|label| sources.get(label.span.source));
    Expected {
        path: file.map(|file| file.source.path.clone()).unwrap_or_default(),
        line: file.and(label).map_or(0, |label| label.span.line),
        level: diagnostic.level.as_str().to_owned(),
        code: diagnostic.code.as_str().to_owned(),
    }
}

fn findings(example: &Example) -> (Vec<Diagnostic>, SourceMap) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &example.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut repositories = Repositories::default();
    repositories
        .add(Repository::open(LOCAL, folder.path()).unwrap())
        .unwrap();
    match &example.compile {
        None => {
            let report = check(&repositories, None).unwrap();
            (report.diagnostics, report.sources)
        }
        Some((workflow, variables)) => {
            let request = Request {
                workflow: workflow.clone(),
                given: Layers {
                    user: serde_json::from_str(variables).expect("variables are a JSON object of texts"),
                    ..Layers::default()
                },
                closed: true,
                ..Request::default()
            };
            let outcome = compile(&request, &repositories);
            (outcome.diagnostics, outcome.sources)
        }
    }
}
