//! Which boxes of a frame stand in which column, in which order, and which lines run between neighbouring columns.
//!
//! The layered method of Sugiyama, Tagawa and Toda (1981), once for every frame: cycles are broken, columns are longest paths,
//! long lines get bends, and sweeps of barycentres order the columns. Lines that leave a frame end in a port on its
//! border, so no line ever crosses a box.

use std::collections::{BTreeMap, BTreeSet};

use super::Graph;

/// Sweeps over the columns that look for an order with few crossings.
const SWEEPS: usize = 12;

/// A side of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
}

/// Where a channel meets the border of its task, and of the frames around that as far as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Port<'g> {
    /// The task's box.
    pub(super) leaf: usize,
    pub(super) side: Side,
    pub(super) channel: &'g str,
    /// Data leaves the task here.
    pub(super) out: bool,
}

/// A thing that has a place in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node<'g> {
    /// A box of the frame.
    Item(usize),
    /// A port on the frame's own border.
    Border(Port<'g>),
    /// Nothing: a line passes.
    Bend,
}

/// A line between nodes of neighbouring columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link<'g> {
    pub(super) left: usize,
    /// Where it leaves the left node; for bends, whose line it is.
    pub(super) left_port: Port<'g>,
    pub(super) right: usize,
    /// Where it meets the right node, if that is a box.
    pub(super) right_port: Option<Port<'g>>,
    /// A flow that it belongs to.
    pub(super) flow: usize,
    /// Data goes from left to right.
    pub(super) forward: bool,
}

/// The columns of one frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers<'g> {
    pub(super) nodes: Vec<Node<'g>>,
    /// Nodes of each column, in order. The first and the last hold the ports of the border.
    pub(super) columns: Vec<Vec<usize>>,
    pub(super) links: Vec<Link<'g>>,
}

/// A line from box to box, before columns are known.
#[derive(Debug, Clone, Copy)]
struct Wire<'g> {
    left: End<'g>,
    right: End<'g>,
    flow: usize,
    forward: bool,
}

#[derive(Debug, Clone, Copy)]
struct End<'g> {
    /// `None`: the frame's border.
    item: Option<usize>,
    port: Port<'g>,
}

/// How everything hangs together, before anything has a size.
pub(super) struct Topology<'g> {
    /// The columns of every frame that something flows in, by the frame.
    pub(super) frames: BTreeMap<usize, Layers<'g>>,
    /// The ports of every task that something flows to or from, by its box; on each side from the top down.
    pub(super) ports: BTreeMap<usize, Vec<Port<'g>>>,
}

impl<'g> Topology<'g> {
    pub(super) fn of(graph: &'g Graph) -> Self {
        let wires = wires(graph);
        let frames: BTreeMap<usize, Layers<'g>> = wires
            .into_iter()
            .map(|(frame, wires)| (frame, Layers::of(graph, frame, &wires)))
            .collect();
        // The places of what a port is linked to: sum and count.
        let mut linked: BTreeMap<Port<'g>, (usize, usize)> = BTreeMap::new();
        for layers in frames.values() {
            let places = layers.places();
            let place = |node: usize| places.get(node).copied().unwrap_or_default();
            let is_leaf = |node: usize, port: &Port<'g>| matches!(layers.nodes.get(node), Some(Node::Item(item)) if *item == port.leaf);
            for link in &layers.links {
                let ends = [
                    (link.left, Some(link.left_port), link.right),
                    (link.right, link.right_port, link.left),
                ];
                for (node, port, other) in ends {
                    if let Some(port) = port.filter(|port| is_leaf(node, port)) {
                        let (sum, count) = linked.entry(port).or_default();
                        *sum += place(other);
                        *count += 1;
                    }
                }
            }
        }
        let mut ports: BTreeMap<usize, Vec<Port<'g>>> = BTreeMap::new();
        for port in linked.keys() {
            ports.entry(port.leaf).or_default().push(*port);
        }
        for ports in ports.values_mut() {
            // Sums of small numbers over small counts: compared as fractions.
            ports.sort_by(|a, b| {
                let (Some((a, of)), Some((b, count))) = (linked.get(a), linked.get(b)) else {
                    return std::cmp::Ordering::Equal;
                };
                (a * count).cmp(&(b * of))
            });
        }
        Self { frames, ports }
    }
}

