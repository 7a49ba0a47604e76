//! The channels of a role tree as one graph: who sends to whom, and what does not fit together.
//!
//! The reference finds out when it configures (`template-language.md` 2.7); here it is known before any process starts.
//! Nothing found here stops a compilation: the tree means what it means.

use std::collections::BTreeMap;

use partita_artefact::instance::{Inbound, Instance, Outbound, Role};
use partita_artefact::ir::{Addressing, Span};
use partita_artefact::similar::closest;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::diagnostic::Code;

/// Tasks, and the connections between them in the direction in which data flows.
pub type ChannelGraph = DiGraph<String, Connection>;

/// One connection: an outbound channel and the inbound channel that it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Name at the side that binds.
    pub bound: String,
    /// Name at the side that connects.
    pub connected: String,
    /// Which transport and address family it uses: `tcp` or `ipc`.
    pub addressing: Addressing,
}

/// Something that will not work, or not as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// The other place that it is about.
    pub other: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// What the author probably meant.
    pub hint: Option<String>,
}

/// A channel that can be connected to.
struct Endpoint<'a> {
    task: NodeIndex,
    role: &'a Role,
    inbound: &'a Inbound,
}

/// Links the channels of all tasks. The graph has a node for each task, in tree order.
pub fn link(instance: &Instance) -> (ChannelGraph, Vec<Finding>) {
    let mut tasks = Vec::new();
    collect(&instance.root, &mut tasks);
    let mut graph = ChannelGraph::new();
    let nodes: Vec<(NodeIndex, &Role)> = tasks
        .iter()
        .map(|role| (graph.add_node(role.path.clone()), *role))
        .collect();
    let mut findings = Vec::new();
    let endpoints = endpoints(&nodes, &mut findings);
    for (node, role) in &nodes {
        for outbound in &role.connect {
            connect(*node, role, outbound, &endpoints, &mut graph, &mut findings);
        }
    }
    (graph, findings)
}

fn collect<'a>(role: &'a Role, tasks: &mut Vec<&'a Role>) {
    if role.task().is_some() {
        tasks.push(role);
    }
    for child in &role.roles {
        collect(child, tasks);
    }
}

/// Everything that can be connected to, by the names under which it is known.
fn endpoints<'a>(
    nodes: &[(NodeIndex, &'a Role)],
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Endpoint<'a>> {
    let mut endpoints: BTreeMap<String, Endpoint<'a>> = BTreeMap::new();
    for (task, role) in nodes {
        for inbound in &role.bind {
            let own = format!("{}:{}", role.path, inbound.channel.name);
            let alias = (!inbound.global.is_empty()).then(|| format!("::{}", inbound.global));
            for name in [Some(own), alias].into_iter().flatten() {
                if let Some(first) = endpoints.get(&name) {
                    findings.push(clash(&name, first, role, inbound));
                } else {
                    endpoints.insert(
                        name,
                        Endpoint {
                            task: *task,
                            role,
                            inbound,
                        },
                    );
                }
            }
        }
    }
    endpoints
}

fn clash(name: &str, first: &Endpoint<'_>, role: &Role, inbound: &Inbound) -> Finding {
    Finding {
        code: Code::ChannelClash,
        span: inbound.channel.span,
        other: Some(first.inbound.channel.span),
        message: format!(
            "`{name}` is bound by `{}` and again by `{}`: only one of them can be reached",
            first.role.path, role.path
        ),
        hint: Some("give each its own name, for instance with the iterator's variable in it".into()),
    }
}

fn connect(
    node: NodeIndex,
    role: &Role,
    outbound: &Outbound,
    endpoints: &BTreeMap<String, Endpoint<'_>>,
    graph: &mut ChannelGraph,
    findings: &mut Vec<Finding>,
) {
    let target = outbound.target.as_str();
    if target.starts_with("tcp://") || target.starts_with("ipc://") {
        return;
    }
    let Some(endpoint) = endpoints.get(target) else {
        findings.push(dangling(role, outbound, endpoints));
        return;
    };
    let connection = Connection {
        bound: endpoint.inbound.channel.name.clone(),
        connected: outbound.channel.name.clone(),
        addressing: endpoint.inbound.addressing,
    };
    let (from, to) = if matches!(outbound.channel.kind.as_str(), "push" | "pub") {
        (node, endpoint.task)
    } else {
        (endpoint.task, node)
    };
    graph.add_edge(from, to, connection);
    findings.extend(wrong_direction(role, outbound, endpoint));
    findings.extend(across_hosts(role, outbound, endpoint));
}

fn dangling(role: &Role, outbound: &Outbound, endpoints: &BTreeMap<String, Endpoint<'_>>) -> Finding {
    let near = closest(&outbound.target, endpoints.keys().map(String::as_str));
    Finding {
        code: Code::DanglingChannel,
        span: outbound.channel.span,
        other: None,
        message: format!(
            "`{}` connects its channel `{}` to `{}`, which nothing binds: CONFIGURE would fail",
            role.path, outbound.channel.name, outbound.target
        ),
        hint: near.map(|name| format!("did you mean `{name}`?")),
    }
}

/// The type that goes with a channel of that type.
pub(crate) fn opposite(kind: &str) -> Option<&'static str> {
    match kind {
        "push" => Some("pull"),
        "pull" => Some("push"),
        "pub" => Some("sub"),
        "sub" => Some("pub"),
        _ => None,
    }
}

