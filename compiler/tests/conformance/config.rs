//! The configuration store of a case, flattened to full keys.

use std::collections::BTreeMap;
use std::path::Path;

use partita_compiler::yaml::{self, Content, Node};

pub(crate) fn read(path: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut store = BTreeMap::new();
    if let Some(root) = yaml::load(&text).unwrap() {
        flatten(&root, String::new(), &mut store);
    }
    store
}

fn flatten(node: &Node, key: String, store: &mut BTreeMap<String, String>) {
    match &node.content {
        Content::Plain(text) | Content::Quoted(text) => {
            store.insert(key, text.to_string());
        }
        Content::Mapping(entries) => {
            for (name, value) in entries.iter() {
                let name = name.source_text().unwrap();
                let key = if key.is_empty() {
                    name.to_owned()
                } else {
                    format!("{key}/{name}")
                };
                flatten(value, key, store);
            }
            // A folder without entries is a key that ends in a slash.
            if entries.is_empty() {
                store.insert(format!("{key}/"), String::new());
            }
        }
        Content::Sequence(_) => panic!("{key}: a list in a configuration store"),
    }
}
