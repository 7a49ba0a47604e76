//! From repositories to artefacts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;

use partita_artefact::ir::Artefact;
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::{Repositories, Repository};
use support::{compile_files, folder, git, repositories, request, shown, write};

const FILES: [(&str, &str); 6] = [
    (
        "workflows/w.yaml",
        "name: !public w\ndescription: !public All of it\ndefaults:\n  hosts: !public\n    value: '[\"a\"]'\n    type: list\n    label: Hosts\n    \
         index: 3\n  mode: plain\nvars: {fixed: x}\nroles:\n  - name: \"h-{{ host }}\"\n    for: {range: \"{{ hosts }}\", var: host}\n    \
         include: sub\n  - name: other\n    enabled: \"{{ mode != 'plain' }}\"\n    include: \"{{ extra }}\"\n",
    ),
    (
        "workflows/sub.yaml",
        "name: sub\nroles:\n  - name: t\n    task: {load: t}\n",
    ),
    (
        "workflows/extra.yaml",
        "name: extra\nroles:\n  - name: u\n    task: {load: u}\n",
    ),
    ("workflows/broken.yaml", "name: broken\nname: twice\n"),
    (
        "tasks/t.yaml",
        "name: t\ndefaults: {size: \"1\"}\ncommand: {value: \"sleep {{ size }} {{ task_id }}\"}\n",
    ),
    ("tasks/u.yaml", "name: u\ncommand: {value: \"true\"}\n"),
];

fn modules(artefact: &Artefact) -> Vec<&str> {
    artefact.modules.keys().map(String::as_str).collect()
}

#[test]
fn a_workflow_with_all_it_needs() {
    let files: Vec<_> = FILES
        .into_iter()
        .filter(|(path, _)| !path.contains("broken"))
        .collect();
    let outcome = compile_files(&files, &request("w", &[]));
    assert_eq!(shown(&outcome), "");
    let artefact = outcome.artefact.unwrap();
    assert_eq!(artefact.root, "local/workflows/w");
    let all = [
        "local/workflows/extra",
        "local/workflows/sub",
        "local/workflows/w",
    ];
    assert_eq!(modules(&artefact), all);
    assert_eq!(
        artefact.classes.keys().collect::<Vec<_>>(),
        ["local/tasks/t", "local/tasks/u"]
    );
    let root = &artefact.modules[&artefact.root];
    assert!(root.public);
    assert_eq!(root.description.as_deref(), Some("All of it"));
    let sources: Vec<String> = artefact
        .sources
        .iter()
        .map(|s| format!("{} {} {}", s.path, s.blob, s.dirty))
        .collect();
    insta::assert_debug_snapshot!(sources);
    insta::assert_debug_snapshot!(artefact.parameters);
}

#[test]
fn a_closed_artefact_holds_what_is_reached() {
    let closed = Request {
        closed: true,
        ..request("w", &[("extra", "extra")])
    };
    let artefact = compile_files(&FILES, &closed).artefact.unwrap();
    assert_eq!(modules(&artefact), ["local/workflows/sub", "local/workflows/w"]);
    assert_eq!(artefact.classes.keys().collect::<Vec<_>>(), ["local/tasks/t"]);
    assert!(artefact.closed && artefact.parameters.is_empty());
}

#[test]
fn a_closed_artefact_holds_what_the_environment_may_still_decide() {
    let files = [
        (
            "workflows/w.yaml",
            "name: w\nroles:\n  - {name: a, include: \"sub-{{ core_hostname == 'x' ? 'a' : 'b' }}\"}\n",
        ),
        (
            "workflows/sub-a.yaml",
            "name: sub-a\nroles: [{name: t, task: {load: t}}]\n",
        ),
        (
            "workflows/sub-b.yaml",
            "name: sub-b\nroles: [{name: t, task: {load: t}}]\n",
        ),
        ("workflows/other.yaml", "name: other\nroles: []\n"),
        ("tasks/t.yaml", "name: t\ncommand: {value: \"true\"}\n"),
    ];
    let closed = Request {
        closed: true,
        ..request("w", &[])
    };
    let outcome = compile_files(&files, &closed);
    let artefact = outcome.artefact.expect("an artefact");
    assert_eq!(
        modules(&artefact),
        [
            "local/workflows/sub-a",
            "local/workflows/sub-b",
            "local/workflows/w"
        ]
    );
}

