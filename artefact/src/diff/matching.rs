//! Which role of one tree is which role of the other.
//!
//! First by path. What is then left over on both sides is looked at again: the same content under another name, the
//! same content on another host, and at last what is similar enough. Larger subtrees go first, and everything is
//! symmetric: to exchange the two trees gives the same pairs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::behaviour::{Kind, Node};
use crate::digest::Digest;

/// Why two roles are taken for one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Match {
    /// They have the same path, or the same place below two roles that are one.
    Path,
    /// Another name or place in the tree, and the same content.
    Renamed,
    /// The same content but for the host, and nothing else of that content.
    Moved,
    /// Most of it is the same.
    Similar {
        /// Share of the fields (of a task or call) or of the roles below (of others) that are equal, percent.
        percent: u8,
    },
    /// There is no other.
    Alone,
}

/// Least share of equal fields for two roles to be similar, percent.
const SIMILAR: usize = 60;

/// Most pairs that are tried for similarity among roles of one kind that load the same: beyond that it is guesswork.
const TRIED: usize = 20_000;

/// The roles of two trees.
#[derive(Debug, Default)]
pub(super) struct Matched<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
    /// All that have no counterpart, in tree order.
    pub(super) removed: Vec<&'a Node>,
    pub(super) added: Vec<&'a Node>,
}

/// Two roles that are one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) before: &'a Node,
    pub(super) after: &'a Node,
    pub(super) matched: Match,
    /// They and all below them are the same.
    pub(super) same: bool,
}

/// Matches all roles of two trees.
pub(super) fn matched<'a>(before: &'a Node, after: &'a Node) -> Matched<'a> {
    let mut matched = Matched::default();
    let mut left = Left::default();
    let both = flat(before).into_iter().chain(flat(after));
    let order: Order = both.map(std::ptr::from_ref).zip(0..).collect();
    if before.kind == after.kind {
        align(before, after, Match::Path, &mut matched, &mut left);
    } else {
        left.put(before, after);
    }
    loop {
        let done = std::mem::take(&mut left.done);
        left.retain(|node| !done.contains(&std::ptr::from_ref(node)));
        left.done = done;
        left.sort(&order);
        let mut found = left.take(|node| node.digests.tree, Match::Renamed, false);
        if found.is_empty() {
            found = left.take(|node| node.digests.shape, Match::Moved, true);
        }
        if found.is_empty() {
            found = left.similar();
        }
        if found.is_empty() {
            break;
        }
        for (before, after, how) in found {
            align(before, after, how, &mut matched, &mut left);
        }
    }
    matched.removed = left.before;
    matched.added = left.after;
    matched
}

/// Pairs two roles, and those below them that have the same name; what is left over is kept. What has found its
/// counterpart elsewhere is passed by.
fn align<'a>(before: &'a Node, after: &'a Node, how: Match, matched: &mut Matched<'a>, left: &mut Left<'a>) {
    let same = before.digests.tree == after.digests.tree;
    matched.pairs.push(Pair {
        before,
        after,
        matched: how,
        same,
    });
    left.done.extend([before, after].map(std::ptr::from_ref));
    let mut waiting: BTreeMap<(&str, Kind), Vec<&'a Node>> = BTreeMap::new();
    for child in before.children.iter().rev() {
        waiting.entry((&child.name, child.kind)).or_default().push(child);
    }
    for child in &after.children {
        let namesakes = waiting.get_mut(&(child.name.as_str(), child.kind));
        match namesakes.and_then(Vec::pop) {
            Some(other) if left.are_free(other, child) => align(other, child, Match::Path, matched, left),
            other => {
                left.after.extend(flat(child));
                left.before.extend(other.into_iter().flat_map(flat));
            }
        }
    }
    for child in waiting.into_values().flatten() {
        left.before.extend(flat(child));
    }
}

/// A node and all below it.
fn flat(node: &Node) -> Vec<&Node> {
    let mut all = Vec::new();
    node.walk(&mut |node| all.push(node));
    all
}

/// Roles without a counterpart so far.
#[derive(Default)]
struct Left<'a> {
    before: Vec<&'a Node>,
    after: Vec<&'a Node>,
    /// All that have a counterpart.
    done: BTreeSet<*const Node>,
}

/// Places in the order of the trees.
type Order = BTreeMap<*const Node, usize>;

type Found<'a> = Vec<(&'a Node, &'a Node, Match)>;

impl<'a> Left<'a> {
    fn put(&mut self, before: &'a Node, after: &'a Node) {
        self.before.extend(flat(before));
        self.after.extend(flat(after));
    }

    fn are_free(&self, before: &Node, after: &Node) -> bool {
        [before, after]
            .iter()
            .all(|node| !self.done.contains(&std::ptr::from_ref(*node)))
    }

    /// Takes out what has a counterpart, and what is below these: it is looked at with them.
    fn remove(&mut self, found: &Found<'a>) {
        let mut gone: BTreeSet<*const Node> = BTreeSet::new();
        for (before, after, _) in found {
            gone.extend(
                flat(before)
                    .into_iter()
                    .chain(flat(after))
                    .map(std::ptr::from_ref),
            );
        }
        self.retain(|node| !gone.contains(&std::ptr::from_ref(node)));
    }

    /// Puts both sides in tree order.
    fn sort(&mut self, order: &Order) {
        for side in [&mut self.before, &mut self.after] {
            side.sort_by_key(|node| order.get(&std::ptr::from_ref(*node)));
        }
    }

