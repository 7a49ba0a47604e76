//! Every dependency's licence must be compatible with ours (Apache-2.0).

mod support;

use std::collections::BTreeSet;

use support::cargo_tree;

/// Licences that may be linked into an Apache-2.0 program without further duties than naming them.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with allowed licences: `OR` offers a choice, `AND` demands all.
fn acceptable(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    expression
        .split(" OR ")
        .any(|choice| choice.split(" AND ").all(|one| ALLOWED.contains(&one.trim())))
}

#[test]
fn choices_and_conjunctions_are_told_apart() {
    assert!(acceptable("MIT OR GPL-3.0"));
    assert!(acceptable("MIT/Apache-2.0"));
    assert!(!acceptable("MIT AND GPL-3.0"));
    assert!(!acceptable("GPL-3.0-only"));
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let listed = cargo_tree(&[
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--format",
        "{l}\t{p}",
    ]);
    let packages: BTreeSet<&str> = listed
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    assert!(packages.len() > 50, "only {} packages listed", packages.len());
    let refused: Vec<&str> = packages
        .into_iter()
        .filter(|package| !package.split('\t').next().is_some_and(acceptable))
        .collect();
    assert!(refused.is_empty(), "not allowed:\n{}", refused.join("\n"));
}
