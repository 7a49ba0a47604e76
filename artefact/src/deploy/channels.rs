//! Addresses: where each bound channel is, and how others find it.

use std::collections::BTreeMap;

use super::error::DeployErrorKind;
use crate::instance::Inbound;
use crate::ir::Addressing;
use crate::similar::closest;

/// Where a channel is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A port of a host.
    Tcp {
        /// As others call it.
        host: String,
        /// Port.
        port: u16,
    },
    /// An abstract Unix socket.
    Ipc {
        /// Name, unique on the host.
        name: String,
    },
}

impl Endpoint {
    /// The address to bind.
    pub fn bound(&self) -> String {
        match self {
            Self::Tcp { port, .. } => format!("tcp://*:{port}"),
            Self::Ipc { .. } => self.target(),
        }
    }

    /// The address to connect to.
    pub fn target(&self) -> String {
        match self {
            Self::Tcp { host, port } => format!("tcp://{host}:{port}"),
            Self::Ipc { name } => format!("ipc://@o2ipc-{name}"),
        }
    }
}

/// The endpoints of one task, by the name of the channel.
pub type Endpoints = BTreeMap<String, Endpoint>;

/// Number of ports that a task with these channels needs. Those with a fixed target count as well
/// (`template-language.md` 2.7).
pub fn tcp_channels(bind: &[Inbound]) -> usize {
    bind.iter()
        .filter(|channel| channel.addressing == Addressing::Tcp)
        .count()
}

/// Gives each channel its endpoint: tcp channels the next of `ports`, ipc channels the name that `ipc` makes of the
/// channel's.
pub(super) fn assign(
    bind: &[Inbound],
    host: &str,
    ports: &[u16],
    mut ipc: impl FnMut(&str) -> String,
) -> Result<Endpoints, DeployErrorKind> {
    let mut free = ports.iter();
    let mut endpoints = Endpoints::new();
    for Inbound {
        channel, addressing, ..
    } in bind
    {
        let endpoint = match addressing {
            Addressing::Ipc => Endpoint::Ipc {
                name: ipc(&channel.name),
            },
            Addressing::Tcp => match free.next() {
                Some(&port) => Endpoint::Tcp {
                    host: host.to_owned(),
                    port,
                },
                None => {
                    return Err(DeployErrorKind::NoPort {
                        channel: channel.name.clone(),
                        given: ports.len(),
                        wanted: tcp_channels(bind),
                    });
                }
            },
        };
        endpoints.insert(channel.name.clone(), endpoint);
    }
    Ok(endpoints)
}

/// What outbound channels can connect to: every bound channel of the environment, by `<role path>:<channel>` and by
/// `::<alias>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindMap {
    entries: BTreeMap<String, Bound>,
}

/// A bound channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its transport: whoever connects uses it too.
    pub transport: String,
    /// Path of the role that binds it.
    pub role: String,
}

/// Two tasks bind one alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {role}, channel `{channel}`: the alias `{alias}` is taken already, by {taken}")]
pub struct AliasTaken {
    /// Path of the later role.
    pub role: String,
    /// Its channel.
    pub channel: String,
    /// Key in the bind map.
    pub alias: String,
    /// Path of the role that bound it first.
    pub taken: String,
}

impl BindMap {
    /// Adds the bound channels of a task. Of two tasks with one path the later wins; of two with one alias the first
    /// stays, and that is an error.
    pub fn add(
        &mut self,
        role: &str,
        bind: &[Inbound],
        endpoints: &Endpoints,
    ) -> Result<(), Vec<AliasTaken>> {
        let mut taken = Vec::new();
        for inbound in bind {
            let name = &inbound.channel.name;
            let Some(endpoint) = endpoints.get(name) else {
                continue;
            };
            let bound = Bound {
                endpoint: endpoint.clone(),
                transport: inbound.channel.transport.clone(),
                role: role.to_owned(),
            };
            self.entries.insert(format!("{role}:{name}"), bound.clone());
            if inbound.global.is_empty() {
                continue;
            }
            let alias = format!("::{}", inbound.global);
            match self.entries.get(&alias) {
                // Twins of one path and one address are one channel, as they are in the map itself.
                Some(first) if first.role != role || first.endpoint != bound.endpoint => {
                    taken.push(AliasTaken {
                        role: role.to_owned(),
                        channel: name.clone(),
                        alias,
                        taken: first.role.clone(),
                    });
                }
                _ => {
                    self.entries.insert(alias, bound);
                }
            }
        }
        if taken.is_empty() { Ok(()) } else { Err(taken) }
    }

    /// The bound channel of a target.
    pub fn get(&self, target: &str) -> Option<&Bound> {
        self.entries.get(target)
    }

    /// All targets and the channels behind them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bound)> {
        self.entries
            .iter()
            .map(|(target, bound)| (target.as_str(), bound))
    }

    /// The channels that a role binds, each by its name.
    pub fn of_role(&self, role: &str) -> impl Iterator<Item = (&str, &Bound)> {
        let prefix = format!("{role}:");
        let length = prefix.len();
        self.entries
            .range(prefix.clone()..)
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .filter_map(move |(key, bound)| Some((key.get(length..)?, bound)))
    }

    /// A few targets that `wanted` may have meant: the one most like it, other channels of the same role, then the same channel elsewhere.
    pub(super) fn near(&self, wanted: &str) -> Vec<String> {
        let (role, channel) = wanted.rsplit_once(':').unwrap_or((wanted, ""));
        let here = format!("{role}:");
        let siblings = self.entries.range(here.clone()..).map(|(key, _)| key);
        let siblings = siblings.take_while(|key| key.starts_with(&here));
        let namesakes = self.entries.keys().filter(|key| {
            !channel.is_empty() && key.rsplit_once(':').is_some_and(|(_, other)| other == channel)
        });
        let similar = closest(wanted, self.entries.keys().map(String::as_str));
        let mut near: Vec<_> = siblings.chain(namesakes).take(NEAR_MISSES).cloned().collect();
        match similar {
            Some(similar) if !near.iter().any(|key| key == similar) => near.insert(0, similar.to_owned()),
            _ => {}
        }
        near
    }
}

/// How many near misses a message names.
const NEAR_MISSES: usize = 3;
