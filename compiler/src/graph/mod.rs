//! Pictures of a role tree: its roles, the channels between its tasks in the direction in which data flows, and the hooks
//! and calls of each transition in their order. As SVG for people, as dot and mermaid for pasting elsewhere.
//!
//! Siblings that one iterator made with equal structure are one box with a count, so that 202 hosts fit on a page. The
//! same tree always gives the same picture.

mod collapse;
mod dot;
mod layers;
mod mermaid;
mod open;
mod place;
mod straighten;
mod svg;
mod text;
mod timeline;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails loudly")]
mod tests;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

use std::collections::BTreeMap;

use partita_artefact::instance::{Instance, Kind, Role, Traits};
use partita_artefact::ir::{Addressing, Artefact, ControlMode};
use partita_artefact::show::{mode, short};
use petgraph::visit::EdgeRef;

use crate::link::link;
use collapse::Shape;
use open::{Notes, outline};

/// What is not to be collapsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Expand {
    /// Everything that can be is.
    #[default]
    Nothing,
    /// Roles of these paths, and those that they are in, stand apart from their likes.
    Roles(Vec<String>),
    /// Every role has its own box.
    All,
}

/// A role tree as it is drawn: boxes, and what flows between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Name of the workflow.
    pub title: String,
    /// Boxes; the first is the root, and parents come before their children.
    pub items: Vec<Item>,
    /// What flows, sorted.
    pub flows: Vec<Flow>,
}

/// A box: one role, or several with equal structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Name of the role; with a `*` for what differs where there are several.
    pub name: String,
    /// Paths of the roles, in tree order.
    pub paths: Vec<String>,
    /// What it is.
    pub what: What,
    /// Its failure is that of the environment.
    pub critical: bool,
    /// When it runs, if it does so at a moment.
    pub traits: Option<Traits>,
    /// Hosts that the roles are pinned to, without repetition, in tree order.
    pub hosts: Vec<String>,
    /// Where it is drawn as it is written: on what it depends that it is there.
    pub condition: Option<String>,
    /// Where it is drawn as it is written: what it is there for each of.
    pub each: Option<String>,
    /// In what it is unlike its more numerous siblings.
    pub unlike: Vec<String>,
    /// The box around it.
    pub parent: Option<usize>,
    /// The boxes in it.
    pub children: Vec<usize>,
}

/// Kinds of boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An aggregator; the workflow that it includes, if it is an include.
    Frame(Option<String>),
    /// A task: its template and control mode.
    Task {
        /// Name of the task template.
        class: String,
        /// `direct`, `fairmq`, …
        mode: &'static str,
    },
    /// A task that runs at a moment.
    Hook {
        /// Name of the task template.
        class: String,
    },
    /// A call of a service.
    Call {
        /// What is called.
        func: String,
    },
}

/// Data that flows from one box to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Box that sends.
    pub from: usize,
    /// Its channel.
    pub from_channel: String,
    /// Box that receives.
    pub to: usize,
    /// Its channel.
    pub to_channel: String,
    /// `zeromq`, `shmem`, …; of whoever binds, as that decides.
    pub transport: String,
    /// Through the file system of one host, not the network.
    pub ipc: bool,
    /// Number of connections.
    pub count: usize,
}

impl Item {
    /// It stands for several roles, or for any number of them.
    pub fn is_stack(&self) -> bool {
        self.paths.len() > 1 || self.each.is_some()
    }

    /// Hooks and calls come and go at moments; all else is there for the whole life.
    pub fn is_momentary(&self) -> bool {
        matches!(self.what, What::Hook { .. } | What::Call { .. })
    }
}

impl Graph {
    /// The boxes of a tree.
    pub fn of(instance: &Instance, title: &str, expand: &Expand) -> Self {
        Self::with(instance, &Notes::new(), title, expand)
    }

    /// The boxes of an artefact as it is written, where variables are missing for its tree: an iterator is one box, names keep
    /// their expressions, and roles that may not be there say on what that depends.
    pub fn of_open(artefact: &Artefact, title: &str) -> Self {
        let (instance, notes) = outline(artefact);
        Self::with(&instance, &notes, title, &Expand::Nothing)
    }

    fn with(instance: &Instance, notes: &Notes, title: &str, expand: &Expand) -> Self {
        let root = Shape::of(instance);
        let mut builder = Builder {
            expand,
            notes,
            items: Vec::new(),
            of_task: BTreeMap::new(),
        };
        builder.item(&[&root], None);
        let flows = flows(instance, &builder.of_task);
        Self {
            title: title.to_owned(),
            items: builder.items,
            flows,
        }
    }

    /// Number of roles, tasks, hooks and calls.
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for item in &self.items {
            let many = item.paths.len();
            counts[0] += many;
            match item.what {
                What::Frame(_) => {}
                What::Task { .. } => counts[1] += many,
                What::Hook { .. } => counts[2] += many,
                What::Call { .. } => counts[3] += many,
            }
        }
        counts
    }
}

