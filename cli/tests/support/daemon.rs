//! A daemon under test, on a port of its own.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is its own crate and uses a part"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use partita_proto::o2control::control_client::ControlClient;
use tonic::transport::Channel;

use super::Home;

/// A running `partita core`; dropped, it is told to end, and nothing of it stays: a core on its own leaves
/// environments running.
pub struct Daemon {
    child: Child,
    mark: String,
    /// Where it listens.
    pub address: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts one with these arguments, and waits until it serves.
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        Self::of(home.partita(), home, arguments)
    }

    fn of(mut command: Command, home: &Home, arguments: &[&str]) -> Self {
        command
            .args(["core", "--listen", "127.0.0.1:0", "--state"])
            .arg(home.path().join("state"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "it ended before it served:\n{seen}"
            );
            seen.push_str(&line);
            if let Some((_, after)) = line.split_once("serving address=") {
                break after.split_whitespace().next().unwrap().to_owned();
            }
        };
        let all = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                all.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self {
            child,
            mark: format!("PARTITA_TEST_HOME={}", home.path().display()),
            address,
            log,
            reader: Some(reader),
        }
    }

    /// A client that waits for the answer.
    pub async fn client(&self) -> ControlClient<Channel> {
        ControlClient::new(self.channel().await)
    }

    pub async fn channel(&self) -> Channel {
        let target = tonic::transport::Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        target.connect().await.unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged since it serves.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Processes that it, its executors and their tasks are.
    pub fn processes(&self) -> Vec<String> {
        marked(&self.mark)
    }

    /// Tells it to end, and waits for that.
    pub fn end(&mut self) -> std::process::ExitStatus {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end();
        }
        for pid in marked(&self.mark) {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
        }
    }
}

/// Processes with this text in their environment.
fn marked(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|one| one == mark.as_bytes())
        })
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
