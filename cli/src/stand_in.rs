//! `partita stand-in`: the programs that the examples start in place of the real ones.

use std::process::ExitCode;

/// Run one of the programs that the examples start.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita stand-in readout")]
pub(crate) struct StandIn {
    /// Program to stand in for
    program: String,
    /// Its arguments, passed on as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl StandIn {
    pub(crate) fn run(self) -> ExitCode {
        partita_stand_in::run(&self.program, &self.arguments)
    }
}
