//! Every command of `coconut`, the client of the reference, against `partita core` (`clients.md` 1).

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and stands at the edge"
)]

#[path = "support/daemon.rs"]
mod daemon;
mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use daemon::Daemon;
use regex::Regex;
use support::{Home, examples};

/// The real one, where it has been built (`shared/peers`).
fn coconut() -> Option<PathBuf> {
    let cache = std::env::var_os("PEERS_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/peers")))?;
    let program = cache.join("bin/coconut");
    if !program.exists() {
        eprintln!(
            "SKIPPED: {} is not there; `shared/peers/peers build coconut` makes it",
            program.display()
        );
        return None;
    }
    Some(program)
}

/// A person at a prompt.
struct Prompt<'a> {
    home: &'a Home,
    program: PathBuf,
    address: &'a str,
    transcript: String,
}

impl Prompt<'_> {
    /// Runs a command. Gives what it printed.
    fn run(&mut self, arguments: &[&str]) -> String {
        let output = self
            .home
            .command(&self.program)
            .env("TZ", "UTC")
            .args(["--endpoint", self.address, "--nocolor", "--nospinner"])
            .args(arguments)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let code = output.status.code().unwrap();
        let shown: Vec<String> = arguments.iter().map(|text| quoted(text)).collect();
        writeln!(self.transcript, "$ coconut {}", shown.join(" ")).unwrap();
        self.transcript.push_str(&said);
        if code != 0 {
            writeln!(self.transcript, "(exit code {code})").unwrap();
        }
        self.transcript.push('\n');
        said
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['{', '*', ' ']) {
        format!("'{text}'")
    } else {
        text.to_owned()
    }
}

/// What differs from run to run, replaced.
fn stable(text: &str, home: &Home, address: &str) -> String {
    let mut text = text
        .replace(address, "<core>")
        .replace(&home.path().display().to_string(), "<home>")
        .replace(env!("CARGO_PKG_VERSION"), "<version>");
    for (pattern, instead) in [
        ("\u{1b}\\[[0-9;]*m", ""),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC", "<time>"),
        (r"transition duration: +\S+", "transition duration: <duration>"),
        (r"\b1[0-9]{12}\b", "<ms>"),
        (r"\b[0-9a-f]{40}\b", "<commit>"),
        (r#""name":"[^"]*@[^"]*""#, r#""name":"<user>""#),
        (r"(?m)[ \t]+$", ""),
        // The last column is as wide as the longest process number.
        (r"(?m)\| +PID$", "| PID"),
        (r"(?m)\+-+$", "+---"),
    ] {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, instead)
            .into_owned();
    }
    numbered(&text)
}

/// Identities by their order of appearance, and processes without their numbers.
fn numbered(text: &str) -> String {
    let identity = Regex::new(r"\b[1-9A-HJ-NP-Za-km-z]{11}\b").unwrap();
    let mut known: Vec<String> = Vec::new();
    let text = identity.replace_all(text, |found: &regex::Captures<'_>| {
        let id = found.get(0).unwrap().as_str();
        // A word of eleven letters is no identity; one that says something has no digit, and no capital inside.
        if !id.bytes().any(|byte| byte.is_ascii_digit())
            && !id.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        {
            return id.to_owned();
        }
        let number = known.iter().position(|known| known == id).unwrap_or_else(|| {
            known.push(id.to_owned());
            known.len() - 1
        });
        format!("<identity{number:02}>").chars().take(13).collect()
    });
    let process = Regex::new(r"\|\s+\d{2,7}\s*\n").unwrap();
    process.replace_all(&text, "| <pid>\n").into_owned()
}

/// The example by itself: what Git says of the checkout is not to be seen.
fn copied(from: &Path, to: &Path) -> PathBuf {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
    to.to_owned()
}

#[test]
fn every_command_works() {
    let Some(program) = coconut() else { return };
    let home = Home::new();
    let repository = copied(&examples().join("flp"), &home.path().join("flp"));
    let core = Daemon::start(&home, &["--repo", repository.to_str().unwrap()]);
    let mut prompt = Prompt {
        home: &home,
        program,
        address: &core.address,
        transcript: String::new(),
    };
    prompt.run(&["info"]);
    for arguments in [
        &["template", "list", "--show-description"][..],
        &["template", "list", "--all-workflows"],
        &[
            "template",
            "list",
            "--repository",
            "local",
            "--revision",
            "nothing",
        ],
        &["template", "list", "--revision", "local", "--all-branches"],
        &["environment", "list"],
        &["task", "list"],
    ] {
        prompt.run(arguments);
    }
    prompt.run(&["environment", "create", "-w", "nothing"]);
    let created = prompt.run(&[
        "environment",
        "create",
        "-w",
        "readout",
        "-e",
        r#"{"hosts":["localhost"],"monitoring_enabled":false}"#,
    ]);
    let id = Regex::new(r"environment id: +(\S+)").unwrap();
    let id = id.captures(&created).unwrap().get(1).unwrap().as_str().to_owned();
    for arguments in [
        &["environment", "list"][..],
        &["environment", "show", &id, "--tasks", "--workflow", "--services"],
        &["environment", "control", &id, "--event", "NONSENSE"],
        &["environment", "control", &id, "--event", "STOP"],
        &["environment", "control", &id, "--event", "start"],
        &["environment", "control", &id, "--event", "START"],
        &["environment", "destroy", &id],
        &["environment", "control", &id, "--event", "STOP"],
        &["environment", "control", &id, "--event", "RESET"],
        &["environment", "control", &id, "--event", "CONFIGURE"],
        &["role", "query", &id, "readout.preparation"],
        &["role", "query", &id, "nothing.*"],
        &["role", "query", &id, "[wrong"],
        &["task", "list"],
        &["task", "clean"],
        &["task", "clean", "nothing"],
        &["environment", "destroy", &id],
        &["environment", "show", &id],
        &["environment", "show", "no id"],
        &["repository", "list"],
        &["repository", "add", "nonsense"],
        &["repository", "add", repository.to_str().unwrap()],
        &["repository", "default", "0"],
        &["repository", "default", "5"],
        &["repository", "default-revision", "0", "no-such-revision"],
        &["repository", "default-revision", "v1"],
        &["repository", "refresh"],
        &["repository", "refresh", "0"],
        &["repository", "remove", "5"],
        &["repository", "remove", "0"],
        &["repository", "list"],
        &["environment", "create", "-w", "readout"],
    ] {
        prompt.run(arguments);
    }
    let transcript = stable(&prompt.transcript, &home, &core.address);
    insta::assert_snapshot!(transcript);
}

#[test]
fn an_environment_is_created_while_the_client_has_gone() {
    let Some(program) = coconut() else { return };
    let home = Home::new();
    let repository = examples().join("flp");
    let core = Daemon::start(&home, &["--repo", repository.to_str().unwrap()]);
    let mut prompt = Prompt {
        home: &home,
        program,
        address: &core.address,
        transcript: String::new(),
    };
    let promised = prompt.run(&["environment", "create", "-w", "readout", "--asynchronous"]);
    assert!(promised.contains("PENDING"), "{promised}");
    // The list grows when the environment is there; nothing else is waited for.
    let listed = (0..200)
        .map(|_| prompt.run(&["environment", "list"]))
        .find(|listed| listed.contains("readout"));
    assert!(listed.is_some(), "{}", core.log());
}
