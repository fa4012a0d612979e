//! Owners by the kernel's iterator over the open files of all tasks (`iter/task_file`, 5.8).
//!
//! It takes 0.3 µs for a descriptor; a system call for each takes 2 to 5 µs.

use super::assembler::Register::{R1, R2, R3, R4, R5, R6, R10};
use super::assembler::{AssembleError, Assembler, Program, Size};
use super::syscall::{self, IteratorLink, ProgramType};
use super::task_layout::TaskFileLayout;
use super::{seq_file, socket_file};
use rustix::io::Errno;
use std::io;
use std::ops::ControlFlow;

/// The iterator returns at most this much at once.
const BUFFER: usize = 32 * 1024;
/// The most descriptors in a row without a socket: 5 s of work. Processes that share a table are each visited by the kernel, so
/// that a user can make it arbitrarily long; the scan of `/proc` recognises such tables.
const MOST_WITHOUT_SOCKET: usize = 16_000_000;
/// The kernel returns `EAGAIN` after this many (`MAX_ITER_OBJECTS` of `kernel/bpf/bpf_iter.c`).
const OBJECTS_EACH_TIME: usize = 1_000_000;

/// The program, loaded and attached.
pub(crate) struct TaskFileIter(IteratorLink);

impl TaskFileIter {
    /// Loads the program. Every error means that this kernel or this user's rights do not allow it.
    pub(crate) fn open(layout: &TaskFileLayout) -> io::Result<Self> {
        let program = program(layout).map_err(io::Error::other)?;
        let program = syscall::Program::load("socket_owners", ProgramType::Iterator(layout.file_hook), &program)?;
        IteratorLink::attach(&program).map(Self)
    }

    /// Calls `each` with every descriptor of every process that is a socket, packed by
    /// [`crate::model::owners::InodeOwners::entry`], until it breaks. Processes come by ascending PID; one that has a socket
    /// twice comes twice.
    pub(crate) fn each(&self, mut each: impl FnMut(u64) -> ControlFlow<()>) -> io::Result<()> {
        const ENTRY: usize = size_of::<u64>();
        let run = self.0.open()?;
        let mut buffer = vec![0; BUFFER];
        let mut kept = 0;
        let mut without_socket = 0;
        loop {
            let length = match rustix::io::read(&run, buffer.get_mut(kept..).unwrap_or_default()) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) if without_socket < MOST_WITHOUT_SOCKET => {
                    without_socket += OBJECTS_EACH_TIME;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let filled = kept + length;
            let (entries, rest) = buffer.get(..filled).unwrap_or_default().as_chunks::<ENTRY>();
            if entries.iter().try_for_each(|entry| each(u64::from_ne_bytes(*entry))).is_break() {
                return Ok(());
            }
            kept = rest.len();
            buffer.copy_within(filled - kept..filled, 0);
        }
    }
}

/// The program, which the kernel runs for each descriptor: if it is a socket, its inode and the process are written as the
/// number that [`crate::model::owners::InodeOwners::entry`] makes of them.
///
/// Its context is `struct bpf_iter__task_file`: `meta`, `task`, `fd`, `file`, 8 bytes each. Fields are read through pointers of
/// types that the verifier knows; reading through an invalid one gives 0.
fn program(layout: &TaskFileLayout) -> Result<Program, AssembleError> {
    let mut a = Assembler::new();
    let end = a.label();
    a.mov(R6, R1);
    a.ldx(Size::Dw, R2, R6, 8); // task, NULL at the very end
    a.jeq(R2, 0, end);
    a.ldx(Size::Dw, R3, R6, 24); // file
    a.jeq(R3, 0, end);
    socket_file::emit_test(&mut a, layout, R3, [R5, R4], end);
    a.ldx(Size::Dw, R4, R5, layout.inode_number);
    a.lsh(R4, 32); // sockfs numbers its inodes with 32 bits
    a.ldx(Size::W, R2, R2, layout.task_tgid);
    a.or(R4, R2);
    a.stx(Size::Dw, R10, -8, R4);
    seq_file::write_and_exit(&mut a, R6, -8, size_of::<u64>(), end);
    a.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::InodeOwners;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_sockets_of_this_process_are_found() {
        let tasks = match TaskFileLayout::of_running_kernel().and_then(|layout| TaskFileIter::open(&layout)) {
            Ok(tasks) => tasks,
            Err(error) => return eprintln!("SKIPPED: no iterator here: {error}"),
        };
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&socket));
        let inode = std::fs::metadata(path).unwrap().ino() as u32;
        let mut entries = Vec::new();
        let mut keep = |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        };
        tasks.each(&mut keep).unwrap();
        assert!(entries.contains(&InodeOwners::entry(inode, std::process::id())));
    }
}
