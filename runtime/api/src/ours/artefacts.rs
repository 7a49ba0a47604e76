//! From workflow to artefact to environment.

use std::sync::Arc;

use partita_artefact::codec;
use partita_artefact::digest::Digest;
use partita_artefact::store::StoreError;
use partita_proto::partita::v1 as pb;
use partita_proto::partita::v1::creation::What;
use partita_proto::partita::v1::diagnostic::Severity as PbSeverity;
use tokio_stream::StreamExt as _;
use tonic::Status;

use super::Ours;
use super::watch::pictures;
use crate::control::Stream;
use crate::create::{Order, Uncreated};
use crate::refusal::{shortened, status, unavailable};
use crate::workflows::{Diagnostic, Severity, Wanted};

/// Why there is no environment, as a status.
pub(super) fn uncreated(error: &Uncreated) -> Status {
    let text = || shortened(&error.to_string());
    match error {
        Uncreated::Draining => Status::unavailable(text()),
        Uncreated::Unavailable(error) => unavailable(error),
        Uncreated::Wrong(_) => Status::failed_precondition(text()),
        Uncreated::Store(error) => stored(error),
        Uncreated::Core(error) => status(error),
        Uncreated::Inner(_) => Status::internal(text()),
    }
}

fn stored(error: &StoreError) -> Status {
    let text = shortened(&error.to_string());
    match error {
        StoreError::Unknown(_) => Status::not_found(text),
        StoreError::NoHash(_) | StoreError::Ambiguous { .. } => Status::invalid_argument(text),
        StoreError::Damaged { .. } | StoreError::Decode { .. } => Status::data_loss(text),
        StoreError::Io { .. } | StoreError::Encode(_) => Status::internal(text),
    }
}

impl Ours {
    pub(super) async fn compiled(&self, request: pb::CompileRequest) -> Result<pb::CompileReply, Status> {
        let wanted = Wanted {
            workflow: request.workflow,
            variables: request.variables.into_iter().collect(),
            closed: request.closed,
        };
        let compiled = self.0.ask(move |workflows| workflows.compile(&wanted)).await;
        let compiled = compiled
            .map_err(|error| uncreated(&error))?
            .map_err(|error| unavailable(&error))?;
        Ok(pb::CompileReply {
            artefact: compiled
                .digest
                .map(|digest| digest.to_string())
                .unwrap_or_default(),
            diagnostics: compiled.diagnostics.into_iter().map(diagnostic).collect(),
        })
    }

    pub(super) async fn kept(&self, bytes: Vec<u8>) -> Result<pb::PutReply, Status> {
        let shared = Arc::clone(&self.0);
        let kept = tokio::task::spawn_blocking(move || {
            codec::decode(&bytes).map_err(|error| Status::invalid_argument(error.to_string()))?;
            shared.store.put_bytes(&bytes).map_err(|error| stored(&error))
        });
        let digest = kept
            .await
            .map_err(|error| Status::internal(error.to_string()))??;
        Ok(pb::PutReply {
            artefact: digest.to_string(),
        })
    }

    /// The hash that a client means.
    pub(super) fn found(&self, wanted: &str) -> Result<Digest, Status> {
        if wanted.is_empty() {
            return Err(Status::invalid_argument("give the hash of an artefact"));
        }
        self.0.store.find(wanted).map_err(|error| stored(&error))
    }

    pub(super) async fn created(&self, request: pb::CreateRequest) -> Result<Stream<pb::Creation>, Status> {
        let digest = self.found(&request.artefact)?;
        let order = Order {
            id: self.0.core.new_id().map_err(|error| status(&error))?,
            variables: request.variables.into_iter().collect(),
            user: request.user,
            auto: request.auto,
        };
        let creation = self
            .0
            .create_artefact(digest, order)
            .await
            .map_err(|error| uncreated(&error))?;
        let begun = pb::CreateReply {
            environment: creation.id.clone(),
            artefact: digest.to_string(),
            warnings: creation.warnings,
        };
        let begun = tokio_stream::once(Ok(What::Begun(begun)));
        let pictures = pictures(Arc::clone(&self.0), creation.id, creation.observations)
            .map(|picture| picture.map(What::Picture));
        let told = |what: Result<What, Status>| what.map(|what| pb::Creation { what: Some(what) });
        Ok(Box::pin(begun.chain(pictures).map(told)))
    }
}

fn diagnostic(found: Diagnostic) -> pb::Diagnostic {
    let severity = match found.severity {
        Severity::Error => PbSeverity::Error,
        Severity::Warning => PbSeverity::Warning,
        Severity::Note => PbSeverity::Note,
    };
    pb::Diagnostic {
        severity: severity.into(),
        code: found.code,
        message: found.message,
        place: found.place,
        text: found.text,
    }
}
