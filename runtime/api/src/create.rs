//! From what a client asks for to an environment: compile, load by hash, make the tree, create.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_artefact::digest::Digest;
use partita_artefact::instance::Instance;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::store::StoreError;
use partita_core::core::{CoreError, Creation, Origin, User as Asker, Wanted as Environment};
use partita_proto::common::User;

use crate::server::Shared;
use crate::workflows::{Compiled, Severity, Unavailable, Wanted};

/// Variable with the detectors of an environment.
pub(crate) const DETECTORS: &str = "detectors";
/// The hosts that an environment is to use, a JSON list.
pub(crate) const HOSTS: &str = "hosts";

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Uncreated {
    /// The core is being drained.
    #[error("the core is being drained: no new environment is created")]
    Draining,
    /// The compiler could not be asked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The compiler found errors, or there is no tree.
    #[error("{0}")]
    Wrong(String),
    /// The artefact cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The core refuses.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// Part of this process has died.
    #[error("a part of the core failed: {0}")]
    Inner(String),
}

/// What an environment is to be made of.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Identity of the environment.
    pub(crate) id: String,
    /// Variables of the user: for the whole environment, and `<role path>:<name>` for one role.
    pub(crate) variables: BTreeMap<String, String>,
    /// Who asks.
    pub(crate) user: Option<User>,
    /// Goes through one run by itself.
    pub(crate) auto: bool,
}

/// What is to become an environment.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) digest: Digest,
    pub(crate) artefact: Arc<Artefact>,
    pub(crate) instance: Instance,
    pub(crate) origin: Origin,
}

impl Shared {
    /// Creates an environment of a workflow.
    pub(crate) async fn create_workflow(
        self: &Arc<Self>,
        workflow: &str,
        order: Order,
    ) -> Result<Creation, Uncreated> {
        if self.is_draining() {
            return Err(Uncreated::Draining);
        }
        let (own, _) = by_role(&order.variables);
        let wanted = Wanted {
            workflow: workflow.to_owned(),
            variables: own,
            closed: true,
        };
        let compiled = self.ask(move |workflows| workflows.compile(&wanted)).await??;
        let digest = compiled
            .digest
            .ok_or_else(|| Uncreated::Wrong(findings(&compiled)))?;
        self.create_artefact(digest, order).await
    }

    /// Creates an environment of an artefact in the store.
    pub(crate) async fn create_artefact(
        self: &Arc<Self>,
        digest: Digest,
        order: Order,
    ) -> Result<Creation, Uncreated> {
        if self.is_draining() {
            return Err(Uncreated::Draining);
        }
        let (id, auto, user) = (order.id.clone(), order.auto, asker(order.user.as_ref()));
        let made = self.make(digest, order).await?;
        let wanted = Environment {
            id,
            artefact: made.artefact,
            instance: made.instance,
            origin: Some(made.origin),
            user,
            auto,
        };
        Ok(self.core.create(wanted).await?)
    }

    /// Loads an artefact and makes its tree; nothing is created.
    pub(crate) async fn make(self: &Arc<Self>, digest: Digest, order: Order) -> Result<Made, Uncreated> {
        let shared = Arc::clone(self);
        let work = move || shared.made(digest, &order);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Uncreated::Inner(error.to_string()))?
    }

    fn made(&self, digest: Digest, order: &Order) -> Result<Made, Uncreated> {
        let artefact = self.store.load(&digest)?;
        let (user, addressed) = by_role(&order.variables);
        let later = Layers {
            user,
            ..Layers::default()
        };
        let given = artefact.with_variables(&later).map_err(|errors| {
            let lines: Vec<String> = errors
                .iter()
                .map(|error| format!("{error}: {}", error.hint()))
                .collect();
            Uncreated::Wrong(lines.join("\n"))
        })?;
        let user = asker(order.user.as_ref());
        let mut origin = Origin {
            artefact: digest.to_string(),
            root: artefact.root.clone(),
            given: self.core.surroundings(&order.id, &user).with(&given),
            addressed,
            uids: Vec::new(),
        };
        let instance = self
            .core
            .tree(&artefact, &mut origin)
            .map_err(|error| Uncreated::Wrong(error.to_string()))?;
        Ok(Made {
            digest,
            artefact: Arc::new(artefact),
            instance,
            origin,
        })
    }
}

/// The variables for the whole environment, and those for single roles, by path (`wire.md` 2.2, `NewEnvironment`).
fn by_role(
    variables: &BTreeMap<String, String>,
) -> (
    BTreeMap<String, String>,
    BTreeMap<String, BTreeMap<String, String>>,
) {
    let mut own = BTreeMap::new();
    let mut addressed: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (name, value) in variables {
        match name.split_once(':') {
            Some((path, name)) => {
                let role = addressed.entry(path.to_owned()).or_default();
                role.insert(name.to_owned(), value.clone());
            }
            None => {
                own.insert(name.clone(), value.clone());
            }
        }
    }
    (own, addressed)
}

/// Who asks, as the core knows people.
pub(crate) fn asker(user: Option<&User>) -> Asker {
    user.map_or_else(Asker::default, |user| Asker {
        name: user.name.clone(),
        external_id: user.external_id,
        id: user.id,
    })
}

/// What the compiler found, errors only, in full.
pub(crate) fn findings(compiled: &Compiled) -> String {
    let errors = compiled
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error);
    let texts: Vec<&str> = errors.map(|found| found.text.trim_end()).collect();
    if texts.is_empty() {
        return "the compiler made nothing, and did not say why".to_owned();
    }
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_may_be_for_one_role() {
        let text = |text: &str| text.to_owned();
        let given = [(text("a"), text("1")), (text("flp.host1:b"), text("2"))];
        let (own, addressed) = by_role(&given.into());
        assert_eq!(own.into_keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(addressed["flp.host1"]["b"], "2");
    }
}
