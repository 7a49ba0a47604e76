//! Artefacts by their hash, and what happens when the bytes are not what the name promises.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::path::PathBuf;

use support::{Home, examples, stderr, stdout};

/// Compiles the example; gives the artefact's hash and its file in the store.
fn compiled(home: &Home) -> (String, PathBuf) {
    let output = home
        .partita()
        .arg("compile")
        .arg(examples().join("flp/workflows/readout"))
        .output()
        .unwrap();
    let hash = stdout(&output)
        .lines()
        .last()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap()
        .to_owned();
    let file = home
        .files()
        .into_iter()
        .find(|path| path.to_string_lossy().contains(&hash))
        .unwrap();
    (hash, home.path().join(file))
}

#[test]
fn the_store_lists_and_verifies_what_it_holds() {
    let home = Home::new();
    let (hash, _) = compiled(&home);
    assert!(stdout(&home.partita().args(["store", "ls"]).output().unwrap()).contains(&hash));
    stdout(&home.partita().args(["store", "verify"]).output().unwrap());
}

#[test]
fn a_damaged_artefact_is_refused() {
    type Damage = fn(&mut Vec<u8>);
    let damage: [(&str, Damage); 3] = [
        ("truncated", |bytes| bytes.truncate(bytes.len() / 2)),
        ("flipped", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("empty", Vec::clear),
    ];
    for (what, change) in damage {
        let home = Home::new();
        let (hash, file) = compiled(&home);
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
        for command in [["show", "--tree", &hash], ["run", "--for=1s", &hash]] {
            let output = home.partita().args(command).output().unwrap();
            assert!(
                matches!(output.status.code(), Some(1 | 3)),
                "{what}: {}",
                stderr(&output)
            );
            assert!(stderr(&output).contains(&hash), "{what}: {}", stderr(&output));
            assert!(output.stdout.is_empty(), "{what}");
        }
        let output = home.partita().args(["store", "verify"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{what}: {}", stderr(&output));
    }
}

#[test]
fn a_hash_that_is_not_there_is_an_answer() {
    let home = Home::new();
    let output = home
        .partita()
        .args(["show", "0123456789abcdef"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}
