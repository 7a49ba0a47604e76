//! The picture as one SVG document that needs nothing else: no script, no font, no style sheet.

use std::fmt::Write as _;

use super::layers::Side;
use super::place::{
    Line, Placed, Plan, SMALL, SMALL_ROW, TITLE, TITLE_ROW, badge, label, place, subtitle, title,
};
use super::text::{cut, escape, width};
use super::timeline::{Band, bands, never};
use super::{Flow, Graph, Item, What};

/// Around everything.
const MARGIN: f64 = 24.0;
/// Height of the head of the page, and of a section's.
const PAGE_HEAD: f64 = 78.0;
const SECTION: f64 = 44.0;
/// A bar of the time line and the room below it.
const BAR: f64 = 22.0;
const BAR_GAP: f64 = 5.0;
/// Left of the bands: the names of the transitions.
const BAND_HEAD: f64 = 190.0;
/// Most names in the panel of a box that stands for several roles.
const PANEL_NAMES: usize = 300;
const PANEL_ROWS: usize = 30;

const STYLE: &str = "
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
.call { fill: var(--call); stroke: var(--call-edge); } .loose { stroke-dasharray: 4 3; }
.line { fill: none; stroke-width: 1.4; stroke: var(--other); } .line:hover { stroke-width: 3.5; }
.tcp { stroke: var(--tcp); } .shmem { stroke: var(--shmem); } .ipc { stroke-dasharray: 6 3; }
.head { fill: var(--other); stroke: none; } .head.tcp { fill: var(--tcp); } .head.shmem { fill: var(--shmem); }
.dot { fill: var(--faint); } .mark { fill: var(--critical); }
.lane { fill: var(--lane); } .tick { stroke: var(--edge); stroke-dasharray: 2 3; } .now { fill: var(--task); stroke: var(--task-edge); }
.panel { display: none; } .panel:target { display: inline; } .panel rect { fill: var(--frame); stroke: var(--tcp); stroke-width: 1.5; }
g:target > .task, g:target > .call, g:target > .hook, g:target > .frame { stroke-width: 3; }
";

struct Writer<'g> {
    graph: &'g Graph,
    out: String,
}

/// Draws a graph.
pub fn svg(graph: &Graph) -> String {
    let plan = place(graph);
    let bands = bands(graph);
    let root = plan.boxes.first().cloned().unwrap_or_default();
    let mut writer = Writer {
        graph,
        out: String::new(),
    };
    let roles_at = PAGE_HEAD + SECTION;
    writer.section("Roles and channels", PAGE_HEAD + 24.0);
    let _ = write!(writer.out, "<g transform=\"translate({},{})\">", MARGIN, roles_at);
    writer.boxes(&plan);
    writer.lines(&plan);
    writer.out.push_str("</g>\n");
    let mut y = roles_at + root.height + 12.0;
    let mut wide = root.width;
    writer.section("Hooks and calls", y + 24.0);
    y += SECTION;
    for band in &bands {
        let (width, height) = writer.band(band, y);
        wide = wide.max(width);
        y += height + 14.0;
    }
    y += writer.never(&bands, y);
    let _ = write!(writer.out, "<g transform=\"translate({},{})\">", MARGIN, roles_at);
    let (panels, deepest) = writer.panels(&plan, wide);
    writer.out.push_str(&panels);
    writer.out.push_str("</g>\n");
    let (wide, tall) = (wide.max(760.0) + 2.0 * MARGIN, y.max(deepest + roles_at) + MARGIN);
    let mut page = String::new();
    let _ = write!(
        page,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{tall:.0}\" viewBox=\"0 0 {wide:.0} {tall:.0}\" \
         role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n",
        escape(&graph.title)
    );
    page.push_str(&page_head(graph));
    page.push_str(&writer.out);
    page.push_str("</svg>\n");
    page
}

