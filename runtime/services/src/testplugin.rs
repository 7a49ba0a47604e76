//! The service for tests of workflows (`runtime.md` 7.10, `template-language.md` 5.5).

use crate::service::{Answer, Call, CallError, Reply, Service};

/// What became of a run, by the variables that say when (`runtime.md` 3.5).
const RUN_TIMES: [&str; 4] = [
    "run_start_time_ms",
    "run_start_completion_time_ms",
    "run_end_time_ms",
    "run_end_completion_time_ms",
];

/// The service `testplugin`. It is the real one: there is no other behind it.
///
/// `Noop` takes its whole time-out. `Test` logs `testplugin_message`, sets `<role path>_called` on the root role,
/// fails if `testplugin_fail` is `true`, and never ends if `testplugin_hang` is. `TimestampObserver` sets `<role path>_saw_<name>` on the root role for each
/// time stamp of the run that has a value. `CallOrderObserver` adds its role path to the list `call_history` there.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestPlugin;

impl Service for TestPlugin {
    fn name(&self) -> &'static str {
        "testplugin"
    }

    fn methods(&self) -> &[&'static str] {
        &["Noop", "Test", "TimestampObserver", "CallOrderObserver"]
    }

    fn call<'a>(&'a self, call: &'a Call) -> Answer<'a> {
        Box::pin(async move {
            match call.method.as_str() {
                "Noop" => {
                    tokio::time::sleep(call.timeout).await;
                    Ok(Reply::default())
                }
                "TimestampObserver" => Ok(observe_times(call)),
                "CallOrderObserver" => Ok(observe_order(call)),
                _ => test(call).await,
            }
        })
    }
}

async fn test(call: &Call) -> Result<Reply, CallError> {
    let message = call.variable("testplugin_message");
    tracing::info!(role = call.role_path, message, "testplugin.Test()");
    if call.variable("testplugin_hang") == "true" {
        std::future::pending::<()>().await;
    }
    let fails = call.variable("testplugin_fail") == "true";
    let called = (format!("{}_called", call.role_path), Some("true".to_owned()));
    Ok(Reply {
        global: [called].into(),
        failure: fails.then(|| "testplugin_fail is true".to_owned()),
        ..Reply::default()
    })
}

fn observe_times(call: &Call) -> Reply {
    let seen = RUN_TIMES.iter().filter(|name| !call.variable(name).is_empty());
    Reply {
        global: seen
            .map(|name| (format!("{}_saw_{name}", call.role_path), Some("true".to_owned())))
            .collect(),
        ..Reply::default()
    }
}

fn observe_order(call: &Call) -> Reply {
    Reply {
        appended: [("call_history".to_owned(), call.role_path.clone())].into(),
        ..Reply::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn call(method: &str, variables: &[(&str, &str)]) -> Call {
        Call {
            method: method.to_owned(),
            role_path: "flp.hook".to_owned(),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            timeout: Duration::from_secs(3),
            ..Call::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn noop_takes_its_whole_time() {
        let start = tokio::time::Instant::now();
        let reply = TestPlugin.call(&call("Noop", &[])).await;
        assert_eq!(reply, Ok(Reply::default()));
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn test_succeeds_fails_or_hangs_as_told() {
        let called = [("flp.hook_called".to_owned(), Some("true".to_owned()))];
        let reply = TestPlugin.call(&call("Test", &[])).await.expect("an answer");
        assert_eq!((reply.global, reply.failure), (called.clone().into(), None));
        let fails = call("Test", &[("testplugin_fail", "true")]);
        let reply = TestPlugin.call(&fails).await.expect("an answer");
        assert_eq!(reply.global, called.into());
        assert_eq!(reply.failure.as_deref(), Some("testplugin_fail is true"));
        let hangs = call("Test", &[("testplugin_hang", "true")]);
        let waited = tokio::time::timeout(Duration::from_hours(1), TestPlugin.call(&hangs)).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn times_are_seen_where_they_have_a_value() {
        let seen = call(
            "TimestampObserver",
            &[("run_start_time_ms", "1"), ("run_end_time_ms", "")],
        );
        let reply = TestPlugin.call(&seen).await.expect("observes");
        let expected = [(
            "flp.hook_saw_run_start_time_ms".to_owned(),
            Some("true".to_owned()),
        )];
        assert_eq!(reply.global, expected.into());
    }

    /// What it saw before does not matter: others may have been called at the same time.
    #[tokio::test]
    async fn the_order_is_a_list_that_is_added_to() {
        let made = call("CallOrderObserver", &[("call_history", "a,b")]);
        let reply = TestPlugin.call(&made).await.expect("observes");
        let added = [("call_history".to_owned(), "flp.hook".to_owned())];
        assert_eq!((reply.global, reply.appended), ([].into(), added.into()));
    }
}
