//! Where a task listens, and which machine it shows.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::time::Duration;

use super::LINGER;
use crate::DEFAULT_PORT;

/// Which machine the task shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// States of the control system (wire.md 5.4).
    Direct,
    /// States of a `FairMQ` device (wire.md 5.5).
    Fairmq,
}

/// How a task is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which machine it shows.
    pub mode: Mode,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long a finished task waits for its clients to take their last answers.
    pub linger: Duration,
    /// How long to wait after a connection could not be accepted.
    pub accept_pause: Duration,
}

/// Arguments that do not say where to listen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Not a port.
    #[error("`{value}` of {origin} is not a port; give a number from 0 to 65535 (0: any free one)")]
    Port {
        /// Option or variable.
        origin: &'static str,
        /// Its value.
        value: String,
    },
    /// Not an address.
    #[error("`{value}` of --control-address is not an IP address")]
    Address {
        /// The value.
        value: String,
    },
}

impl Options {
    /// Takes `--control-port`, else `OCC_CONTROL_PORT`, else 47100; and `--control-address`, else 127.0.0.1. Existing
    /// tasks listen on 0.0.0.0; the executor is on the same host, so ours do not. All other arguments are the task's
    /// own and are not looked at.
    pub fn new(
        mode: Mode,
        arguments: impl IntoIterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, OptionsError> {
        let mut port = None;
        let mut address = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, given) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let slot = match name {
                "--control-port" => &mut port,
                "--control-address" => &mut address,
                _ => continue,
            };
            *slot = Some(given.or_else(|| arguments.next()).unwrap_or_default());
        }
        let port = port.map(|port| ("--control-port", port));
        let port = port.or_else(|| environment("OCC_CONTROL_PORT").map(|port| ("OCC_CONTROL_PORT", port)));
        let port = match port {
            Some((origin, value)) => value.parse().map_err(|_| OptionsError::Port { origin, value })?,
            None => DEFAULT_PORT,
        };
        let ip = match address {
            Some(value) => value.parse().map_err(|_| OptionsError::Address { value })?,
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        Ok(Self::at(mode, SocketAddr::new(ip, port)))
    }

    /// Listens at `address`.
    pub const fn at(mode: Mode, address: SocketAddr) -> Self {
        Self {
            mode,
            address,
            linger: LINGER,
            accept_pause: Duration::from_millis(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str], variable: Option<&str>) -> Result<SocketAddr, OptionsError> {
        let arguments = arguments.iter().map(ToString::to_string);
        let options = Options::new(Mode::Direct, arguments, |_| variable.map(ToOwned::to_owned));
        options.map(|options| options.address)
    }

    #[test]
    fn the_option_comes_before_the_variable_and_that_before_the_default() {
        let local = |port| Ok(SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(parse(&["file:cfg", "--control-port", "1"], Some("2")), local(1));
        assert_eq!(parse(&["--control-port=1", "--x"], Some("2")), local(1));
        assert_eq!(parse(&["--id", "x"], Some("2")), local(2));
        assert_eq!(parse(&[], None), local(DEFAULT_PORT));
        assert_eq!(
            parse(&["--control-address", "0.0.0.0"], Some("2")),
            Ok(([0, 0, 0, 0], 2).into())
        );
    }

    #[test]
    fn nonsense_is_named() {
        assert!(parse(&["--control-port"], None).is_err());
        assert!(parse(&[], Some("x")).is_err_and(|error| error.to_string().contains("OCC_CONTROL_PORT")));
        assert!(parse(&["--control-address=localhost"], None).is_err());
    }
}
