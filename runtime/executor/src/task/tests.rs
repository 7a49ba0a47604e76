//! The machine without processes: single ways, and whatever order things happen in.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn task(mode: ControlMode) -> Task {
    let kill = KillPatience {
        transition: MS,
        exit: 2 * MS,
        term: 3 * MS,
        interrupt: 4 * MS,
        again: 5 * MS,
    };
    let spec = Spec {
        task_id: "t".to_owned(),
        name: "role".to_owned(),
        environment_id: "e".to_owned(),
        mode,
        start_timeout: 6 * MS,
        run_timeout: Some(7 * MS),
        kill,
        doubt: 8 * MS,
    };
    Task::new(spec, 30_000, Vec::new())
}

fn command(event: Event, destination: State) -> Command {
    Command {
        id: event.to_string(),
        event,
        source: State::Unknown,
        destination,
        arguments: Vec::new(),
        patience: 9 * MS,
    }
}

fn exited(code: i32, left: bool) -> Input {
    Input::Exited {
        exit: Exit {
            how: Some(How::Code(code)),
        },
        output: Output::default(),
        left,
    }
}

fn steady(mode: ControlMode) -> Task {
    let mut task = task(mode);
    task.step(Input::Accept, 1);
    if task.is_controlled() {
        task.step(Input::Launched(Ok(10)), 2);
        task.step(
            Input::Up {
                state: State::Standby,
                pid: 11,
            },
            3,
        );
    }
    task
}

fn signals(effects: &[Effect]) -> Vec<Signal> {
    let signal = |effect: &Effect| match effect {
        Effect::Signal(signal) => Some(*signal),
        _ => None,
    };
    effects.iter().filter_map(signal).collect()
}

fn calls(effects: &[Effect]) -> Vec<Event> {
    let call = |effect: &Effect| match effect {
        Effect::Call { event, .. } => Some(*event),
        _ => None,
    };
    effects.iter().filter_map(call).collect()
}

fn answers(effects: &[Effect]) -> Vec<(bool, String)> {
    let answer = |effect: &Effect| match effect {
        Effect::Answer { result, .. } => Some((result.ok, result.error.clone())),
        _ => None,
    };
    effects.iter().filter_map(answer).collect()
}

fn done(state: State) -> Input {
    Input::Called(Outcome { state, error: None })
}

#[test]
fn a_running_task_is_asked_to_go_step_by_step() {
    let mut task = steady(ControlMode::Direct);
    task.step(Input::Transition(command(Event::Configure, State::Configured)), 4);
    task.step(done(State::Configured), 5);
    task.step(Input::Transition(command(Event::Start, State::Running)), 6);
    task.step(done(State::Running), 7);
    assert_eq!(calls(&task.step(Input::Kill(None), 8)), [Event::Stop]);
    assert_eq!(calls(&task.step(done(State::Configured), 9)), [Event::Reset]);
    assert_eq!(calls(&task.step(done(State::Standby), 10)), [Event::Exit]);
    assert_eq!(task.step(done(State::Done), 11), [Effect::Timer(2 * MS)]);
    task.step(exited(0, false), 12);
    assert!(task.is_ended());
    let told = task.told();
    assert_eq!(
        (told.state.as_str(), told.requested, told.ended_unix_ms),
        ("DONE", true, 12)
    );
}

#[test]
fn force_grows_and_does_not_end_before_the_task_does() {
    let mut task = steady(ControlMode::Fairmq);
    // A device in ERROR cannot be asked.
    task.step(Input::Seen(State::Error), 4);
    assert_eq!(signals(&task.step(Input::Kill(None), 5)), [Signal::Term]);
    assert_eq!(signals(&task.step(Input::Timer, 6)), [Signal::Interrupt]);
    for _ in 0..3 {
        assert_eq!(signals(&task.step(Input::Timer, 7)), [Signal::Kill]);
    }
    assert!(task.step(exited(0, true), 8).is_empty(), "others are left");
    assert!(!task.is_ended());
    task.step(Input::Gone, 9);
    assert!(task.is_ended());
    assert!(
        task.told()
            .reason
            .ends_with("SIGKILL was needed, as it did not heed SIGTERM and SIGINT")
    );
}

