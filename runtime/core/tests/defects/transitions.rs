//! Requests, refusals and deadlines.

use partita_core::environment::{
    Advance, Event, Life, Observation, Reply, Request, State, Timer, Transition,
};

use crate::bench::{Bench, Flow};

fn pair() -> Flow {
    Flow::new().task("a").task("b")
}

/// A refused event drives no healthy run into ERROR, and does nothing at all.
#[test]
fn what_is_refused_changes_nothing() {
    let events = [
        Transition::Deploy,
        Transition::Configure,
        Transition::Start,
        Transition::Stop,
        Transition::Reset,
        Transition::GoError,
        Transition::Recover,
    ];
    for (mut bench, allowed) in [
        (
            Bench::configured(pair()),
            [Transition::Start, Transition::Reset].as_slice(),
        ),
        (Bench::running(pair()), &[Transition::Stop]),
    ] {
        let state = bench.machine.state();
        for event in events.into_iter().filter(|event| !allowed.contains(event)) {
            let (log, run) = (bench.log.clone(), bench.machine.run());
            let reply = bench.transition(event);
            assert!(
                matches!(reply, Some(Reply::Refused { state: in_state, .. }) if in_state == state),
                "{event}: {reply:?}"
            );
            assert_eq!((bench.machine.state(), bench.machine.run()), (state, run));
            assert_eq!(bench.log, log);
        }
    }
}

#[test]
fn a_second_stop_is_an_error_to_the_caller_only() {
    let mut bench = Bench::running(pair());
    bench.hangs.insert("e.a".to_owned());
    let first = bench.ask(Request::Transition(Transition::Stop));
    let second = bench.ask(Request::Transition(Transition::Stop));
    bench.release();
    assert!(matches!(
        bench.reply(first),
        Some(Reply::Done {
            state: State::Configured,
            ..
        })
    ));
    assert!(matches!(
        bench.reply(second),
        Some(Reply::Refused {
            state: State::Configured,
            ..
        })
    ));
}

/// A configuration without tasks sends nothing, and so waits for nothing.
#[test]
fn without_tasks_nothing_is_waited_for() {
    let mut bench = Bench::running(Flow::new().call("c", "enter_RUNNING", "enter_RUNNING"));
    assert!(matches!(
        bench.transition(Transition::Stop),
        Some(Reply::Done { .. })
    ));
}

/// Also where it is the only one that was commanded.
#[test]
fn one_that_is_not_critical_never_fails_a_transition() {
    let mut bench = Bench::configured(Flow::new().spare("a"));
    bench.fails.insert("e.a".to_owned());
    assert!(matches!(
        bench.transition(Transition::Start),
        Some(Reply::Done {
            state: State::Running,
            ..
        })
    ));
}

#[test]
fn a_workflow_of_tasks_that_are_not_critical_deploys() {
    let mut bench = Flow::new().spare("a").on_bench();
    bench.hangs.insert("e.a".to_owned());
    let id = bench.ask(Request::Create { auto: false });
    assert_eq!(bench.wait(), Timer::Patience);
    assert!(matches!(
        bench.reply(id),
        Some(Reply::Done {
            state: State::Configured,
            ..
        })
    ));
}

/// A deployment has one deadline, whatever is heard meanwhile.
#[test]
fn no_news_prolongs_a_deployment() {
    let mut bench = pair().on_bench();
    bench.hangs.extend(["e.a".to_owned(), "e.b".to_owned()]);
    bench.ask(Request::Create { auto: false });
    let due = bench.timers[&Timer::Deploy];
    let news = bench.report("b", Life::Active, partita_core::aggregate::State::Standby);
    bench.happen(news);
    assert_eq!(bench.timers[&Timer::Deploy], due);
}

/// Who is gone is not waited for: the transition fails with the death, not with the deadline.
#[test]
fn a_death_in_a_transition_ends_it_at_once() {
    let mut bench = Bench::configured(pair());
    bench.hangs.extend(["e.a".to_owned(), "e.b".to_owned()]);
    let id = bench.ask(Request::Transition(Transition::Start));
    bench.kill("a");
    let Some(Reply::Failed { state, cause }) = bench.reply(id) else {
        panic!("it failed")
    };
    assert_eq!(state, State::Error);
    assert_eq!(cause.because[0].role.as_deref(), Some("e.a"));
}

