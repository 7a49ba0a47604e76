//! `partita completions`: what a shell needs to complete this command's words.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::Failure;

/// Print the completions of this command for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: partita completions bash > ~/.local/share/bash-completion/completions/partita"
)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    #[allow(clippy::unnecessary_wraps, reason = "every command ends in the same way")]
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut command = crate::Arguments::command();
        clap_complete::generate(self.shell, &mut command, "partita", &mut std::io::stdout());
        Ok(())
    }
}
