use std::collections::BTreeMap;

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::behaviour::{Aspect, Digests, Fields};

/// A task, call or aggregator with few possible fields, so that equal ones are met often.
fn node(name: &str, kind: Kind, fields: Fields, children: Vec<Node>) -> Node {
    Node {
        name: name.to_owned(),
        path: name.to_owned(),
        kind,
        what: String::new(),
        span: Span::default(),
        critical: true,
        peers: Vec::new(),
        digests: Digests::new(kind, &fields, &children),
        fields,
        children,
    }
}

fn fields() -> impl Strategy<Value = Fields> {
    let field = prop_oneof![
        Just(Field::new(Aspect::Command, "value")),
        Just(Field::new(Aspect::Property, "rate")),
        Just(Field::new(Aspect::Critical, "")),
        Just(Field::new(Aspect::Constraint, "machine_id")),
        Just(Field::new(Aspect::Bind, "out")),
    ];
    btree_map(field, "[xy]".prop_map(Value::from), 1..4)
}

fn tree() -> impl Strategy<Value = Node> {
    let leaf = (prop_oneof![Just(Kind::Task), Just(Kind::Call)], fields());
    let leaf = leaf.prop_map(|(kind, fields)| node("", kind, fields, Vec::new()));
    let role = leaf.prop_recursive(3, 16, 4, |inner| {
        btree_map("[abcd]", inner, 1..4).prop_map(aggregator)
    });
    btree_map("[abcd]", role, 1..4).prop_map(|children| {
        let mut root = aggregator(children);
        root.name = "root".to_owned();
        place(&mut root, "");
        root
    })
}

fn aggregator(children: BTreeMap<String, Node>) -> Node {
    let named = children.into_iter().map(|(name, child)| Node { name, ..child });
    node("", Kind::Aggregator, Fields::new(), named.collect())
}

/// Writes down the paths.
fn place(node: &mut Node, parent: &str) {
    node.path = format!("{parent}{}", node.name);
    let prefix = format!("{}.", node.path);
    node.digests = Digests::new(node.kind, &node.fields, &node.children);
    for child in &mut node.children {
        place(child, &prefix);
    }
}

fn all(root: &Node) -> BTreeMap<String, &Node> {
    let mut all = BTreeMap::new();
    root.walk(&mut |node| _ = all.insert(node.path.clone(), node));
    all
}

/// Where a change is in both trees, and what of it.
fn pairs(diff: &Diff, reversed: bool) -> Vec<(Option<String>, Option<String>, Vec<String>)> {
    let path = |place: &Option<Place>| place.as_ref().map(|place| place.path.clone());
    let mut pairs: Vec<_> = diff
        .changes
        .iter()
        .map(|change| {
            let mut fields: Vec<_> = change
                .fields
                .iter()
                .map(|field| field.field.to_string())
                .collect();
            fields.sort();
            let (before, after) = (path(&change.before), path(&change.after));
            if reversed {
                (after, before, fields)
            } else {
                (before, after, fields)
            }
        })
        .collect();
    pairs.sort();
    pairs
}

/// What every role does, wherever it is.
fn contents<'a>(nodes: impl Iterator<Item = (Kind, &'a Fields)>) -> Vec<String> {
    let mut contents: Vec<_> = nodes.map(|node| format!("{node:?}")).collect();
    contents.sort();
    contents
}

