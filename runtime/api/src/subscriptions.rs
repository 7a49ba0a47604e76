//! The event streams of environments that run by themselves: who subscribes may come before or after the environment,
//! and sees everything from the beginning (`wire.md` 2.2, "`NewAutoEnvironment` / Subscribe").

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use partita_proto::events::Event;
use tokio::sync::watch;

/// Streams kept, waiting ones included; the oldest that has ended makes room.
const MOST: usize = 256;

/// Events of one stream that are kept.
const EVENTS: usize = 64 * 1024;

/// One stream.
#[derive(Debug)]
pub(crate) struct Feed {
    events: Mutex<Vec<Event>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    events: usize,
    ended: bool,
}

impl Feed {
    fn new() -> Self {
        Self {
            events: Mutex::default(),
            progress: watch::channel(Progress::default()).0,
        }
    }

    pub(crate) fn say(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() >= EVENTS {
            tracing::warn!(
                "a stream of an automatic environment has more than {EVENTS} events: the rest is dropped"
            );
            return;
        }
        events.push(event);
        let number = events.len();
        drop(events);
        self.progress.send_modify(|progress| progress.events = number);
    }

    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    /// The event at that place, when there is one; `None` at the end.
    pub(crate) async fn event(&self, place: usize) -> Option<Event> {
        let mut progress = self.progress.subscribe();
        let reached = progress
            .wait_for(|progress| progress.events > place || progress.ended)
            .await;
        drop(reached);
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.get(place).cloned()
    }

    fn has_ended(&self) -> bool {
        self.progress.borrow().ended
    }
}

/// All streams, by the identity that the client chose.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    feeds: Mutex<VecDeque<(String, bool, Arc<Feed>)>>,
}

/// There are too many streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Subscriptions {
    /// The stream to read, also before there is an environment.
    pub(crate) fn read(&self, id: &str) -> Result<Arc<Feed>, TooMany> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, feed)) = feeds.iter().rev().find(|(known, ..)| known == id) {
            return Ok(Arc::clone(feed));
        }
        Self::add(&mut feeds, id, false)
    }

    /// The stream to write: one that is waited for, or a new one.
    pub(crate) fn write(&self, id: &str) -> Result<Arc<Feed>, TooMany> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, written, feed)) = feeds
            .iter_mut()
            .find(|(known, written, _)| known == id && !*written)
        {
            *written = true;
            return Ok(Arc::clone(feed));
        }
        Self::add(&mut feeds, id, true)
    }

    fn add(
        feeds: &mut VecDeque<(String, bool, Arc<Feed>)>,
        id: &str,
        written: bool,
    ) -> Result<Arc<Feed>, TooMany> {
        if feeds.len() >= MOST {
            // Nobody reads what waits for nothing, nor what has ended.
            let idle = |feed: &Feed, written: bool| {
                feed.has_ended() || !written && feed.progress.receiver_count() == 0
            };
            let old = feeds
                .iter()
                .position(|(_, written, feed)| idle(feed, *written))
                .ok_or(TooMany)?;
            feeds.remove(old);
        }
        let feed = Arc::new(Feed::new());
        feeds.push_back((id.to_owned(), written, Arc::clone(&feed)));
        Ok(feed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_first_does_not_matter() {
        let streams = Subscriptions::default();
        let early = streams.read("a").unwrap();
        let writer = streams.write("a").unwrap();
        let event = |timestamp| Event {
            timestamp,
            ..Event::default()
        };
        writer.say(event(1));
        let late = streams.read("a").unwrap();
        writer.say(event(2));
        writer.end();
        for reader in [early, late] {
            assert_eq!(reader.event(0).await.unwrap().timestamp, 1);
            assert_eq!(reader.event(1).await.unwrap().timestamp, 2);
            assert!(reader.event(2).await.is_none());
        }
    }

    #[tokio::test]
    async fn there_are_not_too_many() {
        let streams = Subscriptions::default();
        let written: Vec<_> = (0..MOST)
            .map(|n| streams.write(&n.to_string()).unwrap())
            .collect();
        assert_eq!(streams.read("one more").unwrap_err(), TooMany);
        written[7].end();
        assert!(streams.read("one more").is_ok());
    }
}
