//! Generates the messages. `protox` parses the .proto files, so no system `protoc` is needed.

use std::error::Error;
use std::path::PathBuf;

/// What clients speak; described to them by reflection.
const API: [&str; 4] = [
    "common/common.proto",
    "events/events.proto",
    "o2control/o2control.proto",
    "partita/partita.proto",
];

/// What Partita's parts and its tasks speak.
const INNER: [&str; 3] = [
    "artefact/artefact.proto",
    "occ/occ.proto",
    "executor/executor.proto",
];

#[allow(clippy::disallowed_methods, reason = "cargo says so where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    for file in API.iter().chain(&INNER) {
        println!("cargo::rerun-if-changed={file}");
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = protox::compile(API.iter().chain(&INNER), ["."])?;
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).open_files(API)?;
    std::fs::write(out.join("api.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