/// The boxes around a box, outermost first, itself last.
fn lineage(graph: &Graph, item: usize) -> Vec<usize> {
    let mut lineage = vec![item];
    let mut current = graph.items.get(item).and_then(|item| item.parent);
    while let Some(parent) = current {
        lineage.push(parent);
        current = graph.items.get(parent).and_then(|item| item.parent);
    }
    lineage.reverse();
    lineage
}

/// The lines of every frame.
fn wires(graph: &Graph) -> BTreeMap<usize, Vec<Wire<'_>>> {
    let routes: Vec<_> = graph
        .flows
        .iter()
        .map(|flow| (lineage(graph, flow.from), lineage(graph, flow.to)))
        .collect();
    let meeting = |(from, to): &(Vec<usize>, Vec<usize>)| {
        let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        let frame = shared.checked_sub(1).and_then(|place| from.get(place).copied())?;
        Some((frame, *from.get(shared)?, *to.get(shared)?))
    };
    let mut between: BTreeMap<usize, BTreeSet<(usize, usize)>> = BTreeMap::new();
    for (frame, from, to) in routes.iter().filter_map(meeting) {
        between.entry(frame).or_default().insert((from, to));
    }
    let backward: BTreeMap<usize, BTreeSet<(usize, usize)>> = between
        .iter()
        .map(|(frame, pairs)| (*frame, back_edges(graph, *frame, pairs)))
        .collect();
    let mut wires: BTreeMap<usize, Vec<Wire<'_>>> = BTreeMap::new();
    let mut crossed: BTreeSet<(usize, Port<'_>)> = BTreeSet::new();
    for (number, (flow, route)) in graph.flows.iter().zip(&routes).enumerate() {
        let Some((frame, from, to)) = meeting(route) else {
            continue;
        };
        let back = backward
            .get(&frame)
            .is_some_and(|pairs| pairs.contains(&(from, to)));
        let forward = !back;
        let (out_side, in_side) = if forward {
            (Side::Right, Side::Left)
        } else {
            (Side::Left, Side::Right)
        };
        let source = Port {
            leaf: flow.from,
            side: out_side,
            channel: &flow.from_channel,
            out: true,
        };
        let target = Port {
            leaf: flow.to,
            side: in_side,
            channel: &flow.to_channel,
            out: false,
        };
        let ends = [(from, source), (to, target)].map(|(item, port)| End {
            item: Some(item),
            port,
        });
        let [left, right] = if forward { ends } else { [ends[1], ends[0]] };
        let wire = |left, right| Wire {
            left,
            right,
            flow: number,
            forward,
        };
        wires.entry(frame).or_default().push(wire(left, right));
        // From the meeting place inwards, once for all that share the port.
        for (way, port) in [(&route.0, source), (&route.1, target)] {
            let inner = way.iter().skip_while(|item| **item != frame).skip(1);
            let inner: Vec<usize> = inner.copied().collect();
            for pair in inner.windows(2) {
                let &[around, item] = pair else { continue };
                if !crossed.insert((around, port)) {
                    continue;
                }
                let (inner_end, border) = (
                    End {
                        item: Some(item),
                        port,
                    },
                    End { item: None, port },
                );
                let wire = if port.side == Side::Right {
                    wire(inner_end, border)
                } else {
                    wire(border, inner_end)
                };
                wires.entry(around).or_default().push(wire);
            }
        }
    }
    wires
}

/// The edges that close cycles, when the boxes of a frame are visited in their order.
fn back_edges(graph: &Graph, frame: usize, pairs: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, to) in pairs {
        next.entry(*from).or_default().push(*to);
    }
    let incoming: BTreeSet<usize> = pairs.iter().map(|(_, to)| *to).collect();
    let children = graph
        .items
        .get(frame)
        .map_or(&[] as &[usize], |item| &item.children);
    // Those that only send come first: then as little as possible points backwards.
    let (fed, sources): (Vec<usize>, Vec<usize>) = children
        .iter()
        .copied()
        .partition(|child| incoming.contains(child));
    let mut back = BTreeSet::new();
    let (mut done, mut open) = (BTreeSet::new(), BTreeSet::new());
    for start in sources.into_iter().chain(fed) {
        // A stack instead of recursion: chains can be as long as there are tasks.
        let mut stack = vec![(start, 0)];
        while let Some((node, place)) = stack.pop() {
            if place == 0 && (done.contains(&node) || !open.insert(node)) {
                continue;
            }
            match next.get(&node).and_then(|next| next.get(place)) {
                None => {
                    open.remove(&node);
                    done.insert(node);
                }
                Some(to) => {
                    stack.push((node, place + 1));
                    if open.contains(to) {
                        back.insert((node, *to));
                    } else {
                        stack.push((*to, 0));
                    }
                }
            }
        }
    }
    back
}

