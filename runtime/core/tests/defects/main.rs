//! What the reference gets wrong (`docs/known-defects.md`), done right by the machine of an environment. Each test is
//! about one such thing, on a bench where the world does what it is told, but for what is told to fail or to hang.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod automatic;
mod bench;
mod destroy;
mod hooks;
mod recovery;
mod scale;
mod table;
mod transitions;
