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

/// What the packages of the reference share (`common/common.proto`).
#[cfg(feature = "events")]
pub mod common {
    include!(concat!(env!("OUT_DIR"), "/common.rs"));
}

/// Events for users' tools (`events/events.proto`).
#[cfg(feature = "events")]
pub mod events {
    include!(concat!(env!("OUT_DIR"), "/events.rs"));
}

/// The service that users' clients speak (`o2control/o2control.proto`).
#[cfg(feature = "api")]
pub mod o2control {
    include!(concat!(env!("OUT_DIR"), "/o2control.rs"));
}

/// What is ours (`partita/partita.proto`).
#[cfg(feature = "api")]
pub mod partita {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/partita.v1.rs"));
    }
}

/// The files behind the services for clients, as an encoded `google.protobuf.FileDescriptorSet`: for reflection.
#[cfg(feature = "api")]
pub const API_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/api.bin"));
