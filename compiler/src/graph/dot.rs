//! The picture in the language of Graphviz (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::Write as _;

use super::place::{badge, subtitle};
use super::{Graph, What};

/// The boxes and flows of a graph, frames as clusters.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "digraph {} {{", quoted(&graph.title));
    out.push_str("  rankdir=LR;\n  compound=true;\n  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\"];\n");
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
        let style = if flow.ipc { ", style=dashed" } else { "" };
        let colour = if flow.transport == "shmem" {
            "seagreen"
        } else {
            "steelblue"
        };
        let _ = writeln!(
            out,
            "  n{} -> n{} [label={}, color={colour}{style}];",
            flow.from,
            flow.to,
            quoted(&label)
        );
    }
    out.push_str("}\n");
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
    if matches!(item.what, What::Frame(_)) {
        let _ = writeln!(out, "{indent}subgraph cluster_{number} {{");
        let notes: String = item.unlike.iter().flat_map(|note| ["\n", note]).collect();
        let below = if below.is_empty() {
            below
        } else {
            format!("\n{below}")
        };
        let _ = writeln!(
            out,
            "{indent}  label={};",
            quoted(&format!("{label}{below}{notes}"))
        );
        if item.condition.is_some() {
            let _ = writeln!(out, "{indent}  style=dashed;");
        }
        if item.children.is_empty() {
            // A cluster without nodes is not drawn.
            let _ = writeln!(out, "{indent}  n{number} [style=invis, label=\"\"];");
        }
        for child in &item.children {
            write(graph, *child, depth + 1, out);
        }
        let _ = writeln!(out, "{indent}}}");
        return;
    }
    let fill = match item.what {
        What::Hook { .. } => "#fdf3e1",
        What::Call { .. } => "#f1ecfa",
        _ => "#eef4fb",
    };
    if !below.is_empty() {
        let _ = write!(label, "\n{below}");
    }
    if let Some(traits) = &item.traits {
        let _ = write!(label, "\n{}", traits.texts.trigger);
    }
    let loose = if item.critical && item.condition.is_none() {
        ""
    } else {
        ", style=\"rounded,filled,dashed\""
    };
    let _ = writeln!(
        out,
        "{indent}n{number} [label={}, fillcolor=\"{fill}\"{loose}];",
        quoted(&label)
    );
}

/// A string of the language: only quotes and backslashes mean something in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {}
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
