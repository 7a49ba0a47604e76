//! Times side by side, and what the budgets say of them.

use std::fmt::Write as _;
use std::time::Duration;

/// How long each step of one life takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    /// From nothing to CONFIGURED.
    pub(crate) create: Duration,
    pub(crate) start: Duration,
    pub(crate) stop: Duration,
    pub(crate) reset: Duration,
    pub(crate) configure: Duration,
    /// From CONFIGURED to no process.
    pub(crate) destroy: Duration,
}

/// What may be added to the floor: a share of it, and a time.
struct Budget {
    percent: u32,
    more: Duration,
}

const CREATE: Budget = Budget {
    percent: 15,
    more: Duration::ZERO,
};
const TRANSITION: Budget = Budget {
    percent: 30,
    more: Duration::from_millis(2),
};
const DESTROY: Budget = Budget {
    percent: 30,
    more: Duration::from_millis(20),
};

/// Names of the steps, and their budgets.
const STEPS: [(&str, Budget); 6] = [
    ("create", CREATE),
    ("START", TRANSITION),
    ("STOP", TRANSITION),
    ("RESET", TRANSITION),
    ("CONFIGURE", TRANSITION),
    ("destroy", DESTROY),
];

impl Round {
    /// From the times of the steps, in their order.
    pub(crate) fn of(times: &[Duration]) -> Self {
        let time = |step: usize| times.get(step).copied().unwrap_or_default();
        Self {
            create: time(0),
            start: time(1),
            stop: time(2),
            reset: time(3),
            configure: time(4),
            destroy: time(5),
        }
    }

    fn times(self) -> [Duration; 6] {
        [
            self.create,
            self.start,
            self.stop,
            self.reset,
            self.configure,
            self.destroy,
        ]
    }
}

/// The median of each step; `None` without rounds.
pub(crate) fn medians(rounds: &[Round]) -> Option<Round> {
    let median = |step: usize| {
        let mut times: Vec<Duration> = rounds
            .iter()
            .filter_map(|round| round.times().get(step).copied())
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    let all: Option<Vec<Duration>> = (0..STEPS.len()).map(median).collect();
    all.map(|all| Round::of(&all))
}

/// A line for each step of environments of `count` tasks.
pub(crate) fn table(count: usize, ours: Option<Round>, floor: Option<Round>) -> String {
    let mut text = String::new();
    let ours = ours.unwrap_or_default().times();
    let floors = floor.map(Round::times);
    for (step, ((name, budget), time)) in STEPS.into_iter().zip(ours).enumerate() {
        let _ = write!(text, "{count:5} tasks  {name:9}  {:8.1}", milliseconds(time));
        if let Some(floor) = floors.and_then(|floors| floors.get(step).copied()) {
            let allowed = floor + floor * budget.percent / 100 + budget.more;
            let verdict = if time <= allowed { "holds" } else { "MISSED" };
            let _ = write!(
                text,
                "  floor {:8.1}  x{:5.2}  budget {:8.1} {verdict}",
                milliseconds(floor),
                time.as_secs_f64() / floor.as_secs_f64().max(f64::EPSILON),
                milliseconds(allowed),
            );
        }
        text.push('\n');
    }
    text
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
