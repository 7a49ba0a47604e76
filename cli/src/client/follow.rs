//! What a person sees while an environment changes: a line for each thing that happens, and on a terminal one more
//! that is alive, with what is left of each deadline and who is late.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use partita_proto::partita::v1::hook_change::Progress;
use partita_proto::partita::v1::news::What;
use partita_proto::partita::v1::{self as pb, creation};
use tonic::Streaming;

use super::{Core, answer};
use crate::failure::Failure;
use crate::terminal;

/// How often the living line turns.
const TICK: Duration = Duration::from_millis(100);

/// How many roles that are waited for the living line names.
const LATE: usize = 3;

/// Follows one environment on standard error.
pub(super) struct Follower {
    living: ProgressBar,
    state: String,
    run_number: u32,
}

/// The pictures of an environment, from now on.
pub(super) async fn pictures(core: &mut Core, id: &str) -> Result<Streaming<pb::Picture>, Failure> {
    let request = pb::WatchRequest {
        environment: id.to_owned(),
        after: 0,
    };
    answer(core.ours.watch(request).await)
}

impl Follower {
    pub(super) fn new() -> Self {
        let living = if terminal::live() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        living.set_style(
            ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        living.enable_steady_tick(TICK);
        Self {
            living,
            state: String::new(),
            run_number: 0,
        }
    }

    /// Tells of one picture: what is new on lines of their own, the rest on the living line.
    pub(super) fn tell(&mut self, picture: &pb::Picture) {
        for news in &picture.news {
            if let Some(line) = news.what.as_ref().and_then(line) {
                self.say(&line);
            }
        }
        if self.state != picture.state {
            self.state.clone_from(&picture.state);
            self.run_number = picture.run_number;
            self.say(&headline(picture));
        }
        self.living.set_message(waits(picture));
    }

    fn say(&self, text: &str) {
        self.living.suspend(|| eprintln!("{text}"));
    }

    /// Tells of an environment while `work` is under way, and then gives what came of it.
    pub(super) async fn during<T>(
        &mut self,
        mut pictures: Streaming<pb::Picture>,
        work: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                result = &mut work => return answer(result),
                picture = pictures.message(), if open => match picture {
                    Ok(Some(picture)) => {
                        open = !picture.gone;
                        self.tell(&picture);
                    }
                    // The answer to the request says what is true.
                    Ok(None) | Err(_) => open = false,
                },
            }
        }
    }

    /// Tells of an environment that is being created until it rests in a state, or is gone; gives the last picture.
    pub(super) async fn until_it_rests(
        &mut self,
        creation: &mut Streaming<pb::Creation>,
    ) -> Result<pb::Picture, Failure> {
        let mut last = pb::Picture::default();
        // Of a creation, STANDBY and DEPLOYED are only on the way.
        let rests = |picture: &pb::Picture| {
            picture.transition.is_empty() && !matches!(picture.state.as_str(), "" | "STANDBY" | "DEPLOYED")
        };
        while !last.gone && !rests(&last) {
            match creation.message().await {
                Ok(Some(pb::Creation {
                    what: Some(creation::What::Picture(picture)),
                })) => {
                    self.tell(&picture);
                    last = picture;
                }
                Ok(Some(_)) => {}
                Ok(None) => return Err(Failure::Surroundings("the core ended".to_owned())),
                Err(status) => return Err(status.into()),
            }
        }
        Ok(last)
    }

    pub(super) fn end(self) {
        self.living.finish_and_clear();
    }
}

/// State and run, in short.
pub(super) fn headline(picture: &pb::Picture) -> String {
    match picture.run_number {
        0 => picture.state.clone(),
        run => format!("{}, run {run}", picture.state),
    }
}

/// What is under way, what is waited for, and who is late.
fn waits(picture: &pb::Picture) -> String {
    let doing = if picture.transition.is_empty() {
        headline(picture)
    } else {
        picture.transition.clone()
    };
    let waits = picture.waits.iter().map(|wait| {
        let mut late: Vec<&str> = wait.roles.iter().take(LATE).map(String::as_str).collect();
        let more = (wait.roles_total as usize).saturating_sub(late.len());
        let text = format!("and {more} more");
        if more > 0 {
            late.push(&text);
        }
        let whom = if late.is_empty() {
            String::new()
        } else {
            format!(", waiting for {}", late.join(", "))
        };
        format!("{}: {} s left{whom}", wait.what, wait.left_ms / 1000)
    });
    std::iter::once(doing).chain(waits).collect::<Vec<_>>().join("  ")
}

/// A line about what happened; `None`: not worth one.
fn line(what: &What) -> Option<String> {
    match what {
        What::Role(_) => None,
        What::Cause(cause) => Some(labelled(cause)),
        What::Hook(hook) => match hook.progress() {
            Progress::Started | Progress::Ended => None,
            Progress::Skipped => Some(format!(
                "{} at {}: not run: {}",
                hook.path, hook.moment, hook.reason
            )),
            Progress::Failed => hook.cause.as_ref().map(labelled),
        },
    }
}

fn labelled(cause: &pb::Cause) -> String {
    let label = if cause.harmless {
        terminal::warning_label()
    } else {
        terminal::error_label()
    };
    format!("{label} {}", chain(cause, 0))
}

/// A cause with all that led to it, deeper causes further in.
fn chain(cause: &pb::Cause, depth: usize) -> String {
    let mut text = String::new();
    if !cause.role.is_empty() {
        let _ = write!(text, "{}: ", cause.role);
    }
    text += &cause.what;
    let details = [&cause.host, &cause.exit, &cause.deadline];
    let details: Vec<&str> = details
        .into_iter()
        .map(String::as_str)
        .filter(|detail| !detail.is_empty())
        .collect();
    if !details.is_empty() {
        let _ = write!(text, " ({})", details.join(", "));
    }
    let indent = "  ".repeat(depth + 1);
    for line in &cause.last_lines {
        let _ = write!(text, "\n{indent}| {line}");
    }
    for because in &cause.because {
        let _ = write!(text, "\n{indent}{}", chain(because, depth + 1));
    }
    text
}
