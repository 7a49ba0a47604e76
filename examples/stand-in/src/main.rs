//! `partita-stand-in PROGRAM [ARGUMENTS…]`, for tests that start stand-ins with no command line of Partita.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().unwrap_or_default();
    partita_stand_in::run(&program, &arguments.collect::<Vec<_>>())
}
