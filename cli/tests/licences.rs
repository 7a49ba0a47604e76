//! Every dependency's licence must be compatible with ours (Apache-2.0).

use std::process::Command;

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
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "only {} packages listed", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(acceptable))
        .map(|package| {
            format!(
                "{} {}: {}",
                package["name"], package["version"], package["license"]
            )
        })
        .collect();
    assert!(refused.is_empty(), "not allowed:\n{}", refused.join("\n"));
}
