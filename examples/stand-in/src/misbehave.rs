//! Goes wrong on purpose, in one way at a time.

use std::future::pending;
use std::process::{Command, ExitCode};
use std::str::FromStr;

use partita_occ::server::{Failure, Iteration, Properties, Run, Task};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Duration;

use crate::arguments::Arguments;
use crate::plain::Idle;
use crate::serve;

const USAGE: &str = "misbehave needs one of: die-at-start [CODE], die-in STATE [CODE], exit-zero-in-running, \
    hang-in EVENT, fail-transition EVENT, end-of-stream, internal-error, ignore-sigterm, fork-children [N], \
    never-answer";

/// How it goes wrong while it is under control.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    DieIn(String, u8),
    HangIn(String),
    Fail(String),
    EndOfStream,
    InternalError,
    IgnoreSignals,
}

pub(crate) fn run(parsed: &Arguments, arguments: &[String]) -> ExitCode {
    let mut words = parsed.words().iter().map(String::as_str);
    let mode = words.next().unwrap_or_default();
    let value = words.next();
    let way = match (mode, value) {
        ("die-at-start", code) => {
            tracing::error!("dying at the start, as ordered");
            return ExitCode::from(number(code, 1));
        }
        ("never-answer", _) => loop {
            std::thread::park();
        },
        ("fork-children", count) => return fork(number(count, 2), parsed, arguments),
        ("die-in", Some(state)) => Way::DieIn(state.to_owned(), number(words.next(), 1)),
        ("exit-zero-in-running", _) => Way::DieIn("RUNNING".to_owned(), 0),
        ("hang-in", Some(event)) => Way::HangIn(event.to_owned()),
        ("fail-transition", Some(event)) => Way::Fail(event.to_owned()),
        ("end-of-stream", _) => Way::EndOfStream,
        ("internal-error", _) => Way::InternalError,
        ("ignore-sigterm", _) => Way::IgnoreSignals,
        _ => {
            tracing::error!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    serve(
        Misbehaving {
            way,
            state: "STANDBY",
            deaf: Vec::new(),
        },
        parsed.mode(),
        arguments,
    )
}

fn number<T: FromStr>(text: Option<&str>, otherwise: T) -> T {
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn fork(count: u8, parsed: &Arguments, arguments: &[String]) -> ExitCode {
    for _ in 0..count {
        match Command::new("sleep").arg("86400").spawn() {
            Ok(child) => tracing::info!("child {}", child.id()),
            Err(error) => {
                tracing::error!("cannot start a child: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    serve(Idle, parsed.mode(), arguments)
}

/// From the state in which to die until death: the answer to the transition has to leave first.
const LAST_WORDS: Duration = Duration::from_millis(50);

struct Misbehaving {
    way: Way,
    state: &'static str,
    /// Signals that no longer end the process, as long as this is kept.
    deaf: Vec<Signal>,
}

impl Misbehaving {
    /// Does the work of a transition, which has these names.
    async fn work(&mut self, names: &[&str], state: &'static str) -> Result<(), Failure> {
        match &self.way {
            Way::HangIn(event) if names.contains(&event.as_str()) => {
                tracing::error!("hanging in {event}, as ordered");
                pending().await
            }
            Way::Fail(event) if names.contains(&event.as_str()) => {
                Err(Failure::new(format!("failing in {event}, as ordered")))
            }
            _ => {
                self.state = state;
                Ok(())
            }
        }
    }

    async fn die_if_ordered(&self) {
        if let Way::DieIn(state, code) = &self.way
            && state == self.state
        {
            tokio::time::sleep(LAST_WORDS).await;
            tracing::error!("dying in {state}, as ordered");
            std::process::exit((*code).into());
        }
    }
}

impl Task for Misbehaving {
    async fn configure(&mut self, _: &Properties) -> Result<(), Failure> {
        let state = self.state;
        self.work(&["CONFIGURE", "COMPLETE INIT"], state).await
    }
    async fn bind(&mut self) -> Result<(), Failure> {
        let state = self.state;
        self.work(&["BIND"], state).await
    }
    async fn connect(&mut self) -> Result<(), Failure> {
        let state = self.state;
        self.work(&["CONNECT"], state).await
    }
    async fn init_task(&mut self) -> Result<(), Failure> {
        self.work(&["INIT TASK"], "CONFIGURED").await
    }
    async fn start(&mut self, _: &Run) -> Result<(), Failure> {
        self.work(&["START", "RUN"], "RUNNING").await
    }
    async fn stop(&mut self, _: &Run) -> Result<(), Failure> {
        self.work(&["STOP"], "CONFIGURED").await
    }
    async fn reset_task(&mut self) -> Result<(), Failure> {
        let state = self.state;
        self.work(&["RESET TASK"], state).await
    }
    async fn reset(&mut self) -> Result<(), Failure> {
        self.work(&["RESET", "RESET DEVICE"], "STANDBY").await
    }
    async fn recover(&mut self) -> Result<(), Failure> {
        self.work(&["RECOVER"], "STANDBY").await
    }
    async fn exit(&mut self) -> Result<(), Failure> {
        self.work(&["EXIT", "END"], "DONE").await
    }

    async fn iterate_running(&mut self) -> Iteration {
        match self.way {
            Way::EndOfStream => Iteration::EndOfStream,
            Way::InternalError => Iteration::Error(Failure::new("internal error, as ordered")),
            _ => Iteration::Error(self.check().await),
        }
    }

    async fn check(&mut self) -> Failure {
        self.die_if_ordered().await;
        if self.way == Way::IgnoreSignals && self.deaf.is_empty() {
            for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
                match signal(kind) {
                    Ok(signal) => self.deaf.push(signal),
                    Err(error) => return Failure::new(format!("cannot ignore signals: {error}")),
                }
            }
        }
        pending().await
    }
}