/// One whose transition was given up is stopped when it arrives, be it by an answer or by a report.
#[test]
fn who_reaches_running_too_late_is_stopped() {
    for by_report in [false, true] {
        let mut bench = Bench::configured(pair());
        bench.hangs.insert("e.a".to_owned());
        bench.fails.insert("e.b".to_owned());
        bench.transition(Transition::Start);
        assert_eq!(bench.machine.state(), State::Error);
        assert_eq!(bench.count("STOP e.a"), 0);
        if by_report {
            assert!(matches!(bench.wait(), Timer::Command(_)));
            bench.hangs.clear();
            let news = bench.report("a", Life::Active, partita_core::aggregate::State::Running);
            bench.happen(news);
        } else {
            bench.release();
        }
        assert_eq!(bench.count("STOP e.a"), 1, "{:?}", bench.log);
        assert!(bench.timers.is_empty());
    }
}

/// What is waited for, by what, how long, and who is late.
#[test]
fn deadlines_are_one_visible_budget() {
    let flow = pair().variable("transition_timeout", "20s");
    let mut bench = Bench::configured(flow);
    bench.hangs.insert("e.b".to_owned());
    bench.ask(Request::Transition(Transition::Start));
    let pending = bench.machine.deadlines(bench.now + 5_000);
    let [deadline] = pending.as_slice() else {
        panic!("{pending:?}")
    };
    assert_eq!(
        (deadline.name.as_str(), deadline.allowed.as_secs()),
        ("transition_timeout", 20)
    );
    assert_eq!(
        deadline.left.as_secs(),
        15 - u64::from(deadline.left.subsec_nanos() > 0)
    );
    assert_eq!(deadline.late, ["e.b"]);
}

/// Two runs, and the run number that a failed one took is not given again.
#[test]
fn no_run_number_is_used_twice() {
    let mut bench = Bench::configured(pair());
    bench.fails.insert("e.a".to_owned());
    bench.transition(Transition::Start);
    assert_eq!(bench.machine.run(), None, "the run was closed");
    bench.fails.clear();
    for event in [Transition::Recover, Transition::Configure, Transition::Start] {
        bench.transition(event);
    }
    assert_eq!(bench.machine.run(), Some(2));
}

#[test]
fn a_command_that_cannot_be_given_fails_at_once() {
    let mut bench = Bench::configured(pair());
    bench.hangs.extend(["e.a".to_owned(), "e.b".to_owned()]);
    let id = bench.ask(Request::Transition(Transition::Start));
    let Some(Timer::Command(command)) = bench.timers.keys().next().copied() else {
        panic!("a command is under way")
    };
    let cause = partita_core::cause::Cause::new("no address");
    bench.happen(Event::Impossible(command, vec![cause]));
    assert!(matches!(
        bench.reply(id),
        Some(Reply::Failed {
            state: State::Error,
            ..
        })
    ));
}

/// A step that went well ends well, and one that did not says why.
#[test]
fn the_end_of_a_step_says_how_it_ended() {
    let flow = pair().hook("h", "enter_RUNNING");
    let mut bench = Bench::configured(flow);
    bench.fails.insert("e.h".to_owned());
    bench.transition(Transition::Start);
    let mut ends = bench.seen.iter().filter_map(|seen| match seen {
        Observation::Advance {
            transition: Some(Transition::Start),
            advance: Advance::StepEnded { step, error },
            ..
        } => Some((step.as_str(), error.is_some())),
        _ => None,
    });
    let want = [
        ("before_START_ACTIVITY", false),
        ("leave_CONFIGURED", false),
        ("tasks_START_ACTIVITY", false),
        ("enter_RUNNING", true),
        ("after_START_ACTIVITY", false),
    ];
    assert!(want.into_iter().all(|step| ends.next() == Some(step)));
}
