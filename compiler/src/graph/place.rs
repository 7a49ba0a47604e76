//! Sizes and places: of boxes from the inside out, of lines along with them. All lengths are pixels.

use std::collections::BTreeMap;

use super::layers::{Layers, Node, Port, Side, Topology};
use super::straighten::straighten;
use super::text::width;
use super::{Graph, Item};

/// Sizes of text.
pub(super) const TITLE: f64 = 13.0;
pub(super) const SMALL: f64 = 10.5;

/// Longest names that are shown whole, characters.
pub(super) const LONGEST: usize = 40;

const PADDING: f64 = 12.0;
/// Between boxes of a column.
pub(super) const GAP: f64 = 14.0;
/// Between lines that run beside each other.
pub(super) const LINE_GAP: f64 = 7.0;
/// A row of a box: the title, the line below, a port.
pub(super) const TITLE_ROW: f64 = 19.0;
pub(super) const SMALL_ROW: f64 = 15.0;
/// Least and most room between columns.
const LEAST_ALLEY: f64 = 46.0;
const MOST_ALLEY: f64 = 130.0;
/// Boxes higher than this stand apart from the others: a small one beside them would waste the row.
const LARGE: f64 = 230.0;
/// Ratio of width to height that boxes beside each other aim at.
const ASPECT: f64 = 2.2;

/// A box with its place in the picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed<'g> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Ports of a task, with the height at which they are, from its top.
    pub(super) ports: BTreeMap<Port<'g>, f64>,
}

/// A line, or the part of one that is inside a frame.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Ends, and for each pair of them a curve; straight where both are at one height.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) flow: usize,
    /// Data goes from the first point to the last.
    pub(super) forward: bool,
    /// It ends at the task that receives.
    pub(super) arrow: bool,
}

/// The whole picture.
#[derive(Debug, Default)]
pub(super) struct Plan<'g> {
    /// By number of the box.
    pub(super) boxes: Vec<Placed<'g>>,
    /// With the frame that each is in.
    pub(super) lines: Vec<(usize, Line)>,
}

/// Lines of text in the head of a frame.
pub(super) fn head(item: &Item) -> f64 {
    // The page is titled with the root's name already.
    if item.parent.is_none() {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss, reason = "a few lines")]
    let notes = item.unlike.len() as f64;
    TITLE_ROW + 5.0 + SMALL_ROW * notes
}

/// Places everything.
pub(super) fn place(graph: &Graph) -> Plan<'_> {
    let topology = Topology::of(graph);
    let mut plan = Plan {
        boxes: vec![Placed::default(); graph.items.len()],
        lines: Vec::new(),
    };
    // Children come after their parents: backwards, every box knows the sizes of what is in it.
    for number in (0..graph.items.len()).rev() {
        let Some(item) = graph.items.get(number) else {
            continue;
        };
        let placed = if item.children.is_empty() {
            leaf(item, topology.ports.get(&number))
        } else {
            frame(item, number, topology.frames.get(&number), &mut plan)
        };
        if let Some(slot) = plan.boxes.get_mut(number) {
            *slot = placed;
        }
    }
    absolute(graph, &mut plan);
    plan
}

/// From places inside the parent to places in the picture.
fn absolute(graph: &Graph, plan: &mut Plan<'_>) {
    for (number, item) in graph.items.iter().enumerate() {
        let corner = item.parent.and_then(|parent| plan.boxes.get(parent));
        let (x, y) = corner.map_or((0.0, 0.0), |parent| (parent.x, parent.y));
        if let Some(placed) = plan.boxes.get_mut(number) {
            placed.x += x;
            placed.y += y;
        }
    }
    for (frame, line) in &mut plan.lines {
        let (x, y) = plan
            .boxes
            .get(*frame)
            .map_or((0.0, 0.0), |frame| (frame.x, frame.y));
        for point in &mut line.points {
            point.0 += x;
            point.1 += y;
        }
    }
}

/// Text of the head of a box, with the number of roles.
pub(super) fn title(item: &Item) -> String {
    super::text::cut(&item.name, LONGEST)
}

/// What stands beside the title of a box that stands for several roles.
pub(super) fn badge(item: &Item) -> Option<String> {
    match &item.each {
        Some(each) => Some(super::text::cut(&format!("× each of {each}"), LONGEST + 6)),
        None => (item.paths.len() > 1).then(|| format!("× {}", item.paths.len())),
    }
}

