//! Two ends and a network with a will of its own, over the deaths of either.

use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;

/// The end that dials, and the end that opens sessions.
const EXECUTOR: usize = 0;
const CORE: usize = 1;

#[derive(Debug, Clone)]
enum Act {
    Say {
        side: usize,
    },
    Send {
        side: usize,
    },
    Arrive {
        side: usize,
    },
    Twice {
        side: usize,
    },
    /// What was taken first is put where it outlives the side.
    Keep {
        side: usize,
    },
    /// The other side hears what is kept on this one.
    Acknowledge {
        side: usize,
    },
    Break,
    /// The core hears `Hello`, and its `Welcome` is lost.
    HalfBreak,
    /// The process of a side dies, and another takes its place.
    Die {
        side: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let side = 0..2_usize;
    prop_oneof![
        6 => side.clone().prop_map(|side| Act::Say { side }),
        8 => side.clone().prop_map(|side| Act::Send { side }),
        8 => side.clone().prop_map(|side| Act::Arrive { side }),
        2 => side.clone().prop_map(|side| Act::Twice { side }),
        6 => side.clone().prop_map(|side| Act::Keep { side }),
        4 => side.clone().prop_map(|side| Act::Acknowledge { side }),
        1 => Just(Act::Break),
        1 => Just(Act::HalfBreak),
        1 => side.prop_map(|side| Act::Die { side }),
    ]
}

/// One side: a process that can die, and what outlives it.
struct Side {
    delivery: Delivery<u32>,
    session: Option<u32>,
    taken: VecDeque<(u64, u32)>,
    journal: Vec<u32>,
    deaths: u32,
    said: Vec<u32>,
    /// Said by a process that died before it knew it safe on the other side.
    lost: BTreeSet<u32>,
}

impl Side {
    fn new() -> Self {
        Self {
            delivery: Delivery::new(4),
            session: None,
            taken: VecDeque::new(),
            journal: Vec::new(),
            deaths: 0,
            said: Vec::new(),
            lost: BTreeSet::new(),
        }
    }

    fn keep(&mut self) -> bool {
        let Some((receipt, message)) = self.taken.pop_front() else {
            return false;
        };
        self.journal.push(message);
        self.delivery.keep(receipt).expect("was taken");
        true
    }

    fn die(&mut self) {
        self.lost.extend(self.delivery.pending());
        self.delivery = Delivery::new(4);
        self.session = None;
        self.taken.clear();
        self.deaths += 1;
    }
}

struct Net {
    sides: [Side; 2],
    flying: [VecDeque<(u64, u32)>; 2],
    sessions: u32,
    connected: bool,
}

impl Net {
    fn new() -> Self {
        let mut net = Self {
            sides: [Side::new(), Side::new()],
            flying: [VecDeque::new(), VecDeque::new()],
            sessions: 0,
            connected: false,
        };
        net.connect();
        net
    }

    fn send(&mut self, side: usize) -> bool {
        if !self.connected && side == EXECUTOR {
            return false; // It has not been welcomed.
        }
        let Some((number, message)) = self.sides[side].delivery.next_to_send() else {
            return false;
        };
        if self.connected {
            self.flying[side].push_back((number, *message));
        }
        true
    }

    fn arrive(&mut self, side: usize) -> bool {
        let Some((number, message)) = self.flying[side].pop_front() else {
            return false;
        };
        let there = &mut self.sides[1 - side];
        let taken = there.delivery.take(number);
        if let Some(receipt) = taken.expect("no gap on a connection that keeps order") {
            there.taken.push_back((receipt, message));
        }
        true
    }

    fn acknowledge(&mut self, side: usize) {
        if self.connected {
            let kept = self.sides[side].delivery.kept();
            self.sides[1 - side].delivery.acknowledge(kept).expect("was sent");
        }
    }

    /// All in flight is lost; the executor says `Hello`.
    fn hello(&mut self) {
        self.flying.iter_mut().for_each(VecDeque::clear);
        self.connected = false;
        let (session, kept) = (self.sides[EXECUTOR].session, self.sides[EXECUTOR].delivery.kept());
        let core = &mut self.sides[CORE];
        if session.is_some() && session == core.session {
            core.delivery.reconnected(kept).expect("was sent");
        } else {
            self.sessions += 1;
            core.session = Some(self.sessions);
            core.delivery.renew();
        }
    }

    fn connect(&mut self) {
        self.hello();
        let (session, kept) = (self.sides[CORE].session, self.sides[CORE].delivery.kept());
        let executor = &mut self.sides[EXECUTOR];
        if executor.session != session {
            executor.session = session;
            executor.delivery.renew();
        }
        executor.delivery.reconnected(kept).expect("was sent");
        self.connected = true;
    }

    /// What a side has forgotten is safe on the other.
    fn nothing_is_lost(&self) -> Result<(), TestCaseError> {
        for side in 0..2 {
            let here = &self.sides[side];
            let pending: BTreeSet<u32> = here.delivery.pending().copied().collect();
            let safe: BTreeSet<u32> = self.sides[1 - side].journal.iter().copied().collect();
            for message in &here.said {
                prop_assert!(
                    pending.contains(message) || here.lost.contains(message) || safe.contains(message),
                    "side {side} forgot {message}"
                );
            }
        }
        Ok(())
    }

