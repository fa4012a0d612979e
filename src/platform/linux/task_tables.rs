//! Owners by one look at the table of open files of each task (`iter/task`, and a loop, which takes 6.9).
//!
//! The iterator over open files takes and gives back a reference to each of them and calls the program anew. This one
//! reads the tables as they lie in memory: a third of the time for each descriptor, or less.

use super::bpf;
use super::bpf_program::{Instruction, Register, Width};
use super::btf::TaskFileLayout;
use super::task_files::{FILE_TYPE, LICENSE, Mapping, SOCKET};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::mm::MapFlags;
use std::io;

/// `BPF_FUNC_probe_read_kernel`, which gives zeros where the address leads nowhere.
const PROBE_READ: i32 = 113;
/// What stands before the entries: how many there are, and whether some are missing, 8 bytes each.
const COUNT: i16 = 0;
const INCOMPLETE: i16 = 8;
const HEADER: i16 = 16;
const ENTRY: usize = size_of::<u64>();

/// The program, loaded and attached, and the memory into which it writes.
pub(crate) struct TaskTables {
    iterator: bpf::Iterator,
    memory: OwnedFd,
    size: usize,
}

impl TaskTables {
    /// Loads the program, for so many descriptors of sockets. Every error means that this kernel or this user's rights
    /// do not allow it.
    pub(crate) fn open(layout: &TaskFileLayout, capacity: usize) -> io::Result<Self> {
        let size = HEADER as usize + capacity * ENTRY;
        let (bytes, capacity) =
            u32::try_from(size).and_then(|size| Ok((size, i32::try_from(capacity)?))).map_err(io::Error::other)?;
        let memory = bpf::shared_memory(bytes)?;
        let iterator = bpf::Iterator::attach(&program(layout, memory.as_raw_fd(), capacity), layout.task_hook, LICENSE)?;
        Ok(Self { iterator, memory, size })
    }

    /// Every descriptor of every process that is a socket, packed by [`crate::owners::InodeOwners::entry`]. To be called
    /// once: it fails where there are more than foreseen.
    pub(crate) fn read(self) -> io::Result<Vec<u64>> {
        let run = self.iterator.run()?;
        loop {
            match rustix::io::read(&run, &mut [0; ENTRY]) {
                Ok(_) => break,
                // The kernel takes a break after a million tasks.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mapping = Mapping::new(&self.memory, self.size, MapFlags::SHARED)?;
        let mut numbers = mapping.bytes().as_chunks::<ENTRY>().0.iter().map(|number| u64::from_ne_bytes(*number));
        match (numbers.next(), numbers.next()) {
            (Some(count), Some(0)) => Ok(numbers.take(count as usize).collect()),
            _ => Err(io::Error::other("more open files than foreseen")),
        }
    }
}

/// The program, which the kernel runs for each task. A thread that shares the table of its process is passed over.
///
/// Its context is `struct bpf_iter__task`: `meta` and `task`, 8 bytes each. Pointers are read by a helper, to the stack: where
/// a program reads one directly, the kernel searches all its types by name when it loads the program, which takes 3 ms here.
fn program(layout: &TaskFileLayout, memory: i32, capacity: i32) -> Vec<Instruction> {
    use Instruction as I;
    use Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
    use Width::{Double, Half, Word};
    let read = |from, offset: i16, size: usize| {
        [
            I::copy(R3, from),
            I::add(R3, offset.into()),
            I::copy(R1, R10),
            I::add(R1, -8),
            I::set(R2, size as i32),
            I::call(PROBE_READ),
        ]
    };
    let memory = I::map_value(R9, memory);
    [
        &[
            I::load(R6, Double, R1, 8),  // the task
            I::skip_if_equal(R6, 0, 99), // at the very end there is none
        ][..],
        &read(R6, layout.task_files, 8),
        &[I::load(R7, Double, R10, -8), I::skip_if_equal(R7, 0, 91)], // a thread of the kernel's, or one that exits
        &read(R6, layout.task_leader, 8),
        &[I::load(R8, Double, R10, -8), I::skip_if_same(R8, R6, 8)],
        &read(R8, layout.task_files, 8),
        &[I::load(R8, Double, R10, -8), I::skip_if_same(R8, R7, 75)],
        &read(R7, layout.files_table, 8),
        &[I::load(R9, Double, R10, -8)],
        &read(R9, layout.table_size, 4),
        &[I::load(R8, Word, R10, -8)],
        &read(R9, layout.table_files, 8),
        &[
            I::load(R7, Double, R10, -8), // the place of the next pointer to a file
            I::shift_left(R8, 3),
            I::add_register(R8, R7), // the end of the table
            I::load(R6, Word, R6, layout.task_tgid),
            // For each descriptor:
            I::skip_if_exhausted(46),
            I::skip_if_at_least(R7, R8, 49),
        ],
        &read(R7, 0, 8),
        &[I::add(R7, 8), I::load(R9, Double, R10, -8), I::skip_if_equal(R9, 0, -11)],
        &read(R9, layout.file_inode, 8),
        &[I::load(R9, Double, R10, -8)],
        &read(R9, layout.inode_mode, 2),
        &[I::load(R1, Half, R10, -8), I::mask(R1, FILE_TYPE), I::skip_unless_equal(R1, SOCKET, -27)],
        &read(R9, layout.inode_number, 8),
        &[I::load(R1, Double, R10, -8), I::shift_left(R1, 32), I::merge(R1, R6)],
        &memory,
        &[
            I::load(R2, Double, R9, COUNT),
            I::skip_from(R2, capacity, 7),
            I::copy(R3, R2),
            I::shift_left(R3, 3),
            I::add_register(R3, R9),
            I::store(R3, HEADER, R1),
            I::add(R2, 1),
            I::store(R9, COUNT, R2),
            I::skip(-47),
        ],
        // There is no room, or the kernel has no more patience:
        &memory,
        &[I::set(R1, 1), I::store(R9, INCOMPLETE, R1), I::set(R0, 0), I::exit()],
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owners::InodeOwners;
    use crate::platform::linux::task_files;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_sockets_of_this_process_are_among_what_it_says_and_too_many_are_an_error() {
        let Ok(layout) = task_files::layout() else { return eprintln!("SKIPPED: this kernel does not tell its types") };
        let tables = match TaskTables::open(&layout, 1 << 20) {
            Ok(tables) => tables,
            Err(error) => return eprintln!("SKIPPED: no iterator here: {error}"),
        };
        let sockets = [(); 3].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let entries = tables.read().unwrap();
        for socket in &sockets {
            let path = format!("/proc/thread-self/fd/{}", socket.as_raw_fd());
            let inode = std::fs::metadata(path).unwrap().ino() as u32;
            assert!(entries.contains(&InodeOwners::entry(inode, std::process::id())));
        }
        assert!(TaskTables::open(&layout, 2).unwrap().read().is_err());
    }
}