fn title_width(item: &Item) -> f64 {
    let badge = badge(item).map_or(0.0, |badge| width(&badge, TITLE) + 16.0);
    width(&title(item), TITLE) + badge
}

/// The second line of a box.
pub(super) fn subtitle(item: &Item) -> String {
    use super::What;
    let text = match &item.what {
        What::Frame(include) => include
            .as_ref()
            .map_or_else(String::new, |name| format!("include {name}")),
        What::Task { class, mode } if *class == item.name => (*mode).to_owned(),
        What::Task { class, mode } => match class.strip_suffix(item.name.as_str()) {
            Some(prefix) => format!("{mode} {prefix}…"),
            None => format!("{mode} {class}"),
        },
        What::Hook { class } => format!("hook {class}"),
        What::Call { func } => func.clone(),
    };
    super::text::cut(&text, LONGEST + 6)
}

/// A box without others in it: a task with its ports, or a chip.
fn leaf<'g>(item: &Item, all: Option<&Vec<Port<'g>>>) -> Placed<'g> {
    if item.is_momentary() || matches!(item.what, super::What::Frame(_)) {
        // What a frame includes stands beside its title.
        let beside = match item.what {
            super::What::Frame(Some(_)) => width(&subtitle(item), SMALL) + 12.0,
            _ => 0.0,
        };
        return Placed {
            width: title_width(item) + beside + 26.0,
            height: TITLE_ROW + 3.0,
            ..Placed::default()
        };
    }
    let mut sides: [Vec<Port<'g>>; 2] = [Vec::new(), Vec::new()];
    for port in all.into_iter().flatten() {
        let [left, right] = &mut sides;
        match port.side {
            Side::Left => left.push(*port),
            Side::Right => right.push(*port),
        }
    }
    let longest = |ports: &[Port<'_>]| {
        let widths = ports.iter().map(|port| width(&label(port, item), SMALL));
        widths.fold(0.0, f64::max)
    };
    let below_title = TITLE_ROW + SMALL_ROW + 4.0;
    let mut ports = BTreeMap::new();
    let mut rows = 0.0_f64;
    for side in &sides {
        let mut row = 0.0;
        for port in side {
            ports.insert(*port, below_title + SMALL_ROW * (row + 0.5));
            row += 1.0;
        }
        rows = rows.max(row);
    }
    let [left, right] = &sides;
    let labels = longest(left) + longest(right) + 44.0;
    let text = title_width(item).max(width(&subtitle(item), SMALL)) + 2.0 * PADDING;
    Placed {
        width: text.max(labels).max(110.0),
        height: below_title + SMALL_ROW * rows + if rows > 0.0 { 5.0 } else { 0.0 },
        ports,
        ..Placed::default()
    }
}

/// The name of a channel as it stands beside its port. Of the names that DPL gives, `from_A_to_B`
/// (`template-language.md` 8), the part that the box itself says is left out.
pub(super) fn label(port: &Port<'_>, item: &Item) -> String {
    let ends = port.channel.strip_prefix("from_");
    let other = ends.and_then(|ends| {
        if port.out {
            let to = ends.strip_prefix(item.name.as_str())?.strip_prefix("_to_")?;
            Some(format!("to {to}"))
        } else {
            let from = ends.strip_suffix(item.name.as_str())?.strip_suffix("_to_")?;
            Some(format!("from {from}"))
        }
    });
    super::text::cut(&other.unwrap_or_else(|| port.channel.to_owned()), LONGEST)
}

