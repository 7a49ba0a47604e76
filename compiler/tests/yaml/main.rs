//! The YAML reader against recordings of the reference's library (`recorded.jsonl`, made by `record.go` of texts that
//! were put together at random), and on texts made from known trees.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod generated;

use partita_compiler::yaml::{self, Content, Node};
use serde_json::{Value, json};

#[test]
fn reads_as_the_reference_does() {
    let recorded = include_str!("recorded.jsonl");
    let mut accepted = 0;
    for line in recorded.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = line["text"].as_str().unwrap();
        match (yaml::load(text), line.get("tree")) {
            (Ok(root), Some(tree)) => {
                accepted += 1;
                let root = root.map_or(Value::Null, |root| shown(&root));
                assert_eq!(&root, tree, "{text:?}");
            }
            (Err(_), None) => {}
            (ours, _) => panic!("{line}\n{ours:?}"),
        }
    }
    assert!(accepted > 300, "{accepted}");
}

/// Where we deliberately differ.
#[test]
fn refuses_what_follows_a_document_without_a_sign() {
    for text in ["[a] b", "\"a\" \"b\"", "a: |\n  b\n- c\n", "[]b: c"] {
        assert!(yaml::load(text).is_err(), "{text:?}");
    }
}

/// The reference looks two tokens ahead, and so may refuse a file for the second document that it does not read.
#[test]
fn never_looks_at_a_second_document() {
    for text in ["a: b\n--- `", "a: b\n---\n\t- \"", "a: b\n---\n%x"] {
        let root = yaml::load(text).unwrap().unwrap();
        assert_eq!(
            shown(&root),
            json!({"entries": [[{"plain": "a"}, {"plain": "b"}]]})
        );
    }
}

/// A tree as the recordings have it.
fn shown(node: &Node) -> Value {
    if node.alias {
        return json!("alias");
    }
    let content = match &node.content {
        Content::Plain(text) => json!({"plain": **text}),
        Content::Quoted(text) => json!({"quoted": **text}),
        Content::Sequence(items) => items.iter().map(shown).collect(),
        Content::Mapping(entries) => {
            let entries: Vec<Value> = entries
                .iter()
                .map(|(key, value)| json!([shown(key), shown(value)]))
                .collect();
            json!({"entries": entries})
        }
    };
    match node.tag.as_deref() {
        // The reference's tree does not keep it: it means no more than quotes do.
        None | Some("!") => content,
        Some(tag) => json!({"tag": tag, "of": content}),
    }
}

#[test]
fn a_scalar_is_where_its_text_is() {
    let text = "a: \"x y\"\nbé: |\n\n  block\n'c d': !t plain text # no\n[k, 'l']: two\n  lines\n";
    let root = yaml::load(text).unwrap().unwrap();
    let mut found = Vec::new();
    places(&root, &mut found);
    let expected = [
        ("a", 1, 1, 1),
        ("x y", 1, 5, 3),
        ("bé", 2, 1, 2),
        ("\nblock\n", 4, 3, 0),
        ("c d", 5, 2, 3),
        ("plain text", 5, 11, 10),
        ("k", 6, 2, 1),
        ("l", 6, 6, 1),
        ("two lines", 6, 11, 0),
    ];
    assert_eq!(
        found,
        expected.map(|(text, line, column, length)| (text.to_owned(), line, column, length))
    );
}

fn places(node: &Node, found: &mut Vec<(String, u32, u32, u32)>) {
    match &node.content {
        Content::Plain(text) | Content::Quoted(text) => {
            let place = node.place;
            found.push((text.to_string(), place.line, place.column, place.length));
        }
        Content::Sequence(items) => items.iter().for_each(|item| places(item, found)),
        Content::Mapping(entries) => {
            for (key, value) in entries.iter() {
                places(key, found);
                places(value, found);
            }
        }
    }
}
