//! Trees written in random styles come back as they were.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

use partita_compiler::yaml::{self, Content, Node};

/// A tree, and how each part of it is written.
#[derive(Debug, Clone)]
enum Tree {
    Text(String, Style),
    List(Vec<Tree>, bool),
    Mapping(Vec<(String, Tree)>, bool),
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Single,
    Double,
    Literal,
}

fn trees() -> impl Strategy<Value = Tree> {
    let style = prop_oneof![Just(Style::Single), Just(Style::Double), Just(Style::Literal)];
    let text = r#"[a-zé'": #,{}\[\]\\\n\t-]{0,12}"#;
    let leaf = (text, style).prop_map(|(text, style)| Tree::Text(text, style));
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..4), any::<bool>()).prop_map(|(items, flow)| Tree::List(items, flow)),
            (vec(("[a-z]{1,3}", inner), 0..4), any::<bool>())
                .prop_map(|(entries, flow)| Tree::Mapping(entries, flow)),
        ]
    })
}

/// Writes `tree` after a `-` or `key:`.
fn write(tree: &Tree, indent: usize, flow: bool, out: &mut String) {
    let margin = " ".repeat(indent);
    match tree {
        Tree::Text(text, style) => scalar(text, *style, indent, flow, out),
        Tree::List(items, own) if flow || *own || items.is_empty() => {
            out.push_str(" [");
            for item in items {
                write(item, indent, true, out);
                out.push(',');
            }
            out.push(']');
        }
        Tree::Mapping(entries, own) if flow || *own || entries.is_empty() => {
            out.push_str(" {");
            for (key, value) in entries {
                write!(out, " {key}:").unwrap();
                write(value, indent, true, out);
                out.push(',');
            }
            out.push('}');
        }
        Tree::List(items, _) => {
            for item in items {
                write!(out, "\n{margin}-").unwrap();
                write(item, indent + 1, false, out);
            }
        }
        Tree::Mapping(entries, _) => {
            for (key, value) in entries {
                write!(out, "\n{margin}{key}:").unwrap();
                write(value, indent + 1, false, out);
            }
        }
    }
}

fn scalar(text: &str, style: Style, indent: usize, flow: bool, out: &mut String) {
    out.push(' ');
    let lines = text.contains('\n');
    match style {
        Style::Single if !lines => write!(out, "'{}'", text.replace('\'', "''")).unwrap(),
        // One line break at the end is what `|` gives without more signs.
        Style::Literal if !flow && text.ends_with(|c| c != '\n') => {
            write!(out, "|{}-", 1).unwrap();
            for line in text.split('\n') {
                write!(out, "\n{}{line}", " ".repeat(indent)).unwrap();
            }
        }
        _ => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            write!(out, "\"{}\"", escaped.replace('\n', "\\n").replace('\t', "\\x09")).unwrap();
        }
    }
}

fn same(tree: &Tree, node: &Node) -> bool {
    match (tree, &node.content) {
        (Tree::Text(text, _), Content::Quoted(found)) => text.as_str() == found.as_ref(),
        (Tree::List(items, _), Content::Sequence(found)) => {
            items.len() == found.len() && items.iter().zip(found.iter()).all(|(a, b)| same(a, b))
        }
        (Tree::Mapping(entries, _), Content::Mapping(found)) => {
            entries.len() == found.len()
                && entries
                    .iter()
                    .zip(found.iter())
                    .all(|((key, a), (found, b))| found.source_text() == Some(key) && same(a, b))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn trees_come_back(tree in trees()) {
        let mut text = "root:".to_owned();
        write(&Tree::List(vec![tree.clone()], false), 2, false, &mut text);
        let root = yaml::load(&text).map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        let Some(Node { content: Content::Mapping(entries), .. }) = &root else {
            return Err(TestCaseError::fail(text));
        };
        prop_assert!(same(&Tree::List(vec![tree], false), &entries[0].1), "{text}\n{root:?}");
    }

    #[test]
    fn any_text_ends_in_a_tree_or_an_error(text in any::<String>(), yaml in "[a-c:\\-?\\[\\]{},#&*!|>'\"%@ \\n\\t]{0,60}") {
        let _ = yaml::load(&text);
        let _ = yaml::load(&yaml);
    }
}