impl<'g> Layers<'g> {
    fn of(graph: &Graph, frame: usize, wires: &[Wire<'g>]) -> Self {
        let mut layers = Self::default();
        let ranks = ranks(graph, frame, wires);
        let last = ranks.values().copied().max().unwrap_or(0) + 1;
        layers.columns = vec![Vec::new(); last + 1];
        let mut of_item: BTreeMap<usize, usize> = BTreeMap::new();
        let children = graph
            .items
            .get(frame)
            .map_or(&[] as &[usize], |item| &item.children);
        for child in children {
            if let Some(&rank) = ranks.get(child) {
                let node = layers.add(Node::Item(*child), rank);
                of_item.insert(*child, node);
            }
        }
        let mut borders: BTreeMap<Port<'g>, usize> = BTreeMap::new();
        let mut bends: BTreeMap<(usize, Port<'g>, usize), usize> = BTreeMap::new();
        let mut drawn: BTreeSet<(usize, Port<'g>, usize)> = BTreeSet::new();
        for wire in wires {
            let mut node = |layers: &mut Self, end: &End<'g>, border: usize| {
                if let Some(item) = end.item {
                    let rank = ranks.get(&item).copied().unwrap_or_default();
                    return of_item.get(&item).map(|node| (*node, rank));
                }
                let node = borders
                    .entry(end.port)
                    .or_insert_with(|| layers.add(Node::Border(end.port), border));
                Some((*node, border))
            };
            let left = node(&mut layers, &wire.left, 0);
            let right = node(&mut layers, &wire.right, last);
            let (Some((left, from)), Some((right, to))) = (left, right) else {
                continue;
            };
            let port = wire.left.port;
            let mut here = left;
            for rank in from + 1..to {
                let known = bends.get(&(left, port, rank)).copied();
                let bend = known.unwrap_or_else(|| layers.add(Node::Bend, rank));
                bends.insert((left, port, rank), bend);
                if drawn.insert((here, port, bend)) {
                    layers.links.push(Link {
                        left: here,
                        left_port: port,
                        right: bend,
                        right_port: None,
                        flow: wire.flow,
                        forward: wire.forward,
                    });
                }
                here = bend;
            }
            layers.links.push(Link {
                left: here,
                left_port: port,
                right,
                right_port: Some(wire.right.port),
                flow: wire.flow,
                forward: wire.forward,
            });
        }
        layers.order();
        layers
    }

    fn add(&mut self, node: Node<'g>, column: usize) -> usize {
        self.nodes.push(node);
        if let Some(column) = self.columns.get_mut(column) {
            column.push(self.nodes.len() - 1);
        }
        self.nodes.len() - 1
    }

    /// Sweeps right and left: every node goes to the middle of those it is linked to in the column before.
    fn order(&mut self) {
        let (mut before, mut after) = (
            vec![Vec::new(); self.nodes.len()],
            vec![Vec::new(); self.nodes.len()],
        );
        for link in &self.links {
            if let Some(before) = before.get_mut(link.right) {
                before.push(link.left);
            }
            if let Some(after) = after.get_mut(link.left) {
                after.push(link.right);
            }
        }
        let mut best = self.columns.clone();
        let mut fewest = self.crossings();
        for sweep in 0..SWEEPS {
            let rightwards = sweep % 2 == 0;
            let neighbours = if rightwards { &before } else { &after };
            let count = self.columns.len();
            for step in 1..count {
                let column = if rightwards { step } else { count - 1 - step };
                self.sort(column, neighbours);
            }
            let crossings = self.crossings();
            if crossings < fewest {
                fewest = crossings;
                best.clone_from(&self.columns);
            }
        }
        self.columns = best;
    }

    fn sort(&mut self, column: usize, neighbours: &[Vec<usize>]) {
        let places = self.places();
        let place = |node: usize| places.get(node).copied().unwrap_or_default();
        let Some(nodes) = self.columns.get_mut(column) else {
            return;
        };
        #[allow(clippy::cast_precision_loss, reason = "columns are short")]
        let weight = |node: usize| -> f64 {
            let linked = neighbours.get(node).map_or(&[] as &[usize], Vec::as_slice);
            if linked.is_empty() {
                return place(node) as f64;
            }
            linked.iter().map(|other| place(*other) as f64).sum::<f64>() / linked.len() as f64
        };
        let mut weighed: Vec<(f64, usize)> = nodes.iter().map(|node| (weight(*node), *node)).collect();
        weighed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        *nodes = weighed.into_iter().map(|(_, node)| node).collect();
    }

    fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.nodes.len()];
        for column in &self.columns {
            for (place, node) in column.iter().enumerate() {
                if let Some(slot) = places.get_mut(*node) {
                    *slot = place;
                }
            }
        }
        places
    }

