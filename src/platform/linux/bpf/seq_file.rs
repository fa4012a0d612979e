//! What the programs of iterators write, and reading it.

use super::assembler::Register::{R0, R1, R2, R3, R10};
use super::assembler::{Assembler, Label, Register, Size};
use rustix::fd::AsFd;
use rustix::io::Errno;
use std::io;

/// `BPF_FUNC_seq_write`
const SEQ_WRITE: i32 = 127;
/// How much is read at once.
const BUFFER: usize = 8192;

/// Ends a program: writes so many bytes of the stack, from `value` on, and returns. `context` holds the context of the program, which
/// begins with `meta`. What has nothing to write jumps to `end`.
pub(super) fn write_and_exit(a: &mut Assembler, context: Register, value: i16, size: usize, end: Label) {
    a.ldx(Size::Dw, R1, context, 0); // meta
    a.ldx(Size::Dw, R1, R1, 0); // meta->seq
    a.mov(R2, R10);
    a.add(R2, i32::from(value));
    a.mov(R3, size as i32);
    a.call(SEQ_WRITE);
    a.bind(end);
    a.mov(R0, 0);
    a.exit();
}

/// Everything that the program of an iterator writes in one run.
pub(super) fn read_all(run: impl AsFd) -> io::Result<Vec<u8>> {
    let mut written = Vec::new();
    let mut buffer = [0; BUFFER];
    loop {
        match rustix::io::read(&run, &mut buffer) {
            Ok(0) => return Ok(written),
            Ok(length) => written.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            // The kernel pauses after a million objects.
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
