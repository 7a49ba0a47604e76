//! What the terminal can show.

use std::io::IsTerminal;

/// Whether colours are welcome on a stream: it is a terminal, and `NO_COLOR` is not set (<https://no-color.org>).
#[allow(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

/// Whether progress may be drawn: standard error is a terminal that can move its cursor.
#[allow(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn live() -> bool {
    std::io::stderr().is_terminal() && std::env::var("TERM").map_or(true, |value| value != "dumb")
}

/// The word in front of an error.
pub(crate) fn error_label() -> &'static str {
    if colours(&std::io::stderr()) {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    }
}

/// The word in front of what harms nothing.
pub(crate) fn warning_label() -> &'static str {
    if colours(&std::io::stderr()) {
        "\x1b[1;33mwarning:\x1b[0m"
    } else {
        "warning:"
    }
}