/// A box with others in it: those that something flows between in columns, then the others, then hooks and calls.
fn frame<'g>(item: &Item, number: usize, layers: Option<&Layers<'g>>, plan: &mut Plan<'g>) -> Placed<'g> {
    let top = head(item);
    let mut placed = Placed {
        width: title_width(item) + width(&subtitle(item), SMALL) + 2.0 * PADDING + 24.0,
        ..Placed::default()
    };
    for note in &item.unlike {
        placed.width = placed.width.max(width(note, SMALL) + 2.0 * PADDING);
    }
    let mut y = top + 4.0;
    let mut flowing = Vec::new();
    if let Some(layers) = layers {
        let area = Area::new(layers, plan);
        flowing = area.items.iter().map(|(item, ..)| *item).collect();
        placed.width = placed.width.max(area.width);
        for (item, x, down) in &area.items {
            if let Some(inner) = plan.boxes.get_mut(*item) {
                (inner.x, inner.y) = (*x, y + *down);
            }
        }
        placed.ports = area.ports.iter().map(|(port, down)| (*port, y + down)).collect();
        plan.lines.extend(area.lines.into_iter().map(|mut line| {
            for point in &mut line.points {
                point.1 += y;
            }
            (number, line)
        }));
        y += area.height + GAP;
    }
    let rest = item
        .children
        .iter()
        .copied()
        .filter(|child| !flowing.contains(child));
    let higher = |child: &usize, than: f64| plan.boxes.get(*child).is_some_and(|inner| inner.height > than);
    let (boxes, chips): (Vec<usize>, Vec<usize>) = rest.partition(|child| higher(child, TITLE_ROW + 4.0));
    let (large, small): (Vec<usize>, Vec<usize>) = boxes.into_iter().partition(|child| higher(child, LARGE));
    let mut groups = [large, small];
    groups.sort_by_key(|group| group.first().copied());
    for group in groups.into_iter().chain([chips]) {
        if group.is_empty() {
            continue;
        }
        let (width, height) = shelves(&group, plan, placed.width - 2.0 * PADDING, y);
        placed.width = placed.width.max(width + 2.0 * PADDING);
        y += height + GAP;
    }
    placed.height = (y - GAP + PADDING).max(top + PADDING);
    // Ports on the right are on the border, however wide the frame has become.
    let right = placed.width;
    for (frame, line) in &mut plan.lines {
        if *frame == number
            && let Some(last) = line.points.last_mut()
            && last.0.is_infinite()
        {
            last.0 = right;
        }
    }
    placed
}

/// Puts boxes beside each other, row by row. Gives width and height of all.
fn shelves(items: &[usize], plan: &mut Plan<'_>, least: f64, top: f64) -> (f64, f64) {
    let size = |plan: &Plan<'_>, item: usize| {
        plan.boxes
            .get(item)
            .map_or((0.0, 0.0), |inner| (inner.width, inner.height))
    };
    let sizes = items.iter().map(|item| size(plan, *item));
    let area: f64 = sizes.map(|(width, height)| (width + GAP) * (height + GAP)).sum();
    let wanted = least.max((area * ASPECT).sqrt());
    let (mut x, mut y, mut row, mut widest) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for item in items {
        let (width, height) = size(plan, *item);
        if x > 0.0 && x + width > wanted {
            y += row + GAP;
            (x, row) = (0.0, 0.0);
        }
        if let Some(inner) = plan.boxes.get_mut(*item) {
            (inner.x, inner.y) = (PADDING + x, top + y);
        }
        x += width + GAP;
        row = row.max(height);
        widest = widest.max(x - GAP);
    }
    (widest, y + row)
}

/// The columns of a frame with places.
struct Area<'g> {
    width: f64,
    height: f64,
    /// Box, its left edge and its top.
    items: Vec<(usize, f64, f64)>,
    ports: BTreeMap<Port<'g>, f64>,
    lines: Vec<Line>,
}