fn page_head(graph: &Graph) -> String {
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

impl Writer<'_> {
    fn section(&mut self, title: &str, y: f64) {
        let _ = writeln!(
            self.out,
            "<text x=\"{MARGIN}\" y=\"{y:.1}\" class=\"h2\">{title}</text>"
        );
    }

    fn boxes(&mut self, plan: &Plan<'_>) {
        for (number, item) in self.graph.items.iter().enumerate() {
            if let Some(placed) = plan.boxes.get(number) {
                self.item(number, item, placed);
            }
        }
    }

    fn item(&mut self, number: usize, item: &Item, placed: &Placed<'_>) {
        let Placed {
            x,
            y,
            width: wide,
            height: tall,
            ..
        } = *placed;
        let class = match (&item.what, item.parent) {
            (What::Frame(_), None) => "root",
            (What::Frame(_), _) => "frame",
            (What::Task { .. }, _) => "task",
            (What::Hook { .. }, _) => "hook",
            (What::Call { .. }, _) => "call",
        };
        let loose = if item.critical || class == "frame" || class == "root" {
            ""
        } else {
            " loose"
        };
        let _ = write!(
            self.out,
            "<g id=\"role-{number}\"><title>{}</title>",
            escape(&tooltip(item))
        );
        if item.paths.len() > 1 {
            for offset in [6.0, 3.0] {
                let _ = write!(
                    self.out,
                    "<rect class=\"{} behind\" x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\" rx=\"6\"/>",
                    if class == "frame" { "" } else { class },
                    x + offset,
                    y + offset
                );
            }
        }
        let _ = write!(
            self.out,
            "<rect class=\"{class}{loose}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\" rx=\"6\"/>"
        );
        if item.parent.is_none() {
            self.out.push_str("</g>\n");
            return;
        }
        let mut at = x + 10.0;
        if item.critical && class != "frame" && class != "root" {
            let _ = write!(
                self.out,
                "<circle class=\"mark\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
                at + 2.0,
                y + 11.0
            );
            at += 10.0;
        }
        let name = title(item);
        let text = format!(
            "<text class=\"t\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            y + 15.5,
            escape(&name)
        );
        if item.is_momentary() {
            let _ = write!(self.out, "<a href=\"#when-{number}\">{text}</a>");
        } else {
            self.out.push_str(&text);
        }
        at += width(&name, TITLE) + 10.0;
        if let Some(badge) = badge(item) {
            let _ = write!(
                self.out,
                "<a href=\"#members-{number}\"><text class=\"many\" x=\"{at:.1}\" y=\"{:.1}\">{badge}</text></a>",
                y + 15.5
            );
            at += width(&badge, TITLE) + 12.0;
        }
        let below = subtitle(item);
        match &item.what {
            What::Frame(_) => {
                let _ = write!(
                    self.out,
                    "<text class=\"s\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
                    y + 15.0,
                    escape(&below)
                );
                let mut line = y + TITLE_ROW + 9.0;
                for note in &item.unlike {
                    let _ = write!(
                        self.out,
                        "<text class=\"n\" x=\"{:.1}\" y=\"{line:.1}\">{}</text>",
                        x + 10.0,
                        escape(note)
                    );
                    line += SMALL_ROW;
                }
            }
            What::Task { .. } => {
                let down = y + TITLE_ROW + 10.5;
                let _ = write!(
                    self.out,
                    "<text class=\"s\" x=\"{:.1}\" y=\"{down:.1}\">{}</text>",
                    x + 10.0,
                    escape(&below)
                );
            }
            _ => {}
        }
        for (port, down) in &placed.ports {
            if item.children.is_empty() {
                self.port(label(port, item).as_str(), port.side, x, wide, y + down);
            }
        }
        self.out.push_str("</g>\n");
    }

    fn port(&mut self, name: &str, side: Side, x: f64, wide: f64, y: f64) {
        let (anchor, at, edge) = match side {
            Side::Left => ("start", x + 9.0, x),
            Side::Right => ("end", x + wide - 9.0, x + wide),
        };
        let _ = write!(
            self.out,
            "<circle class=\"dot\" cx=\"{edge:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>\
             <text class=\"s\" text-anchor=\"{anchor}\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            y + 3.5,
            escape(name)
        );
    }

    fn lines(&mut self, plan: &Plan<'_>) {
        for (_, line) in &plan.lines {
            if let Some(flow) = self.graph.flows.get(line.flow) {
                self.line(line, flow);
            }
        }
    }

    fn line(&mut self, line: &Line, flow: &Flow) {
        let colour = if flow.transport == "shmem" { "shmem" } else { "tcp" };
        let ipc = if flow.ipc { " ipc" } else { "" };
        let mut path = String::new();
        let mut before: Option<(f64, f64)> = None;
        for &(x, y) in &line.points {
            match before {
                None => {
                    let _ = write!(path, "M{x:.1} {y:.1}");
                }
                Some((_, above)) if (above - y).abs() < 0.05 => {
                    let _ = write!(path, "H{x:.1}");
                }
                Some((from, above)) => {
                    let middle = f64::midpoint(from, x);
                    let _ = write!(path, "C{middle:.1} {above:.1} {middle:.1} {y:.1} {x:.1} {y:.1}");
                }
            }
            before = Some((x, y));
        }
        let name = |item: usize| self.graph.items.get(item).map_or("", |item| item.name.as_str());
        let mut said = format!(
            "{} {} → {} {}, {}",
            name(flow.from),
            flow.from_channel,
            name(flow.to),
            flow.to_channel,
            if flow.transport.is_empty() {
                "default"
            } else {
                &flow.transport
            },
        );
        if flow.count > 1 {
            let _ = write!(said, ", {} connections", flow.count);
        }
        let _ = write!(
            self.out,
            "<path class=\"line {colour}{ipc}\" d=\"{path}\"><title>{}</title></path>",
            escape(&said)
        );
        let ends = if line.forward {
            line.points.last()
        } else {
            line.points.first()
        };
        if let Some((x, y)) = ends.filter(|_| line.arrow) {
            let back = if line.forward { -8.0 } else { 8.0 };
            let _ = write!(
                self.out,
                "<path class=\"head {colour}\" d=\"M{x:.1} {y:.1}l{back} -4v8z\"/>"
            );
        }
        self.out.push('\n');
    }

    /// The lists of roles behind boxes with a count: shown when the count is clicked.
    fn panels(&self, plan: &Plan<'_>, wide: f64) -> (String, f64) {
        let mut out = String::new();
        let mut deepest = 0.0_f64;
        for (number, item) in self.graph.items.iter().enumerate() {
            let Some(placed) = plan.boxes.get(number).filter(|_| item.paths.len() > 1) else {
                continue;
            };
            // What all paths begin with is not repeated for each.
            let around = item.parent.and_then(|parent| self.graph.items.get(parent));
            let prefix = around.and_then(|parent| match parent.paths.as_slice() {
                [path] => Some(format!("{path}.")),
                _ => None,
            });
            let short = |path: &String| {
                let rest = prefix
                    .as_ref()
                    .and_then(|prefix| path.strip_prefix(prefix.as_str()));
                rest.unwrap_or(path).to_owned()
            };
            let mut names: Vec<String> = item.paths.iter().take(PANEL_NAMES).map(short).collect();
            if item.paths.len() > PANEL_NAMES {
                names.push(format!("and {} more", item.paths.len() - PANEL_NAMES));
            }
            let longest = names.iter().map(|name| width(name, SMALL)).fold(0.0, f64::max) + 18.0;
            let columns = names.len().div_ceil(PANEL_ROWS);
            let rows = names.len().div_ceil(columns.max(1));
            #[allow(clippy::cast_precision_loss, reason = "a few hundred names")]
            let (columns, tall) = (columns as f64, rows as f64 * SMALL_ROW + 40.0);
            let panel = longest * columns + 16.0;
            let x = placed.x.min(wide - panel).max(0.0);
            let y = placed.y + TITLE_ROW + 4.0;
            deepest = deepest.max(y + tall);
            let _ = write!(
                out,
                "<g class=\"panel\" id=\"members-{number}\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{panel:.1}\" \
                 height=\"{tall:.1}\" rx=\"6\"/><a href=\"#\"><text class=\"many\" x=\"{:.1}\" y=\"{:.1}\">× close</text></a>",
                x + 10.0,
                y + 20.0
            );
            let (mut column, mut down) = (x + 10.0, y + 40.0);
            for (place, name) in names.iter().enumerate() {
                if place > 0 && place % rows == 0 {
                    column += longest;
                    down = y + 40.0;
                }
                let _ = write!(
                    out,
                    "<text x=\"{column:.1}\" y=\"{down:.1}\">{}</text>",
                    escape(name)
                );
                down += SMALL_ROW;
            }
            out.push_str("</g>\n");
        }
        (out, deepest)
    }

    /// One transition. Gives its width and height.
    fn band(&mut self, band: &Band, top: f64) -> (f64, f64) {
        let mut widths: Vec<f64> = band
            .columns
            .iter()
            .map(|column| width(&column.name, SMALL) + 26.0)
            .collect();
        for bar in &band.bars {
            let text = self.bar_text(bar.item, bar.elsewhere.as_deref());
            if let Some(slot) = widths.get_mut(bar.start) {
                *slot = slot.max(width(&text, SMALL) + 34.0);
            }
        }
        let mut edges = vec![MARGIN + BAND_HEAD];
        for width in &widths {
            edges.push(edges.last().copied().unwrap_or_default() + width);
        }
        #[allow(clippy::cast_precision_loss, reason = "a few rows")]
        let rows = band.rows as f64;
        let tall = 40.0 + rows * (BAR + BAR_GAP) + 8.0;
        let right = edges.last().copied().unwrap_or_default();
        let _ = writeln!(
            self.out,
            "<g id=\"transition-{0}\"><rect class=\"lane\" x=\"{MARGIN}\" y=\"{top:.1}\" width=\"{1:.1}\" height=\"{tall:.1}\" rx=\"6\"/>\
             <text class=\"h2\" x=\"{2:.1}\" y=\"{3:.1}\">{0}</text><text class=\"s\" x=\"{2:.1}\" y=\"{4:.1}\">{5} → {6}</text>",
            band.name,
            right - MARGIN + 8.0,
            MARGIN + 12.0,
            top + 24.0,
            top + 40.0,
            band.states[0],
            band.states[1]
        );
        for (column, (edge, width)) in band.columns.iter().zip(edges.iter().zip(&widths)) {
            if let Some(weight) = column.weight {
                let _ = writeln!(
                    self.out,
                    "<path class=\"tick\" d=\"M{edge:.1} {:.1}V{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>\
                     <text class=\"s\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    top + 6.0,
                    top + tall - 6.0,
                    edge + 6.0,
                    top + 16.0,
                    escape(&column.name),
                    edge + 6.0,
                    top + 30.0,
                    if weight == 0 {
                        String::new()
                    } else {
                        format!("{weight:+}")
                    }
                );
            } else {
                let _ = writeln!(
                    self.out,
                    "<rect class=\"now\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"5\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
                     <text class=\"s\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">tasks</text>",
                    edge + 4.0,
                    top + 6.0,
                    width - 8.0,
                    tall - 12.0,
                    edge + width / 2.0,
                    top + 18.0,
                    column.name,
                    edge + width / 2.0,
                    top + 31.0
                );
            }
        }
        for bar in &band.bars {
            let (Some(start), Some(end)) = (edges.get(bar.start), edges.get(bar.end + 1)) else {
                continue;
            };
            #[allow(clippy::cast_precision_loss, reason = "a few rows")]
            let y = top + 40.0 + bar.row as f64 * (BAR + BAR_GAP);
            let text = self.bar_text(bar.item, bar.elsewhere.as_deref());
            self.bar(bar.item, &text, start + 4.0, y, end - start - 8.0);
        }
        self.out.push_str("</g>\n");
        (right + 8.0, tall)
    }

    fn bar_text(&self, item: usize, elsewhere: Option<&str>) -> String {
        let Some(item) = self.graph.items.get(item) else {
            return String::new();
        };
        let mut text = title(item);
        // Where the name alone does not tell which, its parent's helps.
        let twins = self
            .graph
            .items
            .iter()
            .filter(|other| other.name == item.name && other.is_momentary());
        if twins.count() > 1
            && let Some(parent) = item.parent.and_then(|parent| self.graph.items.get(parent))
        {
            text = format!("{}.{text}", cut(&parent.name, 24));
        }
        if let Some(badge) = badge(item) {
            let _ = write!(text, " {badge}");
        }
        match &item.what {
            What::Call { func } => {
                let _ = write!(text, "  {}", cut(func, 36));
            }
            What::Hook { class } if *class != item.name => {
                let _ = write!(text, "  {}", cut(class, 36));
            }
            _ => {}
        }
        if let Some(elsewhere) = elsewhere {
            let _ = write!(text, "  awaited at {elsewhere}");
        }
        text
    }

    fn bar(&mut self, number: usize, text: &str, x: f64, y: f64, wide: f64) {
        let Some(item) = self.graph.items.get(number) else {
            return;
        };
        let class = if matches!(item.what, What::Call { .. }) {
            "call"
        } else {
            "hook"
        };
        let loose = if item.critical { "" } else { " loose" };
        let _ = write!(
            self.out,
            "<a href=\"#role-{number}\"><g id=\"when-{number}\"><title>{}</title><rect class=\"{class}{loose}\" x=\"{x:.1}\" y=\"{y:.1}\" \
             width=\"{wide:.1}\" height=\"{BAR}\" rx=\"5\"/>",
            escape(&tooltip(item))
        );
        if item.critical {
            let _ = write!(
                self.out,
                "<circle class=\"mark\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
                x + 9.0,
                y + BAR / 2.0
            );
        }
        let _ = writeln!(
            self.out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text></g></a>",
            x + 17.0,
            y + BAR / 2.0 + 3.5,
            escape(text)
        );
    }

    /// Hooks and calls whose moment never comes. Gives the height.
    fn never(&mut self, bands: &[Band], top: f64) -> f64 {
        let never = never(self.graph, bands);
        if never.is_empty() {
            return 0.0;
        }
        let _ = writeln!(
            self.out,
            "<text class=\"n\" x=\"{:.1}\" y=\"{:.1}\">never: no transition has the moment of these</text>",
            MARGIN + 12.0,
            top + 14.0
        );
        let mut y = top + 24.0;
        for (number, item) in never {
            let trigger = item
                .traits
                .as_ref()
                .map_or("", |traits| traits.texts.trigger.as_str());
            let text = format!("{}  at {trigger}", self.bar_text(number, None));
            let wide = width(&text, SMALL) + 30.0;
            self.bar(number, &text, MARGIN + 12.0, y, wide);
            y += BAR + BAR_GAP;
        }
        y - top
    }
}