proptest! {
    #[test]
    fn a_tree_does_not_differ_from_itself(a in tree()) {
        let diff = nodes(&a, &a, Of::Instances);
        prop_assert!(diff.is_empty());
        prop_assert_eq!(diff.counts.unchanged, a.count());
        prop_assert_eq!(diff.cost(), None);
    }

    #[test]
    fn trees_differ_exactly_if_their_digests_do(a in tree(), b in tree()) {
        let diff = nodes(&a, &b, Of::Instances);
        prop_assert_eq!(diff.is_empty(), a.digests.tree == b.digests.tree);
    }

    #[test]
    fn backwards_what_came_goes_and_the_pairs_are_the_same(a in tree(), b in tree()) {
        let forth = nodes(&a, &b, Of::Instances);
        let back = nodes(&b, &a, Of::Instances);
        prop_assert_eq!(pairs(&forth, false), pairs(&back, true));
        for change in &forth.changes {
            prop_assert_eq!(change.cost == Cost::Add, change.before.is_none());
            prop_assert_eq!(change.cost == Cost::Remove, change.after.is_none());
        }
    }

    /// Take away, put in and change what the difference says: that is the second tree.
    #[test]
    fn a_difference_is_a_plan(a in tree(), b in tree()) {
        let diff = nodes(&a, &b, Of::Instances);
        let (before, after) = (all(&a), all(&b));
        let mut model: BTreeMap<&str, (Kind, Fields)> = BTreeMap::new();
        for (path, node) in &before {
            model.insert(path, (node.kind, node.fields.clone()));
        }
        let mut done = Vec::new();
        for change in &diff.changes {
            let old = change.before.as_ref().and_then(|place| model.remove(place.path.as_str()));
            if let (Some((kind, mut fields)), Some(_)) = (old, &change.after) {
                for field in &change.fields {
                    prop_assert_eq!(fields.remove(&field.field), field.before.clone());
                    fields.extend(field.after.clone().map(|value| (field.field.clone(), value)));
                }
                done.push((kind, fields));
            } else if let Some(place) = change.after.as_ref() {
                let node = after[&place.path];
                done.push((node.kind, node.fields.clone()));
            }
        }
        let made = model.values().chain(&done).map(|(kind, fields)| (*kind, fields));
        prop_assert_eq!(contents(made), contents(after.values().map(|node| (node.kind, &node.fields))));
    }
}

fn task(name: &str, host: &str, command: &str) -> Node {
    let mut fields = Fields::new();
    fields.insert(Field::new(Aspect::Command, "value"), command.into());
    fields.insert(Field::new(Aspect::Constraint, "machine_id"), host.into());
    for property in ["p", "q", "r"] {
        fields.insert(Field::new(Aspect::Property, property), property.into());
    }
    node(name, Kind::Task, fields, Vec::new())
}

fn root(children: Vec<Node>) -> Node {
    let mut root = node("root", Kind::Aggregator, Fields::new(), children);
    place(&mut root, "");
    root
}

#[test]
fn renamed_moved_and_similar_roles_are_recognised() {
    let before = root(vec![
        task("renamed", "h1", "x"),
        task("moved", "h1", "y"),
        task("similar", "h1", "z"),
        task("gone", "h1", "w"),
    ]);
    let after = root(vec![
        task("other", "h1", "x"),
        task("there", "h2", "y"),
        task("alike", "h1", "zz"),
    ]);
    let diff = nodes(&before, &after, Of::Instances);
    let told: Vec<_> = diff
        .changes
        .iter()
        .map(|change| (change.cost, change.matched))
        .collect();
    assert_eq!(
        told,
        [
            (Cost::Remove, Match::Alone),
            (Cost::Move, Match::Moved),
            (Cost::Restart, Match::Similar { percent: 66 }),
            (Cost::None, Match::Renamed),
        ]
    );
    assert_eq!(
        diff.summary(),
        "1 role removed, 1 task moves, 1 restarts, 1 role changed at no cost; 1 of 4 roles unchanged"
    );
}

#[test]
fn whoever_connects_to_a_role_that_restarts_is_told_its_new_address() {
    let with = |command: &str| {
        let mut reader = task("reader", "h1", "x");
        reader.peers = vec![("root.writer".to_owned(), "in".to_owned())];
        let field = Field::new(Aspect::Connect, "in");
        reader.fields.insert(field, "root.writer:out".into());
        root(vec![task("writer", "h1", command), reader])
    };
    let diff = nodes(&with("x"), &with("y"), Of::Instances);
    assert_eq!(
        diff.summary(),
        "1 task restarts, 1 reconfigures; 1 of 3 roles unchanged"
    );
    let backwards = nodes(&with("y"), &with("x"), Of::Instances);
    assert_eq!(backwards.changes.len(), 2);
}

#[test]
fn every_aspect_has_its_cost_and_the_page_says_it() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/diff.md")).unwrap();
    for rule in COSTS {
        let row = format!("| {} | {} |", rule.cost, rule.reason);
        assert!(page.contains(&row), "docs/diff.md lacks {row}");
    }
    let aspects: std::collections::BTreeSet<_> = COSTS.iter().map(|rule| rule.aspect).collect();
    assert_eq!(aspects.len(), Aspect::ALL.len());
}
