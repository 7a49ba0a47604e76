//! What somebody probably meant: the nearest of the names that exist.

/// The candidate that is fewest single-character edits away from `name`, if it is near enough to be a slip: at most a
/// third of the name. Of equally near ones the first in alphabetical order.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let furthest = length.div_ceil(3);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name && candidate.chars().count().abs_diff(length) <= furthest)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= furthest)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two names, counted in characters: one inserted, left out, or another one, or two neighbours in the
/// wrong order (the optimal string alignment distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let (mut before, mut above): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    let mut last = None;
    for (line, x) in a.chars().enumerate() {
        let mut row = vec![line + 1];
        let mut left = line + 1;
        let mut neighbour = None;
        for (column, (y, around)) in b.iter().zip(above.windows(2)).enumerate() {
            let &[diagonal, up] = around else { continue };
            left = (diagonal + usize::from(x != *y)).min(up + 1).min(left + 1);
            if last == Some(*y) && neighbour == Some(x) {
                let swapped = column.checked_sub(1).and_then(|column| before.get(column));
                left = swapped.map_or(left, |edits| left.min(edits + 1));
            }
            neighbour = Some(*y);
            row.push(left);
        }
        last = Some(x);
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("kitten", "sitting", 3),
            ("abc", "", 3),
            ("", "abc", 3),
            ("flaw", "lawn", 2),
            ("sbu", "sub", 1),
            ("abcd", "badc", 2),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn offers_slips_and_nothing_wild() {
        let names = ["detector", "detectors", "hosts", "run_type"];
        assert_eq!(closest("detectr", names), Some("detector"));
        assert_eq!(closest("host", names), Some("hosts"));
        assert_eq!(closest("sbu", ["sub"]), Some("sub"));
        assert_eq!(closest("zzz", names), None);
        assert_eq!(closest("hosts", names), None, "a name is no slip of itself");
    }
}
