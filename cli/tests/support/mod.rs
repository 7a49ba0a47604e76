//! What the tests of the command share: a clean place to run it in, and a look at what it leaves behind.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is its own crate and uses a part"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test stands at the edge")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// An empty home: its own store and state, no inherited settings.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command under test.
    pub fn partita(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_partita"))
    }

    /// A command with nothing of the caller's environment that could matter.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.path())
            .env("PARTITA_TEST_HOME", self.path())
            .current_dir(self.path());
        command
    }

    /// Processes that were started from here and live on: the test's mark in their environment betrays them.
    pub fn survivors(&self) -> Vec<String> {
        let mark = format!("PARTITA_TEST_HOME={}", self.path().display());
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
            })
            .filter(|entry| {
                fs::read(entry.path().join("environ")).is_ok_and(|environment| {
                    environment
                        .split(|byte| *byte == 0)
                        .any(|one| one == mark.as_bytes())
                })
            })
            .map(|entry| {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).replace('\0', " ")
            })
            // A zombie has no command line and is nobody's burden.
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Every file and socket below the home, relative, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(entry.path().strip_prefix(self.path()).unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }
}

/// The repository that the examples are in.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("examples")
}

/// A clone of the production repository in `folder`; `None`, said loudly, where its bundle is absent.
pub fn production(folder: &Path) -> Option<PathBuf> {
    let bundle =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/controlworkflows/ControlWorkflows.bundle");
    if !bundle.exists() {
        eprintln!("SKIPPED: {} is not there", bundle.display());
        return None;
    }
    let clone = folder.join("ControlWorkflows");
    let status = Command::new("git")
        .args(["clone", "--quiet"])
        .arg(bundle)
        .arg(&clone)
        .status()
        .unwrap();
    assert!(status.success());
    Some(clone)
}

/// A workflow repository with one workflow `test` and the given task templates.
pub fn repository(folder: &Path, workflow: &str, tasks: &[(&str, &str)]) -> PathBuf {
    let repository = folder.join("repository");
    fs::create_dir_all(repository.join("workflows")).unwrap();
    fs::create_dir_all(repository.join("tasks")).unwrap();
    fs::write(repository.join("workflows/test.yaml"), workflow).unwrap();
    for (name, text) in tasks {
        fs::write(repository.join(format!("tasks/{name}.yaml")), text).unwrap();
    }
    repository
}

/// Standard output of a command that must have succeeded.
pub fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}\nstdout: {}\nstderr: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What `cargo tree` lists with these arguments, a line each; nothing is fetched for it.
pub fn cargo_tree(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--prefix", "none", "--offline", "--locked"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    stdout(&output)
}
