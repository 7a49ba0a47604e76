//! `partita explain` and `partita graph` from the outside: what they print, and what they say of bad input.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::process::Output;

use support::{Home, examples, stderr};

const HOSTS: &str = "hosts=[\"flp001\",\"flp002\"]";
const WORKFLOW: &str = "workflows/readout";

fn ask(arguments: &[&str]) -> Output {
    let workflow = examples().join("flp").join(WORKFLOW);
    let (command, rest) = arguments.split_first().unwrap();
    Home::new()
        .partita()
        .arg(command)
        .arg(workflow)
        .args(rest)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_variable_is_explained() {
    let output = ask(&["explain", "readout.host-flp001.readout", "rate", "--set", HOSTS]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!("variable", stdout(&output));
    let same = ask(&[
        "explain",
        "readout.host-flp001.readout",
        "rate",
        "--set",
        HOSTS,
        "--json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&same)).unwrap();
    assert_eq!(json[0]["value"], "200", "{json:#}");
}

#[test]
fn a_role_that_is_not_there_is_explained() {
    let output = ask(&[
        "explain",
        "readout.host-flp001.monitor",
        "--set",
        HOSTS,
        "--set",
        "monitoring_enabled=false",
    ]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("absent", stdout(&output));
}

#[test]
fn who_asks_for_what_is_not_there_is_told_what_is() {
    for (name, arguments) in [
        (
            "no_role",
            &["explain", "readout.host-flp001.raedout", "rate", "--set", HOSTS][..],
        ),
        (
            "no_variable",
            &["explain", "readout.host-flp001.readout", "raet", "--set", HOSTS],
        ),
        (
            "no_such_box",
            &["graph", "--expand", "readout.nobody", "--set", HOSTS],
        ),
    ] {
        let output = ask(arguments);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert_eq!(stdout(&output), "", "{name}: stdout is for results");
        insta::assert_snapshot!(name, stderr(&output));
    }
    let nothing = Home::new()
        .partita()
        .args(["graph", "/nowhere/workflows/none"])
        .output()
        .unwrap();
    assert_ne!(nothing.status.code(), Some(0));
    assert_eq!(stdout(&nothing), "");
    let unknown = ask(&["graph", "--format", "png"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_graph_is_text_that_other_programs_read() {
    let mermaid = ask(&["graph", "--format", "mermaid", "--set", HOSTS]);
    assert_eq!(mermaid.status.code(), Some(0), "{}", stderr(&mermaid));
    insta::assert_snapshot!("mermaid", stdout(&mermaid));
    let dot = stdout(&ask(&["graph", "--format", "dot", "--set", HOSTS]));
    assert!(dot.starts_with("digraph ") && dot.ends_with("}\n"), "{dot}");
    let svg = stdout(&ask(&["graph", "--set", HOSTS]));
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
}

/// What is drawn goes to stdout, what is missing is named beside it.
#[test]
fn an_open_workflow_is_drawn_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("workflows")).unwrap();
    let text = "name: open\nroles:\n  - name: \"host-{{ it }}\"\n    for: {range: \"{{ hosts }}\", var: it}\n    roles:\n      \
                - name: call\n        call: {func: testplugin.Test(), trigger: enter_RUNNING, timeout: 1s}\n";
    fs::write(folder.path().join("workflows/open.yaml"), text).unwrap();
    let output = Home::new()
        .partita()
        .args(["graph", "--format", "mermaid"])
        .arg(folder.path().join("workflows/open"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("host-{{ it }} × each of {{ hosts }}"));
    assert!(stderr(&output).contains("--set hosts=…"));
}
