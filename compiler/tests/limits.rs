//! Hostile and random documents: refused or read, never a panic, never much work.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use partita_artefact::ir::Edition;
use partita_compiler::yaml::{self, LoadError, limit};
use partita_compiler::{decode, render};
use proptest::prelude::*;

fn limited(text: &str) -> bool {
    matches!(yaml::load(text), Err(LoadError::Limit { .. }))
}

#[test]
fn deep_documents_are_refused() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(yaml::load(&nested(limit::DEPTH)).is_ok());
    assert!(limited(&nested(limit::DEPTH + 1)));
    let mut block = String::new();
    for depth in 0..=limit::DEPTH {
        block.push_str(&" ".repeat(depth));
        block.push_str("a:\n");
    }
    assert!(limited(&block));
    // Deeper than the parser itself counts.
    assert!(yaml::load(&"[".repeat(100_000)).is_err());
    assert!(yaml::load(&"- ".repeat(100_000)).is_err());
}

#[test]
fn aliases_that_explode_are_refused() {
    let level = |level: usize| {
        let below = match level {
            0 => "x, ".repeat(9),
            _ => format!("*a{}, ", level - 1).repeat(9),
        };
        format!("a{level}: &a{level} [{below}]\n")
    };
    let text: Vec<String> = (0..12).map(level).collect();
    let text = text.concat();
    assert!(limited(&text));
    assert!(matches!(yaml::load("a: &a [*a]"), Err(LoadError::Syntax { .. })));
}

#[test]
fn aliases_do_not_nest_deeper_than_what_is_written() {
    let level = |level: usize| format!("a{level}: &a{level} [*a{}]\n", level - 1);
    let chain = |levels: usize| {
        (1..levels)
            .map(level)
            .fold("a0: &a0 x\n".to_owned(), |text, line| text + &line)
    };
    assert!(yaml::load(&chain(limit::DEPTH)).is_ok());
    assert!(limited(&chain(limit::DEPTH + 2)));
}

#[test]
fn large_documents_are_refused() {
    assert!(limited(&"#".repeat(limit::BYTES + 1)));
}

#[test]
fn an_alias_to_what_has_been_merged_is_read_once_per_use() {
    let text = "name: w\nvars: &v {a: 1}\nroles:\n- name: r\n  vars: {<<: *v, b: 2}\n  task: {load: t}\n";
    let module = decode::workflow(text, 0, Edition::Aliecs)
        .value
        .expect("a module");
    let partita_artefact::ir::Body::Aggregator(roles) = &module.root.body else {
        panic!("no roles")
    };
    let names: Vec<&str> = roles
        .iter()
        .flat_map(|role| &role.vars)
        .map(|v| v.name.as_str())
        .collect();
    assert_eq!(names, ["b", "a"]);
}

/// Documents from the pieces that mean something in YAML and in templates.
fn document() -> impl Strategy<Value = String> {
    let pieces = [
        "a: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&x ",
        "*x",
        "!!str ",
        "!!int ",
        "!public ",
        "!!binary ",
        "'",
        "\"",
        "|\n",
        ">-\n",
        "? ",
        "# c",
        "---\n",
        "...\n",
        "\t",
        "<<: ",
        "{{ x }}",
        "%YAML 1.2\n",
        "name: ",
        "roles:\n",
        "- name: b\n",
        "task: ",
        "load: ",
        "vars: ",
        "for: ",
        "include: ",
        "null",
        "~",
        "0x10",
        "é",
        "\u{feff}",
        "\\",
        "\r\n",
        ": ",
        "critical: yes",
        "wants: {ports: 1-2}",
        "\"\\x\"",
        "\0",
        "@",
        "`",
        "%",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_document_is_read_or_refused(text in document()) {
        let mut sources = partita_compiler::diagnostic::SourceMap::default();
        sources.add(partita_artefact::ir::Source::default(), text.clone());
        for diagnostics in [decode::workflow(&text, 0, Edition::Aliecs).diagnostics, decode::task_class(&text, 0, Edition::Aliecs).diagnostics] {
            let shown = render::full(&diagnostics, &sources, false);
            prop_assert_eq!(diagnostics.is_empty(), shown.is_empty());
        }
        let _ = partita_compiler::configuration::parse(&text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = decode::workflow(&text, 0, Edition::Aliecs);
    }
}
