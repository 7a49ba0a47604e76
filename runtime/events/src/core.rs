//! A core as a source. It is not held: the source ends when the core does.

use std::sync::{Arc, Weak};

use partita_core::core::{Core, Events, EventsError};
use partita_core::environment::Numbered;

use crate::source::{Cut, Following, Source};

impl From<EventsError> for Cut {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Missed { wanted, oldest } => Self::Missed { wanted, oldest },
            EventsError::Future { wanted, newest } => Self::Future { wanted, newest },
            EventsError::Ended => Self::Ended,
        }
    }
}

impl Following for Events {
    async fn next(&mut self) -> Result<Arc<Numbered>, Cut> {
        Ok(Self::next(self).await?)
    }
}

impl Source for Weak<Core> {
    type Following = Events;

    fn follow(&self, from: Option<u64>) -> Result<Events, Cut> {
        let core = self.upgrade().ok_or(Cut::Ended)?;
        Ok(core.events(from)?)
    }
}
