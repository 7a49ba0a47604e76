//! Roles by a pattern of their path.

use partita_proto::o2control as pb;
use tonic::Status;

use super::{Control, picture};
use crate::glob::Glob;
use crate::server::now_ms;

impl Control {
    pub(super) async fn roles(&self, id: &str, pattern: &str) -> Result<pb::GetRolesReply, Status> {
        let snapshot = self.snapshot(id).await?;
        if pattern.is_empty() {
            return Err(Status::invalid_argument(
                "received nil request: give a path, or a pattern such as `flp.*`",
            ));
        }
        let glob =
            Glob::new(pattern, Some('.')).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let roles = snapshot.roles.iter().enumerate();
        let places: Vec<usize> = roles
            .filter(|(_, role)| glob.matches(&role.path))
            .map(|(place, _)| place)
            .collect();
        Ok(pb::GetRolesReply {
            roles: picture::subtrees(&snapshot, &places),
            timestamp: now_ms(),
        })
    }
}
