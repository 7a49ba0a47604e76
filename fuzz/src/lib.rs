//! The fuzz targets: each reads bytes as the program does where they come from outside, and holds what must be true
//! whatever they are. `cargo test` feeds them the corpus (`compiler/tests/corpus.rs`), the fuzzers everything else.

#[path = "../targets.rs"]
mod targets;

pub use targets::*;
