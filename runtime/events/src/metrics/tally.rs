//! What observations add up to.

use std::collections::{BTreeMap, VecDeque};

use partita_core::core::Snapshot;
use partita_core::environment::{Advance, Numbered, Observation, Progress, State, Transition};

use super::{Family, Kind, Sample, Value, number};

/// Upper bounds for how long a transition takes, in milliseconds.
const BOUNDS: [u64; 11] = [
    10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 60_000, 120_000, 300_000,
];
/// Points that are kept for those who scrape lines.
const POINTS: usize = 1_000;

#[derive(Debug, Default)]
struct EnvironmentTally {
    state: Option<State>,
    /// What is under way, and since when.
    begun: Option<(&'static str, u64)>,
    /// Host and state of each task.
    tasks: BTreeMap<String, (String, &'static str)>,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    counts: [u64; BOUNDS.len()],
    count: u64,
    milliseconds: u64,
}

/// Transitions of one kind, of one environment, that ended in one second.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) second: u64,
    pub(super) transition: &'static str,
    pub(super) environment: String,
    pub(super) well: bool,
    /// Milliseconds.
    pub(super) durations: Vec<u64>,
}

/// The sums.
#[derive(Debug, Default)]
pub struct Tally {
    environments: BTreeMap<String, EnvironmentTally>,
    transitions: BTreeMap<(&'static str, bool), Histogram>,
    points: VecDeque<Point>,
    calls: BTreeMap<&'static str, u64>,
    runs: u64,
    observations: u64,
    last: u64,
}

/// How the end of an environment is called.
const DESTROY: &str = "DESTROY";

impl Tally {
    /// Takes over what is true when counting begins.
    pub fn seed(&mut self, snapshot: &Snapshot) {
        let entry = self.environments.entry(snapshot.id.clone()).or_default();
        entry.state = Some(snapshot.state);
        for role in &snapshot.roles {
            if let Some(task) = &role.task {
                let host = task.host.clone().unwrap_or_default();
                entry.tasks.insert(task.id.clone(), (host, role.state.name()));
            }
        }
    }

    /// Counts an observation. One that was counted before changes nothing.
    pub fn count(&mut self, seen: &Numbered) {
        if seen.number <= self.last {
            return;
        }
        self.last = seen.number;
        self.observations += 1;
        match &seen.observation {
            Observation::Gone => {
                self.environments.remove(&seen.environment);
            }
            Observation::Environment { state, .. } => self.environment(seen).state = Some(*state),
            Observation::Task { id, host, state, .. } => {
                let state = state.map_or("LAUNCHED", |state| state.name());
                let task = (host.clone(), state);
                self.environment(seen).tasks.insert(id.clone(), task);
            }
            Observation::Advance {
                transition, advance, ..
            } => self.advance(seen, *transition, advance),
            Observation::Run {
                advance: Advance::Begun,
                transition: Some(Transition::Start),
                ..
            } => self.runs += 1,
            Observation::Hook { progress, .. } => {
                let result = match progress {
                    Progress::Started => return,
                    Progress::Ended { .. } => "success",
                    Progress::Failed(_) => "error",
                    Progress::Skipped(_) => "skipped",
                };
                *self.calls.entry(result).or_default() += 1;
            }
            _ => {}
        }
    }

    fn environment(&mut self, seen: &Numbered) -> &mut EnvironmentTally {
        self.environments.entry(seen.environment.clone()).or_default()
    }

    fn advance(&mut self, seen: &Numbered, transition: Option<Transition>, advance: &Advance) {
        let name = transition.map_or(DESTROY, Transition::name);
        let begins = match advance {
            Advance::Begun => true,
            Advance::StepBegun(step) => transition.is_none() && step == "before_DESTROY",
            _ => false,
        };
        if begins {
            self.environment(seen).begun = Some((name, seen.time));
        }
        let Advance::Ended { error } = advance else { return };
        let Some((begun, since)) = self.environment(seen).begun.take() else {
            return;
        };
        if begun != name {
            return;
        }
        let (took, well) = (seen.time.saturating_sub(since), error.is_none());
        let histogram = self.transitions.entry((name, well)).or_default();
        histogram.count += 1;
        histogram.milliseconds += took;
        for (count, bound) in histogram.counts.iter_mut().zip(BOUNDS) {
            *count += u64::from(took <= bound);
        }
        self.point(seen, name, well, took);
    }

