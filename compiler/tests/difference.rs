//! What counts as a difference, from the sources on: what is only written otherwise is none, and everything else is named
//! with its field and its cost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use partita_artefact::diff::{Cost, Diff, artefacts, between, tree};
use partita_artefact::digest;
use partita_artefact::ir::Artefact;
use support::{compile_files, request, shown};

const WORKFLOW: &str = r#"name: w
defaults:
  hosts: !public
    value: '["h1"]'
    type: list
    label: Hosts
  rate: "100"
  run_type: TECHNICAL
  nobody_reads_this: "1"
roles:
  - name: "host-{{ it }}"
    for: {range: "{{ hosts }}", var: it}
    constraints:
      - attribute: machine_id
        value: "{{ it }}"
    roles:
      - name: writer
        bind:
          - {name: out, type: push, addressing: ipc}
        task: {load: t}
      - name: reader
        connect:
          - {name: in, type: pull, target: "{{ Parent().Path }}.writer:out"}
        task: {load: t, critical: false}
  - name: hook
    task: {load: b, trigger: before_CONFIGURE, timeout: 5s}
  - name: call
    call: {func: testplugin.Test(), trigger: enter_RUNNING, timeout: 2s}
"#;

const TASK: &str = r#"name: t
control:
  mode: direct
wants:
  cpu: 0.1
  memory: 64
defaults:
  level: info
properties:
  rate: "{{ rate }}"
command:
  shell: false
  value: exe
  env: ["A={{ level }}"]
  arguments: ["--host", "{{ task_hostname }}"]
"#;

const HOOK: &str = "name: b\ncontrol: {mode: basic}\ncommand: {value: prepare, shell: true}\n";

fn made(workflow: &str, task: &str, user: &[(&str, &str)]) -> Artefact {
    let files = [
        ("workflows/w.yaml", workflow),
        ("tasks/t.yaml", task),
        ("tasks/b.yaml", HOOK),
    ];
    let outcome = compile_files(&files, &request("w", user));
    let told = shown(&outcome);
    outcome.artefact.unwrap_or_else(|| panic!("{told}"))
}

fn base() -> Artefact {
    made(WORKFLOW, TASK, &[])
}

fn diff(before: &Artefact, after: &Artefact) -> Diff {
    artefacts((before, &before.given), (after, &after.given))
}

/// The workflow or the task template with one text in place of another.
fn edited(from: &str, to: &str) -> Artefact {
    assert!(WORKFLOW.contains(from) != TASK.contains(from), "{from}");
    made(&WORKFLOW.replacen(from, to, 1), &TASK.replacen(from, to, 1), &[])
}

/// Field and cost of everything that differs.
fn told(diff: &Diff) -> Vec<(String, Cost)> {
    let fields = diff.changes.iter().flat_map(|change| &change.fields);
    let mut told: Vec<_> = fields
        .map(|field| (field.field.to_string(), field.cost))
        .collect();
    told.sort();
    told.dedup();
    told
}

#[test]
fn what_is_only_written_otherwise_is_no_difference() {
    let base = base();
    for (from, to) in [
        ("name: w\n", "# A comment.\n\nname:   w\n"),
        ("value: '[\"h1\"]'", "value: \"[\\\"h1\\\"]\""),
        ("range: \"{{ hosts }}\"", "range: \"{{hosts}}\""),
        ("\"{{ Parent().Path }}", "\"{{   Parent( ).Path }}"),
        (
            "  rate: \"100\"\n  run_type: TECHNICAL\n",
            "  run_type: TECHNICAL\n  rate: '100'\n",
        ),
        (
            "      - name: writer\n        bind:\n          - {name: out, type: push, addressing: ipc}\n        task: {load: t}\n",
            "      - task:\n          load: t\n        bind: [{addressing: ipc, type: push, name: out}]\n        name: writer\n",
        ),
        (
            "control:\n  mode: direct\nwants:\n  cpu: 0.1\n  memory: 64\n",
            "wants: {memory: 64, cpu: 0.1}\ncontrol: {mode: direct}\n",
        ),
        ("\"A={{ level }}\"", "\"A={{level}}\""),
    ] {
        let other = edited(from, to);
        let diff = diff(&base, &other);
        assert!(diff.is_empty(), "{from}: {diff:#?}");
        for (a, b) in base.modules.values().zip(other.modules.values()) {
            assert_eq!(digest::module(a), digest::module(b), "{from}");
        }
        for (a, b) in base.classes.values().zip(other.classes.values()) {
            assert_eq!(digest::class(a), digest::class(b), "{from}");
        }
    }
}