#[test]
fn an_end_before_the_answer_to_exit_is_an_answer() {
    let mut task = steady(ControlMode::Direct);
    let effects = task.step(Input::Transition(command(Event::Exit, State::Done)), 4);
    assert_eq!(calls(&effects), [Event::Exit]);
    let effects = task.step(exited(0, false), 5);
    assert_eq!(answers(&effects), [(true, String::new())]);
    assert!(task.is_ended() && task.told().requested);
}

#[test]
fn a_broken_call_is_answered_only_when_more_is_known() {
    let broken = || {
        Input::Called(Outcome {
            state: State::Unknown,
            error: Some("broken".to_owned()),
        })
    };
    let mut task = steady(ControlMode::Direct);
    task.step(Input::Transition(command(Event::Configure, State::Configured)), 4);
    assert_eq!(task.step(broken(), 5), [Effect::Ask, Effect::Timer(8 * MS)]);
    let effects = task.step(Input::Seen(State::Standby), 6);
    assert_eq!(answers(&effects), [(false, "broken".to_owned())]);
    task.step(Input::Transition(command(Event::Configure, State::Configured)), 7);
    task.step(broken(), 8);
    let effects = task.step(exited(2, false), 9);
    assert_eq!(
        answers(&effects),
        [(false, "exited with code 2 during CONFIGURE".to_owned())]
    );
}

#[test]
fn a_hint_during_a_transition_is_looked_into_after_it() {
    let mut task = steady(ControlMode::Direct);
    task.step(Input::Transition(command(Event::Start, State::Running)), 4);
    assert!(task.step(Input::Hint(State::Error), 5).is_empty());
    assert!(task.step(done(State::Running), 6).contains(&Effect::Ask));
    task.step(Input::Seen(State::Error), 7);
    assert_eq!(task.told().reason, "went from RUNNING to ERROR by itself");
}

#[test]
fn a_hook_that_cannot_be_killed_is_reported_all_the_same() {
    let mut task = steady(ControlMode::Hook);
    let trigger = |id: &str| Input::Trigger {
        command_id: id.to_owned(),
        patience: Some(MS),
    };
    assert_eq!(task.step(trigger("1"), 4), [Effect::Launch]);
    assert_eq!(
        task.step(Input::Launched(Ok(10)), 5),
        [Effect::Timer(MS)],
        "the shorter of both"
    );
    assert_eq!(signals(&task.step(Input::Timer, 6)), [Signal::Kill]);
    let effects = task.step(Input::Timer, 7);
    assert!(
        matches!(&effects[..], [Effect::Report(report), _] if report.error.contains("could not be killed"))
    );
    assert!(
        !task
            .step(exited(9, false), 8)
            .iter()
            .any(|effect| matches!(effect, Effect::Report(_)))
    );
    assert_eq!(task.step(trigger("2"), 9), [Effect::Launch]);
}

/// What may happen next, among others: the machine must stand whatever comes when.
fn input() -> impl Strategy<Value = u8> {
    0_u8..20
}

/// Plays one input, if the world could bring it forth now.
fn play(task: &mut Task, world: &mut World, choice: u8, number: i64) -> Vec<Effect> {
    let states = [
        State::Standby,
        State::Configured,
        State::Running,
        State::Error,
        State::Done,
        State::Unknown,
    ];
    let state = states[usize::try_from(number).expect("small") % states.len()];
    let input = match choice {
        0 => Input::Seen(state),
        1 => Input::Hint(state),
        2 => Input::Unreachable("gone".to_owned()),
        3 => Input::Raised(DeviceEventKind::EndOfStream),
        4..=7 => {
            let event = Event::ALL[usize::try_from(number).expect("small") % Event::ALL.len()];
            let id = number.to_string();
            world.open.insert(id.clone(), 0);
            Input::Transition(Command {
                id,
                ..command(event, state)
            })
        }
        8 | 9 if world.call => done(state),
        10 if world.call => Input::Called(Outcome {
            state,
            error: Some("no".to_owned()),
        }),
        11 => {
            world.open.insert(number.to_string(), 0);
            Input::Trigger {
                command_id: number.to_string(),
                patience: Some(MS),
            }
        }
        12 => Input::Kill(None),
        13 | 14 if world.child => {
            world.child = false;
            world.left = number % 2 == 0;
            exited(i32::from(choice) - 13, world.left)
        }
        15 if world.left && !world.child => {
            world.left = false;
            Input::Gone
        }
        16..=19 if world.timer => Input::Timer,
        _ => return Vec::new(),
    };
    task.step(input, number)
}

