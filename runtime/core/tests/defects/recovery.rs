//! The ways out of ERROR, and new values for living processes.

use partita_core::aggregate::State as TaskState;
use partita_core::environment::{Life, Reply, State, Transition};

use crate::bench::{Bench, Flow};

fn failed_start() -> Bench {
    let mut bench = Bench::configured(Flow::new().task("a").task("b"));
    bench.fails.insert("e.b".to_owned());
    bench.transition(Transition::Start);
    bench.fails.clear();
    assert_eq!(bench.machine.state(), State::Error);
    bench
}

fn is_done(reply: Option<&Reply>, in_state: State) -> bool {
    matches!(reply, Some(Reply::Done { state, .. }) if *state == in_state)
}

#[test]
fn recover_leads_out_of_error_without_a_new_process() {
    let mut bench = failed_start();
    assert_eq!(bench.state_of("b"), TaskState::Error);
    let reply = bench.transition(Transition::Recover);
    assert!(is_done(reply.as_ref(), State::Deployed), "{reply:?}");
    assert!(
        bench
            .log
            .ends_with(&["RESET e.a".to_owned(), "RECOVER e.b".to_owned()])
    );
    for (event, to) in [
        (Transition::Configure, State::Configured),
        (Transition::Start, State::Running),
        (Transition::Stop, State::Configured),
    ] {
        let reply = bench.transition(event);
        assert!(is_done(reply.as_ref(), to), "{event}: {reply:?}");
    }
    assert_eq!(bench.count("launch e.a e.b"), 1);
}

/// Where no task is in ERROR (a hook failed), RESET does as well; where one is, it says what does.
#[test]
fn reset_leads_out_of_error_where_tasks_are_well() {
    let mut bench = Bench::configured(Flow::new().task("a").hook("h", "before_STOP_ACTIVITY"));
    bench.transition(Transition::Start);
    bench.fails.insert("e.h".to_owned());
    bench.transition(Transition::Stop);
    assert_eq!(bench.machine.state(), State::Error);
    let reply = bench.transition(Transition::Reset);
    assert!(is_done(reply.as_ref(), State::Deployed), "{reply:?}");

    let mut bench = failed_start();
    let log = bench.log.clone();
    match bench.transition(Transition::Reset) {
        Some(Reply::Refused {
            state: State::Error,
            reason,
        }) => assert!(reason.contains("e.b") && reason.contains("RECOVER"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.log, log);
}

#[test]
fn error_is_not_left_without_a_critical_task() {
    let mut bench = Bench::running(Flow::new().task("a").task("b"));
    bench.kill("a");
    assert_eq!(bench.machine.state(), State::Error);
    for event in [Transition::Recover, Transition::Reset] {
        match bench.transition(event) {
            Some(Reply::Refused { reason, .. }) => assert!(reason.contains("e.a is gone"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    let mut bench = Bench::running(Flow::new().task("a").spare("b"));
    bench.kill("b");
    bench.fails.insert("e.a".to_owned());
    bench.transition(Transition::Stop);
    bench.fails.clear();
    let reply = bench.transition(Transition::Recover);
    assert!(is_done(reply.as_ref(), State::Deployed), "{reply:?}");
}

/// A task that cannot recover leaves the environment where it is, and it can be tried again.
#[test]
fn a_recovery_that_fails_ends_in_error() {
    let mut bench = failed_start();
    bench.fails.insert("e.b".to_owned());
    assert!(matches!(
        bench.transition(Transition::Recover),
        Some(Reply::Failed {
            state: State::Error,
            ..
        })
    ));
    bench.fails.clear();
    let reply = bench.transition(Transition::Recover);
    assert!(is_done(reply.as_ref(), State::Deployed), "{reply:?}");
    assert_eq!(bench.count("RESET e.a"), 1, "it was done already");
}

/// RESET and CONFIGURE command the living processes again: their properties are made anew from the variables of then.
#[test]
fn reset_and_configure_push_anew_to_the_same_processes() {
    let mut bench = Bench::configured(Flow::new().task("a").task("b"));
    bench.transition(Transition::Reset);
    let reply = bench.transition(Transition::Configure);
    assert!(is_done(reply.as_ref(), State::Configured), "{reply:?}");
    assert_eq!(bench.count("CONFIGURE e.a e.b"), 2);
    assert_eq!(bench.count("launch e.a e.b"), 1);
}

/// One that was in ERROR by itself recovers as well, and its next failure is told anew.
#[test]
fn a_failure_after_a_recovery_is_told() {
    let mut bench = Bench::running(Flow::new().task("a").spare("b"));
    let news = bench.report("b", Life::Active, TaskState::Error);
    bench.happen(news);
    assert_eq!(bench.machine.state(), State::Running);
    bench.fails.insert("e.a".to_owned());
    bench.transition(Transition::Stop);
    bench.fails.clear();
    bench.transition(Transition::Recover);
    assert_eq!(bench.state_of("b"), TaskState::Standby);
    let told = bench.causes().len();
    let news = bench.report("b", Life::Active, TaskState::Error);
    bench.happen(news);
    assert_eq!(bench.causes().len(), told + 1);
}
