//! What a core keeps, without a core.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use partita_core::environment::Numbered;
use partita_events::source::{Cut, Following, Source};
use tokio::sync::watch;

#[derive(Debug, Clone)]
pub(crate) struct Window {
    kept: Arc<Mutex<VecDeque<Arc<Numbered>>>>,
    newest: Arc<watch::Sender<u64>>,
    capacity: usize,
}

#[derive(Debug)]
pub(crate) struct Reading {
    window: Window,
    newest: watch::Receiver<u64>,
    next: u64,
}

impl Window {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            kept: Arc::default(),
            newest: Arc::new(watch::channel(0).0),
            capacity,
        }
    }

    pub(crate) fn say(&self, seen: Numbered) {
        let number = seen.number;
        let mut kept = self.kept.lock().expect("no panic");
        kept.push_back(Arc::new(seen));
        if kept.len() > self.capacity {
            kept.pop_front();
        }
        drop(kept);
        self.newest.send_replace(number);
    }

    fn at(&self, wanted: u64) -> Result<Arc<Numbered>, Cut> {
        let kept = self.kept.lock().expect("no panic");
        let oldest = kept.front().map_or(wanted, |first| first.number);
        let found = kept.iter().find(|seen| seen.number == wanted).cloned();
        found.ok_or(Cut::Missed { wanted, oldest })
    }
}

impl Source for Window {
    type Following = Reading;

    fn follow(&self, from: Option<u64>) -> Result<Reading, Cut> {
        let newest = *self.newest.borrow();
        let next = from.unwrap_or(newest + 1);
        if next > newest + 1 {
            return Err(Cut::Future { wanted: next, newest });
        }
        if next <= newest {
            self.at(next)?;
        }
        Ok(Reading {
            window: self.clone(),
            newest: self.newest.subscribe(),
            next,
        })
    }
}

impl Following for Reading {
    async fn next(&mut self) -> Result<Arc<Numbered>, Cut> {
        let next = self.next;
        let waited = self.newest.wait_for(|newest| *newest >= next).await.is_err();
        if waited {
            return Err(Cut::Ended);
        }
        let seen = self.window.at(next)?;
        self.next += 1;
        Ok(seen)
    }
}