/// Everything a person wants to know about a box.
fn tooltip(item: &Item) -> String {
    let mut text = match item.paths.as_slice() {
        [path] => path.clone(),
        [first, .., last] => format!("{} roles, {first} … {last}", item.paths.len()),
        [] => item.name.clone(),
    };
    let mut add = |line: String| {
        text.push('\n');
        text.push_str(&line);
    };
    match &item.what {
        What::Frame(Some(include)) => add(format!("include {include}")),
        What::Frame(None) => {}
        What::Task { class, mode } => add(format!("task {class}, {mode}")),
        What::Hook { class } => add(format!("hook {class}")),
        What::Call { func } => add(format!("call {func}")),
    }
    if let Some(traits) = &item.traits {
        add(format!("at {}", traits.texts.trigger));
        if traits.texts.await_at != traits.texts.trigger {
            add(format!("awaited at {}", traits.texts.await_at));
        }
        add(format!("within {}", traits.texts.timeout));
    }
    add(if item.critical { "critical" } else { "not critical" }.to_owned());
    match item.hosts.as_slice() {
        [] => {}
        [one] => add(format!("on {one}")),
        [first, .., last] => add(format!("on {} hosts, {first} … {last}", item.hosts.len())),
    }
    for note in &item.unlike {
        add(note.clone());
    }
    text
}
