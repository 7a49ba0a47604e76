//! The services that are present.

use std::sync::Arc;

use partita_artefact::similar::closest;

use crate::service::{Call, CallError, Reply, Service};

/// Why there is no registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two services of one name.
    #[error("service `{0}` is given twice; calls of it would not know whom to ask")]
    Twice(String),
}

/// The services that are present, in the order given.
#[derive(Clone, Default)]
pub struct Registry {
    services: Vec<Arc<dyn Service>>,
    names: Vec<String>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.names).finish()
    }
}

impl Registry {
    /// The registry of these services.
    pub fn new(services: Vec<Arc<dyn Service>>) -> Result<Self, RegistryError> {
        let mut names: Vec<String> = Vec::with_capacity(services.len());
        for service in &services {
            let name = service.name();
            if names.iter().any(|earlier| earlier == name) {
                return Err(RegistryError::Twice(name.to_owned()));
            }
            names.push(name.to_owned());
        }
        Ok(Self { services, names })
    }

    /// Names of the services, in the order given.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Has a service answer a call.
    pub async fn call(&self, service: &str, call: &Call) -> Result<Reply, CallError> {
        let found = self.services.iter().find(|candidate| candidate.name() == service);
        let Some(found) = found else {
            return Err(CallError::UnknownService {
                service: service.to_owned(),
                method: call.method.clone(),
                nearest: closest(service, self.names.iter().map(String::as_str)).map(str::to_owned),
                there: self.names.clone(),
            });
        };
        let methods = found.methods();
        if !methods.contains(&call.method.as_str()) {
            return Err(CallError::UnknownMethod {
                service: service.to_owned(),
                method: call.method.clone(),
                nearest: closest(&call.method, methods.iter().copied()).map(str::to_owned),
                there: methods.iter().copied().map(str::to_owned).collect(),
            });
        }
        found.call(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answerer, TestPlugin};

    fn registry() -> Registry {
        let mut services: Vec<Arc<dyn Service>> = vec![Arc::new(TestPlugin)];
        services.extend(Answerer::all().map(|answerer| Arc::new(answerer) as Arc<dyn Service>));
        Registry::new(services).expect("no two of one name")
    }

    async fn failure(service: &str, method: &str) -> String {
        let call = Call {
            method: method.to_owned(),
            ..Call::default()
        };
        registry()
            .call(service, &call)
            .await
            .expect_err("there is none such")
            .to_string()
    }

    #[tokio::test]
    async fn says_what_was_meant_and_what_there_is() {
        insta::assert_snapshot!(failure("odcc", "Start").await, @"no service `odcc` for odcc.Start() (did you mean `odc`?); there is testplugin, bookkeeping, ccdb, dcs, ddsched, kafka, lhc, odc, trg");
        insta::assert_snapshot!(failure("ccdb", "RunStrt").await, @"service `ccdb` has no method `RunStrt` (did you mean `RunStart`?); it has RunStart, RunStop");
        let call = Call {
            method: "RunStart".to_owned(),
            ..Call::default()
        };
        let error = Registry::default().call("trg", &call).await.expect_err("empty");
        insta::assert_snapshot!(error, @"no service `trg` for trg.RunStart(); there is none");
    }

    #[test]
    fn one_name_means_one_service() {
        let twice: Vec<Arc<dyn Service>> = vec![Arc::new(TestPlugin), Arc::new(TestPlugin)];
        let error = Registry::new(twice).expect_err("twice");
        assert_eq!(error, RegistryError::Twice("testplugin".to_owned()));
    }

    #[test]
    fn keeps_the_order_given() {
        assert_eq!(registry().names().first().map(String::as_str), Some("testplugin"));
        assert_eq!(registry().names().last().map(String::as_str), Some("trg"));
    }
}
