//! One side of a link on which every message arrives once and in order, whatever the connection does
//! (`proto/executor/executor.proto`, "Reliability"). Pure: no socket, no clock.
//!
//! Both ends count from 1 in a session. A session ends when one of the two has died: the other, which remembers, then
//! says again, under new numbers, all of which it does not know that it is safe on the other side.
//!
//! A message gets its number when it is first sent. Until then it may still be replaced by a newer one about the
//! same thing, so that what piles up while the other side is away is bounded by what there is to tell.

#[cfg(test)]
mod tests;

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
    /// A message that never came is said to be safe here.
    #[error("message {got} is to be acknowledged, but {received} was the last one that came")]
    NeverCame {
        /// Highest number taken so far.
        received: u64,
        /// The number to acknowledge.
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
    /// Highest number taken.
    received: u64,
    /// Highest number that is safe here, and may be forgotten there.
    kept: u64,
    /// Messages taken in the sessions before this one.
    before: u64,
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
            kept: 0,
            before: 0,
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

    /// What the other side is not known to have, in order.
    pub fn pending(&self) -> impl Iterator<Item = &T> {
        let unacknowledged = self.unacknowledged.iter().map(|(_, message)| message);
        unacknowledged.chain(&self.waiting)
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

    /// Highest number that is safe on this side: what to acknowledge, and what to say on a new connection.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// All up to this receipt ([`Delivery::take`]) is safe here, whatever happens to this process: from now on it is
    /// acknowledged. True if that is new; what is of an earlier session is not.
    pub fn keep(&mut self, receipt: u64) -> Result<bool, DeliveryError> {
        let number = receipt.saturating_sub(self.before);
        if number > self.received {
            return Err(DeliveryError::NeverCame {
                received: self.before + self.received,
                got: receipt,
            });
        }
        let new = number > self.kept;
        self.kept = self.kept.max(number);
        Ok(new)
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

    /// A new connection in the same session, on which the other side says how far it keeps: all after that is sent
    /// again.
    pub fn reconnected(&mut self, kept_there: u64) -> Result<(), DeliveryError> {
        self.acknowledge(kept_there)?;
        self.sent = match self.unacknowledged.front() {
            Some((first, _)) => first.saturating_sub(1),
            None => self.numbered,
        };
        Ok(())
    }

    /// A new session: both ends count from 1, and all that was not acknowledged is sent again under new numbers.
    pub fn renew(&mut self) {
        let unacknowledged = self.unacknowledged.drain(..).map(|(_, message)| message);
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting = unacknowledged.chain(waiting).collect();
        (self.numbered, self.sent) = (0, 0);
        self.before += self.received;
        (self.received, self.kept) = (0, 0);
    }

    /// Takes the message with this number: its receipt, which counts what was taken in all sessions, or `None` if it
    /// was taken before and is to be dropped.
    pub fn take(&mut self, number: u64) -> Result<Option<u64>, DeliveryError> {
        if number <= self.received {
            return Ok(None);
        }
        if number != self.received + 1 {
            return Err(DeliveryError::Gap {
                received: self.received,
                got: number,
            });
        }
        self.received = number;
        Ok(Some(self.before + number))
    }
}