#[test]
fn bound_variables_narrow_what_is_linked() {
    let folder = |name: &str| {
        let text = format!("name: {name}\nroles: [{{name: t, task: {{load: t}}}}]\n");
        (format!("workflows/{name}.yaml"), text)
    };
    let names = ["readout-a", "readout-b", "qc-a"].map(folder);
    let mut files: Vec<(&str, &str)> = names
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    files.extend([
        (
            "workflows/w.yaml",
            "name: w\ndefaults: {detector: a, kind: readout}\nroles:\n  - {name: x, include: \"{{ kind }}-{{ \
             strings.ToLower(detector) }}\"}\n",
        ),
        ("tasks/t.yaml", "name: t\ncommand: {value: \"true\"}\n"),
    ]);
    for (given, expected) in [
        (vec![], vec!["qc-a", "readout-a", "readout-b"]),
        (vec![("kind", "readout")], vec!["readout-a", "readout-b"]),
        (vec![("kind", "readout"), ("detector", "B")], vec!["readout-b"]),
        (vec![("detector", "A")], vec!["qc-a", "readout-a", "readout-b"]),
    ] {
        let outcome = compile_files(&files, &request("w", &given));
        let artefact = outcome.artefact.expect("an artefact");
        let found: Vec<&str> = modules(&artefact)
            .into_iter()
            .filter_map(|identity| identity.strip_prefix("local/workflows/"))
            .filter(|name| *name != "w")
            .collect();
        assert_eq!(found, expected, "{given:?}");
    }
}

#[test]
fn the_same_files_elsewhere_give_the_same_artefact() {
    let request = request("w", &[("mode", "all"), ("extra", "extra")]);
    let first = compile_files(&FILES, &request);
    let second = compile_files(&FILES, &request);
    assert!(first.artefact.is_some());
    assert_eq!(first, second);
}

#[test]
fn a_templated_include_is_followed_when_its_variables_are_given() {
    let outcome = compile_files(&FILES, &request("w", &[("mode", "all"), ("extra", "extra")]));
    let artefact = outcome.artefact.unwrap();
    assert_eq!(
        modules(&artefact),
        [
            "local/workflows/extra",
            "local/workflows/sub",
            "local/workflows/w"
        ]
    );
    assert!(artefact.classes.contains_key("local/tasks/u"));
}

