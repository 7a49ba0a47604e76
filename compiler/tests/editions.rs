//! The edition of the language: chosen by each repository for its own files, kept in the artefact. And every difference
//! between the editions, each with a workflow that shows it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;

use partita_artefact::codec;
use partita_artefact::evaluate::Snapshot;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Edition, Layers};
use partita_artefact::show::{DRY_UID, Detail, Dry, instance_tree, json};
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::{Repositories, Repository};
use serde_json::Value;
use support::{compile_files, folder, request};

const WORKFLOW: (&str, &str) = (
    "workflows/w.yaml",
    "name: w\nroles:\n  - name: a\n    task: {load: t}\n",
);
const TASK: (&str, &str) = (
    "tasks/t.yaml",
    "name: t\ncontrol: {mode: direct}\ncommand: {value: sleep}\n",
);

#[test]
fn a_repository_without_settings_means_what_the_reference_means() {
    let artefact = compile_files(&[WORKFLOW, TASK], &request("w", &[]))
        .artefact
        .unwrap();
    assert_eq!(artefact.edition, Edition::Aliecs);
}

#[test]
fn settings_choose_the_edition_of_every_file_and_are_a_source() {
    let files = [WORKFLOW, TASK, ("partita.toml", "edition = \"2026\"\n")];
    let artefact = compile_files(&files, &request("w", &[])).artefact.unwrap();
    let read = codec::decode(&codec::encode(&artefact).unwrap()).unwrap();
    assert_eq!(read, artefact);
    assert_eq!(artefact.edition, Edition::E2026);
    assert!(
        artefact
            .modules
            .values()
            .all(|module| module.edition == Edition::E2026)
    );
    assert!(
        artefact
            .classes
            .values()
            .all(|class| class.edition == Edition::E2026)
    );
    assert!(
        artefact
            .sources
            .iter()
            .any(|source| source.path == "partita.toml")
    );
}

#[test]
fn each_repository_has_its_own_edition() {
    let workflow = "\
name: w
roles:
  - name: here
    enabled: yes
    task: {load: t}
  - name: there
    include: other/workflows/sub@main
";
    let here = folder(&[("workflows/w.yaml", workflow), TASK]);
    let sub = "name: sub\nroles:\n  - name: a\n    enabled: yes\n    task: {load: t}\n";
    let other = folder(&[
        ("workflows/sub.yaml", sub),
        TASK,
        ("partita.toml", "edition = \"2026\"\n"),
    ]);
    for arguments in [
        vec!["init", "-q"],
        vec!["add", "."],
        vec!["commit", "-qm", "all"],
        vec!["branch", "-M", "main"],
    ] {
        if !support::git(other.path(), &arguments) {
            return;
        }
    }
    let mut repositories = Repositories::default();
    repositories
        .add(Repository::open("local", here.path()).unwrap())
        .unwrap();
    repositories
        .add(Repository::open("other", other.path()).unwrap())
        .unwrap();
    let outcome = compile(&request("w", &[]), &repositories);
    let artefact = outcome.artefact.unwrap();
    assert_eq!(artefact.edition, Edition::Aliecs);
    let world = Snapshot::new(&artefact, String::new);
    let tree = instance_tree(&instantiate(&artefact, &artefact.given, &world).unwrap());
    assert_eq!(
        tree,
        "w\n└─ there  include sub\n   └─ a  direct t\n3 roles: 1 task, 0 hooks, 0 calls\n"
    );
}

/// What became of a workflow `w`: its tree as text and JSON, or what is wrong.
fn made(edition: Edition, workflow: &str, more: &[(&str, &str)]) -> Result<(String, Value), String> {
    given(edition, workflow, more, &[])
}

fn given(
    edition: Edition,
    workflow: &str,
    more: &[(&str, &str)],
    user: &[(&str, &str)],
) -> Result<(String, Value), String> {
    let mut files = vec![("workflows/w.yaml", workflow)];
    files.extend(more);
    if !more.iter().any(|(path, _)| *path == TASK.0) {
        files.push(TASK);
    }
    let request = Request {
        edition: Some(edition),
        closed: true,
        configuration: BTreeMap::from([
            ("o2/runtime/c/k".to_owned(), "v".to_owned()),
            ("o2/components/c/ANY/any/e".to_owned(), "[{{ q }}]".to_owned()),
        ]),
        ..request("w", user)
    };
    let outcome = compile_files(&files, &request);
    let Some(artefact) = outcome.artefact else {
        let errors = outcome.diagnostics.iter().filter(|d| d.is_error());
        return Err(errors.map(|d| d.message.clone()).collect::<Vec<_>>().join("\n"));
    };
    let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
    let surroundings = BTreeMap::from([("environment_id".to_owned(), "e".to_owned())]);
    let all = artefact.given.clone().with(&Layers {
        user: surroundings,
        ..Layers::default()
    });
    let instance = instantiate(&artefact, &all, &world).map_err(|errors| errors[0].to_string())?;
    let dry = Dry::new(&artefact, &instance, &world);
    let detail = Detail {
        stacks: false,
        dry: Some(&dry),
    };
    let tree = instance_tree(&instance);
    let (tree, _) = tree.trim_end().rsplit_once('\n').unwrap();
    Ok((tree.to_owned(), json(&artefact, &instance, &detail)))
}

