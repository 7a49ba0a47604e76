/// A point of time, in UTC: what `now()` and `date(…)` return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Nanoseconds since 1970-01-01 00:00:00 UTC.
    pub nanoseconds: i128,
}
