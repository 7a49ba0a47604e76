//! Which roles are equal in structure, and in what those that are not differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use partita_artefact::instance::{Instance, Kind, Role};
use partita_artefact::show::short;

/// Most differences that a box names.
const DIFFERENCES: usize = 4;

/// A role, what it is made like, and its number if it is a task.
pub(super) struct Shape<'a> {
    pub(super) role: &'a Role,
    /// Equal for roles of equal structure, and only for them.
    print: usize,
    /// Number of the task, in tree order.
    pub(super) task: Option<usize>,
    pub(super) children: Vec<Shape<'a>>,
}

/// Siblings of equal structure.
pub(super) struct Group {
    /// Their places among their siblings.
    pub(super) places: Vec<usize>,
    /// In what they are unlike the largest group of the same iterator.
    pub(super) unlike: Vec<String>,
}

#[derive(Default)]
struct Prints {
    known: BTreeMap<(String, Vec<usize>), usize>,
    tasks: usize,
}

impl<'a> Shape<'a> {
    /// The shapes of a whole tree.
    pub(super) fn of(instance: &'a Instance) -> Self {
        Prints::default().shape(&instance.root)
    }
}

impl Prints {
    fn shape<'a>(&mut self, role: &'a Role) -> Shape<'a> {
        let task = role.task().map(|_| {
            self.tasks += 1;
            self.tasks - 1
        });
        let children: Vec<Shape<'a>> = role.roles.iter().map(|child| self.shape(child)).collect();
        let prints = children.iter().map(|child| child.print).collect();
        let next = self.known.len();
        let print = *self.known.entry((structure(role), prints)).or_insert(next);
        Shape {
            role,
            print,
            task,
            children,
        }
    }
}

/// What makes a role what it is, but for its values: the template it is written in stands for its name.
fn structure(role: &Role) -> String {
    let span = role.span;
    format!(
        "{}:{}:{} {}",
        span.source,
        span.line,
        span.column,
        details(role).join(" ")
    )
}

/// What a person would call different.
fn details(role: &Role) -> Vec<String> {
    let mut details = Vec::new();
    if let Some(include) = &role.include {
        details.push(format!("include {}", short(&include.module)));
    }
    match &role.kind {
        Kind::Aggregator => {}
        Kind::Task(task) => details.push(format!("task {}", short(&task.class))),
        Kind::Call(call) => details.push(format!("call {}", call.text)),
    }
    if let Some(traits) = role.traits() {
        if traits.trigger.is_some() {
            details.push(format!("at {}", traits.texts.trigger));
            details.push(format!("awaited at {}", traits.texts.await_at));
            details.push(format!("within {}", traits.texts.timeout));
        }
        details.push(
            if traits.critical {
                "critical"
            } else {
                "not critical"
            }
            .to_owned(),
        );
    }
    for inbound in &role.bind {
        let channel = &inbound.channel;
        let mut text = format!("bind {} {} {}", channel.name, channel.kind, channel.transport);
        let _ = write!(text, " {:?}", inbound.addressing);
        details.push(text);
    }
    for outbound in &role.connect {
        let channel = &outbound.channel;
        details.push(format!(
            "connect {} {} {}",
            channel.name, channel.kind, channel.transport
        ));
    }
    details
}