    fn drain(&mut self) {
        self.connect();
        for side in 0..2 {
            loop {
                self.acknowledge(1 - side);
                if !(self.send(side) || self.arrive(side) || self.sides[1 - side].keep()) {
                    break;
                }
            }
        }
    }

    /// In the journal of a side is each message of the other, in order; twice only if a side has died.
    fn each_arrived(&self) -> Result<(), TestCaseError> {
        for side in 0..2 {
            let (here, there) = (&self.sides[side], &self.sides[1 - side]);
            prop_assert!(here.delivery.is_done() && !here.delivery.is_ready());
            let mut first = BTreeSet::new();
            let mut order: Vec<u32> = there.journal.clone();
            order.retain(|message| first.insert(*message));
            prop_assert!(order.is_sorted(), "{order:?}");
            let deaths = here.deaths + there.deaths;
            prop_assert!(deaths > 0 || order == there.journal, "{:?}", there.journal);
            let mut wanted = here.said.clone();
            wanted.retain(|message| !here.lost.contains(message) || first.contains(message));
            prop_assert_eq!(order, wanted);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn each_message_arrives_over_all_sessions(acts in prop::collection::vec(act(), 0..300)) {
        let mut net = Net::new();
        for (value, act) in (0_u32..).zip(acts) {
            match act {
                Act::Say { side } => {
                    net.sides[side].delivery.push(value, |_| false);
                    net.sides[side].said.push(value);
                }
                Act::Send { side } => drop(net.send(side)),
                Act::Arrive { side } => drop(net.arrive(side)),
                Act::Twice { side } => {
                    if let Some(first) = net.flying[side].front().copied() {
                        net.flying[side].push_front(first);
                    }
                }
                Act::Keep { side } => drop(net.sides[side].keep()),
                Act::Acknowledge { side } => net.acknowledge(side),
                Act::Break => net.connect(),
                Act::HalfBreak => net.hello(),
                Act::Die { side } => {
                    net.sides[side].die();
                    net.connect();
                }
            }
            net.nothing_is_lost()?;
        }
        net.drain();
        net.nothing_is_lost()?;
        net.each_arrived()?;
    }
}

#[test]
fn what_was_not_sent_is_replaced_and_what_was_sent_is_not() {
    let mut side = Delivery::new(8);
    side.push(10, |_| false);
    assert_eq!(side.next_to_send(), Some((1, &10)));
    side.push(11, |earlier| earlier / 10 == 1);
    side.push(20, |earlier| earlier / 10 == 2);
    side.push(12, |earlier| earlier / 10 == 1);
    assert_eq!(side.next_to_send(), Some((2, &20)));
    assert_eq!(side.next_to_send(), Some((3, &12)));
    assert_eq!(side.next_to_send(), None);
}

#[test]
fn the_window_holds_back_what_nobody_acknowledges() {
    let mut side = Delivery::new(1);
    side.push('a', |_| false);
    side.push('b', |_| false);
    assert_eq!(side.next_to_send(), Some((1, &'a')));
    assert!(!side.is_ready() && side.next_to_send().is_none());
    side.acknowledge(1).expect("was sent");
    assert_eq!(side.next_to_send(), Some((2, &'b')));
}

#[test]
fn a_new_session_says_again_what_was_not_acknowledged() {
    let mut side = Delivery::new(8);
    for message in 0..3 {
        side.push(message, |_| false);
        side.next_to_send();
    }
    side.push(3, |_| false);
    side.acknowledge(2).expect("was sent");
    side.take(1).expect("the first");
    side.renew();
    assert_eq!(side.pending().copied().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(side.next_to_send(), Some((1, &2)));
    assert_eq!(side.next_to_send(), Some((2, &3)));
    assert_eq!(side.take(1), Ok(Some(2)));
    // The receipt of what came before says nothing about this session.
    assert_eq!((side.keep(1), side.kept()), (Ok(false), 0));
    assert_eq!((side.keep(2), side.kept()), (Ok(true), 1));
}

#[test]
fn what_is_not_yet_safe_is_taken_once_and_not_acknowledged() {
    let mut side = Delivery::<()>::new(8);
    assert_eq!(side.take(1), Ok(Some(1)));
    assert_eq!(side.take(1), Ok(None));
    assert_eq!(side.kept(), 0);
    assert_eq!(side.keep(1), Ok(true));
    assert_eq!((side.keep(1), side.kept()), (Ok(false), 1));
}

#[test]
fn rules_are_rules() {
    let mut side = Delivery::<()>::new(8);
    assert_eq!(side.take(2), Err(DeliveryError::Gap { received: 0, got: 2 }));
    assert_eq!(
        side.keep(1),
        Err(DeliveryError::NeverCame { received: 0, got: 1 })
    );
    assert_eq!(
        side.acknowledge(1),
        Err(DeliveryError::NeverSent { sent: 0, got: 1 })
    );
}
