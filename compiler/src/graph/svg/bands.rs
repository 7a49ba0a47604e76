//! The time line: a band for each transition, a bar for each hook and call.

use std::fmt::Write as _;

use super::super::What;
use super::super::place::{SMALL, badge, title};
use super::super::text::{cut, escape, width};
use super::super::timeline::{Band, never};
use super::{MARGIN, Writer, tooltip};

/// A bar of the time line and the room below it.
const BAR: f64 = 22.0;
const BAR_GAP: f64 = 5.0;
/// Left of the bands: the names of the transitions.
const BAND_HEAD: f64 = 190.0;

impl Writer<'_> {
    /// One transition. Gives its width and height.
    pub(super) fn band(&mut self, band: &Band, top: f64) -> (f64, f64) {
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
    pub(super) fn never(&mut self, bands: &[Band], top: f64) -> f64 {
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