    /// Pairs of lines that cross: inversions, counted by insertion into sorted lists.
    fn crossings(&self) -> usize {
        let places = self.places();
        let place = |node: usize| places.get(node).copied().unwrap_or_default();
        let mut column_of = vec![0; self.nodes.len()];
        for (number, column) in self.columns.iter().enumerate() {
            for node in column {
                if let Some(slot) = column_of.get_mut(*node) {
                    *slot = number;
                }
            }
        }
        let mut gaps: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.columns.len()];
        for link in &self.links {
            let gap = column_of.get(link.left).and_then(|column| gaps.get_mut(*column));
            if let Some(gap) = gap {
                gap.push((place(link.left), place(link.right)));
            }
        }
        let mut crossings = 0;
        for gap in &mut gaps {
            gap.sort_unstable();
            let mut seen: Vec<usize> = Vec::with_capacity(gap.len());
            for (_, right) in gap.iter() {
                let at = seen.partition_point(|other| other <= right);
                crossings += seen.len() - at;
                seen.insert(at, *right);
            }
        }
        crossings
    }
}

/// The column of every box that has a line: the longest way to it, from 1 on.
fn ranks(graph: &Graph, frame: usize, wires: &[Wire<'_>]) -> BTreeMap<usize, usize> {
    let mut next: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
    for wire in wires {
        for item in [wire.left.item, wire.right.item].into_iter().flatten() {
            waiting.entry(item).or_default();
        }
        if let (Some(left), Some(right)) = (wire.left.item, wire.right.item)
            && next.entry(left).or_default().insert(right)
        {
            *waiting.entry(right).or_default() += 1;
        }
    }
    let children = graph
        .items
        .get(frame)
        .map_or(&[] as &[usize], |item| &item.children);
    let mut ready: Vec<usize> = children
        .iter()
        .copied()
        .filter(|child| waiting.get(child) == Some(&0))
        .collect();
    let mut ranks: BTreeMap<usize, usize> = ready.iter().map(|item| (*item, 1)).collect();
    let mut order = Vec::new();
    while let Some(item) = ready.pop() {
        order.push(item);
        let rank = ranks.get(&item).copied().unwrap_or(1);
        for to in next.get(&item).into_iter().flatten() {
            let entry = ranks.entry(*to).or_insert(1);
            *entry = (*entry).max(rank + 1);
            if let Some(count) = waiting.get_mut(to) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*to);
                }
            }
        }
    }
    // Whatever only sends stands right before its first receiver, unless lines come to it from outside.
    let fed: BTreeSet<usize> = wires.iter().filter_map(|wire| wire.right.item).collect();
    for item in order.iter().rev().filter(|item| !fed.contains(item)) {
        let nearest = next
            .get(item)
            .into_iter()
            .flatten()
            .filter_map(|to| ranks.get(to))
            .min();
        if let Some(nearest) = nearest.copied() {
            ranks.insert(*item, nearest.saturating_sub(1).max(1));
        }
    }
    ranks
}
