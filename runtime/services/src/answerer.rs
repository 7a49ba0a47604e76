//! Answers in place of a service that is not there.

use std::collections::BTreeMap;

use partita_stdlib::SERVICES;

use crate::TestPlugin;
use crate::service::{Answer, Call, Reply, Service};

/// Answers every call of one service with success at once, and says in each reply that it is a stand-in. It leaves
/// the variables that later calls and tasks rely on: trigger times (`runtime.md` 7.9) and, as there is no LHC, no fill (7.2, 7.7).
#[derive(Debug, Clone, Copy)]
pub struct Answerer {
    name: &'static str,
    methods: &'static [&'static str],
}

impl Answerer {
    /// A stand-in for each service of the library that is not here itself.
    pub fn all() -> impl Iterator<Item = Self> {
        SERVICES
            .iter()
            .filter(|service| service.name != TestPlugin.name())
            .map(|service| Self {
                name: service.name,
                methods: service.methods,
            })
    }

    /// A stand-in for one service; `None` if its methods are not known.
    pub fn of(service: &str) -> Option<Self> {
        Self::all().find(|answerer| answerer.name == service)
    }
}

impl Service for Answerer {
    fn name(&self) -> &str {
        self.name
    }

    fn methods(&self) -> &[&'static str] {
        self.methods
    }

    fn call<'a>(&'a self, call: &'a Call) -> Answer<'a> {
        Box::pin(async move {
            tracing::info!(
                role = call.role_path,
                "{}.{}() is answered by a stand-in",
                self.name,
                call.method
            );
            Ok(Reply {
                global: left_behind(self.name, call),
                stand_in: true,
                ..Reply::default()
            })
        })
    }
}

fn left_behind(service: &str, call: &Call) -> BTreeMap<String, Option<String>> {
    let now = || Some(call.now_ms.to_string());
    let variables: &[(&str, Option<String>)] = match (service, call.method.as_str()) {
        ("trg", "RunLoad") => &[("trg_start_time_ms", None), ("trg_end_time_ms", None)],
        ("trg", "RunStart") => &[("trg_start_time_ms", now())],
        ("trg", "RunStop") => &[("trg_end_time_ms", now())],
        ("lhc", "UpdateFillInfo") => &[
            ("fill_info_beam_mode", None),
            ("fill_info_fill_number", None),
            ("fill_info_filling_scheme", None),
            ("fill_info_beam_type", None),
            ("fill_info_stable_beams_start_ms", None),
            ("fill_info_stable_beams_end_ms", None),
        ],
        ("bookkeeping", "RetrieveFillInfo") => &[
            ("fill_info_fill_number", None),
            ("fill_info_filling_scheme", None),
            ("fill_info_beam_type", None),
            ("fill_info_stable_beams_start_ms", None),
            ("fill_info_stable_beams_end_ms", None),
        ],
        _ => &[],
    };
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(answerer: Answerer, method: &str) -> Reply {
        let call = Call {
            method: method.to_owned(),
            now_ms: 1_700_000_000_000,
            ..Call::default()
        };
        let mut answer = answerer.call(&call);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match answer.as_mut().poll(&mut context) {
            std::task::Poll::Ready(reply) => reply.expect("a stand-in never fails"),
            std::task::Poll::Pending => panic!("a stand-in answers at once"),
        }
    }

    #[test]
    fn answers_everything_at_once_and_says_who_it_is() {
        for answerer in Answerer::all() {
            for method in answerer.methods() {
                assert!(reply(answerer, method).stand_in, "{}.{method}", answerer.name());
            }
        }
    }

    #[test]
    fn leaves_the_times_of_the_trigger() {
        let trigger = Answerer::of("trg").expect("known");
        let global = |method| reply(trigger, method).global;
        let now = Some("1700000000000".to_owned());
        assert_eq!(
            global("RunStart"),
            [("trg_start_time_ms".to_owned(), now.clone())].into()
        );
        assert_eq!(global("RunStop"), [("trg_end_time_ms".to_owned(), now)].into());
        assert!(global("RunLoad").values().all(Option::is_none));
    }

    #[test]
    fn stands_in_for_nothing_unknown() {
        assert!(Answerer::of("nobody").is_none());
    }
}