#[test]
fn an_open_include_brings_every_workflow_that_decodes() {
    let outcome = compile_files(&FILES, &request("w", &[("mode", "all")]));
    let text = shown(&outcome);
    let artefact = outcome.artefact.expect(&text);
    assert_eq!(
        modules(&artefact),
        [
            "local/workflows/extra",
            "local/workflows/sub",
            "local/workflows/w"
        ]
    );
    let required: Vec<&str> = artefact
        .parameters
        .iter()
        .filter(|p| p.required)
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(required, ["extra"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_workflow_can_be_asked_for_by_its_path() {
    let folder = folder(&FILES);
    let path = folder.path().join("workflows/w.yaml");
    let (repositories, workflow) = Repositories::open_for(path.to_str().unwrap(), &[] as &[&str]).unwrap();
    assert_eq!(workflow, "w");
    let outcome = compile(&request(&workflow, &[]), &repositories);
    assert_eq!(
        outcome.artefact,
        compile_files(&FILES, &request("w", &[])).artefact
    );
}

#[test]
fn revisions_are_pinned_and_edits_are_marked() {
    let folder = folder(&FILES);
    let root = folder.path();
    if !git(root, &["init", "--quiet"]) {
        return;
    }
    let commit = |message| git(root, &["add", "-A"]) && git(root, &["commit", "--quiet", "-m", message]);
    commit("one");
    git(root, &["tag", "v1"]);
    write(root, "tasks/t.yaml", "name: t\ncommand: {value: \"two\"}\n");
    commit("two");
    let head = Repository::open("r", root)
        .unwrap()
        .snapshot(None)
        .unwrap()
        .revision();
    let v1 = Repository::open("r", root)
        .unwrap()
        .snapshot(Some("v1"))
        .unwrap()
        .revision();
    assert_eq!((head.len(), v1.len()), (40, 40));
    assert_ne!(head, v1);
    let value = |workflow: &str| {
        let artefact = compile(&request(workflow, &[]), &repositories(root))
            .artefact
            .unwrap();
        let class = &artefact.classes[&artefact.classes.keys().next().unwrap().clone()];
        let source = artefact
            .sources
            .iter()
            .find(|s| s.path == "tasks/t.yaml")
            .unwrap();
        let command = class.command.as_ref().unwrap().value.parts.len();
        (source.revision.clone(), source.dirty, command)
    };
    assert_eq!(value("w"), (head.clone(), false, 1));
    for name in ["v1", &v1, &v1[..9], "main~1"] {
        assert_eq!(value(&format!("w@{name}")), (v1.clone(), false, 4), "{name}");
    }
    write(root, "tasks/t.yaml", "name: t\n");
    write(root, "tasks/t.yaml", "name: t\ncommand: {value: \"{{ a }}b\"}\n");
    assert_eq!(value("w"), (head.clone(), true, 2));
    assert_eq!(value("w@main"), (head.clone(), false, 1));

    // A branch of `origin` wins over a local one of the same name.
    git(root, &["update-ref", "refs/remotes/origin/main", &v1]);
    assert_eq!(value("w@main"), (v1.clone(), false, 4));

    let text = shown(&compile(&request("w@nowhere", &[]), &repositories(root)));
    assert!(
        text.contains("revision `nowhere` is not a commit of repository `local`"),
        "{text}"
    );
}

#[test]
fn a_folder_inside_a_repository_is_one_too() {
    let outer = folder(&[]);
    for (path, text) in FILES {
        write(outer.path(), &format!("examples/flp/{path}"), text);
    }
    if !git(outer.path(), &["init", "--quiet"]) {
        return;
    }
    let inner = outer.path().join("examples/flp");
    let before = Repository::open("r", &inner).unwrap();
    assert_eq!(
        before.snapshot(None).unwrap().revision(),
        "",
        "nothing is committed yet"
    );
    git(outer.path(), &["add", "-A"]);
    git(outer.path(), &["commit", "--quiet", "-m", "all"]);
    let after = compile(&request("w@main", &[]), &repositories(&inner))
        .artefact
        .unwrap();
    assert_eq!(after.sources.len(), FILES.len());
    assert!(after.sources.iter().all(|source| source.revision.len() == 40));
}

#[test]
fn nothing_outside_the_repository_is_read() {
    let workflow = "name: w\nroles:\n  - {name: a, include: local/workflows/../../secret}\n  - {name: b, include: \
                    ../secret}\n  - {name: c, include: link}\n  - {name: d, include: elsewhere/workflows/x}\n";
    let folder = folder(&[
        ("secret.yaml", "name: secret\n"),
        ("repo/workflows/w.yaml", workflow),
    ]);
    let root = folder.path().join("repo");
    std::os::unix::fs::symlink(
        folder.path().join("secret.yaml"),
        root.join("workflows/link.yaml"),
    )
    .unwrap();
    let text = shown(&compile(&request("w", &[]), &repositories(&root)));
    insta::assert_snapshot!(text);
}

#[test]
fn the_example_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/flp");
    let outcome = compile(&request("readout", &[]), &repositories(&root));
    assert!(outcome.artefact.is_some(), "{}", shown(&outcome));
}

/// What a session keeps changes nothing: not after an edit, and not where a file moves to another place in the list.
#[test]
fn a_session_gives_what_a_compilation_gives() {
    use partita_compiler::compile::{Request, Session};

    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let task = "name: t\ncontrol: {mode: direct}\nwants: {cpu: 1}\ncommand: {value: sleep, unknown: 1}\n";
    write("tasks/t.yaml", task);
    write(
        "workflows/w.yaml",
        "name: w\nroles:\n  - name: a\n    include: sub\n",
    );
    write(
        "workflows/sub.yaml",
        "name: sub\nroles:\n  - name: t\n    task: {load: t}\n",
    );
    write(
        "workflows/first.yaml",
        "name: first\nroles:\n  - name: t\n    task: {load: t}\n",
    );
    let repositories = Repositories::open(&[folder.path().to_str().unwrap()]).unwrap();
    let request = Request {
        workflow: "w".to_owned(),
        ..Request::default()
    };
    let mut session = Session::default();
    let edits = [
        "include: sub",
        "include: sub\n    defaults: {x: '1'}",
        "include: first",
        "include: absent",
    ];
    for edit in edits {
        write(
            "workflows/w.yaml",
            &format!("name: w\nroles:\n  - name: a\n    {edit}\n"),
        );
        for _ in 0..2 {
            let (kept, fresh) = (
                session.compile(&request, &repositories),
                compile(&request, &repositories),
            );
            assert_eq!(kept, fresh, "{edit}");
        }
    }
}