    fn retain(&mut self, keep: impl Fn(&Node) -> bool) {
        for side in [&mut self.before, &mut self.after] {
            side.retain(|node| keep(node));
        }
    }

    /// Pairs roles of one digest, the largest first: only those of one size, as what is below them goes with them. With
    /// `unambiguous`, only where there are as many on both sides.
    fn take(&mut self, digest: fn(&Node) -> Digest, how: Match, unambiguous: bool) -> Found<'a> {
        let mut groups: BTreeMap<(Reverse<usize>, Kind, Digest), Sides<&'a Node>> = BTreeMap::new();
        let key = |node: &Node| (Reverse(node.count()), node.kind, digest(node));
        for node in &self.before {
            groups.entry(key(node)).or_default().0.push(node);
        }
        for node in &self.after {
            groups.entry(key(node)).or_default().1.push(node);
        }
        let mut found = Found::new();
        let mut largest = None;
        for ((size, ..), (before, after)) in groups {
            if before.is_empty() || after.is_empty() || (unambiguous && before.len() != after.len()) {
                continue;
            }
            if largest.is_some_and(|largest| largest != size) {
                break;
            }
            largest = Some(size);
            found.extend(by_name(before, after).into_iter().map(|(a, b)| (a, b, how)));
        }
        self.remove(&found);
        found
    }

    /// Pairs what is similar enough, the most similar first.
    fn similar(&mut self) -> Found<'a> {
        let mut groups: BTreeMap<(Kind, &str), Sides<Candidate<'a>>> = BTreeMap::new();
        for (order, node) in self.before.iter().enumerate() {
            let group = groups.entry((node.kind, &node.what)).or_default();
            group.0.push(Candidate::new(node, order));
        }
        for (order, node) in self.after.iter().enumerate() {
            let group = groups.entry((node.kind, &node.what)).or_default();
            group.1.push(Candidate::new(node, order));
        }
        let mut scores = Vec::new();
        for (before, after) in groups.values() {
            if before.len().saturating_mul(after.len()) > TRIED {
                continue;
            }
            for a in before {
                for b in after {
                    let percent = a.similarity(b);
                    if percent >= SIMILAR {
                        let size = Reverse(a.size + b.size);
                        let (last, first) = (a.order.max(b.order), a.order.min(b.order));
                        let other_name = a.node.name != b.node.name;
                        let order = (size, Reverse(percent), other_name, last, first, a.order);
                        scores.push((order, a.node, b.node, percent));
                    }
                }
            }
        }
        scores.sort_by_key(|(order, ..)| *order);
        let mut found = Found::new();
        let mut used: BTreeSet<*const Node> = BTreeSet::new();
        for (_, a, b, percent) in scores {
            let all: Vec<*const Node> = flat(a)
                .into_iter()
                .chain(flat(b))
                .map(std::ptr::from_ref)
                .collect();
            if all.iter().any(|node| used.contains(node)) {
                continue;
            }
            used.extend(all);
            let percent = u8::try_from(percent).unwrap_or(100);
            found.push((a, b, Match::Similar { percent }));
        }
        self.remove(&found);
        found
    }
}

/// Roles of the first tree, and of the second.
type Sides<T> = (Vec<T>, Vec<T>);

/// A role to be compared with many.
struct Candidate<'a> {
    node: &'a Node,
    order: usize,
    size: usize,
    /// The contents of the roles without children, and how often each is there.
    leaves: BTreeMap<Digest, usize>,
    hosts: BTreeSet<Option<&'a str>>,
}

impl<'a> Candidate<'a> {
    fn new(node: &'a Node, order: usize) -> Self {
        let mut leaves = BTreeMap::new();
        let mut hosts = BTreeSet::new();
        node.walk(&mut |node| {
            if node.children.is_empty() {
                hosts.insert(node.host());
                *leaves.entry(node.digests.content).or_default() += 1;
            }
        });
        Self {
            node,
            order,
            size: node.count(),
            leaves,
            hosts,
        }
    }

    /// Share of what two roles have in common, percent.
    fn similarity(&self, other: &Self) -> usize {
        // Something like it on another host is another role: nothing of it would be kept.
        if self.hosts != other.hosts {
            return 0;
        }
        let (equal, all) = if self.size == 1 && other.size == 1 {
            let (a, b) = (&self.node.fields, &other.node.fields);
            let equal = a
                .iter()
                .filter(|(field, value)| b.get(field) == Some(value))
                .count();
            (equal, a.len() + b.len() - equal)
        } else {
            let (a, b) = (&self.leaves, &other.leaves);
            let equal = a
                .iter()
                .map(|(digest, n)| b.get(digest).copied().unwrap_or(0).min(*n))
                .sum();
            (
                equal,
                a.values().sum::<usize>() + b.values().sum::<usize>() - equal,
            )
        };
        // Two that say nothing have nothing in common.
        (equal * 100).checked_div(all).unwrap_or(0)
    }
}

/// Pairs of one group: those of one name first, then in tree order.
fn by_name<'a>(before: Vec<&'a Node>, after: Vec<&'a Node>) -> Vec<(&'a Node, &'a Node)> {
    let mut pairs = Vec::new();
    let mut rest = Vec::new();
    let mut free: Vec<Option<&'a Node>> = after.into_iter().map(Some).collect();
    for node in before {
        let namesake = free
            .iter_mut()
            .find(|other| other.is_some_and(|other| other.name == node.name));
        match namesake.and_then(Option::take) {
            Some(other) => pairs.push((node, other)),
            None => rest.push(node),
        }
    }
    pairs.extend(rest.into_iter().zip(free.into_iter().flatten()));
    pairs
}
