//! What an environment does by itself.

use partita_core::aggregate::State as TaskState;
use partita_core::cause::Exit;
use partita_core::environment::{
    DeviceEvent, Event, Life, Reply, Request, State, TaskReport, Timer, Transition,
};

use crate::bench::{Bench, Flow};

fn end_of_stream(bench: &mut Bench, task: &str) {
    let event = Event::Device(bench.task(task), DeviceEvent::EndOfStream);
    bench.happen(event);
}

fn terminated(bench: &mut Bench, task: &str, code: i32) {
    let event = DeviceEvent::Terminated {
        exit: Some(Exit::Code(code)),
        last_lines: Vec::new(),
    };
    let event = Event::Device(bench.task(task), event);
    bench.happen(event);
}

#[test]
fn the_run_stops_when_all_have_seen_the_end() {
    let mut bench = Bench::running(Flow::new().task("a").task("b"));
    end_of_stream(&mut bench, "a");
    assert_eq!(bench.machine.state(), State::Running);
    end_of_stream(&mut bench, "b");
    assert_eq!(bench.machine.state(), State::Configured);
}

/// One that is dead and not critical keeps nobody from the end of the run.
#[test]
fn the_dead_do_not_block_the_end_of_stream() {
    let mut bench = Bench::running(Flow::new().task("a").spare("b"));
    bench.kill("b");
    assert_eq!(bench.machine.state(), State::Running);
    end_of_stream(&mut bench, "a");
    assert_eq!(bench.machine.state(), State::Configured);
}

#[test]
fn the_end_may_be_seen_before_the_run_is_there_and_in_every_run() {
    let mut bench = Bench::configured(Flow::new().task("a").hook("h", "before_START_ACTIVITY"));
    for _ in 0..2 {
        bench.transition(Transition::Start);
        assert_eq!(bench.machine.state(), State::Running);
        end_of_stream(&mut bench, "a");
        assert_eq!(bench.machine.state(), State::Configured);
    }
}

/// A basic task that is done does not stop the run of the others.
#[test]
fn one_that_is_done_stops_nobody_else() {
    let mut bench = Bench::running(Flow::new().task("a").basic("b"));
    terminated(&mut bench, "b", 0);
    assert_eq!(bench.machine.state(), State::Running);
    end_of_stream(&mut bench, "a");
    assert_eq!(bench.machine.state(), State::Configured);
}

#[test]
fn a_basic_task_that_fails_is_a_failure() {
    let mut bench = Bench::running(Flow::new().task("a").basic("b"));
    terminated(&mut bench, "b", 1);
    assert_eq!(bench.machine.state(), State::Error);
    assert_eq!(bench.count("STOP e.a"), 1);
}

/// How one ends that was told to stop is no failure.
#[test]
fn a_basic_task_that_is_stopped_is_not_to_blame() {
    let mut bench = Bench::running(Flow::new().task("a").basic("b"));
    bench.hangs.insert("e.b".to_owned());
    let stop = bench.ask(Request::Transition(Transition::Stop));
    terminated(&mut bench, "b", 137);
    bench.release();
    assert!(matches!(
        bench.reply(stop),
        Some(Reply::Done {
            state: State::Configured,
            ..
        })
    ));
}

/// An internal error counts as much as the task does.
#[test]
fn an_internal_error_matters_if_the_task_does() {
    for (task, state) in [("a", State::Error), ("b", State::Running)] {
        let mut bench = Bench::running(Flow::new().task("a").spare("b"));
        let event = DeviceEvent::InternalError {
            last_lines: Vec::new(),
        };
        let event = Event::Device(bench.task(task), event);
        bench.happen(event);
        assert_eq!(bench.machine.state(), state);
        assert_eq!(bench.state_of(task), TaskState::Error);
        assert!(
            bench
                .causes()
                .iter()
                .any(|cause| cause.role.as_deref() == Some(&format!("e.{task}")))
        );
    }
}

#[test]
fn auto_stop_is_armed_anew_for_every_run_and_gone_with_it() {
    let flow = Flow::new()
        .task("a")
        .variable("auto_stop_enabled", "true")
        .variable("auto_stop_timeout", "10s");
    let mut bench = Bench::running(flow);
    bench.transition(Transition::Stop);
    assert!(bench.timers.is_empty(), "no timer of a run that is over");
    bench.transition(Transition::Start);
    assert_eq!(bench.wait(), Timer::AutoStop);
    assert_eq!(bench.machine.state(), State::Configured);
}

