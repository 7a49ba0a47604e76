//! Events of all environments, numbered, to any number of clients. Each reads what the core keeps at its own pace; who falls
//! behind that is cut off and told from which number on there is more.

use partita_events::message::messages;
use partita_events::source::{Cut, Following, Listener};
use partita_proto::partita::v1 as pb;
use tonic::Status;

use super::Ours;
use crate::control::Stream;

impl Ours {
    pub(super) fn followed(&self, request: pb::EventsRequest) -> Result<Stream<pb::NumberedEvent>, Status> {
        let from = (request.from > 0).then_some(request.from);
        let events = self.0.core.events(from).map_err(|error| refusal(error.into()))?;
        let listener = self.0.audience.join();
        Ok(Box::pin(numbered(events, request.environment, listener)))
    }
}

fn numbered(
    mut events: partita_core::core::Events,
    environment: String,
    listener: Listener,
) -> impl tokio_stream::Stream<Item = Result<pb::NumberedEvent, Status>> + Send {
    async_stream::stream! {
        loop {
            let next = Following::next(&mut events).await;
            let seen = match next {
                Ok(seen) => seen,
                Err(Cut::Ended) => return,
                Err(cut) => {
                    listener.cut();
                    tracing::warn!(%cut, "a client reads events too slowly: it is cut off");
                    yield Err(refusal(cut));
                    return;
                }
            };
            if !environment.is_empty() && environment != seen.environment {
                continue;
            }
            let events = messages(&seen).into_iter().map(|message| message.event).collect();
            yield Ok(pb::NumberedEvent {
                sequence: seen.number,
                time_ms: i64::try_from(seen.time).unwrap_or(i64::MAX),
                environment: seen.environment.clone(),
                events,
            });
        }
    }
}

fn refusal(cut: Cut) -> Status {
    match cut {
        Cut::Missed { .. } => Status::not_found(cut.to_string()),
        Cut::Future { .. } => Status::out_of_range(cut.to_string()),
        Cut::Ended => Status::unavailable(cut.to_string()),
    }
}
