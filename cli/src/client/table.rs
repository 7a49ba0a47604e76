//! Tables for people: columns as wide as their longest cell, two spaces between them.

use std::fmt::Write as _;

/// Draws rows below their headings.
pub(super) fn draw<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let headings = headings.map(str::to_owned);
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [
            ["a".to_owned(), "ONE".to_owned()],
            ["bcd".to_owned(), String::new()],
        ];
        assert_eq!(draw(["ID", "STATE"], &rows), "ID   STATE\na    ONE\nbcd\n");
    }

    #[test]
    fn no_rows_leave_the_headings() {
        assert_eq!(draw(["ID"], &[]), "ID\n");
    }
}
