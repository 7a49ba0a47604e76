//! The end of an environment, from everywhere, and creations that are not wanted any more.

use partita_core::environment::{Advance, DestroyOptions, Observation, Reply, Request, State, Transition};

use crate::bench::{Bench, Flow};

const STATES: [State; 4] = [State::Deployed, State::Configured, State::Running, State::Error];

fn flow() -> Flow {
    Flow::new()
        .task("a")
        .hook("early", "DESTROY-10")
        .hook("late", "after_DESTROY-10")
        .hook("last", "after_DESTROY+20")
        .call("never", "after_CONFIGURE", "before_EXIT")
}

fn bench_in(state: State) -> Bench {
    let mut bench = Bench::configured(flow());
    match state {
        State::Deployed => drop(bench.transition(Transition::Reset)),
        State::Running => drop(bench.transition(Transition::Start)),
        State::Error => bench.kill("a"),
        _ => {}
    }
    assert_eq!(bench.machine.state(), state);
    bench
}

/// All flags in all states: the environment is gone, with all its hooks run, its run closed, its processes ended or
/// left; or it was refused, and nothing has changed.
#[test]
fn all_flags_in_every_state() {
    for state in STATES {
        for flags in 0..8_u8 {
            let options = DestroyOptions {
                allow_in_running: flags & 1 > 0,
                force: flags & 2 > 0,
                keep_tasks: flags & 4 > 0,
            };
            let mut bench = bench_in(state);
            let before = bench.log.len();
            let reply = bench.destroy(options);
            let log = &bench.log[before..];
            let at = format!("{state} {options:?}: {log:?}");
            if state == State::Running && !options.force && !options.allow_in_running {
                assert!(matches!(reply, Some(Reply::Refused { .. })), "{at}");
                assert!(log.is_empty() && bench.machine.state() == state, "{at}");
                continue;
            }
            assert!(
                matches!(
                    reply,
                    Some(Reply::Done {
                        state: State::Done,
                        run: None
                    })
                ),
                "{at}: {reply:?}"
            );
            let hooks: Vec<&str> = log
                .iter()
                .filter_map(|line| line.strip_prefix("run hook "))
                .collect();
            assert_eq!(hooks, ["e.early", "e.late", "e.last"], "{at}");
            let has = |what: &str| log.iter().any(|line| line.starts_with(what));
            assert_eq!(has("STOP"), state == State::Running && !options.force, "{at}");
            let reset = matches!(state, State::Running | State::Configured) && !options.force;
            assert_eq!(has("RESET"), reset, "{at}");
            assert_eq!(
                (has("leave"), has("kill")),
                (options.keep_tasks, !options.keep_tasks),
                "{at}"
            );
            assert_eq!(log.last().map(String::as_str), Some("gone"), "{at}");
            assert!(bench.timers.is_empty(), "{at}");
        }
    }
}

#[test]
fn calls_that_nobody_awaits_are_cancelled_at_the_end() {
    let mut bench = flow().on_bench();
    bench.hangs.insert("e.never".to_owned());
    bench.create();
    bench.destroy(DestroyOptions::default());
    assert_eq!(bench.count("cancel call"), 1);
}

/// A hook that hangs at DESTROY has a deadline; the others run all the same.
#[test]
fn hooks_at_the_end_do_not_keep_each_other_from_running() {
    for forced in [false, true] {
        let mut bench = bench_in(State::Configured);
        bench.fails.insert("e.early".to_owned());
        bench.hangs.insert("e.late".to_owned());
        let options = DestroyOptions {
            force: forced,
            ..DestroyOptions::default()
        };
        let id = bench.ask(Request::Destroy(options));
        bench.wait();
        assert!(matches!(
            bench.reply(id),
            Some(Reply::Failed {
                state: State::Done,
                ..
            })
        ));
        assert_eq!(bench.ended(), ["e.never", "e.early!", "e.late!", "e.last"]);
    }
}

