//! Hooks and calls: order, awaits, and results that are not lost.

use partita_core::environment::{
    CallReport, Effect, Event, Observation, Progress, Reply, Request, State, Timer, Transition,
};

use crate::bench::{Bench, Flow};

fn is_done(reply: Option<&Reply>) -> bool {
    matches!(reply, Some(Reply::Done { .. }))
}

#[test]
fn a_call_is_awaited_at_a_weight_where_nothing_else_is() {
    let flow = Flow::new()
        .task("a")
        .call("c", "before_START_ACTIVITY", "before_START_ACTIVITY+7");
    let mut bench = Bench::configured(flow);
    bench.fails.insert("e.c".to_owned());
    assert!(matches!(
        bench.transition(Transition::Start),
        Some(Reply::Failed {
            state: State::Error,
            ..
        })
    ));
    assert_eq!(bench.count("START e.a"), 0);
}

/// Started in one transition, awaited in the next: collected there, once.
#[test]
fn an_await_may_straddle_transitions() {
    let flow = Flow::new()
        .task("a")
        .call("c", "after_START_ACTIVITY", "before_STOP_ACTIVITY-1")
        .hook("h", "before_STOP_ACTIVITY");
    let mut bench = Bench::configured(flow);
    bench.hangs.insert("e.c".to_owned());
    assert!(is_done(bench.transition(Transition::Start).as_ref()));
    let stop = bench.ask(Request::Transition(Transition::Stop));
    assert_eq!(bench.count("run hook e.h"), 0, "it waits for the call first");
    bench.release();
    assert!(is_done(bench.reply(stop).as_ref()));
    assert_eq!(bench.ended(), ["e.c", "e.h"]);
    assert!(is_done(bench.transition(Transition::Start).as_ref()));
    assert!(is_done(bench.transition(Transition::Stop).as_ref()));
    assert_eq!(bench.count("call e.c"), 2);
}

/// A call whose transition was cancelled is told when it ends, and fails nothing later.
#[test]
fn a_call_of_a_failed_run_does_not_fail_the_next() {
    let flow = Flow::new()
        .task("a")
        .call("c", "before_START_ACTIVITY", "after_START_ACTIVITY")
        .hook("h", "leave_CONFIGURED");
    let mut bench = Bench::configured(flow);
    bench.hangs.insert("e.c".to_owned());
    bench.fails.extend(["e.c".to_owned(), "e.h".to_owned()]);
    bench.transition(Transition::Start);
    assert_eq!(bench.machine.state(), State::Error);
    bench.release();
    assert_eq!(
        bench.ended(),
        ["e.h!", "e.h!", "e.c!"],
        "the hook fails in GO_ERROR too"
    );
    bench.fails.clear();
    for event in [Transition::Recover, Transition::Configure, Transition::Start] {
        let reply = bench.transition(event);
        assert!(is_done(reply.as_ref()), "{event}: {reply:?}");
    }
    assert_eq!(bench.machine.state(), State::Running);
}

/// Also one that was to be collected at a weight that a failure in the same pass kept from coming.
#[test]
fn a_call_behind_a_failed_weight_does_not_fail_the_next_run() {
    let flow = Flow::new()
        .task("a")
        .call("c", "after_START_ACTIVITY-20", "after_START_ACTIVITY-5")
        .hook("h", "after_START_ACTIVITY-10");
    let mut bench = Bench::configured(flow);
    bench.fails.extend(["e.c".to_owned(), "e.h".to_owned()]);
    bench.transition(Transition::Start);
    assert_eq!(bench.machine.state(), State::Error);
    bench.fails.clear();
    for event in [Transition::Recover, Transition::Configure, Transition::Start] {
        let reply = bench.transition(event);
        assert!(is_done(reply.as_ref()), "{event}: {reply:?}");
    }
}

/// In enter_ and after_ the other half and all later phases still run; then comes ERROR.
#[test]
fn a_failure_stops_later_weights_of_its_half_only() {
    let flow = Flow::new()
        .task("a")
        .hook("bad", "enter_RUNNING-5")
        .hook("not", "enter_RUNNING-1")
        .hook("half", "enter_RUNNING+1")
        .hook("after", "after_START_ACTIVITY");
    let mut bench = Bench::configured(flow);
    bench.fails.insert("e.bad".to_owned());
    bench.transition(Transition::Start);
    assert_eq!(bench.ended(), ["e.bad!", "e.half", "e.after"]);
    assert_eq!(bench.machine.state(), State::Error);
}