/// Siblings by structure, in the order in which each first appears. Only what one iterator makes is put together.
pub(super) fn groups(siblings: &[Shape<'_>], apart: impl Fn(&Role) -> bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_print: BTreeMap<usize, usize> = BTreeMap::new();
    for (place, shape) in siblings.iter().enumerate() {
        let known = if apart(shape.role) {
            None
        } else {
            of_print.get(&shape.print)
        };
        if let Some(group) = known.and_then(|group| groups.get_mut(*group)) {
            group.places.push(place);
            continue;
        }
        if !apart(shape.role) {
            of_print.insert(shape.print, groups.len());
        }
        groups.push(Group {
            places: vec![place],
            unlike: Vec::new(),
        });
    }
    name_differences(siblings, &mut groups);
    groups
}

/// Says of every group how it differs from the largest one that is written in the same place.
fn name_differences(siblings: &[Shape<'_>], groups: &mut [Group]) {
    let span = |group: &Group| {
        let first = group.places.first().and_then(|place| siblings.get(*place))?;
        let span = first.role.span;
        Some((span.source, span.line, span.column))
    };
    let mut usual: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for group in groups.iter() {
        let (Some(span), Some(&first)) = (span(group), group.places.first()) else {
            continue;
        };
        let largest = usual.entry(span).or_insert((0, first));
        if group.places.len() > largest.0 {
            *largest = (group.places.len(), first);
        }
    }
    for group in groups {
        let Some(&(_, other)) = span(group).and_then(|span| usual.get(&span)) else {
            continue;
        };
        let pair = group.places.first().filter(|first| **first != other);
        if let (Some(here), Some(there)) = (pair.and_then(|place| siblings.get(*place)), siblings.get(other))
            && here.print != there.print
        {
            group.unlike = differences(here, there);
        }
    }
}

fn differences(here: &Shape<'_>, there: &Shape<'_>) -> Vec<String> {
    let (mine, theirs) = (inventory(here), inventory(there));
    let mut found = Vec::new();
    for (name, details) in &mine {
        match theirs.get(name) {
            None if !covered(name, &mine, &theirs) => found.push(format!("with {name}")),
            Some(other) if other != details && !covered(name, &mine, &theirs) => {
                let new = details.difference(other).next();
                found.extend(new.map(|detail| {
                    if name.is_empty() {
                        detail.clone()
                    } else {
                        format!("{name}: {detail}")
                    }
                }));
            }
            _ => {}
        }
    }
    for name in theirs.keys() {
        if !mine.contains_key(name) && !covered(name, &theirs, &mine) {
            found.push(format!("without {name}"));
        }
    }
    let more = found.len().saturating_sub(DIFFERENCES);
    found.truncate(DIFFERENCES);
    if more > 0 {
        found.push(format!("and {more} more differences"));
    }
    found
}

type Inventory = BTreeMap<String, BTreeSet<String>>;

/// A role above it is missing as well, or includes another workflow: that says enough.
fn covered(name: &str, here: &Inventory, there: &Inventory) -> bool {
    let mut name = name;
    while let Some((parent, _)) = name.rsplit_once('.') {
        let (Some(mine), other) = (here.get(parent), there.get(parent)) else {
            return false;
        };
        if other.is_none_or(|other| included(mine) != included(other)) {
            return true;
        }
        name = parent;
    }
    false
}

fn included(details: &BTreeSet<String>) -> Option<&String> {
    details.iter().find(|detail| detail.starts_with("include "))
}

/// Everything below a role, by its path from there.
fn inventory(shape: &Shape<'_>) -> Inventory {
    let mut all = BTreeMap::new();
    collect(shape, String::new(), &mut all);
    all
}

fn collect(shape: &Shape<'_>, path: String, all: &mut Inventory) {
    for child in &shape.children {
        let name = if path.is_empty() {
            child.role.name.clone()
        } else {
            format!("{path}.{}", child.role.name)
        };
        collect(child, name, all);
    }
    all.entry(path).or_default().extend(details(shape.role));
}

/// What names have in common, with a `*` for the rest.
pub(super) fn pattern(names: &[&str]) -> String {
    let Some((first, rest)) = names.split_first() else {
        return String::new();
    };
    if rest.iter().all(|name| name == first) {
        return (*first).to_owned();
    }
    let length = |count: usize| first.chars().take(count).map(char::len_utf8).sum::<usize>();
    let common = |other: &str| {
        first
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let start = rest.iter().map(|name| common(name)).min().unwrap_or_default();
    let from_end = |other: &str| {
        let both = first.chars().rev().zip(other.chars().rev());
        let room = first.chars().count().min(other.chars().count()) - start;
        both.take(room).take_while(|(a, b)| a == b).count()
    };
    let end = rest.iter().map(|name| from_end(name)).min().unwrap_or_default();
    let head = first.get(..length(start)).unwrap_or_default();
    let all = first.chars().count();
    let tail = first.get(length(all - end)..).unwrap_or_default();
    // `flp00*` for flp001 to flp009 says less than `flp*`.
    format!("{}*{tail}", head.trim_end_matches(|c: char| c.is_ascii_digit()))
}
