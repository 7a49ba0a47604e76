//! What it costs to compile, to instantiate, to deploy and to evaluate: one processor, no processes.
//!
//! `cargo bench -p partita --bench compile [-- expressions | invented | production]`. Medians of some rounds after one to warm
//! up; beside them what was allocated, which no other program disturbs, the reference's figures and the budgets.
//! Nothing is asserted, since times belong to the machine. Production's repository is in `../shared`; without it that
//! part is skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock and is an edge"
)]

mod allocation;
mod deployment;
mod expressions;
mod production;
mod synthetic;
mod table;

use std::error::Error;
use std::path::Path;

use partita_artefact::instance::Instance;

type Failed = Box<dyn Error>;

fn main() -> Result<(), Failed> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    // Cargo says `--bench`; what else is said chooses.
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|word| word == name);
    if wanted("expressions") {
        expressions::run(&shared.join("conformance"))?;
    }
    if wanted("invented") {
        synthetic::run()?;
    }
    if wanted("production") {
        production::run(&shared)?;
    }
    Ok(())
}

fn roles(instance: &Instance) -> usize {
    let mut roles = 0;
    instance.walk(&mut |_, _| roles += 1);
    roles
}
