//! One side of a link on which every message arrives once and in order, whatever the connection does
//! (`proto/executor/executor.proto`, "Reliability"). Pure: no socket, no clock.
//!
//! A message gets its number when it is first sent. Until then it may still be replaced by a newer one about the
//! same thing, so that what piles up while the other side is away is bounded by what there is to tell.

use std::collections::VecDeque;

/// The other side broke the rules; the connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// A message is missing before this one.
    #[error("message {got} came after message {received}")]
    Gap {
        /// Highest number taken before.
        received: u64,
        /// The number of the message.
        got: u64,
    },
    /// A message that was never sent is acknowledged.
    #[error("message {got} is acknowledged, but {sent} was the last one sent")]
    NeverSent {
        /// Highest number given so far.
        sent: u64,
        /// The number acknowledged.
        got: u64,
    },
}

/// What is sent and received on one side.
#[derive(Debug)]
pub struct Delivery<T> {
    waiting: VecDeque<T>,
    unacknowledged: VecDeque<(u64, T)>,
    /// Highest number given.
    numbered: u64,
    /// Highest number sent on this connection, or known to have arrived before it.
    sent: u64,
    received: u64,
    window: usize,
}

impl<T> Delivery<T> {
    /// Nothing sent, nothing received. At most `window` messages are sent ahead of their acknowledgement.
    pub fn new(window: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            numbered: 0,
            sent: 0,
            received: 0,
            window,
        }
    }

    /// Has `message` delivered, in place of every message not yet sent that it makes `obsolete`.
    pub fn push(&mut self, message: T, obsolete: impl Fn(&T) -> bool) {
        self.waiting.retain(|earlier| !obsolete(earlier));
        self.waiting.push_back(message);
    }

    /// Whether [`Delivery::next_to_send`] has something to send.
    pub fn is_ready(&self) -> bool {
        self.sent < self.numbered || (!self.waiting.is_empty() && self.unacknowledged.len() < self.window)
    }

    /// Whether the other side has everything.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.unacknowledged.is_empty()
    }

    /// The next message to put on the connection, with its number.
    pub fn next_to_send(&mut self) -> Option<(u64, &T)> {
        if self.sent >= self.numbered {
            if self.unacknowledged.len() >= self.window {
                return None;
            }
            let message = self.waiting.pop_front()?;
            self.numbered += 1;
            self.unacknowledged.push_back((self.numbered, message));
        }
        let place = self
            .unacknowledged
            .partition_point(|(number, _)| *number <= self.sent);
        let (number, message) = self.unacknowledged.get(place)?;
        self.sent = *number;
        Some((*number, message))
    }

    /// Highest number taken from the other side: what to acknowledge.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Forgets what the other side has, by its acknowledgement.
    pub fn acknowledge(&mut self, number: u64) -> Result<(), DeliveryError> {
        if number > self.numbered {
            return Err(DeliveryError::NeverSent {
                sent: self.numbered,
                got: number,
            });
        }
        while self
            .unacknowledged
            .front()
            .is_some_and(|(first, _)| *first <= number)
        {
            self.unacknowledged.pop_front();
        }
        Ok(())
    }

    /// A new connection, on which the other side says how far it has received: all after that is sent again.
    pub fn reconnected(&mut self, received_there: u64) -> Result<(), DeliveryError> {
        self.acknowledge(received_there)?;
        // A core that has lost its memory may say less than it once acknowledged. What it acknowledged is gone;
        // the inventory in `Hello` stands for it.
        self.sent = match self.unacknowledged.front() {
            Some((first, _)) => first.saturating_sub(1),
            None => self.numbered,
        };
        Ok(())
    }

    /// Takes the message with this number: true if it is new, false if it was taken before and is to be dropped.
    pub fn take(&mut self, number: u64) -> Result<bool, DeliveryError> {
        if number <= self.received {
            return Ok(false);
        }
        if number != self.received + 1 {
            return Err(DeliveryError::Gap {
                received: self.received,
                got: number,
            });
        }
        self.received = number;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a network with a will of its own does between two sides.
    #[derive(Debug, Clone)]
    enum Act {
        Say { side: usize },
        Send { side: usize },
        Arrive { side: usize },
        Twice { side: usize },
        Acknowledge { side: usize },
        Break,
    }

    fn act() -> impl Strategy<Value = Act> {
        let side = 0..2_usize;
        prop_oneof![
            3 => side.clone().prop_map(|side| Act::Say { side }),
            4 => side.clone().prop_map(|side| Act::Send { side }),
            4 => side.clone().prop_map(|side| Act::Arrive { side }),
            1 => side.clone().prop_map(|side| Act::Twice { side }),
            2 => side.prop_map(|side| Act::Acknowledge { side }),
            1 => Just(Act::Break),
        ]
    }

    struct Net {
        sides: [Delivery<u32>; 2],
        flying: [VecDeque<(u64, u32)>; 2],
        said: [Vec<u32>; 2],
        heard: [Vec<u32>; 2],
    }

    impl Net {
        fn new() -> Self {
            Self {
                sides: [Delivery::new(4), Delivery::new(4)],
                flying: [VecDeque::new(), VecDeque::new()],
                said: [Vec::new(), Vec::new()],
                heard: [Vec::new(), Vec::new()],
            }
        }

        fn send(&mut self, side: usize) -> bool {
            let Some((number, message)) = self.sides[side].next_to_send() else {
                return false;
            };
            self.flying[side].push_back((number, *message));
            true
        }

        fn arrive(&mut self, side: usize) -> bool {
            let Some((number, message)) = self.flying[side].pop_front() else {
                return false;
            };
            if self.sides[1 - side]
                .take(number)
                .expect("no gap on a connection that keeps order")
            {
                self.heard[1 - side].push(message);
            }
            true
        }

        fn acknowledge(&mut self, side: usize) {
            let received = self.sides[1 - side].received();
            self.sides[side].acknowledge(received).expect("was sent");
        }

        /// All in flight is lost; both sides say how far they are.
        fn reconnect(&mut self) {
            for side in 0..2 {
                self.flying[side].clear();
            }
            for side in 0..2 {
                let received = self.sides[1 - side].received();
                self.sides[side].reconnected(received).expect("was sent");
            }
        }
    }

    proptest! {
        #[test]
        fn each_message_arrives_once_and_in_order(acts in prop::collection::vec(act(), 0..200)) {
            let mut net = Net::new();
            for (value, act) in (0_u32..).zip(acts) {
                match act {
                    Act::Say { side } => {
                        net.sides[side].push(value, |_| false);
                        net.said[side].push(value);
                    }
                    Act::Send { side } => drop(net.send(side)),
                    Act::Arrive { side } => drop(net.arrive(side)),
                    Act::Twice { side } => {
                        if let Some(first) = net.flying[side].front().copied() {
                            net.flying[side].push_front(first);
                        }
                    }
                    Act::Acknowledge { side } => net.acknowledge(side),
                    Act::Break => net.reconnect(),
                }
                for side in 0..2 {
                    prop_assert!(net.said[side].starts_with(&net.heard[1 - side]));
                }
            }
            net.reconnect();
            for side in 0..2 {
                while { net.acknowledge(side); net.send(side) || net.arrive(side) } {}
                net.acknowledge(side);
                prop_assert_eq!(&net.said[side], &net.heard[1 - side]);
                prop_assert!(net.sides[side].is_done() && !net.sides[side].is_ready());
            }
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
    fn a_core_without_memory_gets_all_that_is_left() {
        let mut side = Delivery::new(8);
        for message in 0..3 {
            side.push(message, |_| false);
            side.next_to_send();
        }
        side.acknowledge(2).expect("was sent");
        side.reconnected(0).expect("nothing wrong");
        assert_eq!(side.next_to_send(), Some((3, &2)));
    }

    #[test]
    fn rules_are_rules() {
        let mut side = Delivery::<()>::new(8);
        assert_eq!(side.take(2), Err(DeliveryError::Gap { received: 0, got: 2 }));
        assert_eq!(
            side.acknowledge(1),
            Err(DeliveryError::NeverSent { sent: 0, got: 1 })
        );
    }
}