#[test]
fn every_change_has_its_field_and_its_cost() {
    use Cost::{Move, None as Free, Reconfigure, Restart};
    let base = base();
    let follow = ("connect.in", Reconfigure);
    for (from, to, expected) in [
        ("value: exe", "value: exe2", &[("command.value", Restart)][..]),
        ("level: info", "level: debug", &[("command.env", Restart)]),
        ("\"--host\"", "\"--hostname\"", &[("command.arguments", Restart)]),
        ("shell: false", "shell: true", &[("command.shell", Restart)]),
        ("mode: direct", "mode: fairmq", &[("control.mode", Restart)]),
        ("cpu: 0.1", "cpu: 0.2", &[("wants.cpu", Restart)]),
        (
            "  rate: \"100\"",
            "  rate: \"200\"",
            &[("properties.rate", Reconfigure)],
        ),
        ("type: push", "type: pub", &[("bind.out.type", Reconfigure)]),
        (
            "addressing: ipc",
            "addressing: tcp",
            &[("bind.out", Restart), follow],
        ),
        ("type: pull,", "type: sub,", &[("connect.in.type", Reconfigure)]),
        (
            "{name: out, type: push, addressing: ipc}",
            "{name: out, type: push, addressing: ipc, global: alias}",
            &[("bind.out.global", Free)],
        ),
        ("critical: false", "critical: true", &[("critical", Free)]),
        (
            "trigger: before_CONFIGURE",
            "trigger: after_CONFIGURE",
            &[("trigger", Free)],
        ),
        ("timeout: 5s", "timeout: 6s", &[("timeout", Free)]),
        (
            "func: testplugin.Test()",
            "func: testplugin.Noop()",
            &[("func", Free)],
        ),
        (
            "value: \"{{ it }}\"",
            "value: \"other\"",
            &[("constraints.machine_id", Move), ("command.arguments", Restart)],
        ),
        (
            "run_type: TECHNICAL",
            "run_type: PHYSICS",
            &[("variables.run_type", Free)],
        ),
        ("nobody_reads_this: \"1\"", "nobody_reads_this: \"2\"", &[]),
    ] {
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(field, cost)| ((*field).to_owned(), *cost))
            .collect();
        expected.sort();
        let other = edited(from, to);
        let there = diff(&base, &other);
        assert_eq!(told(&there), expected, "{from}");
        let back = diff(&other, &base);
        let fields = |told: Vec<(String, Cost)>| told.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(fields(told(&back)), fields(expected), "{from}, backwards");
    }
}

#[test]
fn a_host_more_is_told_as_one_role_with_what_is_below_it() {
    let before = made(WORKFLOW, TASK, &[("hosts", r#"["h1"]"#)]);
    let after = made(WORKFLOW, TASK, &[("hosts", r#"["h1","h2"]"#)]);
    let there = diff(&before, &after);
    assert_eq!(
        there.summary(),
        "3 roles added, 1 role changed at no cost; 5 of 9 roles unchanged"
    );
    assert_eq!(
        diff(&after, &before).summary(),
        "3 roles removed, 1 role changed at no cost; 5 of 6 roles unchanged"
    );
}

#[test]
fn another_name_for_a_host_with_nothing_of_it_in_its_tasks_is_a_move() {
    let task = TASK.replace("{{ task_hostname }}", "x");
    let before = made(WORKFLOW, &task, &[("hosts", r#"["h1"]"#)]);
    let after = made(WORKFLOW, &task, &[("hosts", r#"["h2"]"#)]);
    let there = diff(&before, &after);
    assert_eq!(there.cost(), Some(Cost::Move), "{there:#?}");
    assert_eq!(
        there.summary(),
        "2 tasks move, 2 roles changed at no cost; 2 of 6 roles unchanged"
    );
}

#[test]
fn open_artefacts_are_compared_by_their_templates() {
    let open = WORKFLOW.replace("    value: '[\"h1\"]'\n    type: list\n", "    type: list\n");
    let open = open.replace("  hosts: !public\n    type: list\n    label: Hosts\n", "");
    let before = made(&open, TASK, &[]);
    let after = made(&open, &TASK.replace("value: exe", "value: exe2"), &[]);
    let trees = [&before, &after].map(|artefact| tree(artefact, &artefact.given));
    assert!(trees.iter().all(Result::is_err), "it needs hosts");
    let there = between((&before, &trees[0]), (&after, &trees[1]));
    assert_eq!(told(&there), [("command.value".to_owned(), Cost::Restart)]);
    assert!(
        there.notes.iter().any(|note| note.contains("hosts")),
        "{:?}",
        there.notes
    );
}
