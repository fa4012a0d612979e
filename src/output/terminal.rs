//! Properties of the terminal.

use std::io::{self, IsTerminal};

/// How many columns standard output has; `None` if it may be as wide as it likes: it is no terminal, and COLUMNS is not set.
pub fn width() -> Option<u16> {
    let of_terminal = if io::stdout().is_terminal() { terminal_size::terminal_size() } else { None };
    let of_terminal = of_terminal.map(|(width, _)| width.0).filter(|&width| width > 0);
    of_terminal.or_else(|| columns(std::env::var_os("COLUMNS")?.to_str()?))
}

/// How many columns standard error has; `None` if it is no terminal.
pub fn width_of_stderr() -> Option<u16> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0).filter(|&width| width > 0)
}

/// The number of columns that a variable names.
fn columns(value: &str) -> Option<u16> {
    value.parse().ok().filter(|&columns| columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_no_number_of_columns_is_none() {
        assert_eq!(columns("80"), Some(80));
        for value in ["", "0", "-1", "wide", "65536"] {
            assert_eq!(columns(value), None, "{value}");
        }
    }
}
