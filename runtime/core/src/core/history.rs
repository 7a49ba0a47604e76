//! The last observations of all environments, numbered, for whoever follows them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::environment::Numbered;

/// Observations that stay readable.
pub(super) const WINDOW: usize = 64 * 1024;

type Ring = Arc<Mutex<VecDeque<Arc<Numbered>>>>;

fn ring(ring: &Ring) -> MutexGuard<'_, VecDeque<Arc<Numbered>>> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last observations. All who follow read from here, each at its own pace, so a slow one holds up nobody.
#[derive(Debug)]
pub(super) struct History {
    last: Ring,
    /// Number of the last one.
    newest: watch::Sender<u64>,
}

impl History {
    /// With those that were readable before; `newest`: the last number that was given.
    pub(super) fn new(newest: u64, last: Vec<Arc<Numbered>>) -> Self {
        Self {
            last: Arc::new(Mutex::new(last.into())),
            newest: watch::channel(newest).0,
        }
    }

    pub(super) fn add(&self, observed: Numbered) {
        let number = observed.number;
        let mut last = ring(&self.last);
        if last.len() >= WINDOW {
            last.pop_front();
        }
        last.push_back(Arc::new(observed));
        drop(last);
        self.newest.send_replace(number);
    }

    /// Where it can be followed.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            last: Arc::clone(&self.last),
            newest: self.newest.subscribe(),
        }
    }

    /// All that are readable, oldest first.
    pub(super) fn readable(&self) -> Vec<Arc<Numbered>> {
        ring(&self.last).iter().cloned().collect()
    }
}

/// Where the history can be followed.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    last: Ring,
    newest: watch::Receiver<u64>,
}

/// Why there is no next observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// Too slow, or asked for something that happened long ago.
    #[error("event {wanted} is not kept any more; the oldest one that is has the number {oldest}")]
    Missed {
        /// The next that was wanted.
        wanted: u64,
        /// The oldest that there is.
        oldest: u64,
    },
    /// Numbers that were never given: the events of another core, or of a state directory that was lost.
    #[error("event {wanted} has not happened yet; the last one has the number {newest}")]
    Future {
        /// The next that was wanted.
        wanted: u64,
        /// The last that there is.
        newest: u64,
    },
    /// The core has ended.
    #[error("the core has ended")]
    Ended,
}

/// What happens in all environments, in order and without gaps.
#[derive(Debug)]
pub struct Events {
    reader: Reader,
    next: u64,
}

impl Events {
    /// From this number on; `None`: from now on.
    pub(super) fn new(reader: Reader, from: Option<u64>) -> Result<Self, EventsError> {
        let newest = *reader.newest.borrow();
        let next = from.unwrap_or(newest + 1);
        if next > newest + 1 {
            return Err(EventsError::Future { wanted: next, newest });
        }
        let events = Self { reader, next };
        if next <= newest {
            events.at(next)?;
        }
        Ok(events)
    }

    fn at(&self, number: u64) -> Result<Arc<Numbered>, EventsError> {
        let last = ring(&self.reader.last);
        let oldest = last.front().map_or(number + 1, |oldest| oldest.number);
        let missed = EventsError::Missed {
            wanted: number,
            oldest,
        };
        let place = number.checked_sub(oldest).ok_or(missed)?;
        let place = usize::try_from(place).map_err(|_| missed)?;
        last.get(place).cloned().ok_or(missed)
    }

    /// The number that [`Events::next`] waits for.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The next one. Who is slower than all that is kept gets [`EventsError::Missed`], and can begin anew. Giving up
    /// loses nothing.
    pub async fn next(&mut self) -> Result<Arc<Numbered>, EventsError> {
        let next = self.next;
        let has_ended = self
            .reader
            .newest
            .wait_for(|newest| *newest >= next)
            .await
            .is_err();
        let observed = match self.at(next) {
            // What the core said before is still here.
            Err(_) if has_ended => return Err(EventsError::Ended),
            observed => observed?,
        };
        self.next += 1;
        Ok(observed)
    }
}
