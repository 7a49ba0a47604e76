//! Where observations come from: what the core keeps, which everybody reads at their own pace. So whoever is slow or asleep
//! costs nothing and holds up nobody; who falls behind what is kept is cut off, and told from where it may go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use partita_core::environment::Numbered;

/// Why there is no next observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It is no longer kept: too slow, or too long ago.
    #[error("number {wanted} is not kept any more: the oldest is {oldest}; read faster, or go on from there")]
    Missed {
        /// The next that was wanted.
        wanted: u64,
        /// The oldest that there is.
        oldest: u64,
    },
    /// It was never given: this is another core, or its state was lost.
    #[error("number {wanted} has not been given yet: the last is {newest}")]
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

/// One reading of all observations, in order and without gaps.
pub trait Following: Send + 'static {
    /// The next one. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Arc<Numbered>, Cut>> + Send;
}

/// Where readings begin.
pub trait Source: Send + Sync + 'static {
    /// How it is read.
    type Following: Following;

    /// From this number on; `None`: from now on.
    fn follow(&self, from: Option<u64>) -> Result<Self::Following, Cut>;
}

/// Who listens, for the metrics.
#[derive(Debug, Default)]
pub struct Audience {
    listening: AtomicU64,
    cut: AtomicU64,
}

impl Audience {
    /// One more, until what is given back is dropped.
    pub fn join(self: &Arc<Self>) -> Listener {
        self.listening.fetch_add(1, Ordering::Relaxed);
        Listener(Arc::clone(self))
    }

    /// Who listens now.
    pub fn listening(&self) -> u64 {
        self.listening.load(Ordering::Relaxed)
    }

    /// Who was too slow so far.
    pub fn cut(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }
}

/// One who listens.
#[derive(Debug)]
pub struct Listener(Arc<Audience>);

impl Listener {
    /// It was too slow.
    pub fn cut(&self) {
        self.0.cut.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listening.fetch_sub(1, Ordering::Relaxed);
    }
}