/// Two reasons to stop at once make one STOP, and a person's is answered by it.
#[test]
fn two_reasons_to_stop_make_one_stop() {
    let mut bench = Bench::configured(Flow::new().task("a").hook("h", "after_START_ACTIVITY"));
    bench.hangs.insert("e.h".to_owned());
    bench.ask(Request::Transition(Transition::Start));
    let stop = bench.ask(Request::Transition(Transition::Stop));
    end_of_stream(&mut bench, "a");
    bench.release();
    assert!(matches!(
        bench.reply(stop),
        Some(Reply::Done {
            state: State::Configured,
            ..
        })
    ));
    let stops = bench.log.iter().filter(|line| line.starts_with("STOP"));
    assert_eq!(stops.count(), 1);
}

/// ERROR of something critical leads to `GO_ERROR` from wherever the environment is, as often as it happens.
#[test]
fn a_critical_loss_is_never_missed() {
    for state in [State::Deployed, State::Configured, State::Running] {
        let mut bench = Bench::configured(Flow::new().task("a").task("b"));
        for _ in 0..2 {
            match state {
                State::Deployed => drop(bench.transition(Transition::Reset)),
                State::Running => drop(bench.transition(Transition::Start)),
                _ => {}
            }
            assert_eq!(bench.machine.state(), state);
            let news = bench.report("a", Life::Active, TaskState::Error);
            bench.happen(news);
            assert_eq!(bench.machine.state(), State::Error, "from {state}");
            bench.transition(Transition::Recover);
            bench.transition(Transition::Configure);
        }
    }
}

/// Also one that ends in order, which makes the root MIXED there and nobody look.
#[test]
fn a_critical_task_that_ends_in_order_is_missed() {
    let mut bench = Bench::running(Flow::new().task("a").task("b"));
    let report = TaskReport {
        version: 1_000,
        life: Life::Ended,
        exit: Some(Exit::Code(0)),
        ..TaskReport::default()
    };
    let event = Event::Task(bench.task("a"), report);
    bench.happen(event);
    assert_eq!(bench.state_of("a"), TaskState::Done);
    assert_eq!(bench.machine.state(), State::Error);
    assert_eq!(bench.count("STOP e.b"), 1);
}

/// A device that leaves RUNNING by itself has done its part, and it is told.
#[test]
fn a_device_that_leaves_running_by_itself_is_noticed() {
    let mut bench = Bench::running(Flow::new().task("a"));
    let news = bench.report("a", Life::Active, TaskState::Configured);
    bench.happen(news);
    assert!(
        bench
            .causes()
            .iter()
            .any(|cause| cause.what.contains("left RUNNING"))
    );
    assert_eq!(bench.machine.state(), State::Configured);
}

/// News of a task that is older than what is known changes nothing.
#[test]
fn old_news_changes_nothing() {
    let mut bench = Bench::running(Flow::new().task("a"));
    let old = bench.report("a", Life::Active, TaskState::Error);
    let new = bench.report("a", Life::Active, TaskState::Running);
    bench.happen(new);
    bench.happen(old);
    assert_eq!(bench.machine.state(), State::Running);
}

/// Its executor dies while it is told to stop: STOP fails at once, and ERROR is reached without waiting for the dead.
#[test]
fn an_executor_that_dies_at_stop_holds_up_nothing() {
    let mut bench = Bench::running(Flow::new().task("a").basic("b").task("c"));
    bench.hangs.extend(["e.a".to_owned(), "e.b".to_owned()]);
    let stop = bench.ask(Request::Transition(Transition::Stop));
    bench.kill("a");
    bench.kill("b");
    let Some(Reply::Failed { state, cause }) = bench.reply(stop) else {
        panic!("STOP failed")
    };
    assert_eq!((state, cause.because.len()), (State::Error, 1));
    assert!(bench.timers.is_empty(), "{:?}", bench.timers);
}

/// An environment that goes through one run by itself ends by itself, whatever became of the run.
#[test]
fn an_automatic_environment_ends_by_itself() {
    for fails in [false, true] {
        let mut bench = Flow::new().basic("b").on_bench();
        bench.ask(Request::Create { auto: true });
        assert_eq!(bench.machine.state(), State::Running);
        terminated(&mut bench, "b", i32::from(fails));
        assert_eq!(bench.wait(), Timer::Linger);
        assert_eq!(bench.machine.state(), State::Done);
        assert_eq!(bench.log.last().map(String::as_str), Some("gone"));
    }
}
