//! One line a piece of work: how much of it there is, what it costs, and what it may cost.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Failed;
use crate::allocation::{Allocated, counted};

/// A piece of work as the table names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    /// What is done.
    pub(crate) name: &'a str,
    /// What of, so many times: "roles", "files".
    pub(crate) unit: &'a str,
    /// What the reference needs for it, ms (`reference/performance.md`).
    pub(crate) reference: Option<f64>,
    /// What it may need, ms (plan, section 8).
    pub(crate) budget: Option<f64>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(name: &'a str, unit: &'a str) -> Self {
        Self {
            name,
            unit,
            reference: None,
            budget: None,
        }
    }

    #[must_use]
    pub(crate) fn reference(mut self, ms: Option<f64>) -> Self {
        self.reference = ms;
        self
    }

    #[must_use]
    pub(crate) fn budget(mut self, ms: Option<f64>) -> Self {
        self.budget = ms;
        self
    }
}

/// What it cost: the median of some rounds, and what one round allocates.
#[derive(Debug, Clone, Copy)]
struct Cost {
    median: Duration,
    least: Duration,
    allocated: Allocated,
}

/// Rounds that count.
const ROUNDS: usize = 7;
/// Work that takes longer than this is done fewer times.
const LONG: Duration = Duration::from_secs(2);

/// Time that this thread was on a processor: other programs hardly change it, and nothing here waits.
fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

pub(crate) fn head(title: &str) {
    println!("\n{title}");
    println!(
        "{:42} {:>8} {:10} {:>9} {:>9} {:>9} {:>8} {:>9} {:>8}  {:>9} {:>8} {:>7}",
        "work",
        "count",
        "of",
        "ms",
        "least",
        "us each",
        "allocs",
        "bytes",
        "peak MB",
        "reference",
        "budget",
        "used"
    );
}

/// Does the work once to count what it allocates, then some times by the clock, and prints its line. What the work gives
/// is dropped outside the time that counts.
pub(crate) fn line<T>(
    work: &Work<'_>,
    count: impl Fn(&T) -> usize,
    mut once: impl FnMut() -> Result<T, Failed>,
) -> Result<T, Failed> {
    let (result, allocated) = counted(&mut once);
    let mut result = result?;
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < ROUNDS && (times.len() < 3 || begin.elapsed() < LONG) {
        drop(result);
        let begin = now();
        let done = once();
        times.push(now().saturating_sub(begin));
        result = done?;
    }
    times.sort_unstable();
    let cost = Cost {
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
        least: times.first().copied().unwrap_or_default(),
        allocated,
    };
    print(work, count(&result), &cost);
    Ok(result)
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn print(work: &Work<'_>, count: usize, cost: &Cost) {
    let ms = cost.median.as_secs_f64() * 1e3;
    let each = |total: f64| if count == 0 { 0.0 } else { total / count as f64 };
    let optional = |figure: Option<f64>, digits: usize| {
        figure.map_or_else(String::new, |figure| format!("{figure:.digits$}"))
    };
    let used = work.budget.map(|budget| ms / budget * 100.0);
    println!(
        "{:42} {:>8} {:10} {:>9.3} {:>9.3} {:>9.3} {:>8.1} {:>9.0} {:>8.2}  {:>9} {:>8} {:>6}{}",
        work.name,
        count,
        work.unit,
        ms,
        cost.least.as_secs_f64() * 1e3,
        each(ms * 1e3),
        each(cost.allocated.calls as f64),
        each(cost.allocated.bytes as f64),
        cost.allocated.peak as f64 / 1e6,
        optional(work.reference, 1),
        optional(work.budget, 1),
        optional(used, 0),
        if used.is_some() { "%" } else { "" },
    );
}
