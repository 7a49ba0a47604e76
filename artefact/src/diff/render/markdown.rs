//! For a comment of a pull request.

use std::fmt::Write as _;

use super::{Piece, because, number, parameter, path, pieces, roles, sides, verb, what, why};
use crate::diff::{Change, Diff, FieldChange, Folded, ParameterPart, fold};

/// Longest comment, in bytes: forges refuse more than 65,536 characters.
const LONGEST: usize = 60_000;

/// A difference as Markdown: the summary on top, the rest folded away.
pub fn markdown(title: &str, diff: &Diff) -> String {
    let mut text = format!("### {}\n\n**{}**\n", escaped(title), escaped(&diff.summary()));
    for note in &diff.notes {
        let _ = writeln!(text, "\n> {}", escaped(note));
    }
    let all = fold(diff);
    for (place, folded) in all.iter().enumerate() {
        let section = section(folded);
        if text.len() + section.len() > LONGEST {
            let rest = number(all.len() - place);
            let _ = write!(text, "\n… and {rest} more: `partita diff` shows them all.\n");
            return text;
        }
        text.push_str(&section);
    }
    if !diff.parameters.is_empty() {
        text.push_str("\n<details><summary>parameters</summary>\n\n");
        for change in &diff.parameters {
            let values = match change.part {
                ParameterPart::Required => String::new(),
                _ => values(
                    change.before.as_deref().unwrap_or_default(),
                    change.after.as_deref().unwrap_or_default(),
                ),
            };
            let line = format!(
                "- <code>{}</code> {} {values}",
                escaped(&change.name),
                parameter(change)
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push_str("\n</details>\n");
    }
    text
}

fn section(folded: &Folded<'_>) -> String {
    let change = folded.first;
    let mut text = format!(
        "\n<details><summary><b>{}</b> <code>{}</code> {}</summary>\n\n",
        verb(change.cost),
        escaped(&roles(folded)),
        escaped(&what(folded)),
    );
    if let Some(why) = why(folded) {
        let _ = writeln!(text, "{}\n", escaped(&why));
    }
    if folded.changes.len() > super::NAMED && !change.fields.is_empty() {
        let _ = writeln!(text, "For example <code>{}</code>:\n", escaped(path(change)));
    }
    for field in &change.fields {
        let _ = writeln!(text, "- {}", one(change, field));
    }
    text.push_str("\n</details>\n");
    text
}

fn one(change: &Change, field: &FieldChange) -> String {
    let (before, after) = sides(field);
    let values = if before == after {
        format!("<code>{}</code>", escaped(&after))
    } else {
        values(&before, &after)
    };
    format!(
        "<code>{}</code> {values} {}",
        escaped(&field.field.to_string()),
        escaped(&because(change, field))
    )
}

fn values(before: &str, after: &str) -> String {
    let mut text = "<code>".to_owned();
    for piece in pieces(before, after) {
        match piece {
            Piece::Same(same) => text.push_str(&escaped(&same)),
            Piece::Gone(gone) => _ = write!(text, "<del>{}</del>", escaped(&gone)),
            Piece::New(new) => _ = write!(text, "<ins>{}</ins>", escaped(&new)),
        }
    }
    text.push_str("</code>");
    text
}

/// Nothing of a value is markup, and none of it ends the line of a list.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push('⏎'),
            // Markdown inside HTML is still read.
            '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '|' | '@' | '#' => {
                _ = write!(escaped, "&#{};", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}
