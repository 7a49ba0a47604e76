//! Stand-ins without channels.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use partita_occ::server::Task;

use crate::arguments::Arguments;

/// Does nothing, and wakes up for nothing.
pub(crate) struct Idle;

impl Task for Idle {}

/// Prints its words and exits.
pub(crate) fn hook(arguments: &Arguments) -> ExitCode {
    let after = Duration::from_millis(arguments.number("after", 0));
    if !after.is_zero() {
        #[allow(clippy::disallowed_methods, reason = "to take time is what it was asked for")]
        std::thread::sleep(after);
    }
    println!("hook: {}", arguments.words().join(" "));
    let code = arguments.number("code", 0);
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Becomes the program that stands after `--`.
pub(crate) fn exec(arguments: &[String]) -> ExitCode {
    let mut command = arguments.iter().skip_while(|argument| *argument != "--").skip(1);
    let Some(program) = command.next() else {
        tracing::error!("no program to start: it has to stand after `--`");
        return ExitCode::from(2);
    };
    let error = Command::new(program).args(command).exec();
    tracing::error!("cannot start {program}: {error}");
    ExitCode::from(127)
}
