//! Small repositories for tests.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use partita_artefact::ir::Layers;
use partita_compiler::compile::{Outcome, Request, compile};
use partita_compiler::render;
use partita_compiler::source::{LOCAL, Repositories, Repository};
use tempfile::TempDir;

/// A folder with these files: path and text.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    folder
}

pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub fn repositories(folder: &Path) -> Repositories {
    let mut repositories = Repositories::default();
    repositories
        .add(Repository::open(LOCAL, folder).unwrap())
        .unwrap();
    repositories
}

/// A request with user variables.
pub fn request(workflow: &str, user: &[(&str, &str)]) -> Request {
    let user = user
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Request {
        workflow: workflow.to_owned(),
        given: Layers {
            user,
            ..Layers::default()
        },
        ..Request::default()
    }
}

pub fn compile_files(files: &[(&str, &str)], request: &Request) -> Outcome {
    compile(request, &repositories(folder(files).path()))
}

/// The findings as a person sees them.
pub fn shown(outcome: &Outcome) -> String {
    render::full(&outcome.diagnostics, &outcome.sources, false)
}

/// A bare clone of the production repository below `folder`; nothing, loudly, where it is not there.
pub fn production(folder: &Path) -> Option<PathBuf> {
    let bundle =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/controlworkflows/ControlWorkflows.bundle");
    if !bundle.exists() {
        eprintln!("SKIPPED: {} is not there", bundle.display());
        return None;
    }
    let clone = folder.join("production.git");
    let git = Command::new("git")
        .args(["clone", "--quiet", "--bare"])
        .arg(&bundle)
        .arg(&clone)
        .stdin(Stdio::null())
        .status();
    if !git.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: git cannot unpack the bundle");
        return None;
    }
    Some(clone)
}

/// Runs `git` in a folder; false, loudly, if it is not there.
pub fn git(folder: &Path, arguments: &[&str]) -> bool {
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.invalid",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) => {
            assert!(status.success(), "git {arguments:?}");
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: git cannot be run: {error}");
            false
        }
    }
}
