//! A snapshot of the configuration store, from the YAML file layout of the reference
//! (`template-language.md` 9.5): nested mappings become full keys, `o2/components/…`.

use std::collections::BTreeMap;

use partita_artefact::ir::Layers;

use crate::yaml::scalar::{self, Resolved};
use crate::yaml::{self, Content, LoadError, Node};

/// Where the store keeps the variables around every root role.
const DEFAULTS: &str = "o2/runtime/aliecs/defaults/";
const VARS: &str = "o2/runtime/aliecs/vars/";

/// Why a file is no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// Not YAML, or too much of it.
    #[error("line {line}: {error}")]
    Load {
        /// Line, from 1.
        line: u32,
        /// Why.
        error: LoadError,
    },
    /// The document is not a mapping.
    #[error("the configuration is not a mapping")]
    NoMapping,
    /// A key that is a list or a mapping.
    #[error("line {line}: a key must be text")]
    Key {
        /// Line, from 1.
        line: u32,
    },
    /// A key that stands twice.
    #[error("line {line}: `{key}` stands twice")]
    Twice {
        /// Line, from 1.
        line: u32,
        /// The full key.
        key: String,
    },
}

/// Reads a snapshot. Numbers and truth values become text; an empty mapping becomes the key of a folder, which ends
/// in `/`, as the store itself keeps empty folders; elements of lists are `name[0]`, `name[1]`.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, ConfigurationError> {
    let root = yaml::load(text).map_err(|error| {
        let line = match &error {
            LoadError::Syntax { place, .. } | LoadError::Limit { place, .. } => place.line,
        };
        ConfigurationError::Load { line, error }
    })?;
    let mut flat = BTreeMap::new();
    match root {
        None => {}
        Some(root) if matches!(root.content, Content::Mapping(_)) => flatten("", &root, &mut flat)?,
        Some(root) if scalar::is_null(&root) => {}
        Some(_) => return Err(ConfigurationError::NoMapping),
    }
    Ok(flat)
}

fn flatten(path: &str, node: &Node, flat: &mut BTreeMap<String, String>) -> Result<(), ConfigurationError> {
    let mut put = |key: String, value: String| match flat.insert(key.clone(), value) {
        None => Ok(()),
        Some(_) => Err(ConfigurationError::Twice {
            line: node.place.line,
            key,
        }),
    };
    match &node.content {
        Content::Mapping(entries) if entries.is_empty() => put(format!("{path}/"), String::new()),
        Content::Mapping(entries) => {
            for (key, value) in entries.iter() {
                let line = key.place.line;
                let key = key.source_text().ok_or(ConfigurationError::Key { line })?;
                let below = if path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{path}/{key}")
                };
                flatten(&below, value, flat)?;
            }
            Ok(())
        }
        Content::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), item, flat)?;
            }
            Ok(())
        }
        Content::Quoted(text) => put(path.to_owned(), text.to_string()),
        Content::Plain(text) => put(path.to_owned(), plain(text)),
    }
}

fn plain(text: &str) -> String {
    match scalar::resolve_plain(text) {
        Resolved::Null => String::new(),
        Resolved::Bool(value) => value.to_string(),
        Resolved::Int(value) => value.to_string(),
        Resolved::Float(_) | Resolved::Timestamp | Resolved::Text => text.to_owned(),
    }
}

/// The variables that the store puts around every root role (3.1), white space around their values removed.
pub fn environment(configuration: &BTreeMap<String, String>) -> Layers {
    let layer = |prefix: &str| {
        let below = configuration
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix));
        below
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value)))
            .filter(|(name, _)| !name.is_empty() && !name.contains('/'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    };
    Layers {
        defaults: layer(DEFAULTS),
        vars: layer(VARS),
        user: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_mappings_become_keys() {
        let text = "o2:\n runtime:\n  aliecs:\n   defaults: {a: 1, b: ' x ', c: 0x10}\n   vars: {d: true}\n hosts:\n  \
                    h1: {}\n  list: [x, 2]\n";
        let flat = parse(text).unwrap();
        let lines: Vec<String> = flat
            .iter()
            .map(|(key, value)| format!("{key} = {value:?}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        o2/hosts/h1/ = ""
        o2/hosts/list[0] = "x"
        o2/hosts/list[1] = "2"
        o2/runtime/aliecs/defaults/a = "1"
        o2/runtime/aliecs/defaults/b = " x "
        o2/runtime/aliecs/defaults/c = "16"
        o2/runtime/aliecs/vars/d = "true"
        "#);
        let layers = environment(&flat);
        assert_eq!(layers.defaults["b"], "x");
        assert_eq!(layers.vars["d"], "true");
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        assert_eq!(parse("- a"), Err(ConfigurationError::NoMapping));
        assert!(matches!(
            parse("a: 1\na: 2"),
            Err(ConfigurationError::Twice { line: 2, .. })
        ));
        assert!(matches!(parse("a: ["), Err(ConfigurationError::Load { .. })));
        assert_eq!(parse(""), Ok(BTreeMap::new()));
    }
}