#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a thing that is there or not"
)]
struct World {
    child: bool,
    left: bool,
    call: bool,
    timer: bool,
    ended: usize,
    version: u64,
    /// Answers to each command.
    open: BTreeMap<String, usize>,
}

impl World {
    fn see(&mut self, task: &mut Task, effects: Vec<Effect>, launches: bool) -> Result<(), TestCaseError> {
        for effect in effects {
            match effect {
                Effect::Launch => {
                    prop_assert!(!self.child, "two processes at once");
                    self.child = launches;
                    let result = if launches { Ok(10) } else { Err("no".to_owned()) };
                    let effects = task.step(Input::Launched(result), 1);
                    self.see(task, effects, launches)?;
                }
                Effect::Call { .. } | Effect::Ask => self.call = true,
                Effect::Cancel => self.call = false,
                Effect::Timer(_) => self.timer = true,
                Effect::NoTimer => self.timer = false,
                Effect::Answer { command_id, .. } => *self.open.entry(command_id).or_default() += 1,
                Effect::Report(report) => *self.open.entry(report.command_id).or_default() += 1,
                Effect::Update(update) => {
                    prop_assert!(update.version > self.version);
                    self.version = update.version;
                }
                Effect::Release => self.ended += 1,
                Effect::Connect | Effect::Reconnect | Effect::Signal(_) | Effect::Raise(_) => {}
            }
        }
        prop_assert!(self.ended == 0 || !self.child, "ended with its process alive");
        prop_assert_eq!(self.ended, usize::from(task.is_ended()));
        Ok(())
    }
}

proptest! {
    /// Whatever happens in whatever order: it has ended only when nothing is left, it ends once, each command is
    /// answered exactly once, and after a Kill it ends as soon as its processes do.
    #[test]
    fn every_task_ends_and_every_command_is_answered_once(
        mode in prop::sample::select(&[ControlMode::Direct, ControlMode::Fairmq, ControlMode::Basic, ControlMode::Hook][..]),
        up in any::<bool>(),
        launches in prop::sample::select(&[true, true, true, false][..]),
        choices in prop::collection::vec(input(), 0..60),
    ) {
        let mut task = task(mode);
        let mut world = World::default();
        let effects = task.step(Input::Accept, 1);
        world.see(&mut task, effects, launches)?;
        if up {
            let effects = task.step(Input::Up { state: State::Standby, pid: 11 }, 1);
            world.see(&mut task, effects, launches)?;
        }
        for (number, choice) in (1..).zip(choices) {
            let effects = play(&mut task, &mut world, choice, number);
            world.see(&mut task, effects, launches)?;
        }
        let effects = task.step(Input::Kill(None), 1000);
        world.see(&mut task, effects, launches)?;
        // Time passes, nobody answers: force must come.
        let mut killed = task.is_ended();
        for _ in 0..8 {
            if task.is_ended() {
                break;
            }
            prop_assert!(world.timer, "nothing would ever happen again");
            let effects = task.step(Input::Timer, 1001);
            killed |= signals(&effects).contains(&Signal::Kill);
            world.see(&mut task, effects, launches)?;
        }
        prop_assert!(killed, "never forced");
        if world.child {
            world.child = false;
            world.left = false;
            let effects = task.step(exited(1, false), 1002);
            world.see(&mut task, effects, launches)?;
        } else if !task.is_ended() {
            let effects = task.step(Input::Gone, 1002);
            world.see(&mut task, effects, launches)?;
        }
        prop_assert!(task.is_ended());
        for (command, count) in &world.open {
            prop_assert_eq!(*count, 1, "answers to {}", command);
        }
    }
}
