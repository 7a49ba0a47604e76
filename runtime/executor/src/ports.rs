//! Ports that are free and that nobody else takes.
//!
//! A port is taken by binding it exclusively: with no `SO_REUSEADDR`, so the bind fails if anybody has it, in any
//! way. Afterwards the options are set on the bound socket, which never listens; so the task, which sets one of
//! them (Go, tokio, gRPC C++ and `ZeroMQ` all do), can bind beside it, while another executor, which asks
//! exclusively, cannot. The socket is held until the task has ended.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use socket2::{Domain, Socket, Type};

/// A port that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// `None`: the task listens there, and so holds it itself.
    _socket: Option<Socket>,
}

/// Why there is no port.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    #[error("no port is free from {} to {} outside the ephemeral range {}-{}: {last}",
            range.start(), range.end(), ephemeral.start(), ephemeral.end())]
    NoneFree {
        range: RangeInclusive<u16>,
        ephemeral: RangeInclusive<u16>,
        last: String,
    },
    #[error("port {port}, given by the cluster, is taken: {source}")]
    Taken { port: u16, source: io::Error },
    #[error("{0} is no port")]
    NoPort(u32),
}

impl Port {
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// The port of a task that lives: held again, unless the task already listens there.
    pub(crate) fn again(number: u16) -> Self {
        bind(number, true).unwrap_or(Self {
            number,
            _socket: None,
        })
    }

    /// The port that the cluster has promised to be ours. What is left of an ended connection (`TIME_WAIT`) is no
    /// hindrance, as it is none to the task.
    pub(crate) fn given(port: u32) -> Result<Self, PortError> {
        let number = u16::try_from(port)
            .ok()
            .filter(|number| *number > 0)
            .ok_or(PortError::NoPort(port))?;
        bind(number, false)
            .or_else(|_| bind(number, true))
            .map_err(|source| PortError::Taken { port: number, source })
    }
}

/// Where ports are looked for.
#[derive(Debug)]
pub(crate) struct Ports {
    range: RangeInclusive<u16>,
    ephemeral: RangeInclusive<u16>,
    /// Where the next search begins. Ports go round, so that one just given back, to which somebody may still
    /// hold an old address, is used last.
    next: u16,
}

impl Ports {
    pub(crate) fn new(range: RangeInclusive<u16>, ephemeral: RangeInclusive<u16>) -> Self {
        Self {
            next: *range.start(),
            range,
            ephemeral,
        }
    }

    /// A port that nobody has.
    pub(crate) fn find(&mut self) -> Result<Port, PortError> {
        let mut last = "the range is empty".to_owned();
        for number in (self.next..=*self.range.end()).chain(*self.range.start()..self.next) {
            if number == 0 || self.ephemeral.contains(&number) {
                continue;
            }
            match bind(number, false) {
                Ok(port) => {
                    self.next = number
                        .checked_add(1)
                        .filter(|next| self.range.contains(next))
                        .unwrap_or(*self.range.start());
                    return Ok(port);
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(PortError::NoneFree {
            range: self.range.clone(),
            ephemeral: self.ephemeral.clone(),
            last,
        })
    }
}

/// The range from which the kernel takes ports for outgoing connections (`/proc/sys/net/ipv4/ip_local_port_range`).
pub(crate) fn ephemeral() -> io::Result<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut ends = text.split_whitespace().map(str::parse);
    match (ends.next(), ends.next()) {
        (Some(Ok(low)), Some(Ok(high))) => Ok(low..=high),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("`{}` is no range of ports", text.trim()),
        )),
    }
}

fn bind(number: u16, reuse: bool) -> io::Result<Port> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(reuse)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, number)).into())?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    Ok(Port {
        number,
        _socket: Some(socket),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports() -> Ports {
        Ports::new(30_000..=32_767, ephemeral().expect("Linux"))
    }

    #[test]
    fn a_held_port_is_given_to_nobody_else() {
        let held = ports().find().expect("a port");
        let other = ports().find().expect("another");
        assert_ne!(held.number(), other.number());
        let error = bind(held.number(), false).expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_task_can_listen_on_it_with_either_option() {
        let held = ports().find().expect("a port");
        for (reuse_address, reuse_port) in [(true, false), (false, true), (true, true)] {
            for address in ["0.0.0.0", "127.0.0.1", "::"] {
                let address = SocketAddr::new(address.parse().expect("address"), held.number());
                let task = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("socket");
                task.set_reuse_address(reuse_address).expect("option");
                task.set_reuse_port(reuse_port).expect("option");
                task.bind(&address.into())
                    .unwrap_or_else(|error| panic!("{address}: {error}"));
                task.listen(8)
                    .unwrap_or_else(|error| panic!("{address}: {error}"));
            }
        }
    }

    #[test]
    fn nobody_finds_a_port_on_which_somebody_listens() {
        let held = ports().find().expect("a port");
        let listener =
            std::net::TcpListener::bind(("127.0.0.1", held.number())).expect("std sets SO_REUSEADDR");
        let number = held.number();
        drop(held);
        assert!(Ports::new(number..=number, 1..=1).find().is_err());
        assert!(Port::given(number.into()).is_err());
        drop(listener);
        assert!(Port::given(number.into()).is_ok());
    }

    #[test]
    fn ephemeral_ports_are_passed_over() {
        let error = Ports::new(40_000..=40_010, 32_768..=60_999)
            .find()
            .expect_err("none");
        assert!(
            error.to_string().contains("ephemeral range 32768-60999"),
            "{error}"
        );
    }

    #[test]
    fn ports_go_round() {
        let mut ports = ports();
        let first = ports.find().expect("a port").number();
        assert_ne!(ports.find().expect("a port").number(), first);
    }
}
