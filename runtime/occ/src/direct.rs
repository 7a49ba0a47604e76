//! The machine of a `direct` task (wire.md 5.4).

use crate::state::{Event, State};

/// The table: an event in a state, and the state that it leads to. What is not here is refused.
pub const TABLE: [(State, Event, State); 9] = [
    (State::Standby, Event::Configure, State::Configured),
    (State::Standby, Event::Exit, State::Done),
    (State::Configured, Event::Reset, State::Standby),
    (State::Configured, Event::Start, State::Running),
    (State::Configured, Event::Exit, State::Done),
    (State::Running, Event::Stop, State::Configured),
    (State::Paused, Event::Stop, State::Configured),
    (State::Error, Event::Recover, State::Standby),
    (State::Error, Event::Exit, State::Done),
];

/// Where `event` leads from `source`, if it is allowed there.
pub fn destination(source: State, event: Event) -> Option<State> {
    TABLE
        .iter()
        .find(|(state, allowed, _)| *state == source && *allowed == event)
        .map(|(.., destination)| *destination)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_pair_stands_once() {
        for (index, (state, event, _)) in TABLE.iter().enumerate() {
            let again = TABLE
                .iter()
                .skip(index + 1)
                .any(|(s, e, _)| s == state && e == event);
            assert!(!again, "{event} in {state}");
        }
    }

    proptest! {
        #[test]
        fn any_events_keep_the_machine_in_its_states(events in prop::collection::vec(prop::sample::select(&Event::ALL[..]), 0..40)) {
            let mut state = State::Standby;
            for event in events {
                let was = state;
                if let Some(next) = destination(state, event) {
                    state = next;
                    prop_assert_ne!(state, was);
                }
                prop_assert!(!matches!(state, State::Unknown | State::Paused | State::Error));
                if was == State::Done {
                    prop_assert_eq!(state, State::Done, "DONE is the end");
                }
            }
        }
    }
}
