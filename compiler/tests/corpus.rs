//! Every file of the fuzzers' corpus, fed to what the fuzzers feed: what was once found stays mended without a fuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};

#[allow(unreachable_pub, reason = "the fuzzers are other crates")]
#[path = "../../fuzz/targets.rs"]
mod targets;

/// Most bytes of the whole corpus: it is kept in the repository.
const LARGEST: u64 = 300_000;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_file_is_read_or_refused() {
    let mut bytes = 0;
    for (target, run) in targets::TARGETS {
        let paths = corpus(target);
        assert!(!paths.is_empty(), "{target} has no corpus");
        for path in paths {
            let body = std::fs::read(&path).unwrap();
            bytes += body.len() as u64;
            // The output of a failed test ends with the name of the file that did it.
            println!("{}", path.display());
            run(&body);
        }
    }
    assert!(bytes < LARGEST, "the corpus has {bytes} bytes: minimise it");
}