/// Connections between tasks, as flows between the boxes that they are in.
fn flows(instance: &Instance, of_task: &BTreeMap<usize, usize>) -> Vec<Flow> {
    let (graph, _) = link(instance);
    let mut roles: Vec<&Role> = Vec::new();
    instance.walk(&mut |role, _| {
        if role.task().is_some() {
            roles.push(role);
        }
    });
    let mut flows: BTreeMap<Flow, usize> = BTreeMap::new();
    for edge in graph.edge_references() {
        let (source, target) = (edge.source().index(), edge.target().index());
        let connection = edge.weight();
        let (Some(&from), Some(&to)) = (of_task.get(&source), of_task.get(&target)) else {
            continue;
        };
        // Whoever binds is known by having a channel of that name; it decides the transport.
        let binds = |task: usize| {
            let bind = roles.get(task).map_or(&[] as &[_], |role| role.bind.as_slice());
            bind.iter()
                .find(|inbound| inbound.channel.name == connection.bound)
        };
        let connects = |task: usize| {
            let connect = roles
                .get(task)
                .map_or(&[] as &[_], |role| role.connect.as_slice());
            connect
                .iter()
                .any(|outbound| outbound.channel.name == connection.connected)
        };
        let source_binds = binds(source).is_some() && connects(target);
        let binder = if source_binds {
            binds(source)
        } else {
            binds(target)
        };
        let (from_channel, to_channel) = if source_binds {
            (&connection.bound, &connection.connected)
        } else {
            (&connection.connected, &connection.bound)
        };
        let flow = Flow {
            from,
            from_channel: from_channel.clone(),
            to,
            to_channel: to_channel.clone(),
            transport: binder.map_or_else(String::new, |inbound| inbound.channel.transport.clone()),
            ipc: connection.addressing == Addressing::Ipc,
            count: 0,
        };
        *flows.entry(flow).or_default() += 1;
    }
    flows
        .into_iter()
        .map(|(flow, count)| Flow { count, ..flow })
        .collect()
}

/// Makes boxes of roles.
struct Builder<'e> {
    expand: &'e Expand,
    notes: &'e Notes,
    items: Vec<Item>,
    /// Number of a task, in tree order, to its box.
    of_task: BTreeMap<usize, usize>,
}

impl Builder<'_> {
    /// The box of roles with equal structure.
    fn item(&mut self, members: &[&Shape<'_>], parent: Option<usize>) -> Option<usize> {
        let first = members.first()?;
        let number = self.items.len();
        for shape in members {
            if let Some(task) = shape.task {
                self.of_task.insert(task, number);
            }
        }
        let names: Vec<&str> = members.iter().map(|shape| shape.role.name.as_str()).collect();
        let mut hosts = Vec::new();
        for host in members.iter().filter_map(|shape| crate::link::host(shape.role)) {
            if !hosts.iter().any(|known| known == host) {
                hosts.push(host.to_owned());
            }
        }
        let role = first.role;
        let note = self.notes.get(&open::key(role.span)).cloned().unwrap_or_default();
        self.items.push(Item {
            name: collapse::pattern(&names),
            paths: members.iter().map(|shape| shape.role.path.clone()).collect(),
            what: what(role),
            critical: role.critical,
            traits: role.traits().filter(|traits| traits.trigger.is_some()).cloned(),
            hosts,
            condition: note.condition,
            each: note.each,
            unlike: Vec::new(),
            parent,
            children: Vec::new(),
        });
        let groups = collapse::groups(&first.children, |role| self.stands_apart(role));
        let mut children = Vec::new();
        for group in &groups {
            let of_group: Vec<&Shape<'_>> = members
                .iter()
                .flat_map(|shape| group.places.iter().filter_map(|place| shape.children.get(*place)))
                .collect();
            let child = self.item(&of_group, Some(number));
            if let Some(item) = child.and_then(|child| self.items.get_mut(child)) {
                item.unlike.clone_from(&group.unlike);
            }
            children.extend(child);
        }
        if let Some(item) = self.items.get_mut(number) {
            item.children = children;
        }
        Some(number)
    }

    /// The role is asked for by path, or one below it is.
    fn stands_apart(&self, role: &Role) -> bool {
        match self.expand {
            Expand::Nothing => false,
            Expand::All => true,
            Expand::Roles(paths) => paths.iter().any(|path| {
                path.strip_prefix(role.path.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }),
        }
    }
}

fn what(role: &Role) -> What {
    match &role.kind {
        Kind::Aggregator => {
            let include = role.include.as_ref();
            What::Frame(include.map(|include| short(&include.module).to_owned()))
        }
        Kind::Task(task) => {
            let class = short(&task.class).to_owned();
            if task.traits.trigger.is_some() && matches!(task.mode, ControlMode::Hook) {
                What::Hook { class }
            } else {
                What::Task {
                    class,
                    mode: mode(task.mode),
                }
            }
        }
        Kind::Call(call) => What::Call {
            func: call.text.clone(),
        },
    }
}