impl<'g> Area<'g> {
    fn new(layers: &Layers<'g>, plan: &Plan<'g>) -> Self {
        let height = |node: usize| match layers.nodes.get(node) {
            Some(Node::Item(item)) => plan.boxes.get(*item).map_or(0.0, |inner| inner.height),
            _ => 0.0,
        };
        // How far below the top of a node a line meets it.
        let inset = |node: usize, port: Option<&Port<'g>>| match (layers.nodes.get(node), port) {
            (Some(Node::Item(item)), Some(port)) => plan
                .boxes
                .get(*item)
                .and_then(|inner| inner.ports.get(port))
                .copied()
                .unwrap_or_else(|| height(node) / 2.0),
            _ => 0.0,
        };
        let ys = straighten(layers, &height, &inset);
        let at = |node: usize| ys.get(node).copied().unwrap_or_default();
        let (xs, widths, width) = columns(layers, plan);
        let mut column_of = vec![0; layers.nodes.len()];
        for (number, column) in layers.columns.iter().enumerate() {
            for node in column {
                if let Some(slot) = column_of.get_mut(*node) {
                    *slot = number;
                }
            }
        }
        let mut area = Self {
            width,
            height: 0.0,
            items: Vec::new(),
            ports: BTreeMap::new(),
            lines: Vec::new(),
        };
        let left_edge = |node: usize| -> f64 {
            let column = column_of.get(node).copied().unwrap_or_default();
            xs.get(column).copied().unwrap_or_default()
        };
        let column_width = |node: usize| -> f64 {
            let column = column_of.get(node).copied().unwrap_or_default();
            widths.get(column).copied().unwrap_or_default()
        };
        for (node, what) in layers.nodes.iter().enumerate() {
            area.height = area.height.max(at(node) + height(node));
            match what {
                Node::Item(item) => {
                    let own = plan.boxes.get(*item).map_or(0.0, |inner| inner.width);
                    let spare = (column_width(node) - own) / 2.0;
                    area.items.push((*item, left_edge(node) + spare, at(node)));
                }
                Node::Border(port) => {
                    area.ports.insert(*port, at(node));
                }
                Node::Bend => {}
            }
        }
        // Where a line leaves a node on its right, or meets it on its left.
        let edges = |node: usize| match layers.nodes.get(node) {
            Some(Node::Item(item)) => {
                let own = plan.boxes.get(*item).map_or(0.0, |inner| inner.width);
                let left = left_edge(node) + (column_width(node) - own) / 2.0;
                (left, left + own)
            }
            Some(Node::Border(port)) if port.side == Side::Left => (0.0, 0.0),
            Some(Node::Border(_)) => (left_edge(node), f64::INFINITY),
            _ => (left_edge(node), left_edge(node) + column_width(node)),
        };
        for link in &layers.links {
            let (_, from) = edges(link.left);
            let (to, beyond) = edges(link.right);
            let start = at(link.left) + inset(link.left, Some(&link.left_port));
            let end = at(link.right) + inset(link.right, link.right_port.as_ref());
            // From the box to the edge of its column, through the alley, and on to the next box or through its column.
            let mut points = vec![(from, start)];
            let (alley, next) = (
                left_edge(link.left) + column_width(link.left),
                left_edge(link.right),
            );
            if alley > from {
                points.push((alley, start));
            }
            points.push((next, end));
            if to > next {
                points.push((to, end));
            }
            match layers.nodes.get(link.right) {
                Some(Node::Bend) => points.push((beyond, end)),
                Some(Node::Border(_)) => points.push((f64::INFINITY, end)),
                _ => {}
            }
            let arrives = if link.forward {
                matches!(layers.nodes.get(link.right), Some(Node::Item(item)) if link.right_port.is_some_and(|port| port.leaf == *item))
            } else {
                matches!(layers.nodes.get(link.left), Some(Node::Item(item)) if link.left_port.leaf == *item)
            };
            area.lines.push(Line {
                points,
                flow: link.flow,
                forward: link.forward,
                arrow: arrives,
            });
        }
        area
    }
}

/// Left edges and widths of the columns, and the width of all.
fn columns(layers: &Layers<'_>, plan: &Plan<'_>) -> (Vec<f64>, Vec<f64>, f64) {
    let mut widths = Vec::new();
    for column in &layers.columns {
        let boxes = column.iter().filter_map(|node| match layers.nodes.get(*node) {
            Some(Node::Item(item)) => plan.boxes.get(*item).map(|inner| inner.width),
            _ => None,
        });
        widths.push(boxes.fold(0.0, f64::max));
    }
    let mut lines = vec![0_u32; layers.columns.len()];
    for (number, column) in layers.columns.iter().enumerate() {
        let count = layers
            .links
            .iter()
            .filter(|link| column.contains(&link.left))
            .count();
        if let Some(slot) = lines.get_mut(number) {
            *slot = u32::try_from(count).unwrap_or(u32::MAX);
        }
    }
    let last = layers.columns.len().saturating_sub(1);
    let mut xs = Vec::new();
    let mut x = 0.0;
    for (number, width) in widths.iter().enumerate() {
        xs.push(x);
        let count = lines.get(number).copied().unwrap_or_default();
        let alley = if number == last {
            0.0
        } else if count == 0 {
            PADDING
        } else {
            (LEAST_ALLEY + 2.5 * f64::from(count)).min(MOST_ALLEY)
        };
        x += width + alley;
    }
    (xs, widths, x.max(PADDING))
}
