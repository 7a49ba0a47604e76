//! The picture as one SVG document that needs nothing else: no script, no font, no style sheet.

mod bands;
mod page;

use std::fmt::Write as _;

use super::layers::Side;
use super::place::{
    Line, Placed, Plan, SMALL, SMALL_ROW, TITLE, TITLE_ROW, badge, label, place, subtitle, title,
};
use super::text::{escape, width};
use super::timeline::bands;
use super::{Flow, Graph, Item, What};

/// Around everything.
const MARGIN: f64 = 24.0;
/// Height of the head of the page, and of a section's.
const PAGE_HEAD: f64 = 78.0;
const SECTION: f64 = 44.0;
/// Most names in the panel of a box that stands for several roles.
const PANEL_NAMES: usize = 300;
const PANEL_ROWS: usize = 30;

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
    let _ = write!(writer.out, "<g transform=\"translate({MARGIN},{roles_at})\">");
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
    let _ = write!(writer.out, "<g transform=\"translate({MARGIN},{roles_at})\">");
    let (panels, deepest) = writer.panels(&plan, wide);
    writer.out.push_str(&panels);
    writer.out.push_str("</g>\n");
    let (wide, tall) = (wide.max(760.0) + 2.0 * MARGIN, y.max(deepest + roles_at) + MARGIN);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{tall:.0}\" viewBox=\"0 0 {wide:.0} {tall:.0}\" \
         role=\"img\">\n<title>{}</title>\n<style>{}</style>\n",
        escape(&graph.title),
        page::STYLE
    );
    out.push_str(&page::head(graph));
    out.push_str(&writer.out);
    out.push_str("</svg>\n");
    out
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
        let maybe = if item.condition.is_some() { " maybe" } else { "" };
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
        if item.is_stack() {
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
            "<rect class=\"{class}{loose}{maybe}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\" rx=\"6\"/>"
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
                "<a href=\"#members-{number}\"><text class=\"many\" x=\"{at:.1}\" y=\"{:.1}\">{}</text></a>",
                y + 15.5,
                escape(&badge)
            );
            at += width(&badge, TITLE) + 12.0;
        }
        self.below_title(item, placed, at);
        for (port, down) in &placed.ports {
            if item.children.is_empty() {
                self.port(label(port, item).as_str(), port.side, x, wide, y + down);
            }
        }
        self.out.push_str("</g>\n");
    }

    /// What stands beside or below the title, which ends at `at`.
    fn below_title(&mut self, item: &Item, placed: &Placed<'_>, at: f64) {
        let (x, y) = (placed.x, placed.y);
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
    if let Some(each) = &item.each {
        add(format!("for each of {each}"));
    }
    if let Some(condition) = &item.condition {
        add(format!("there if {condition}"));
    }
    for note in &item.unlike {
        add(note.clone());
    }
    text
}
