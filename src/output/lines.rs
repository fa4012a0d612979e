//! Line by line to the outside: everything else writes `\n`.

use super::escape::LineEnd;
use std::io::{self, Write};

/// Large enough that the system calls do not count, small enough to stay in the cache.
const CHUNK: usize = 128 * 1024;

/// A buffered writer that ends the lines which pass through it as they shall end.
#[derive(Debug)]
pub struct Lines<W: Write> {
    inner: W,
    end: LineEnd,
    buffer: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// Writes to `inner`, each line ended by `end`.
    pub fn new(inner: W, end: LineEnd) -> Self {
        Self { inner, end, buffer: Vec::with_capacity(CHUNK) }
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        self.end.write(&mut self.inner, &self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > CHUNK {
            self.flush_buffer()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// What is not flushed before the end is lost.
    fn flush(&mut self) -> io::Result<()> {
        self.flush_buffer()?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_its_order_whatever_its_size() {
        for end in [LineEnd::Lf, LineEnd::CrLf] {
            let line = vec![b'x'; CHUNK - 7];
            let mut out = Vec::new();
            let mut lines = Lines::new(&mut out, end);
            for _ in 0..3 {
                lines.write_all(&line).unwrap();
                lines.write_all(b"\n").unwrap();
            }
            lines.flush().unwrap();
            let line_end: &[u8] = if end == LineEnd::Lf { b"\n" } else { b"\r\n" };
            assert!(out == [&line[..], line_end].concat().repeat(3));
        }
    }
}
