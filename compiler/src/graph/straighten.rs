//! Heights of boxes and lines in the columns of a frame.

use super::layers::{Layers, Node, Port};
use super::place::{GAP, LINE_GAP};

/// Sweeps over the columns.
const SWEEPS: usize = 10;

/// Heights of the nodes, such that lines are as straight as the order allows: every node is drawn to the middle of those
/// it is linked to, and boxes keep their distance (isotonic regression, pool adjacent violators).
pub(super) fn straighten<'g>(
    layers: &Layers<'g>,
    height: &dyn Fn(usize) -> f64,
    inset: &dyn Fn(usize, Option<&Port<'g>>) -> f64,
) -> Vec<f64> {
    let mut ys = vec![0.0; layers.nodes.len()];
    for column in &layers.columns {
        let mut y = 0.0;
        let mut before: Option<usize> = None;
        for node in column {
            y += before.map_or(0.0, |before| distance(layers, before, *node));
            if let Some(slot) = ys.get_mut(*node) {
                *slot = y;
            }
            y += height(*node);
            before = Some(*node);
        }
    }
    // For each node: the other node, and where that wants this one to be, relative to the other's top.
    let mut left: Vec<Vec<(usize, f64)>> = vec![Vec::new(); layers.nodes.len()];
    let mut right = left.clone();
    for link in &layers.links {
        let from = inset(link.left, Some(&link.left_port));
        let to = inset(link.right, link.right_port.as_ref());
        if let Some(slot) = left.get_mut(link.right) {
            slot.push((link.left, from - to));
        }
        if let Some(slot) = right.get_mut(link.left) {
            slot.push((link.right, to - from));
        }
    }
    for sweep in 0..SWEEPS {
        let rightwards = sweep % 2 == 0;
        let count = layers.columns.len();
        for step in 0..count {
            let number = if rightwards { step } else { count - 1 - step };
            let Some(column) = layers.columns.get(number) else {
                continue;
            };
            let neighbours = if rightwards { &left } else { &right };
            let wanted: Vec<f64> = column
                .iter()
                .map(|node| {
                    let linked = neighbours.get(*node).map_or(&[] as &[_], Vec::as_slice);
                    desired(*node, linked, &ys)
                })
                .collect();
            let placed = apart(layers, column, &wanted, height);
            for (node, y) in column.iter().zip(placed) {
                if let Some(slot) = ys.get_mut(*node) {
                    *slot = y;
                }
            }
        }
    }
    let top = ys.iter().copied().fold(f64::INFINITY, f64::min);
    for y in &mut ys {
        *y -= top;
    }
    ys
}

fn desired(node: usize, linked: &[(usize, f64)], ys: &[f64]) -> f64 {
    if linked.is_empty() {
        return ys.get(node).copied().unwrap_or_default();
    }
    let wishes = linked
        .iter()
        .map(|(other, offset)| ys.get(*other).copied().unwrap_or_default() + offset);
    #[allow(clippy::cast_precision_loss, reason = "columns are short")]
    let count = linked.len() as f64;
    wishes.sum::<f64>() / count
}

/// Room between two neighbours of a column.
fn distance(layers: &Layers<'_>, above: usize, below: usize) -> f64 {
    let is_box = |node: usize| matches!(layers.nodes.get(node), Some(Node::Item(_)));
    if is_box(above) && is_box(below) {
        GAP
    } else {
        LINE_GAP
    }
}

/// Places nearest to the wanted ones at which nothing overlaps and the order is kept.
fn apart(layers: &Layers<'_>, column: &[usize], wanted: &[f64], height: &dyn Fn(usize) -> f64) -> Vec<f64> {
    // With what must lie above a node taken off, places only must not fall.
    let mut shifts = Vec::with_capacity(column.len());
    let mut shift = 0.0;
    for (place, node) in column.iter().enumerate() {
        if let Some(above) = place.checked_sub(1).and_then(|above| column.get(above)) {
            shift += height(*above) + distance(layers, *above, *node);
        }
        shifts.push(shift);
    }
    // Blocks of equal places: sum and count.
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    for (wish, shift) in wanted.iter().zip(&shifts) {
        let mut block = (wish - shift, 1.0);
        while let Some(&(above, count)) = blocks.last()
            && above / count > block.0 / block.1
        {
            block = (block.0 + above, block.1 + count);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut places = Vec::with_capacity(column.len());
    let mut shifts = shifts.into_iter();
    for (sum, count) in blocks {
        let mut left = count;
        while left > 0.5 {
            places.push(sum / count + shifts.next().unwrap_or_default());
            left -= 1.0;
        }
    }
    places
}
