//! Other processes: the peers, and what the system says about ours.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Failed;
use crate::tables::Round;

/// A program of those that are built elsewhere; without it the benchmark says so and goes on.
pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("PEERS_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/peers")))?;
    let path = cache.join("bin").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: no {}; build it with ../shared/peers/peers build {name}",
        path.display()
    );
    None
}

/// The rounds of `floor`, the first of which warms up.
pub(crate) fn floor(floor: &Path, program: &Path, count: usize) -> Result<Vec<Round>, Failed> {
    let output = Command::new(floor)
        .arg(program)
        .arg(count.to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("floor ended with {}: {text}", output.status).into());
    }
    Ok(text.lines().skip(1).filter_map(floor_round).collect())
}

/// `tasks 10 start 31.0 CONFIGURE 2.1 START 1.9 STOP 1.8 RESET 1.7 kill 3.2`.
fn floor_round(line: &str) -> Option<Round> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let time = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        let milliseconds: f64 = words.get(at + 1)?.parse().ok()?;
        Some(Duration::from_secs_f64(milliseconds / 1000.0))
    };
    Some(Round {
        create: time("start")? + time("CONFIGURE")?,
        start: time("START")?,
        stop: time("STOP")?,
        reset: time("RESET")?,
        configure: time("CONFIGURE")?,
        destroy: time("RESET")? + time("kill")?,
    })
}

/// How many wait for a processor: of the last 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The only child of a process that plays executor.
pub(crate) fn executor_of(parent: u32) -> Option<u32> {
    let children = format!("/proc/{parent}/task");
    let threads = std::fs::read_dir(children).ok()?.filter_map(Result::ok);
    let mut pids = threads
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| {
            text.split_ascii_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter_map(|pid| pid.parse().ok());
    pids.find(|pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"executor")
    })
}

/// Memory that a process has in use now; 0 for one that is gone.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_ascii_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
