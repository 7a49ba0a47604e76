//! The picture as a mermaid flow chart (<https://mermaid.js.org/syntax/flowchart.html>), which many pages draw by themselves.

use std::fmt::Write as _;

use super::place::{badge, subtitle};
use super::{Graph, Item, What};

/// The boxes and flows of a graph, frames as subgraphs.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    if !graph.items.is_empty() {
        write(graph, 0, 1, &mut out);
    }
    for flow in &graph.flows {
        let mut label = flow.from_channel.clone();
        if flow.to_channel != flow.from_channel {
            let _ = write!(label, " → {}", flow.to_channel);
        }
        if flow.count > 1 {
            let _ = write!(label, " × {}", flow.count);
        }
        let arrow = if flow.ipc { "-.->" } else { "-->" };
        let _ = writeln!(out, "  n{} {arrow}|{}| n{}", flow.from, quoted(&label), flow.to);
    }
    out.push_str("  classDef isTask fill:#eef4fb,stroke:#7a9cc6,color:#1d2330\n");
    out.push_str("  classDef isHook fill:#fdf3e1,stroke:#d49a3a,color:#1d2330\n");
    out.push_str("  classDef isCall fill:#f1ecfa,stroke:#9a80c9,color:#1d2330\n");
    out
}

fn write(graph: &Graph, number: usize, depth: usize, out: &mut String) {
    let Some(item) = graph.items.get(number) else {
        return;
    };
    let indent = "  ".repeat(depth);
    let mut label = item.name.clone();
    if let Some(badge) = badge(item) {
        let _ = write!(label, " {badge}");
    }
    let below = subtitle(item);
    if matches!(item.what, What::Frame(_)) && !item.children.is_empty() {
        for note in &item.unlike {
            let _ = write!(label, ", {note}");
        }
        let _ = writeln!(out, "{indent}subgraph n{number}[{}]", quoted(&label));
        for child in &item.children {
            write(graph, *child, depth + 1, out);
        }
        let _ = writeln!(out, "{indent}end");
        maybe(item, number, &indent, out);
        return;
    }
    // `call` is a word of the language.
    let class = match item.what {
        What::Hook { .. } => "isHook",
        What::Call { .. } => "isCall",
        _ => "isTask",
    };
    if !below.is_empty() {
        let _ = write!(label, "<br/>{}", below.replace('<', "‹").replace('>', "›"));
    }
    if let Some(traits) = &item.traits {
        let _ = write!(label, "<br/>{}", traits.texts.trigger);
    }
    let _ = writeln!(out, "{indent}n{number}[{}]:::{class}", quoted(&label));
    maybe(item, number, &indent, out);
}

/// A box that may turn out not to be there.
fn maybe(item: &Item, number: usize, indent: &str, out: &mut String) {
    if item.condition.is_some() {
        let _ = writeln!(out, "{indent}style n{number} stroke-dasharray:9 5");
    }
}

/// A text in quotes. Entities stand for what has a meaning there.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("#quot;"),
            '#' => quoted.push_str("#35;"),
            '\n' => quoted.push_str("<br/>"),
            '`' => quoted.push_str("#96;"),
            c if c.is_control() => {}
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
