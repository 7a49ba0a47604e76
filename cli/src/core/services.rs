//! The services that workflows may call in this core.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita_api::ServiceInfo;
use partita_services::{Answerer, Registry, Service, TestPlugin};

use crate::failure::Failure;

/// The test service itself, and stand-ins for those that are asked for and not on this machine.
pub(crate) fn registry(names: &[String]) -> Result<Registry, Failure> {
    let mut services: Vec<Arc<dyn Service>> = vec![Arc::new(TestPlugin)];
    for name in names.iter().filter(|name| *name != TestPlugin.name()) {
        let answerer = Answerer::of(name).ok_or_else(|| {
            let known: Vec<String> = Answerer::all().map(|known| known.name().to_owned()).collect();
            Failure::Usage(format!("--services {name}: known are {}", known.join(", ")))
        })?;
        services.push(Arc::new(answerer));
    }
    Registry::new(services).map_err(|error| Failure::Usage(error.to_string()))
}

/// What clients are told of each service that workflows can name.
pub(super) fn told(names: &[String]) -> BTreeMap<String, ServiceInfo> {
    let test = TestPlugin.name();
    let info = |answerer: Answerer| {
        let name = answerer.name().to_owned();
        let enabled = names.contains(&name);
        let info = ServiceInfo {
            name: if enabled {
                format!("{name} (stand-in)")
            } else {
                String::new()
            },
            enabled,
            endpoint: String::new(),
        };
        (name, info)
    };
    let tested = ServiceInfo {
        name: test.to_owned(),
        enabled: true,
        endpoint: String::new(),
    };
    Answerer::all()
        .map(info)
        .chain([(test.to_owned(), tested)])
        .collect()
}
