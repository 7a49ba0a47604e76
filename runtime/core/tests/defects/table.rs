//! `docs/known-defects.md` and the tests: each test that the table names is there.

use std::path::Path;

/// Names of tests in the text, `path.rs::name`, in the order they stand.
fn named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|code| code.split_once(".rs::")).collect()
}

#[test]
fn each_test_that_the_table_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/known-defects.md")).expect("the table");
    let named = named(&table);
    assert!(named.len() > 100, "only {} tests are named", named.len());
    let missing: Vec<String> = (named.into_iter())
        .filter(|(file, test)| {
            let source = std::fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
            !source.contains(&format!("fn {test}("))
        })
        .map(|(file, test)| format!("{file}.rs::{test}"))
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// Each row says what the reference does, what we do, and which test shows it or why it does not apply.
#[test]
fn each_row_is_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/known-defects.md")).expect("the table");
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
    }
}
