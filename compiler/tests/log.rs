//! The history of a workflow: only the commits that changed what it does.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;
use std::process::Command;

use partita_compiler::log::{Effect, Range, log};
use support::{folder, repositories, request, write};

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .current_dir(folder)
        .args([
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=a@b",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn commit(folder: &Path, subject: &str, path: &str, text: &str) {
    write(folder, path, text);
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "-m", subject]);
}

const WORKFLOW: &str = "name: w\nroles:\n  - name: a\n    task: {load: t}\n";
const TASK: &str = "name: t\ncontrol: {mode: direct}\ncommand: {value: one}\n";

fn told(folder: &Path, range: &Range) -> Vec<(String, String)> {
    let mut told = Vec::new();
    log(&request("w", &[]), &repositories(folder), range, &mut |entry| {
        assert_eq!(entry.commit.author, "Ann");
        let effect = match entry.effect {
            Effect::Changed(diff) => diff.summary(),
            Effect::Compiles { roles } => format!("compiles, {roles:?}"),
            Effect::Fails(error) => format!("fails: {error}"),
        };
        told.push((entry.commit.summary, effect));
        true
    })
    .unwrap();
    told
}

#[test]
fn only_what_changed_the_workflow_is_told() {
    let folder = folder(&[]);
    let path = folder.path();
    git(path, &["init", "--quiet", "-b", "main"]);
    commit(path, "nothing yet", "README", "x");
    commit(path, "workflow without its task", "workflows/w.yaml", WORKFLOW);
    commit(
        path,
        "another file",
        "workflows/other.yaml",
        "name: other\nroles: []\n",
    );
    commit(path, "task", "tasks/t.yaml", TASK);
    commit(path, "comment", "tasks/t.yaml", &format!("# why\n{TASK}"));
    commit(path, "another file again", "tasks/u.yaml", "name: u\n");
    git(path, &["tag", "before"]);
    commit(path, "command", "tasks/t.yaml", &TASK.replace("one", "two"));
    git(path, &["checkout", "--quiet", "-b", "side", "before"]);
    commit(
        path,
        "on a branch",
        "workflows/w.yaml",
        &WORKFLOW.replace("name: a", "name: b"),
    );
    git(path, &["checkout", "--quiet", "main"]);
    git(path, &["merge", "--quiet", "--no-edit", "-m", "merge", "side"]);
    commit(path, "broken", "tasks/t.yaml", "name: [\n");

    let first = told(path, &Range::default());
    let subjects: Vec<&str> = first.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "broken",
            "merge",
            "command",
            "task",
            "workflow without its task",
            "nothing yet"
        ]
    );
    assert!(first[0].1.starts_with("fails: "), "{first:?}");
    assert_eq!(first[1].1, "1 role changed at no cost; 1 of 2 roles unchanged");
    assert_eq!(first[2].1, "1 task restarts; 1 of 2 roles unchanged");
    assert_eq!(first[3].1, "compiles, Some(2)");
    assert!(first[4].1.starts_with("fails: "), "{first:?}");

    let since = Range {
        since: Some("before".to_owned()),
        all: false,
    };
    assert_eq!(told(path, &since).len(), 3);
    let all = told(path, &Range { all: true, ..since });
    assert!(all.iter().any(|(subject, _)| subject == "on a branch"), "{all:?}");
}
