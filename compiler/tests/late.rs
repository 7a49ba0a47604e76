//! Texts that become templates late, DPL results that are pinned, payloads: what the artefact must hold of them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_compiler::compile::Request;
use partita_compiler::diagnostic::Code;
use support::{compile_files, request, shown};

const CALL: &str = "name: w
defaults:
  call: testplugin.Test()
roles:
  - name: one
    call:
      func: \"{{ call }}\"
      trigger: enter_RUNNING
";

fn tree(artefact: &Artefact, user: &[(&str, &str)]) -> Result<Instance, String> {
    let user: BTreeMap<_, _> = user
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let given = artefact.given.clone().with(&Layers {
        user,
        ..Layers::default()
    });
    let world = Snapshot::new(artefact, || "uid".to_owned());
    instantiate(artefact, &given, &world).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn a_templated_call_is_an_expression_of_the_artefact() {
    let outcome = compile_files(&[("workflows/w.yaml", CALL)], &request("w", &[]));
    let artefact = outcome.artefact.unwrap();
    let tree = tree(&artefact, &[]).unwrap();
    let call = tree.root.roles[0].call().unwrap();
    assert_eq!(call.text, "testplugin.Test()");
    assert_eq!(call.function.as_ref().unwrap().text, "testplugin.Test()");
}

#[test]
fn a_call_that_was_not_foreseen_is_refused_when_the_tree_is_made() {
    let artefact = compile_files(&[("workflows/w.yaml", CALL)], &request("w", &[]))
        .artefact
        .unwrap();
    let error = tree(&artefact, &[("call", "dcs.StartOfRun()")]).unwrap_err();
    insta::assert_snapshot!(error, @"role w.one: the call became `dcs.StartOfRun()`, which this artefact does not know");
}

#[test]
fn an_open_artefact_holds_the_calls_that_can_be_foreseen() {
    let workflow = CALL.replace("{{ call }}", "{{ which == 'a' ? 'testplugin.Noop()' : call }}");
    let artefact = compile_files(&[("workflows/w.yaml", &workflow)], &request("w", &[]))
        .artefact
        .unwrap();
    let texts: Vec<&str> = artefact.texts.keys().map(String::as_str).collect();
    assert_eq!(texts, ["{{testplugin.Noop()}}", "{{testplugin.Test()}}"]);
    assert!(tree(&artefact, &[("which", "a")]).is_ok());
}

const JIT: [(&str, &str); 4] = [
    (
        "workflows/w.yaml",
        "name: w\ndefaults: {detector: ITS}\nroles:\n  - name: qc\n    include: \"{{ dpl.GenerateFromUri('qc') }}\"\n",
    ),
    (
        "workflows/made.yaml",
        "name: made\nroles:\n  - name: t\n    task: {load: t}\n",
    ),
    ("tasks/t.yaml", "name: t\ncommand:\n  value: run\n"),
    ("jit/qc", "o2-qc --detector {{ detector }} | o2-sink"),
];

#[test]
fn a_command_that_is_not_pinned_says_how_to_pin_it() {
    let closed = Request {
        closed: true,
        ..request("w", &[])
    };
    let outcome = compile_files(&JIT, &closed);
    assert!(outcome.artefact.is_none());
    insta::assert_snapshot!(shown(&outcome), @r#"
    error[unpinned]: what the DPL command in `jit/qc` makes is not pinned: name its workflow template under `jit-85ddb992dd172fa2e42b072901605ffb45f126fe` in `partita.lock`
     --> workflows/w.yaml:5:22
      |
    5 |     include: "{{ dpl.GenerateFromUri('qc') }}"
      |                      ^^^^^^^^^^^^^^^^^^^^^ in role `w.qc`

    1 error
    "#);
}

#[test]
fn a_pinned_command_is_the_template_that_the_lock_names() {
    let first = compile_files(&JIT, &request("w", &[]));
    let command = first.unpinned.first().unwrap();
    assert_eq!(command.command, "o2-qc --detector ITS | o2-sink");
    let lock = format!("[workflows]\n{} = \"made\"\n", command.name);
    let mut files = JIT.to_vec();
    files.push(("partita.lock", &lock));
    let outcome = compile_files(&files, &request("w", &[]));
    let artefact = outcome
        .artefact
        .unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics));
    assert_eq!(outcome.unpinned.len(), 0);
    assert_eq!(tree(&artefact, &[]).unwrap().root.roles[0].roles[0].name, "t");
    // Another detector is another command, with another result.
    assert!(
        tree(&artefact, &[("detector", "TPC")])
            .unwrap_err()
            .contains("is not pinned")
    );
    // A result in the repository under its own name needs no line.
    let own = format!("workflows/{}.yaml", command.name);
    let mut files = JIT.to_vec();
    files.push((&own, JIT[1].1));
    assert!(compile_files(&files, &request("w", &[])).artefact.is_some());
}

#[test]
fn a_legacy_payload_is_parsed_by_the_compiler() {
    let workflow = "name: w\ndefaults:\n  who: ITS\n  payload: \"{{ config.GetLegacy('qc/ANY/any/x') }}\"\nroles:\n  \
                    - name: one\n    task: {load: t}\n";
    let configuration = [("o2/components/qc/ANY/any/x", "det={{ 'a' + 'b' }} {{ nosuch }}")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let request = Request {
        configuration: BTreeMap::from(configuration),
        ..request("w", &[])
    };
    let outcome = compile_files(&[("workflows/w.yaml", workflow), JIT[2]], &request);
    let artefact = outcome.artefact.unwrap();
    assert_eq!(
        tree(&artefact, &[]).unwrap().root.layers.defaults["payload"],
        "det=ab {{ nosuch }}"
    );
}

#[test]
fn old_names_are_told_without_a_check() {
    let workflow = "name: w\ndefaults:\n  det: \"{{ DetectorForHost('h') }}\"\nroles:\n  - name: one\n    task: {load: t}\n";
    let outcome = compile_files(&[("workflows/w.yaml", workflow), JIT[2]], &request("w", &[]));
    let told: Vec<_> = outcome
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code == Code::DeprecatedFunction)
        .map(|diagnostic| {
            (
                diagnostic.message.as_str(),
                diagnostic.hint.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    let wanted = (
        "DetectorForHost is the old name of inventory.DetectorForHost",
        "write `inventory.DetectorForHost(…)`",
    );
    assert_eq!(told, [wanted]);
}
