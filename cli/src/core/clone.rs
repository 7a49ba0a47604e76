//! Copies of repositories that are elsewhere, made and refreshed by `git`.

use std::path::Path;
use std::process::{Command, Stdio};

use partita_api::Unavailable;

/// Ways by which repositories are fetched; `ext` and the like run programs.
const PROTOCOLS: &str = "https:ssh:git:file";

/// Where something is, as a person wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    /// Name of the repository: host and path, without scheme, user and `.git` (`template-language.md` 1.1).
    pub(super) name: String,
    /// What `git` is given.
    pub(super) address: String,
}

/// Reads `https://host/path`, `host/path`, `ssh://host/path`, `host:path` and `file:///path`.
pub(super) fn remote(text: &str) -> Option<Remote> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@';
    if text.starts_with('-') || text.strip_prefix("git@").unwrap_or(text).contains(odd) {
        return None;
    }
    let trimmed = text.trim_end_matches('/');
    let bare = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    if let Some((scheme, rest)) = bare.split_once("://") {
        let known = PROTOCOLS.split(':').any(|protocol| protocol == scheme);
        let name = rest.trim_start_matches('/');
        return (known && !name.is_empty()).then(|| Remote {
            name: name.to_owned(),
            address: trimmed.to_owned(),
        });
    }
    let bare = bare.strip_prefix("git@").unwrap_or(bare);
    match (bare.split_once('/'), bare.split_once(':')) {
        (Some((host, path)), _) if host.contains('.') && !host.contains(':') && !path.is_empty() => {
            Some(Remote {
                name: bare.to_owned(),
                address: format!("https://{bare}"),
            })
        }
        (_, Some((host, path)))
            if !host.is_empty() && !host.contains('/') && !path.is_empty() && !path.starts_with(':') =>
        {
            Some(Remote {
                name: bare.to_owned(),
                address: format!("git@{bare}"),
            })
        }
        _ => None,
    }
}

/// Copies a repository with all its branches and tags to a folder that is not there yet.
pub(super) fn fetch(remote: &Remote, to: &Path) -> Result<(), Unavailable> {
    let mut git = command();
    git.args(["clone", "--quiet", "--mirror", "--"])
        .arg(&remote.address)
        .arg(to);
    run(git, &format!("clone {}", remote.address))
}

/// Fetches what is new.
pub(super) fn refresh(name: &str, folder: &Path) -> Result<(), Unavailable> {
    let mut git = command();
    git.arg("-C")
        .arg(folder)
        .args(["fetch", "--quiet", "--prune", "origin"]);
    run(git, &format!("refresh {name}"))
}

fn command() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
        .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=20")
        // A server that says nothing for so long is given up.
        .env("GIT_HTTP_LOW_SPEED_LIMIT", "1")
        .env("GIT_HTTP_LOW_SPEED_TIME", "30")
        .stdin(Stdio::null());
    git
}

fn run(mut git: Command, what: &str) -> Result<(), Unavailable> {
    let output = git.output().map_err(|error| {
        Unavailable::Surroundings(format!("cannot {what}: git cannot be started: {error}"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Unavailable::Surroundings(format!(
        "cannot {what}: {}",
        said.trim()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(String, String)> {
        remote(text).map(|remote| (remote.name, remote.address))
    }

    #[test]
    fn names_are_those_of_the_reference() {
        let pair = |name: &str, address: &str| Some((name.to_owned(), address.to_owned()));
        assert_eq!(
            told("github.com/A/B/"),
            pair("github.com/A/B", "https://github.com/A/B")
        );
        assert_eq!(
            told("https://github.com/A/B.git"),
            pair("github.com/A/B", "https://github.com/A/B.git")
        );
        assert_eq!(told("server:/opt/B"), pair("server:/opt/B", "git@server:/opt/B"));
        assert_eq!(told("file:///opt/B"), pair("opt/B", "file:///opt/B"));
    }

    #[test]
    fn what_could_run_a_program_is_refused() {
        for text in [
            "--upload-pack=x",
            "ext::sh -c x",
            "ext://x/y",
            "a b.c/d",
            "",
            "nothing",
            "fd::17",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
