//! The one place that ends lines: everything else writes `\n`.

use crate::request::LineEnd;
use std::io::{self, Write};

/// A writer that ends the lines which pass through it as they shall end.
///
/// Every format writes text from outside without raw line feeds, so that each line feed is the end of a line.
#[derive(Debug)]
pub struct Lines<W> {
    inner: W,
    end: LineEnd,
}

impl<W: Write> Lines<W> {
    /// Writes to `inner`, each line ended by `end`.
    pub const fn new(inner: W, end: LineEnd) -> Self {
        Self { inner, end }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.end {
            LineEnd::Lf => self.inner.write(bytes),
            LineEnd::CrLf => {
                let line = match bytes.iter().position(|&byte| byte == b'\n') {
                    Some(0) => {
                        self.inner.write_all(b"\r\n")?;
                        return Ok(1);
                    }
                    Some(end) => &bytes[..end],
                    None => bytes,
                };
                self.inner.write(line)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(end: LineEnd, pieces: &[&str]) -> String {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, end);
        for piece in pieces {
            lines.write_all(piece.as_bytes()).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_ends_as_asked_wherever_the_pieces_end() {
        for pieces in [&["\na\n\nb"][..], &["\n", "a", "\n\n", "b"], &["\na", "\n", "\nb"]] {
            assert_eq!(through(LineEnd::Lf, pieces), "\na\n\nb");
            assert_eq!(through(LineEnd::CrLf, pieces), "\r\na\r\n\r\nb");
        }
    }
}
