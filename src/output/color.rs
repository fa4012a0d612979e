//! Whether to use colour.

use crate::request::Color;
use std::io::{self, IsTerminal};

/// Whether the environment asks for colour also where there is no terminal. 0 asks for nothing (bixense.com/clicolors).
fn is_forced() -> bool {
    anstyle_query::clicolor_force() && std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0")
}

/// Whether standard output is to be in colour.
pub fn is_wanted(color: Color) -> bool {
    // An old Windows console interprets colours only after a change of its mode; on other systems this does nothing.
    let is_supported = || anstyle_query::windows::enable_ansi_colors() != Some(false);
    match color {
        Color::Never => false,
        Color::Always => {
            // A console without support may be read by another program: colour was asked for.
            is_supported();
            true
        }
        Color::Auto if anstyle_query::no_color() => false,
        Color::Auto if is_forced() => {
            is_supported();
            true
        }
        Color::Auto => io::stdout().is_terminal() && anstyle_query::term_supports_color() && is_supported(),
    }
}
