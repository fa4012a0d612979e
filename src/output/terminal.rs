//! What the terminal can do, where there is one.

use crate::request::Color;
use std::io::{self, IsTerminal};

/// How many columns standard output has; `None` where it is no terminal.
pub fn width() -> Option<u16> {
    let out = io::stdout();
    out.is_terminal().then(terminal_size::terminal_size).flatten().map(|(width, _)| width.0).filter(|&width| width > 0)
}

/// Whether standard output is to be in colour.
pub fn wants_color(color: Color) -> bool {
    // An old Windows console has to be told to understand colours; elsewhere this does nothing.
    let understood = || anstyle_query::windows::enable_ansi_colors() != Some(false);
    match color {
        Color::Never => false,
        Color::Always => {
            // Where it is not understood it may be meant for a file.
            understood();
            true
        }
        Color::Auto => {
            io::stdout().is_terminal() && !anstyle_query::no_color() && anstyle_query::term_supports_color() && understood()
        }
    }
}