fn tree(edition: Edition, workflow: &str) -> Result<String, String> {
    made(edition, workflow, &[]).map(|(tree, _)| tree)
}

/// The error of edition 2026, where the other edition has none.
fn refused(workflow: &str) -> String {
    refused_with(workflow, &[])
}

fn refused_with(workflow: &str, more: &[(&str, &str)]) -> String {
    made(Edition::Aliecs, workflow, more).unwrap();
    made(Edition::E2026, workflow, more).unwrap_err()
}

/// The text that an expression gives in each edition: the name of a task.
fn values(expression: &str) -> [Result<String, String>; 2] {
    let workflow = format!(
        "name: w\ndefaults: {{a: x}}\nroles:\n  - name: >-\n      {expression}\n    task: {{load: t}}\n"
    );
    Edition::ALL.map(|edition| {
        let (_, json) = made(edition, &workflow, &[])?;
        Ok(json["root"]["roles"][0]["name"].as_str().unwrap().to_owned())
    })
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "it stands beside `Err` in tables of what is meant"
)]
fn ok(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

const ITERATOR: &str = "\
name: w
roles:
  - name: group
    roles:
      - name: \"{{ it }}\"
        for: {range: '[\"a\",\"b\"]', var: it}
        enabled: \"{{ it == 'a' }}\"
        task: {load: t}
";

#[test]
fn iterators() {
    // iterator_enabled_decides_each_instance
    assert_eq!(tree(Edition::Aliecs, ITERATOR), ok("w  disabled"));
    assert_eq!(
        tree(Edition::E2026, ITERATOR),
        ok("w\n└─ group\n   └─ a  direct t")
    );
    // empty_iterators_leave_nothing
    let none = ITERATOR
        .replace("[\"a\",\"b\"]", "[]")
        .replace("\"{{ it == 'a' }}\"", "true");
    assert_eq!(tree(Edition::Aliecs, &none), ok("w\n└─ group  1 empty iterators"));
    assert_eq!(tree(Edition::E2026, &none), ok("w  disabled"));
    // iterator_variable_beats_user_variable
    let nested = "\
name: w
roles:
  - name: \"{{ it }}\"
    for: {range: '[\"a\"]', var: it}
    roles:
      - name: \"in-{{ it }}\"
        task: {load: t}
";
    let user = |edition| given(edition, nested, &[], &[("it", "user")]).map(|(tree, _)| tree);
    assert_eq!(user(Edition::Aliecs), ok("w\n└─ a\n   └─ in-user  direct t"));
    assert_eq!(user(Edition::E2026), ok("w\n└─ a\n   └─ in-a  direct t"));
}

#[test]
fn an_include_passes_on_what_it_has() {
    let workflow = "\
name: w
roles:
  - name: a
    constraints: [{attribute: machine_id, value: h}]
    connect: [{name: c, type: pull, target: tcp://x:1}]
    bind: [{name: b, type: push}]
    include: sub
";
    let sub = [(
        "workflows/sub.yaml",
        "name: sub\nroles:\n  - name: t\n    task: {load: t}\n",
    )];
    let shown = |edition| made(edition, workflow, &sub).map(|(tree, _)| tree);
    assert_eq!(
        shown(Edition::Aliecs),
        ok("w\n└─ a  include sub\n   └─ t  direct t")
    );
    assert_eq!(
        shown(Edition::E2026),
        ok(
            "w\n└─ a  include sub  machine_id=h  bind b (push)  connect c (pull) to tcp://x:1\n   └─ t  direct t"
        )
    );
}

#[test]
fn enabled() {
    let workflow = |enabled: &str| {
        format!("name: w\nroles:\n  - name: a\n    enabled: {enabled}\n    task: {{load: t}}\n")
    };
    // failing_enabled_is_an_error
    assert_eq!(
        refused(&workflow("\"{{ json.Unmarshal('1') + 'x' == 'y' }}\"")),
        "`+` does not work on float and string"
    );
    // enabled_is_yes_or_no
    let (on, off) = ("w\n└─ a  direct t", "w  disabled");
    for (text, aliecs) in [
        ("true", on),
        ("\" 1 \"", on),
        ("yes", off),
        ("on", off),
        ("none", off),
    ] {
        assert_eq!(tree(Edition::Aliecs, &workflow(text)), ok(aliecs), "{text}");
        let meant = if text == "none" { off } else { on };
        assert_eq!(tree(Edition::E2026, &workflow(text)), ok(meant), "{text}");
    }
    let neither = "`enabled` is neither yes nor no but `maybe`";
    assert_eq!(refused(&workflow("maybe")), neither);
    assert_eq!(refused(&workflow("\"{{ 'may' + 'be' }}\"")), neither);
}

#[test]
fn hooks() {
    // empty_trigger_is_none
    let workflow = "\
name: w
defaults: {when: ''}
roles:
  - name: a
    task: {load: t, trigger: '{{ when }}', await: '{{ when }}after_X'}
";
    let traits = |edition| {
        let (_, json) = made(edition, workflow, &[]).unwrap();
        let role = &json["root"]["roles"][0];
        ["trigger", "await", "timeout"].map(|key| role[key].as_str().unwrap().to_owned())
    };
    assert_eq!(traits(Edition::Aliecs), ["", "after_X", "30s"]);
    assert_eq!(traits(Edition::E2026), ["", "", "0s"]);
    let when = |text: &str| workflow.replace("when: ''", &format!("when: '{text}'"));
    let (_, json) = made(Edition::E2026, &when("before_CONFIGURE"), &[]).unwrap();
    assert_eq!(json["root"]["roles"][0]["timeout"], "30s");
    // weights_are_numbers
    assert_eq!(
        refused(&when("after_X+many").replace("{{ when }}after_X", "after_X")),
        "`after_X+many`: the weight `+many` is not a whole number"
    );
}

#[test]
fn one_path_is_one_role() {
    let workflow = "name: w\nroles:\n  - name: a\n    task: {load: t}\n  - name: a\n    task: {load: t}\n";
    assert_eq!(refused(workflow), "another role has the same path");
}

#[test]
fn other_repositories_have_their_own_revision() {
    let here = folder(&[(
        "workflows/w.yaml",
        "name: w\nroles:\n  - name: a\n    include: other/workflows/sub\n",
    )]);
    let other = folder(&[
        (
            "workflows/sub.yaml",
            "name: sub\nroles:\n  - name: t\n    task: {load: t}\n",
        ),
        TASK,
    ]);
    for repository in [&here, &other] {
        for arguments in [vec!["init", "-q"], vec!["add", "."], vec!["commit", "-qm", "all"]] {
            if !support::git(repository.path(), &arguments) {
                return;
            }
        }
    }
    let mut repositories = Repositories::default();
    for (identifier, folder) in [("local", &here), ("other", &other)] {
        repositories
            .add(Repository::open(identifier, folder.path()).unwrap())
            .unwrap();
    }
    let outcome = |edition| {
        let request = Request {
            edition: Some(edition),
            ..request("w", &[])
        };
        compile(&request, &repositories)
    };
    assert!(outcome(Edition::Aliecs).artefact.is_none());
    let artefact = outcome(Edition::E2026).artefact.unwrap();
    let pinned = artefact
        .modules
        .keys()
        .find_map(|identity| identity.strip_prefix("other/workflows/sub@"));
    let pinned = pinned.unwrap();
    assert_eq!(pinned.len(), 40);
    assert!(artefact.classes.contains_key(&format!("other/tasks/t@{pinned}")));
}

#[test]
fn scoped_variables_are_refused() {
    let workflow = WORKFLOW.1;
    let set = |edition| given(edition, workflow, &[], &[("w.a:x", "1")]);
    assert!(set(Edition::Aliecs).is_ok());
    assert_eq!(
        set(Edition::E2026).unwrap_err(),
        "variable `w.a:x` is for one role only, which nothing does"
    );
}

#[test]
fn expressions() {
    for (expression, aliecs, e2026) in [
        // undefined_arguments_are_errors
        (
            "{{ strings.IsFalsy(nothing) }}",
            ok("true"),
            Err("variable `nothing` is not defined here"),
        ),
        (
            "{{ Atoi(a) }}{{ strings.IsFalsy($env?.nothing) }}",
            ok("0true"),
            Ok("0true"),
        ),
        // failing_functions_are_errors
        (
            "{{ inventory.DetectorForHost('h') }}",
            ok("{\"error\":\"detector not found for host h\"}"),
            Err("detector not found for host h"),
        ),
        (
            "{{ inventory.CRUCardsForHost('h') }}",
            ok("[\"error: no value for key o2/hardware/flps/h/cards\"]"),
            Err("no value for key o2/hardware/flps/h/cards"),
        ),
        ("{{ runtime.Get('c', 'k') }}", ok("v"), Ok("v")),
        // values_print_as_json
        (
            "{{ json.Unmarshal('1000000') }} {{ string(json.Unmarshal('2000000')) }}",
            ok("1e+06 2e+06"),
            Ok("1000000 2000000"),
        ),
        (
            "{{ 1..3 }} {{ json.Unmarshal('{\"k\":[1.5]}') }}",
            ok("[1 2 3] map[k:[1.5]]"),
            Ok("[1,2,3] {\"k\":[1.5]}"),
        ),
        // nil_has_no_text
        (
            "{{ json.Unmarshal('null') }}",
            ok("<nil>"),
            Err("there is nothing to write: the value is nil"),
        ),
        ("{{ json.Unmarshal('null') ?? 'd' }}", ok("d"), Ok("d")),
        // texts_have_no_order
        ("{{ '10' < '2' }}", ok("true"), Err("texts have no order")),
        (
            "{{ json.Unmarshal('[\"10\"]')[0] < '2' }}",
            ok("true"),
            Err("texts have no order"),
        ),
        ("{{ int('10') < int('2') }}", ok("false"), Ok("false")),
        // expressions_may_hold_braces
        (
            "{{ json.Unmarshal('{\"a\":{\"b\":1}}').a.b }}",
            Err("an error".to_owned()),
            Ok("1"),
        ),
    ] {
        let [got_aliecs, got_2026] = values(expression);
        match aliecs {
            Ok(text) => assert_eq!(got_aliecs, Ok(text), "{expression}"),
            Err(_) => assert!(got_aliecs.is_err(), "{expression}"),
        }
        assert_eq!(got_2026.as_deref().map_err(String::as_str), e2026, "{expression}");
    }
}

#[test]
fn variables_hide_no_function() {
    let workflow = "\
name: w
defaults: {len: x, x: y, none: z}
roles:
  - name: \"{{ len('ab') }}{{ let x = 1; x }}{{ none([1], # > 1) }}{{ len }}\"
    task: {load: t}
";
    assert!(tree(Edition::Aliecs, workflow).is_err());
    assert_eq!(tree(Edition::E2026, workflow), ok("w\n└─ 21truex  direct t"));
}

#[test]
fn variables_of_any_shape_count() {
    let workflow = "\
name: w
defaults: {base: &b value of it}
roles:
  - name: \"{{ $env?.spec ?? '-' }} {{ $env?.alias ?? '-' }}\"
    task: {load: t}
vars:
  spec: {value: s, type: string}
  alias: *b
";
    assert_eq!(tree(Edition::Aliecs, workflow), ok("w\n└─ - -  direct t"));
    assert_eq!(
        tree(Edition::E2026, workflow),
        ok("w\n└─ s value of it  direct t")
    );
    for (shape, message) in [
        ("[a]", "variable `x` is not defined: a list is dropped here"),
        ("{a: b}", "variable `x` is not defined: a mapping is dropped here"),
        (
            "{{ y }}",
            "variable `x` is not defined: `{{ … }}` without quotes is a mapping, which is dropped here",
        ),
    ] {
        let workflow = format!("name: w\nvars:\n  x: {shape}\nroles: []\n");
        assert_eq!(refused(&workflow), message);
    }
}

#[test]
fn files_are_read_strictly() {
    // unknown_keys_are_errors
    assert_eq!(
        refused("name: w\nenable: true\nroles: []\n"),
        "workflow: nothing reads the key `enable`"
    );
    // empty_items_are_errors
    assert_eq!(
        refused("name: w\nroles:\n  -\n  - name: a\n    task: {load: t}\n"),
        "an empty item of `roles` is left out"
    );
    let with = |text: &str| {
        let task = format!("name: t\ncommand: {{value: sleep}}\n{text}\n");
        refused_with(WORKFLOW.1, &[("tasks/t.yaml", task.as_str())])
    };
    // unknown_modes_are_errors
    assert_eq!(with("control: {mode: fairqm}"), "`mode`: `fairqm` is not known");
    // port_ranges_have_two_ends
    assert_eq!(
        with("wants: {ports: '1-'}"),
        "`ports`: the range `1-` has no end after its beginning"
    );
    // bound_targets_are_addresses
    assert_eq!(
        with("bind: [{name: b, type: push, target: 'tpc://*:1'}]"),
        "channel `b` is left out: its target is no address"
    );
}

#[test]
fn port_ranges_have_two_ends() {
    let task = [(
        "tasks/t.yaml",
        "name: t\nwants: {ports: '5, 10-20'}\ncommand: {value: sleep}\n",
    )];
    let ports = |edition| {
        let (_, json) = made(edition, WORKFLOW.1, &task).unwrap();
        json["root"]["roles"][0]["wants"]["ports"].to_string()
    };
    assert_eq!(ports(Edition::Aliecs), "[\"5-5\",\"10-10\"]");
    assert_eq!(ports(Edition::E2026), "[\"5-5\",\"10-20\"]");
}

#[test]
fn task_templates() {
    // class_variables_see_each_other, properties_see_evaluated_variables, bound_targets_are_addresses
    let task = "\
name: t
control: {mode: direct}
defaults: {both: default, host: h, port: \"{{ host }}:1\"}
vars: {both: var, all: \"{{ port }}/{{ both }}\"}
properties: {p: \"{{ port }} {{ both }}\"}
bind: [{name: b, type: push, target: \"{{ 'tcp://' + host }}:9\"}]
command: {value: \"{{ both }} {{ all }}\"}
";
    let task_of = |edition, workflow: &str| {
        let (_, json) = made(edition, workflow, &[("tasks/t.yaml", task)]).unwrap();
        json["root"]["roles"][0].clone()
    };
    let role = task_of(Edition::E2026, WORKFLOW.1);
    assert_eq!(role["command"]["value"], "var h:1/var");
    assert_eq!(role["properties"]["p"], "h:1 var");
    assert_eq!(role["properties"]["chans.b.0.address"], "tcp://h:9");
    // What the role has beats both, in either edition; and with a host the reference can evaluate the rest.
    let host = WORKFLOW.1.replace("task:", "vars: {host: r}\n    task:");
    let role = task_of(Edition::Aliecs, &host);
    assert_eq!(role["command"]["value"], "default r:1/default");
    assert_eq!(role["properties"]["p"], "{{ host }}:1 var");
    assert_eq!(role["properties"].get("chans.b.0.address"), None);
    assert_eq!(task_of(Edition::E2026, &host)["command"]["value"], "var r:1/var");
}

#[test]
fn class_texts_are_evaluated() {
    let task = [(
        "tasks/t.yaml",
        "name: t\nbind: [{name: b, type: push, global: 'g-{{ it }}'}]\n\
         constraints: [{attribute: a, value: '{{ it }}'}]\ncommand: {value: sleep}\n",
    )];
    let workflow = "\
name: w
roles:
  - name: \"{{ it }}\"
    for: {range: '[\"x\"]', var: it}
    task: {load: t}
";
    let shown = |edition| made(edition, workflow, &task).map(|(tree, _)| tree);
    assert_eq!(
        shown(Edition::Aliecs),
        ok("w\n└─ x  direct t  a={{ it }}  bind b (push) as ::g-{{ it }}")
    );
    assert_eq!(
        shown(Edition::E2026),
        ok("w\n└─ x  direct t  a=x  bind b (push) as ::g-x")
    );
}

#[test]
fn payloads_are_plain_text() {
    let workflow = "\
name: w
defaults: {odd-name: x, q: '<&>'}
roles:
  - name: a
    vars: {v: \"{{ config.Get('c/ANY/any/e') }}\"}
    task: {load: t}
";
    let value = |edition, workflow: &str| {
        let (_, json) = made(edition, workflow, &[]).unwrap();
        json["root"]["roles"][0]["vars"]["v"].as_str().unwrap().to_owned()
    };
    assert_eq!(value(Edition::E2026, workflow), "[<&>]");
    let even = workflow.replace("odd-name: x, ", "");
    assert_eq!(value(Edition::Aliecs, &even), "[&lt;&amp;&gt;]");
    assert!(value(Edition::Aliecs, workflow).contains("is not a valid identifier"));
}

#[test]
fn empty_orbit_reset_is_not_pushed() {
    let workflow = |value: &str| {
        format!(
            "name: w\nroles:\n  - name: a\n    vars: {{pdp_override_run_start_time: '{value}'}}\n    task: {{load: t}}\n"
        )
    };
    let pushed = |edition, value| {
        let (_, json) = made(edition, &workflow(value), &[]).unwrap();
        json["root"]["roles"][0]["properties"]
            .get("orbit-reset-time")
            .cloned()
    };
    assert_eq!(pushed(Edition::Aliecs, " "), Some(" ".into()));
    assert_eq!(pushed(Edition::E2026, " "), None);
    assert_eq!(pushed(Edition::E2026, "5"), Some("5".into()));
}
