//! The stream of events of one environment that runs by itself.

use std::sync::Arc;

use partita_proto::events::Event;
use tonic::Status;

use super::{Control, Stream};
use crate::subscriptions::Feed;

pub(super) fn too_many() -> Status {
    Status::resource_exhausted(
        "too many event streams are open: end some, or wait for automatic environments to end",
    )
}

impl Control {
    /// May come before the environment, and then waits for it.
    pub(super) fn follow(&self, id: &str) -> Result<Stream<Event>, Status> {
        let feed = self.0.subscriptions.read(id).map_err(|_| too_many())?;
        Ok(Box::pin(said(feed)))
    }
}

/// What a feed says, from its beginning to its end.
fn said(feed: Arc<Feed>) -> impl tokio_stream::Stream<Item = Result<Event, Status>> + Send {
    async_stream::stream! {
        let mut place = 0;
        while let Some(event) = feed.event(place).await {
            place += 1;
            yield Ok(event);
        }
    }
}
