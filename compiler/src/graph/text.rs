//! How wide text is. All of it is set in a fixed-width font, so that boxes fit whatever font a browser takes.

/// Width of a character, as a part of the font size: 0.6 for every common fixed-width font, and a little air.
const ADVANCE: f64 = 0.605;

/// Width of a text, in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "texts are short")]
    let characters = text.chars().count() as f64;
    characters * size * ADVANCE
}

/// A text of at most so many characters, cut in its middle.
pub(super) fn cut(text: &str, most: usize) -> String {
    let all = text.chars().count();
    if all <= most {
        return text.to_owned();
    }
    let head = most.saturating_sub(1) * 2 / 3;
    let tail = most.saturating_sub(1) - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(all - tail).collect();
    format!("{start}…{end}")
}

/// Text inside an element or attribute. Characters that XML does not have are left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}