    fn point(&mut self, seen: &Numbered, transition: &'static str, well: bool, took: u64) {
        let second = seen.time / 1_000;
        let same = |point: &&mut Point| {
            point.second == second
                && (point.transition, point.well) == (transition, well)
                && point.environment == seen.environment
        };
        if let Some(point) = self.points.iter_mut().rev().take(16).find(same) {
            point.durations.push(took);
            return;
        }
        if self.points.len() >= POINTS {
            self.points.pop_front();
        }
        self.points.push_back(Point {
            second,
            transition,
            environment: seen.environment.clone(),
            well,
            durations: vec![took],
        });
    }

    pub(super) fn points(&self) -> impl Iterator<Item = &Point> {
        self.points.iter()
    }

    pub(super) fn families(&self) -> Vec<Family> {
        let count = |name, help, value| Family {
            name,
            kind: Kind::Counter,
            help,
            unit: "",
            samples: vec![Sample {
                labels: Vec::new(),
                value: number(value),
            }],
        };
        vec![
            self.by_state(),
            self.tasks(),
            self.durations(),
            Family {
                name: "partita_hooks",
                kind: Kind::Counter,
                help: "Hooks and calls that have ended.",
                unit: "",
                samples: (self.calls.iter())
                    .map(|(result, count)| Sample {
                        labels: vec![("result", (*result).to_owned())],
                        value: number(*count),
                    })
                    .collect(),
            },
            count("partita_runs", "Runs that have begun.", self.runs),
            count(
                "partita_observations",
                "Observations that the core has made.",
                self.observations,
            ),
        ]
    }

    fn by_state(&self) -> Family {
        let states = [
            State::Standby,
            State::Deployed,
            State::Configured,
            State::Running,
            State::Error,
        ];
        let sample = |state: State| {
            let is_in = |environment: &&EnvironmentTally| environment.state == Some(state);
            let count = self.environments.values().filter(is_in).count();
            Sample {
                labels: vec![("state", state.name().to_owned())],
                value: number(count as u64),
            }
        };
        Family {
            name: "partita_environments",
            kind: Kind::Gauge,
            help: "Environments by state.",
            unit: "",
            samples: states.into_iter().map(sample).collect(),
        }
    }

    fn tasks(&self) -> Family {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (host, state) in self
            .environments
            .values()
            .flat_map(|environment| environment.tasks.values())
        {
            *counts.entry((host, state)).or_default() += 1;
        }
        let sample = |((host, state), count): ((&str, &str), u64)| Sample {
            labels: vec![("host", host.to_owned()), ("state", state.to_owned())],
            value: number(count),
        };
        Family {
            name: "partita_tasks",
            kind: Kind::Gauge,
            help: "Tasks of environments by host and state.",
            unit: "",
            samples: counts.into_iter().map(sample).collect(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a dashboard needs no more")]
    fn durations(&self) -> Family {
        let seconds = |milliseconds: u64| milliseconds as f64 / 1_000.0;
        let sample = |((transition, well), histogram): (&(&'static str, bool), &Histogram)| Sample {
            labels: vec![
                ("transition", (*transition).to_owned()),
                ("result", if *well { "success" } else { "error" }.to_owned()),
            ],
            value: Value::Histogram {
                buckets: BOUNDS.into_iter().map(seconds).zip(histogram.counts).collect(),
                count: histogram.count,
                sum: seconds(histogram.milliseconds),
            },
        };
        Family {
            name: "partita_transition_seconds",
            kind: Kind::Histogram,
            help: "How long transitions took.",
            unit: "seconds",
            samples: self.transitions.iter().map(sample).collect(),
        }
    }
}
