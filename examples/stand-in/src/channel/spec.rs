//! Channels as the pushed properties describe them (runtime.md 4.7).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use partita_occ::server::Properties;

use super::ChannelError;

/// What a channel does with data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each frame to one of those who pull.
    Push,
    /// Takes frames of those who push.
    Pull,
    /// Each frame to all who subscribe.
    Pub,
    /// Takes frames of those who publish.
    Sub,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Push, Self::Pull, Self::Pub, Self::Sub];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Pub => "pub",
            Self::Sub => "sub",
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Push => 0,
            Self::Pull => 1,
            Self::Pub => 2,
            Self::Sub => 3,
        }
    }

    pub(super) fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub(super) const fn partner(self) -> Self {
        match self {
            Self::Push => Self::Pull,
            Self::Pull => Self::Push,
            Self::Pub => Self::Sub,
            Self::Sub => Self::Pub,
        }
    }

    pub(crate) const fn sends(self) -> bool {
        matches!(self, Self::Push | Self::Pub)
    }
}

/// Who opens the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Bind,
    Connect,
}

/// Where a channel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `tcp://HOST:PORT`; `*` as host for all of this machine.
    Tcp { host: String, port: u16 },
    /// `ipc://@NAME`: a name in Linux' abstract namespace of sockets.
    Abstract(String),
    /// `ipc://PATH`
    Path(String),
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("tcp://") {
            let (host, port) = rest.rsplit_once(':')?;
            let port = port.parse().ok()?;
            return (!host.is_empty()).then(|| Self::Tcp {
                host: host.to_owned(),
                port,
            });
        }
        let name = text.strip_prefix("ipc://")?;
        match name.strip_prefix('@') {
            Some("") => None,
            Some(name) => Some(Self::Abstract(name.to_owned())),
            None => (!name.is_empty()).then(|| Self::Path(name.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(out, "tcp://{host}:{port}"),
            Self::Abstract(name) => write!(out, "ipc://@{name}"),
            Self::Path(path) => write!(out, "ipc://{path}"),
        }
    }
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    pub(crate) address: Address,
}

impl Spec {
    fn new(name: &str, fields: &BTreeMap<&str, String>) -> Result<Self, ChannelError> {
        let field = |key: &'static str| {
            fields.get(key).ok_or_else(|| ChannelError::Missing {
                channel: name.to_owned(),
                key: format!("chans.{name}.0.{key}"),
            })
        };
        let wrong = |key, value: &str, expected| ChannelError::Value {
            channel: name.to_owned(),
            key,
            value: value.to_owned(),
            expected,
        };
        let (kind, method, address) = (field("type")?, field("method")?, field("address")?);
        Ok(Self {
            name: name.to_owned(),
            kind: Kind::ALL
                .into_iter()
                .find(|known| known.name() == kind)
                .ok_or_else(|| {
                    wrong(
                        "type",
                        kind,
                        "push, pull, pub or sub: the stand-ins know no other",
                    )
                })?,
            method: match method.as_str() {
                "bind" => Method::Bind,
                "connect" => Method::Connect,
                _ => return Err(wrong("method", method, "bind or connect")),
            },
            address: Address::parse(address)
                .ok_or_else(|| wrong("address", address, "tcp://HOST:PORT, ipc://@NAME or ipc://PATH"))?,
        })
    }
}

/// The channels among the properties, by name.
pub(crate) fn channels(properties: &Properties) -> Result<Vec<Spec>, ChannelError> {
    let mut fields: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    let mut indices = BTreeSet::new();
    for (key, value) in properties {
        let Some(rest) = key.strip_prefix("chans.") else {
            continue;
        };
        let mut parts = rest.rsplitn(3, '.');
        // `chans.NAME.INDEX.FIELD`; `chans.NAME.numSockets` has no index.
        if let (Some(field), Some(index), Some(name)) = (parts.next(), parts.next(), parts.next()) {
            if index == "0" {
                fields.entry(name).or_default().insert(field, value.to_string());
            } else {
                indices.insert((name, index));
            }
        }
    }
    for (name, index) in indices {
        tracing::warn!("channel {name} has a socket {index}; the stand-ins use only socket 0");
    }
    fields
        .into_iter()
        .map(|(name, fields)| Spec::new(name, &fields))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use partita_occ::server::Property;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Property::Text((*value).to_owned())))
            .collect()
    }

    #[test]
    fn addresses_read_as_they_are_written() {
        for text in [
            "tcp://*:9000",
            "tcp://flp001:30000",
            "ipc://@o2ipc-2rE",
            "ipc:///tmp/x",
        ] {
            assert_eq!(
                Address::parse(text).map(|address| address.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "",
            "tcp://:1",
            "tcp://a",
            "tcp://a:70000",
            "ipc://",
            "ipc://@",
            "inproc://x",
            "*:90",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_channel_is_gathered_from_its_properties() {
        let found = channels(&properties(&[
            ("chans.data.out.numSockets", "1"),
            ("chans.data.out.0.address", "tcp://*:9000"),
            ("chans.data.out.0.method", "bind"),
            ("chans.data.out.0.type", "push"),
            ("chans.data.out.0.transport", "shmem"),
            ("environment_id", "2rE"),
        ]));
        let address = Address::Tcp {
            host: "*".into(),
            port: 9000,
        };
        let expected = Spec {
            name: "data.out".into(),
            kind: Kind::Push,
            method: Method::Bind,
            address,
        };
        assert_eq!(found.expect("a channel"), [expected]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let mut pushed = properties(&[("chans.a.0.method", "bind"), ("chans.a.0.type", "push")]);
        let missing = channels(&pushed).expect_err("no address").to_string();
        assert_eq!(missing, "channel a: property chans.a.0.address is missing");
        pushed.insert("chans.a.0.address".into(), Property::Text("9000".into()));
        let wrong = channels(&pushed).expect_err("no address").to_string();
        assert!(wrong.contains("address is `9000`"), "{wrong}");
    }
}
