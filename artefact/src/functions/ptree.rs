//! `ToPtree`: a value that is to be pushed as a tree (`template-language.md` 3.7).
//!
//! A function can only return text, so the tree travels as marked text from the expression to the property that it is
//! the value of.

/// Begins a text that stands for a tree. No text of a variable begins like this: it is not allowed in YAML.
const MARK: &str = "\u{0}ptree\u{0}";

/// The marked text of a tree. A syntax that is not known gives a tree that says so.
pub(crate) fn mark(payload: &str, syntax: &str) -> String {
    const UNKNOWN: &str = r#"{"error":"bad ToPtree syntax argument, allowed values: ini, json, xml"}"#;
    let syntax = syntax.trim().to_lowercase();
    match syntax.as_str() {
        "ini" | "json" | "xml" => format!("{MARK}{syntax}:{payload}"),
        _ => format!("{MARK}json:{UNKNOWN}"),
    }
}

/// Syntax and payload, if a text stands for a tree.
pub(crate) fn marked(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(MARK)?.split_once(':')
}