fn wrong_direction(role: &Role, outbound: &Outbound, endpoint: &Endpoint<'_>) -> Option<Finding> {
    let (here, there) = (
        outbound.channel.kind.as_str(),
        endpoint.inbound.channel.kind.as_str(),
    );
    let wanted = opposite(here)?;
    (!there.is_empty() && there != wanted).then(|| Finding {
        code: Code::ChannelDirection,
        span: outbound.channel.span,
        other: Some(endpoint.inbound.channel.span),
        message: format!(
            "`{}` connects `{}` as {here} to a {there} of `{}`: no data would flow",
            role.path, outbound.channel.name, endpoint.role.path
        ),
        hint: Some(format!("{here} goes with {wanted}")),
    })
}

fn across_hosts(role: &Role, outbound: &Outbound, endpoint: &Endpoint<'_>) -> Option<Finding> {
    let (here, there) = (host(role)?, host(endpoint.role)?);
    (endpoint.inbound.addressing == Addressing::Ipc && here != there).then(|| Finding {
        code: Code::IpcAcrossHosts,
        span: outbound.channel.span,
        other: Some(endpoint.inbound.channel.span),
        message: format!(
            "`{}` on {here} connects `{}` to an ipc channel of `{}` on {there}",
            role.path, outbound.channel.name, endpoint.role.path
        ),
        hint: Some("ipc reaches only the same host: use `addressing: tcp` where it is bound".into()),
    })
}

/// The machine that the constraints pin a role to.
pub(crate) fn host(role: &Role) -> Option<&str> {
    role.constraints
        .iter()
        .rfind(|constraint| constraint.attribute == "machine_id" && !constraint.value.is_empty())
        .map(|constraint| constraint.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use partita_artefact::instance::{Channel, Constraint, Kind, TaskRole, Traits, TraitsTexts};
    use partita_artefact::ir::{ControlMode, Layers, Limits, Template, Wants};

    fn role(path: &str, kind: Kind, roles: Vec<Role>) -> Role {
        Role {
            name: path.rsplit('.').next().unwrap().to_owned(),
            path: path.to_owned(),
            span: Span::default(),
            enabled: true,
            layers: Layers::default(),
            constraints: Vec::new(),
            connect: Vec::new(),
            bind: Vec::new(),
            critical: true,
            kind,
            roles,
            include: None,
            empty_iterators: 0,
        }
    }

    fn task(path: &str) -> Role {
        let traits = Traits {
            trigger: None,
            await_at: None,
            timeout: Ok(std::time::Duration::ZERO),
            critical: true,
            texts: TraitsTexts::default(),
        };
        let kind = Kind::Task(TaskRole {
            class: String::new(),
            mode: ControlMode::Direct,
            traits,
            wants: Wants::default(),
            limits: Limits::default(),
        });
        role(path, kind, Vec::new())
    }

    fn channel(name: &str, kind: &str) -> Channel {
        Channel {
            span: Span::default(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            send_buffer: 1000,
            receive_buffer: 1000,
            rate_logging: Template::default(),
            transport: "default".to_owned(),
        }
    }

    fn bind(mut role: Role, name: &str, kind: &str, global: &str, addressing: Addressing) -> Role {
        let channel = channel(name, kind);
        role.bind.push(Inbound {
            channel,
            target: Template::default(),
            global: global.to_owned(),
            addressing,
        });
        role
    }

    fn connect_to(mut role: Role, name: &str, kind: &str, target: &str) -> Role {
        role.connect.push(Outbound {
            channel: channel(name, kind),
            target: target.to_owned(),
        });
        role
    }

    fn on(mut role: Role, host: &str) -> Role {
        role.constraints.push(Constraint {
            span: Span::default(),
            attribute: "machine_id".to_owned(),
            value: host.to_owned(),
            operator: 0,
        });
        role
    }

    fn linked(tasks: Vec<Role>) -> (Vec<(String, String)>, Vec<Finding>) {
        let root = role("r", Kind::Aggregator, tasks);
        let (graph, findings) = link(&Instance {
            root,
            environment: Layers::default(),
            warnings: Vec::new(),
            included: std::collections::BTreeSet::new(),
        });
        let edges = graph
            .edge_indices()
            .filter_map(|edge| graph.edge_endpoints(edge))
            .map(|(from, to)| (graph[from].clone(), graph[to].clone()))
            .collect();
        (edges, findings)
    }

    #[test]
    fn data_flows_from_push_to_pull_whoever_binds() {
        let (edges, findings) = linked(vec![
            bind(task("r.a"), "out", "push", "", Addressing::Tcp),
            connect_to(
                bind(task("r.b"), "in", "pull", "sink", Addressing::Tcp),
                "x",
                "pull",
                "r.a:out",
            ),
            connect_to(task("r.c"), "y", "push", "::sink"),
        ]);
        assert_eq!(
            edges,
            [("r.a".into(), "r.b".into()), ("r.c".into(), "r.b".into())]
        );
        assert_eq!(findings, []);
    }

    #[test]
    fn a_misspelt_target_is_found_with_what_was_meant() {
        let (_, findings) = linked(vec![
            bind(task("r.reader"), "out", "push", "", Addressing::Tcp),
            connect_to(task("r.b"), "x", "pull", "r.raeder:out"),
        ]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, Code::DanglingChannel);
        assert_eq!(findings[0].hint.as_deref(), Some("did you mean `r.reader:out`?"));
    }

    #[test]
    fn clashes_directions_and_hosts_are_found() {
        let (_, findings) = linked(vec![
            on(bind(task("r.a"), "out", "push", "g", Addressing::Ipc), "h1"),
            bind(task("r.b"), "out", "push", "g", Addressing::Tcp),
            on(connect_to(task("r.c"), "x", "push", "::g"), "h2"),
            connect_to(task("r.d"), "x", "pull", "tcp://fixed:1"),
        ]);
        let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(
            codes,
            [Code::ChannelClash, Code::ChannelDirection, Code::IpcAcrossHosts]
        );
    }
}
