//! Properties of the terminal.

use std::io::{self, IsTerminal};

/// How many columns standard output has; `None` if it is no terminal.
pub fn width() -> Option<u16> {
    let out = io::stdout();
    out.is_terminal().then(terminal_size::terminal_size).flatten().map(|(width, _)| width.0).filter(|&width| width > 0)
}
