//! What people read when something is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use partita_compiler::render;
use support::{compile_files, request, shown};

const TASK: (&str, &str) = (
    "tasks/t.yaml",
    "name: t\ncontrol: {mode: direct}\ncommand: {value: sleep}\n",
);

#[test]
fn many_mistakes_in_one_file_are_all_reported() {
    let workflow = "\
name: w
enabled: {{ on }}
defaults:
  plain: text
  lost:
    value: 1
  list: [a, b]
vars:
  x: 1
  x: 2
roles:
  - name: first
    task:
      load: t
      critical: \"true\"
      triger: before_CONFIGURE
    connect:
      - name: data
        type: pus
        target: a:b
  - name: second
  - name: third
    task: {load: t}
    include: other
  - name: fourth
    for: {var: i}
    call: {func: f(), trigger: CONFIGURE}
";
    insta::assert_snapshot!(shown(&compile_files(
        &[("workflows/w.yaml", workflow), TASK],
        &request("w", &[])
    )));
}

#[test]
fn what_is_not_yaml_is_shown_where_it_breaks() {
    let workflow = "name: w\nroles:\n- name: a\n  task: {load: t}\n  - bad\n";
    insta::assert_snapshot!(shown(&compile_files(
        &[("workflows/w.yaml", workflow)],
        &request("w", &[])
    )));
}

const OPEN: &str = "\
name: w
defaults:
  hosts: '[\"a\"]'
roles:
  - name: \"reader-{{ hsots }}\"
    vars:
      where: >-
        on
        {{ detectr }}
    task: {load: t}
  - name: again
    defaults: {x: \"{{ detectr }}\"}
    task: {load: t}
";

#[test]
fn undefined_variables_are_parameters_of_an_open_artefact() {
    let outcome = compile_files(&[("workflows/w.yaml", OPEN), TASK], &request("w", &[]));
    insta::assert_snapshot!(shown(&outcome));
    let parameters: Vec<String> = outcome
        .artefact
        .unwrap()
        .parameters
        .iter()
        .map(|p| format!("{} {}", p.name, p.required))
        .collect();
    // The trial did not come as far as `hsots`, so it cannot say that nothing works without it.
    assert_eq!(parameters, ["detectr true", "hsots false"]);
}

#[test]
fn undefined_variables_are_errors_when_nothing_more_is_given() {
    let mut request = request("w", &[]);
    request.closed = true;
    let outcome = compile_files(&[("workflows/w.yaml", OPEN), TASK], &request);
    assert!(outcome.artefact.is_none());
    insta::assert_snapshot!(render::concise(&outcome.diagnostics, &outcome.sources));
}

#[test]
fn what_is_missing_is_shown_where_it_is_needed() {
    let workflow = "\
name: w
vars: {which: sbu}
roles:
  - name: a
    include: \"{{ which }}\"
  - name: b
    task: {load: readuot}
  - name: off
    enabled: \"false\"
    include: nowhere
  - name: c
    include: wrong
";
    let files = [
        ("workflows/w.yaml", workflow),
        ("workflows/sub.yaml", "name: sub\nroles: []\n"),
        ("workflows/wrong.yaml", "name: wrong\nroles: {}\n"),
        ("tasks/readout.yaml", "name: readout\n"),
    ];
    insta::assert_snapshot!(shown(&compile_files(&files, &request("w", &[]))));
}

#[test]
fn names_must_be_those_of_the_files() {
    let files = [
        (
            "workflows/w.yaml",
            "name: w\nroles:\n  - name: a\n    task: {load: t}\n",
        ),
        ("tasks/t.yaml", "name: other\n"),
        ("workflows/v.yaml", "name: w\n"),
    ];
    insta::assert_snapshot!(
        shown(&compile_files(&files, &request("w", &[])))
            + &shown(&compile_files(&files, &request("v", &[])))
    );
}

#[test]
fn a_workflow_is_not_asked_for_by_its_file() {
    let files = [("workflows/w.yaml", "name: w\n")];
    let outcome = compile_files(&files, &request("w.yaml", &[]));
    assert!(outcome.artefact.is_none());
    insta::assert_snapshot!(
        render::concise(&outcome.diagnostics, &outcome.sources),
        @"error[name-mismatch]: `w.yaml` is the name of a file, not of a workflow (write it without the extension: `w`)"
    );
}

#[test]
fn expressions_fail_where_they_stand() {
    let workflow = "\
name: w
roles:
  - name: a
    for: {range: '[1', var: i}
    task: {load: t}
  - name: b
    task: {load: \"{{ t( }}\"}
  - name: off
    enabled: \"false\"
    task: {load: \"{{ ) }}\"}
  - name: loop
    include: w
";
    insta::assert_snapshot!(shown(&compile_files(
        &[("workflows/w.yaml", workflow), TASK],
        &request("w", &[])
    )));
}

#[test]
fn one_path_for_two_roles_is_said() {
    let workflow = "name: w\nroles:\n  - name: a\n    task: {load: t}\n  - name: a\n    task: {load: t}\n";
    let outcome = compile_files(&[("workflows/w.yaml", workflow), TASK], &request("w", &[]));
    insta::assert_snapshot!(shown(&outcome));
    assert!(outcome.artefact.is_some());
}
