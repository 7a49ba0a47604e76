//! The end of all environments, in order.

use std::sync::Arc;

use partita_core::environment::DestroyOptions;
use partita_proto::partita::v1 as pb;
use tokio::task::JoinSet;
use tonic::Status;

use super::{Ours, is_gone};
use crate::control::Stream;
use crate::refusal::status;

impl Ours {
    /// From the request on no environment is created; those that are there end side by side.
    pub(super) async fn drained(&self, request: &pb::DrainRequest) -> Result<Stream<pb::Drained>, Status> {
        let user = request.user.as_ref().map_or("", |user| user.name.as_str());
        tracing::info!(
            user,
            reason = request.reason,
            "draining: all environments end, none is created"
        );
        self.0.drain();
        let environments = self.0.core.environments().await.map_err(|error| status(&error))?;
        let mut ending = JoinSet::new();
        for id in environments.into_keys() {
            let shared = Arc::clone(&self.0);
            ending.spawn(async move {
                let in_order = DestroyOptions {
                    allow_in_running: true,
                    ..DestroyOptions::default()
                };
                let ended = shared.core.destroy(&id, in_order).await;
                let error = ended.err().filter(|error| !is_gone(error));
                (id, error.map(|error| error.to_string()).unwrap_or_default())
            });
        }
        Ok(Box::pin(async_stream::stream! {
            while let Some(ended) = ending.join_next().await {
                let left = u32::try_from(ending.len()).unwrap_or(u32::MAX);
                yield match ended {
                    Ok((environment, error)) => Ok(pb::Drained { environment, error, left }),
                    Err(error) => Err(Status::internal(error.to_string())),
                };
            }
        }))
    }
}
