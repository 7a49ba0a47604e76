//! The messages Partita speaks, generated from its own `.proto` files.
//!
//! One module a package, behind one feature each, so that a crate takes only what it speaks. This crate must
//! never hold behaviour: no conversion, no validation, no defaults.

// Generated code is documented in the .proto files.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]

/// The artefact file (`artefact/artefact.proto`).
#[cfg(feature = "artefact")]
pub mod artefact {
    include!(concat!(env!("OUT_DIR"), "/partita.artefact.v1.rs"));
}

/// Operator control of one process (`occ/occ.proto`).
#[cfg(feature = "occ")]
pub mod occ {
    include!(concat!(env!("OUT_DIR"), "/occ_pb.rs"));
}

/// The control stream between core and executor (`executor/executor.proto`).
#[cfg(feature = "executor")]
pub mod executor {
    include!(concat!(env!("OUT_DIR"), "/partita.executor.v1.rs"));
}
