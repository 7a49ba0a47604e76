//! What differs between two roles that are one, and what follows from that for others.

use std::collections::{BTreeMap, BTreeSet};

use super::cost::{Cost, cost};
use super::matching::{Match, Matched, Pair};
use super::{Change, FieldChange, Of, Place};
use crate::behaviour::{Aspect, Field, Node, Value};

/// Why a role is configured again though nothing of it changes.
const PEER: &str = "the role it connects to gets a new address";

/// Why a demand costs nothing where the host stays.
const SAME_HOST: &str = "the host it is on stays the one demanded";

/// All changes, in no order.
pub(super) fn changes(matched: &Matched<'_>, of: Of) -> Vec<Change> {
    let counterparts = Counterparts::new(matched);
    let mut changes: Vec<Change> = Vec::new();
    let mut kept: Vec<(&Pair<'_>, Vec<FieldChange>)> = Vec::new();
    // Paths of the roles whose channels get new addresses.
    let mut readdressed: BTreeSet<&str> = BTreeSet::new();
    for pair in &matched.pairs {
        let fields = if pair.same {
            Vec::new()
        } else {
            fields(pair, &counterparts, of)
        };
        if fields.iter().any(|field| field.cost >= Cost::Restart) {
            readdressed.insert(&pair.after.path);
        }
        kept.push((pair, fields));
    }
    readdressed.extend(matched.added.iter().map(|node| node.path.as_str()));
    changes.extend(lone(&matched.added, Cost::Add));
    changes.extend(lone(&matched.removed, Cost::Remove));
    for (pair, mut fields) in kept {
        follow(pair, &readdressed, &mut fields);
        let own = !matches!(pair.matched, Match::Path);
        if fields.is_empty() && !own {
            continue;
        }
        fields.sort_by(|a, b| (b.cost, &a.field).cmp(&(a.cost, &b.field)));
        changes.push(Change {
            cost: fields.first().map_or(Cost::None, |worst| worst.cost),
            kind: pair.after.kind,
            what: pair.after.what.clone(),
            critical: pair.after.critical,
            before: Some(place(pair.before)),
            after: Some(place(pair.after)),
            matched: pair.matched,
            fields,
        });
    }
    changes
}

/// The changes of roles that come or go.
fn lone(nodes: &[&Node], cost: Cost) -> Vec<Change> {
    let all: BTreeSet<*const Node> = nodes.iter().map(|node| std::ptr::from_ref(*node)).collect();
    let below = nodes
        .iter()
        .flat_map(|node| &node.children)
        .map(std::ptr::from_ref);
    let below: BTreeSet<*const Node> = below.collect();
    let change = |node: &&Node| {
        // Some of what was below may be elsewhere now.
        let mut along = 0;
        node.walk(&mut |node| along += usize::from(all.contains(&std::ptr::from_ref(node))));
        let place = Some(Place {
            along: below.contains(&std::ptr::from_ref(*node)),
            below: along - 1,
            ..place(node)
        });
        let (before, after) = if cost == Cost::Add {
            (None, place)
        } else {
            (place, None)
        };
        Change {
            cost,
            kind: node.kind,
            what: node.what.clone(),
            critical: node.critical,
            before,
            after,
            matched: Match::Alone,
            fields: Vec::new(),
        }
    };
    nodes.iter().map(change).collect()
}

fn place(node: &Node) -> Place {
    Place {
        path: node.path.clone(),
        span: node.span,
        host: node.host().map(str::to_owned),
        below: node.count() - 1,
        along: false,
    }
}

/// Which path of the first tree became which of the second.
struct Counterparts<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Counterparts<'a> {
    fn new(matched: &Matched<'a>) -> Self {
        let paths = matched
            .pairs
            .iter()
            .map(|pair| (pair.before.path.as_str(), pair.after.path.as_str()));
        Self(paths.collect())
    }

    /// The channel connects to the same channel of the same role, whatever that is called.
    fn same_peer(&self, pair: &Pair<'_>, field: &Field, before: &Value, after: &Value) -> bool {
        let channel = |value: &Value| match value {
            Value::One(text) => text
                .meaning()
                .rsplit_once(':')
                .map(|(_, channel)| channel.to_owned()),
            Value::List(_) => None,
        };
        let (Some(a), Some(b)) = (peer(pair.before, field), peer(pair.after, field)) else {
            return false;
        };
        self.0.get(a) == Some(&b) && channel(before) == channel(after)
    }
}

/// Path of the role that a channel connects to.
fn peer<'a>(node: &'a Node, field: &Field) -> Option<&'a str> {
    let (path, _) = node.peers.iter().find(|(_, channel)| *channel == field.key)?;
    Some(path)
}

fn fields(pair: &Pair<'_>, counterparts: &Counterparts<'_>, of: Of) -> Vec<FieldChange> {
    let (a, b) = (&pair.before.fields, &pair.after.fields);
    let names: BTreeSet<&Field> = a.keys().chain(b.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (before, after) = (a.get(name), b.get(name));
        if before == after {
            continue;
        }
        if let (Aspect::Connect, Some(before), Some(after)) = (name.aspect, before, after)
            && counterparts.same_peer(pair, name, before, after)
        {
            continue;
        }
        let (mut cost, mut reason) = cost(name.aspect, before.is_some(), after.is_some());
        if of == Of::Instances && cost == Cost::Move && stays(pair, name) {
            (cost, reason) = (Cost::None, SAME_HOST);
        }
        changes.push(FieldChange {
            field: name.clone(),
            cost,
            reason,
            before: before.cloned(),
            after: after.cloned(),
        });
    }
    changes
}

/// A demand on something else than the name of the host, which is demanded as before.
fn stays(pair: &Pair<'_>, field: &Field) -> bool {
    let (before, after) = (pair.before.host(), pair.after.host());
    field.key != "machine_id" && before.is_some() && before == after
}

/// Whoever connects to a role that is started anew must be told its new address.
fn follow(pair: &Pair<'_>, readdressed: &BTreeSet<&str>, fields: &mut Vec<FieldChange>) {
    // A task that is started anew is configured anyway.
    if fields.iter().any(|field| field.cost >= Cost::Reconfigure) {
        return;
    }
    for (path, channel) in &pair.after.peers {
        let field = Field::new(Aspect::Connect, channel.as_str());
        let value = pair.after.fields.get(&field);
        if readdressed.contains(path.as_str()) {
            fields.push(FieldChange {
                before: value.cloned(),
                after: value.cloned(),
                field,
                cost: Cost::Reconfigure,
                reason: PEER,
            });
        }
    }
}
