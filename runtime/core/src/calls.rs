//! Making the calls of a workflow (`template-language.md` 5.6, `runtime.md` 3.9).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use partita_artefact::evaluate::{self, Context, Place, Snapshot, Variables, World, runtime_key};
use partita_artefact::instance::CallRole;
use partita_artefact::ir::{Artefact, Code, Part, Template};
use partita_services::{Call, CallError, Registry, Reply};
use tokio::runtime::Handle;

use crate::environment::CallReport;
use crate::identity::Identities;

/// A call to be made.
pub(crate) struct PlannedCall {
    pub(crate) artefact: Arc<Artefact>,
    pub(crate) services: Registry,
    pub(crate) identities: Arc<Identities>,
    pub(crate) role: CallRole,
    pub(crate) path: String,
    pub(crate) environment: String,
    /// What calls wrote to the run-time store before.
    pub(crate) stored: BTreeMap<String, String>,
    /// What the role sees.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    /// How much longer a service may take that keeps to its time-out itself.
    pub(crate) grace: Duration,
    pub(crate) now: u64,
}

impl PlannedCall {
    /// Makes it. Dropping the future gives it up.
    pub(crate) async fn make(mut self) -> CallReport {
        let Some(code) = self.role.function.clone() else {
            return failed(format!("`{}` is no expression of the artefact", self.role.text));
        };
        let text = |moment: Option<&partita_artefact::instance::Moment>| {
            moment.map(ToString::to_string).unwrap_or_default()
        };
        let traits = &self.role.traits;
        for (name, value) in [
            ("environment_id", self.environment.clone()),
            ("__call_func", self.role.text.clone()),
            ("__call_timeout", traits.texts.timeout.clone()),
            ("__call_trigger", text(traits.trigger.as_ref())),
            ("__call_await", text(traits.await_at.as_ref())),
            ("__call_critical", traits.critical.to_string()),
            ("__call_rolepath", self.path.clone()),
        ] {
            self.variables.insert(name.to_owned(), value);
        }
        let (timeout, grace, returns) = (self.timeout, self.grace, self.role.returns.clone());
        let made = async {
            match evaluate::as_service_call(&code) {
                Some((service, method)) => {
                    let call = self.call(method, self.variables.clone());
                    report(self.services.call(&service, &call).await, String::new())
                }
                None => self.evaluate(code).await,
            }
        };
        let Ok((mut report, text)) = tokio::time::timeout(timeout.saturating_add(grace), made).await else {
            return failed(format!("no answer within {timeout:?}"));
        };
        if !returns.is_empty() && report.error.is_none() {
            report.own.insert(returns, text);
        }
        report
    }

    fn call(&self, method: String, variables: BTreeMap<String, String>) -> Call {
        Call {
            method,
            environment: self.environment.clone(),
            role_path: self.path.clone(),
            variables,
            timeout: self.timeout,
            now_ms: self.now,
        }
    }

    /// Evaluates an expression that is more than one call. The evaluator is synchronous, so this takes a thread.
    async fn evaluate(self, code: Code) -> (CallReport, String) {
        let handle = Handle::current();
        let thread = tokio::task::spawn_blocking(move || {
            let world = CallWorld {
                snapshot: Snapshot::new(&self.artefact, String::new).over(&self.stored),
                planned: &self,
                handle,
                replies: Mutex::default(),
                written: Mutex::default(),
            };
            let template = Template {
                parts: vec![Part::Expression(code)],
                ..Template::default()
            };
            let variables = Seen(&self.variables);
            let context = Context {
                variables: &variables,
                place: Place::Call,
                world: &world,
                edition: self.role.edition,
                within: 0,
            };
            let text = evaluate::evaluate(&template, &context);
            let replies = world.replies.into_inner().unwrap_or_else(PoisonError::into_inner);
            let stored = world.written.into_inner().unwrap_or_else(PoisonError::into_inner);
            let (text, failed) = match text {
                Ok(text) => (text, None),
                Err(error) => (String::new(), Some(error.to_string())),
            };
            let (report, text) = report(Ok(replies), text);
            let error = failed.or(report.error);
            (
                CallReport {
                    error,
                    stored,
                    ..report
                },
                text,
            )
        });
        match thread.await {
            Ok(done) => done,
            Err(error) => (failed(error.to_string()), String::new()),
        }
    }
}

fn failed(reason: String) -> CallReport {
    CallReport {
        error: Some(reason),
        ..CallReport::default()
    }
}

fn report(reply: Result<Reply, CallError>, text: String) -> (CallReport, String) {
    let report = match reply {
        Ok(Reply {
            own,
            global,
            appended,
            stand_in,
            failure,
        }) => CallReport {
            own,
            global,
            appended,
            stand_in,
            error: failure,
            stored: BTreeMap::new(),
        },
        Err(error) => failed(error.to_string()),
    };
    (report, text)
}

struct Seen<'a>(&'a BTreeMap<String, String>);

impl Variables for Seen<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// What an expression of a call sees: the configuration, and services that answer.
struct CallWorld<'a> {
    snapshot: Snapshot<'a>,
    planned: &'a PlannedCall,
    handle: Handle,
    /// What the services left behind, all together.
    replies: Mutex<Reply>,
    /// What it has written to the run-time store so far.
    written: Mutex<BTreeMap<String, String>>,
}

impl World for CallWorld<'_> {
    fn configuration(&self, key: &str) -> Option<String> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let own = written.get(key).cloned();
        own.or_else(|| self.snapshot.configuration(key))
    }

    fn configuration_keys(&self, prefix: &str) -> Vec<String> {
        self.snapshot.configuration_keys(prefix)
    }

    fn services(&self) -> &[String] {
        self.snapshot.services()
    }

    fn uid(&self) -> String {
        self.planned.identities.new_id().unwrap_or_default()
    }

    fn runtime_set(&self, component: &str, key: &str, value: &str) -> Result<(), String> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(runtime_key(component, key), value.to_owned());
        Ok(())
    }

    fn call(&self, service: &str, method: &str, variables: &dyn Variables) -> Result<(), String> {
        let value = |name: String| {
            variables
                .get(&name)
                .map(ToOwned::to_owned)
                .map(|value| (name, value))
        };
        let variables = variables.names().into_iter().filter_map(value).collect();
        let call = self.planned.call(method.to_owned(), variables);
        let answer = self.planned.services.call(service, &call);
        let reply = self.handle.block_on(async {
            tokio::time::timeout(call.timeout.saturating_add(self.planned.grace), answer).await
        });
        let reply = reply.map_err(|_| format!("no answer within {:?}", call.timeout))?;
        let reply = reply.map_err(|error| error.to_string())?;
        let mut all = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        all.own.extend(reply.own);
        all.global.extend(reply.global);
        all.appended.extend(reply.appended);
        all.stand_in |= reply.stand_in;
        reply.failure.map_or(Ok(()), Err)
    }
}
