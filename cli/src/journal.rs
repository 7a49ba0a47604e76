//! `partita journal`: who did what, when, to which artefact.

use std::io::Write as _;
use std::path::PathBuf;

use partita_core::journal::history::{Line, tell};

use crate::failure::Failure;
use crate::store;

/// Tell what a core was asked, by whom and when, and what came of it; it may be running meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita journal --state /var/lib/partita --environment 2rE7LQCoA4r")]
pub(crate) struct Journal {
    /// State folder of the core
    #[arg(long, env = "PARTITA_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Only what concerns this environment
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Journal {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let state = match &self.state {
            Some(folder) => folder.clone(),
            None => store::data_folder()?.join("state"),
        };
        let folder = state.join("journal");
        if !folder.is_dir() {
            return Err(Failure::Surroundings(format!(
                "{} holds no journal: give the --state of a core",
                state.display()
            )));
        }
        let mut lines = Vec::new();
        let wanted = |line: &Line| self.environment.is_none() || line.environment == self.environment;
        let told = tell(&folder, |line| {
            if wanted(&line) {
                lines.push(line);
            }
        });
        let mut out = std::io::stdout().lock();
        for line in &lines {
            let text = if self.json {
                serde_json::to_string(line).map_err(|error| Failure::Surroundings(error.to_string()))?
            } else {
                text(line)
            };
            if writeln!(out, "{text}").is_err() {
                // Whoever reads has had enough.
                return Ok(());
            }
        }
        told.map_err(|error| Failure::Surroundings(error.to_string()))?;
        if lines.is_empty() && self.environment.is_some() {
            return Err(Failure::No(
                "the journal knows nothing of this environment".to_owned(),
            ));
        }
        Ok(())
    }
}

/// `2026-11-23 01:02:03.004  2rE7LQCoA4r  ada: START_ACTIVITY`
fn text(line: &Line) -> String {
    let environment = line.environment.as_deref().unwrap_or("-");
    let user = line
        .user
        .as_ref()
        .map(|user| format!("{user}: "))
        .unwrap_or_default();
    let artefact = line
        .artefact
        .as_ref()
        .map(|hash| format!(", {hash}"))
        .unwrap_or_default();
    // A chain of causes has several lines.
    let what = line.what.replace('\n', "\n    ");
    format!("{}  {environment:11}  {user}{what}{artefact}", date(line.time))
}

/// Milliseconds since 1970 as a time in UTC, by the rules of the Gregorian calendar.
fn date(ms: u64) -> String {
    let (days, day_ms) = (ms / 86_400_000, ms % 86_400_000);
    let (seconds, ms) = (day_ms / 1000, day_ms % 1000);
    // Years begin in March here, so that a leap day is the last one of its year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * march + 2) / 5 + 1,
        if march < 10 { march + 3 } else { march - 9 },
    );
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00:00.000");
        assert_eq!(date(951_868_799_999), "2000-02-29 23:59:59.999");
        assert_eq!(date(1_795_395_723_004), "2026-11-23 01:02:03.004");
    }

    #[test]
    fn a_line_says_who_did_what_to_which_artefact() {
        let line = Line {
            time: 1_795_395_723_004,
            environment: Some("2rE7LQCoA4r".to_owned()),
            user: Some("ada".to_owned()),
            artefact: Some("sha256:00".to_owned()),
            what: "create readout".to_owned(),
        };
        insta::assert_snapshot!(text(&line), @"2026-11-23 01:02:03.004  2rE7LQCoA4r  ada: create readout, sha256:00");
    }
}
