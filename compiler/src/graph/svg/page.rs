//! What stands around the picture: colours, and the head of the page with its legend.

use std::fmt::Write as _;

use super::super::Graph;
use super::super::place::SMALL;
use super::super::text::{escape, width};
use super::MARGIN;

/// Light and dark, by what the reader prefers.
pub(super) const STYLE: &str = "
:root { color-scheme: light dark; }
svg { background: var(--page); --page: #fbfbf9; --ink: #1d2330; --faint: #667085; --frame: #ffffff; --edge: #c9ced8;
  --task: #eef4fb; --task-edge: #7a9cc6; --hook: #fdf3e1; --hook-edge: #d49a3a; --call: #f1ecfa; --call-edge: #9a80c9;
  --critical: #c8372d; --tcp: #3b6fb6; --shmem: #2f8f5b; --ipc: #a0681c; --other: #667085; --note: #9a5b00; --lane: #f1f2ee; }
@media (prefers-color-scheme: dark) { svg { --page: #14171d; --ink: #e6e9ef; --faint: #98a2b3; --frame: #1b1f27;
  --edge: #3d4451; --task: #1d2c40; --task-edge: #5b86bd; --hook: #362a14; --hook-edge: #c98f34; --call: #2a2340;
  --call-edge: #9279c6; --critical: #ff7b6e; --tcp: #7fb0f0; --shmem: #62c792; --ipc: #dda355; --other: #98a2b3;
  --note: #e0a85c; --lane: #1a1e26; } }
text { font-family: ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace; fill: var(--ink);
  font-size: 10.5px; }
a { text-decoration: none; cursor: pointer; }
.h1 { font-size: 22px; font-weight: 700; } .h2 { font-size: 16px; font-weight: 700; }
.t { font-size: 13px; font-weight: 600; } .s { fill: var(--faint); } .n { fill: var(--note); }
.many { font-size: 13px; font-weight: 700; fill: var(--tcp); } a:hover .many { text-decoration: underline; }
.frame { fill: var(--frame); stroke: var(--edge); } .root { fill: none; stroke: none; }
.behind { fill: var(--frame); stroke: var(--edge); }
.task { fill: var(--task); stroke: var(--task-edge); } .hook { fill: var(--hook); stroke: var(--hook-edge); }
.call { fill: var(--call); stroke: var(--call-edge); } .loose { stroke-dasharray: 4 3; } .maybe { stroke-dasharray: 9 5; }
.line { fill: none; stroke-width: 1.4; stroke: var(--other); } .line:hover { stroke-width: 3.5; }
.tcp { stroke: var(--tcp); } .shmem { stroke: var(--shmem); } .ipc { stroke-dasharray: 6 3; }
.head { fill: var(--other); stroke: none; } .head.tcp { fill: var(--tcp); } .head.shmem { fill: var(--shmem); }
.dot { fill: var(--faint); } .mark { fill: var(--critical); }
.lane { fill: var(--lane); } .tick { stroke: var(--edge); stroke-dasharray: 2 3; } .now { fill: var(--task); stroke: var(--task-edge); }
.panel { display: none; } .panel:target { display: inline; } .panel rect { fill: var(--frame); stroke: var(--tcp); stroke-width: 1.5; }
g:target > .task, g:target > .call, g:target > .hook, g:target > .frame { stroke-width: 3; }
";

/// Title, counts and legend.
pub(super) fn head(graph: &Graph) -> String {
    let [roles, tasks, hooks, calls] = graph.counts();
    let boxes = graph.items.len();
    let mut head = String::new();
    let _ = writeln!(
        head,
        "<text x=\"{MARGIN}\" y=\"38\" class=\"h1\">{}</text>",
        escape(&graph.title)
    );
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let counts = format!(
        "{} in {}: {}, {}, {}",
        many(roles, "role"),
        if boxes == 1 {
            "1 box".to_owned()
        } else {
            format!("{boxes} boxes")
        },
        many(tasks, "task"),
        many(hooks, "hook"),
        many(calls, "call")
    );
    let _ = writeln!(head, "<text x=\"{MARGIN}\" y=\"58\" class=\"s\">{counts}</text>");
    let mut x = MARGIN;
    for (class, name) in [
        ("line tcp", "network"),
        ("line shmem", "shared memory"),
        ("line tcp ipc", "ipc, one host"),
    ] {
        let _ = writeln!(
            head,
            "<path class=\"{class}\" d=\"M{x:.0} 74h26\"/><text x=\"{:.0}\" y=\"77\" class=\"s\">{name}</text>",
            x + 32.0
        );
        x += 32.0 + width(name, SMALL) + 22.0;
    }
    for (class, name) in [("task", "task"), ("hook", "hook"), ("call", "call")] {
        let _ = writeln!(
            head,
            "<rect class=\"{class}\" x=\"{x:.0}\" y=\"67\" width=\"14\" height=\"12\" rx=\"3\"/>\
             <text x=\"{:.0}\" y=\"77\" class=\"s\">{name}</text>",
            x + 20.0
        );
        x += 20.0 + width(name, SMALL) + 22.0;
    }
    let _ = writeln!(
        head,
        "<circle class=\"mark\" cx=\"{:.0}\" cy=\"73\" r=\"3.5\"/><text x=\"{:.0}\" y=\"77\" class=\"s\">critical: its \
         failure ends the run</text>",
        x + 5.0,
        x + 16.0
    );
    head
}