/// At every point of a creation, by force and without: it ends there and then, and nothing of it stays.
#[test]
fn a_creation_is_cancelled_at_any_moment() {
    let flow = || {
        Flow::new()
            .task("a")
            .hook("h", "after_DEPLOY")
            .hook("i", "enter_CONFIGURED")
            .call("c", "before_CONFIGURE", "after_CONFIGURE")
    };
    for hanging in ["e.a", "e.h", "e.c", "e.i"] {
        for force in [false, true] {
            let mut bench = flow().on_bench();
            bench.hangs.insert(hanging.to_owned());
            let create = bench.ask(Request::Create { auto: false });
            assert!(!bench.timers.is_empty(), "it hangs at {hanging}");
            bench.hangs.clear();
            let options = DestroyOptions {
                force,
                ..DestroyOptions::default()
            };
            let destroy = bench.ask(Request::Destroy(options));
            let reply = bench.reply(create);
            assert!(
                matches!(reply, Some(Reply::Failed { .. })),
                "{hanging}: {reply:?}"
            );
            let reply = bench.reply(destroy);
            assert!(
                matches!(
                    reply,
                    Some(Reply::Done {
                        state: State::Done,
                        ..
                    })
                ),
                "{hanging}: {reply:?}"
            );
            assert_eq!(bench.log.last().map(String::as_str), Some("gone"));
        }
    }
}

/// An end by force does not wait for a transition that hangs, and runs no hook of the end twice.
#[test]
fn force_waits_for_nothing_and_repeats_nothing() {
    let force = DestroyOptions {
        force: true,
        ..DestroyOptions::default()
    };
    let mut bench = bench_in(State::Configured);
    bench.hangs.insert("e.a".to_owned());
    let start = bench.ask(Request::Transition(Transition::Start));
    bench.hangs.clear();
    assert!(matches!(bench.destroy(force), Some(Reply::Done { .. })));
    assert!(matches!(bench.reply(start), Some(Reply::Failed { .. })));

    let mut bench = bench_in(State::Configured);
    bench.hangs.insert("e.late".to_owned());
    let first = bench.ask(Request::Destroy(DestroyOptions::default()));
    let second = bench.ask(Request::Destroy(force));
    bench.release();
    assert!(matches!(bench.reply(first), Some(Reply::Done { .. })));
    assert!(matches!(bench.reply(second), Some(Reply::Done { .. })));
    assert_eq!(bench.count("run hook e.early"), 1);
}

/// Tasks that do not end have a deadline, and are named.
#[test]
fn the_end_of_the_tasks_has_a_deadline() {
    let mut bench = bench_in(State::Configured);
    bench.hangs.insert("e.a".to_owned());
    let options = DestroyOptions {
        force: true,
        ..DestroyOptions::default()
    };
    let id = bench.ask(Request::Destroy(options));
    bench.wait();
    let Some(Reply::Failed { cause, .. }) = bench.reply(id) else {
        panic!("a task is still there")
    };
    assert_eq!(cause.because[0].role.as_deref(), Some("e.a"));
}

/// A run that ends with its environment is told to begin its end, and to have ended.
#[test]
fn a_run_that_an_end_ends_begins_and_ends_once() {
    let mut bench = bench_in(State::Running);
    bench.seen.clear();
    bench.destroy(DestroyOptions {
        force: true,
        ..DestroyOptions::default()
    });
    let mut runs = Vec::new();
    for seen in &bench.seen {
        if let Observation::Run { advance, number, .. } = seen {
            runs.push((advance.clone(), *number));
        }
    }
    assert_eq!(runs, [(Advance::Begun, 1), (Advance::Ended { error: None }, 1)]);
}

/// One without tasks has none to end.
#[test]
fn an_end_touches_no_task_of_others() {
    let mut bench = Bench::configured(Flow::new().call("c", "DESTROY", "DESTROY"));
    bench.destroy(DestroyOptions::default());
    assert_eq!(bench.log, ["call e.c", "gone"]);
}
