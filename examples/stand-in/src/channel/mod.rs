//! Channels between tasks: real sockets with a small protocol of our own.

mod frame;
mod link;
mod socket;
mod spec;

pub(crate) use link::{Arrival, LONGEST, Link, Sent};
pub(crate) use spec::channels;

use frame::Greeting;

/// What is wrong with a channel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("channel {channel}: property {key} is missing")]
    Missing { channel: String, key: String },
    #[error("channel {channel}: {key} is `{value}`, but it has to be {expected}")]
    Value {
        channel: String,
        key: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("channel {channel}: cannot bind {address}: {source}")]
    Bind {
        channel: String,
        address: String,
        source: std::io::Error,
    },
    #[error(
        "channel {channel}: nobody answers at {address} ({cause}); is the other side configured, \
         and is that its address?"
    )]
    Connect {
        channel: String,
        address: String,
        cause: String,
    },
    #[error("channel {channel} ({kind}) at {address} met {other}: these do not fit")]
    Mismatch {
        channel: String,
        kind: &'static str,
        address: String,
        other: Box<Greeting>,
    },
    #[error("what is connected to it speaks another protocol: {0}")]
    Protocol(&'static str),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