/// `GO_ERROR` leaves the same state as the transition that failed there: its hook fails again, and the run is closed.
#[test]
fn go_error_is_not_defeated_by_a_hook() {
    for moment in [
        "leave_CONFIGURED",
        "before_GO_ERROR",
        "enter_ERROR",
        "after_GO_ERROR",
    ] {
        let flow = Flow::new()
            .task("a")
            .hook("h", moment)
            .hook("l", "leave_CONFIGURED");
        let mut bench = Bench::configured(flow);
        bench.fails.extend(["e.h".to_owned(), "e.l".to_owned()]);
        let reply = bench.transition(Transition::Start);
        assert!(
            matches!(
                reply,
                Some(Reply::Failed {
                    state: State::Error,
                    ..
                })
            ),
            "{moment}: {reply:?}"
        );
        assert_eq!(bench.machine.run(), None, "{moment}");
        assert_eq!(bench.machine.transition(), None);
        let ended = bench.machine.variable("run_end_completion_time_ms");
        assert!(ended.is_some_and(|time| !time.is_empty()), "{moment}");
        assert_eq!(bench.machine.variable("last_run_number"), Some("1"));
    }
}

#[test]
fn hooks_of_one_weight_that_end_together_all_count() {
    let mut flow = Flow::new().task("a");
    for hook in 0..20 {
        flow = flow.hook(&format!("h{hook}"), "before_START_ACTIVITY");
    }
    let mut bench = Bench::configured(flow);
    assert!(is_done(bench.transition(Transition::Start).as_ref()));
    assert_eq!(bench.ended().len(), 20);
}

/// A hook that is still running when its transition is cancelled: its end is told all the same.
#[test]
fn the_end_of_a_hook_is_told_also_when_nobody_waits_any_more() {
    let flow = Flow::new().task("a").hook("h", "before_START_ACTIVITY");
    let mut bench = Bench::configured(flow);
    bench.hangs.insert("e.h".to_owned());
    bench.ask(Request::Transition(Transition::Start));
    bench.kill("a");
    assert_eq!(bench.machine.state(), State::Error);
    assert_eq!(bench.ended(), [""; 0]);
    bench.release();
    assert_eq!(bench.ended(), ["e.h"]);
    assert!(bench.timers.is_empty());
}

#[test]
fn a_hook_that_hangs_meets_its_own_deadline() {
    let flow = Flow::new().task("a").hook("h", "before_START_ACTIVITY");
    let mut bench = Bench::configured(flow);
    bench.hangs.insert("e.h".to_owned());
    let id = bench.ask(Request::Transition(Transition::Start));
    assert!(matches!(bench.wait(), Timer::Hook(_)));
    let Some(Reply::Failed { cause, .. }) = bench.reply(id) else {
        panic!("it failed")
    };
    assert_eq!(
        cause.because[0].deadline.as_ref().map(|d| d.name.as_str()),
        Some("timeout")
    );
}

/// Hook tasks before there are tasks: the reference says nothing. Here it is told, and calls run there.
#[test]
fn a_hook_before_its_task_is_there_is_told_to_be_skipped() {
    let flow = Flow::new()
        .task("a")
        .hook("h", "before_DEPLOY")
        .call("c", "leave_STANDBY", "leave_STANDBY");
    let bench = Bench::configured(flow);
    let skipped = |seen: &Observation| matches!(seen, Observation::Hook { path, progress: Progress::Skipped(_), .. } if path == "e.h");
    assert!(bench.seen.iter().any(skipped));
    assert_eq!(bench.ended(), ["e.c"]);
}

/// Calls that end at the same time add to one list, and nothing is overwritten.
#[test]
fn calls_at_the_same_time_lose_nothing_to_each_other() {
    let flow = Flow::new()
        .call("c", "before_CONFIGURE", "before_CONFIGURE")
        .call("d", "before_CONFIGURE", "before_CONFIGURE");
    let mut bench = flow.on_bench();
    bench.hangs.extend(["e.c".to_owned(), "e.d".to_owned()]);
    bench.ask(Request::Create { auto: false });
    for effect in std::mem::take(&mut bench.held) {
        let Effect::Call { command, call, .. } = effect else {
            continue;
        };
        let report = CallReport {
            appended: [("call_history".to_owned(), format!("c{call}"))].into(),
            ..CallReport::default()
        };
        bench.happen(Event::Call(command, report));
    }
    assert_eq!(bench.machine.variable("call_history"), Some("c0,c1"));
}

/// What a call wrote to the run-time store is kept.
#[test]
fn what_a_call_stores_is_kept() {
    let mut bench =
        Bench::configured(Flow::new().call("c", "before_START_ACTIVITY", "before_START_ACTIVITY"));
    bench.hangs.insert("e.c".to_owned());
    bench.ask(Request::Transition(Transition::Start));
    let Some(Effect::Call { command, .. }) = bench.held.pop() else {
        panic!("a call is under way")
    };
    let report = CallReport {
        stored: [("o2/runtime/a/b".to_owned(), "x".to_owned())].into(),
        ..CallReport::default()
    };
    let effects = bench.machine.step(bench.now, Event::Call(command, report));
    assert!(effects.contains(&Effect::Store {
        key: "o2/runtime/a/b".to_owned(),
        value: "x".to_owned()
    }));
}
