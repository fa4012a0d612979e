//! Line endings: every report writes `\n`, and the last writer makes of it what was asked for.

use crate::request::LineEnding;
use std::io::{self, Write};

/// Large enough that the system calls do not count, small enough to stay in the cache.
const CHUNK: usize = 128 * 1024;

impl LineEnding {
    /// Writes text whose lines end in `\n` with these line endings. Text from outside cannot hold a `\n` of its own:
    /// [`escape`](super::escape::escape) has replaced it.
    pub fn write(self, out: &mut impl Write, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Lf => out.write_all(text),
            Self::CrLf => {
                // With one write: a console shows the parts one after another, and each write is a system call.
                let lines = text.iter().filter(|&&byte| byte == b'\n').count();
                let mut ended = Vec::with_capacity(text.len() + lines);
                for line in text.split_inclusive(|&byte| byte == b'\n') {
                    match line.split_last() {
                        Some((b'\n', line)) => {
                            ended.extend_from_slice(line);
                            ended.extend_from_slice(b"\r\n");
                        }
                        _ => ended.extend_from_slice(line),
                    }
                }
                out.write_all(&ended)
            }
        }
    }
}

/// A buffered writer that gives the lines which pass through it their endings.
#[derive(Debug)]
pub struct Lines<W: Write> {
    inner: W,
    end: LineEnding,
    buffer: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// Writes to `inner` with these line endings.
    pub fn new(inner: W, end: LineEnding) -> Self {
        Self { inner, end, buffer: Vec::with_capacity(CHUNK) }
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        self.end.write(&mut self.inner, &self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<W: Write> Write for Lines<W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > CHUNK {
            self.flush_buffer()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// As the default, without its loop: a document is written in millions of small pieces.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(|_| ())
    }

    /// What is not flushed before the writer is dropped is lost.
    fn flush(&mut self) -> io::Result<()> {
        self.flush_buffer()?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_size_arrives_whole_and_in_order() {
        for end in [LineEnding::Lf, LineEnding::CrLf] {
            let line = vec![b'x'; CHUNK - 7];
            let mut out = Vec::new();
            let mut lines = Lines::new(&mut out, end);
            for _ in 0..3 {
                lines.write_all(&line).unwrap();
                lines.write_all(b"\n").unwrap();
            }
            lines.flush().unwrap();
            let line_end: &[u8] = if end == LineEnding::Lf { b"\n" } else { b"\r\n" };
            assert!(out == [&line[..], line_end].concat().repeat(3));
        }
    }

    #[test]
    fn every_line_gets_the_ending_that_was_asked_for() {
        let written = |end: LineEnding, text: &[u8]| {
            let mut out = Vec::new();
            end.write(&mut out, text).unwrap();
            out
        };
        assert_eq!(written(LineEnding::CrLf, b"\na\n\nb"), b"\r\na\r\n\r\nb");
        assert_eq!(written(LineEnding::CrLf, b""), b"");
        assert_eq!(written(LineEnding::Lf, b"a\n"), b"a\n");
    }
}
