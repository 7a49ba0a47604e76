//! What somebody probably meant: the nearest of the names that exist.

/// The candidate that is fewest single-character edits away from `name`, if it is near enough to be a slip: at most a
/// third of the name. Of equally near ones the first in alphabetical order.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let mut furthest = length.div_ceil(3);
    let mut best: Option<&str> = None;
    for candidate in candidates {
        if candidate == name || candidate.chars().count().abs_diff(length) > furthest {
            continue;
        }
        let Some(edits) = distance(name, candidate, furthest) else {
            continue;
        };
        if edits < furthest || best.is_none_or(|best| candidate < best) {
            best = Some(candidate);
        }
        furthest = edits;
    }
    best
}

/// Edits between two names, counted in characters: one inserted, left out, or another one, or two neighbours in the
/// wrong order (the optimal string alignment distance). `None` if they are more than `most`: it is asked of thousands
/// of names, nearly all of which are far away.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
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
        // No later line has less than the least of two neighbouring ones: an exchange reaches back over one.
        let fewest = |line: &[usize]| line.iter().min().copied().unwrap_or_default();
        if fewest(&row) > most && fewest(&above) > most {
            return None;
        }
        last = Some(x);
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|edits| *edits <= most)
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
            assert_eq!(distance(a, b, edits), Some(edits), "{a} {b}");
            if let Some(fewer) = edits.checked_sub(1) {
                assert_eq!(distance(a, b, fewer), None, "{a} {b}");
            }
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
        assert_eq!(closest("abcdef", ["abcdex", "abcdxx", "abcdea"]), Some("abcdea"));
    }
}
