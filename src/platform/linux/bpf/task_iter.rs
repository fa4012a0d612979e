//! Owners by one look at the table of open files of each task (`iter/task`, and a loop, which takes 6.9).
//!
//! The iterator over open files takes and gives back a reference to each of them and calls the program anew. This one
//! reads the tables as they lie in memory: a fifth of the time for each descriptor.

use crate::platform::linux::bpf::insn::{Instruction, Register, Width};
use crate::platform::linux::bpf::syscall;
use crate::platform::linux::bpf::task_file_iter::{FILE_TYPE, LICENSE, Mapping, SOCKET};
use crate::platform::linux::bpf::task_layout::TaskFileLayout;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::mm::MapFlags;
use std::io;

/// What stands before the entries: how many there are, also those for which there was no room, and whether others are missing,
/// 8 bytes each.
const COUNT: i16 = 0;
const INCOMPLETE: i16 = 8;
const HEADER: i16 = 16;
const ENTRY: usize = size_of::<u64>();

/// The program, loaded and attached, and the memory into which it writes.
pub(crate) struct TaskTables {
    iterator: syscall::Iterator,
    memory: OwnedFd,
    capacity: usize,
}

/// What the program says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Every entry.
    Whole(Vec<u64>),
    /// So many entries, for which there was no room.
    TooLong(usize),
}

impl TaskTables {
    /// Loads the program, for so many descriptors of sockets. Every error means that this kernel or this user's rights
    /// do not allow it.
    pub(crate) fn open(layout: &TaskFileLayout, capacity: usize) -> io::Result<Self> {
        let cast = layout.cast.ok_or(io::ErrorKind::Unsupported)?;
        let size = u32::try_from(size_of_entries(capacity)).map_err(io::Error::other)?;
        let limit = i32::try_from(capacity).map_err(io::Error::other)?;
        let memory = syscall::shared_memory(size)?;
        let program = program(layout, cast, memory.as_raw_fd(), limit);
        let iterator = syscall::Iterator::attach(&program, layout.task_hook, LICENSE)?;
        Ok(Self { iterator, memory, capacity })
    }

    /// Every descriptor of every process that is a socket, packed by [`crate::model::owners::InodeOwners::entry`]. To be called
    /// once: it fails where a table was replaced meanwhile.
    pub(crate) fn read(self) -> io::Result<Answer> {
        let run = self.iterator.run()?;
        loop {
            match rustix::io::read(&run, &mut [0; ENTRY]) {
                Ok(_) => break,
                // The kernel takes a break after a million tasks.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some([count, 0]) = self.written(0)?.first_chunk().copied() else {
            return Err(io::Error::other("a table was replaced while it was read"));
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > self.capacity {
            return Ok(Answer::TooLong(count));
        }
        let mut entries = self.written(count)?;
        entries.drain(..HEADER as usize / ENTRY);
        Ok(Answer::Whole(entries))
    }

    /// What stands in the memory, up to the end of so many entries: all that is mapped counts as this process' own.
    fn written(&self, entries: usize) -> io::Result<Vec<u64>> {
        let mapping = Mapping::new(&self.memory, size_of_entries(entries), MapFlags::SHARED)?;
        Ok(mapping.bytes().as_chunks::<ENTRY>().0.iter().map(|number| u64::from_ne_bytes(*number)).collect())
    }
}

/// The size of so many entries with what stands before them, in bytes.
const fn size_of_entries(count: usize) -> usize {
    count.saturating_mul(ENTRY).saturating_add(HEADER as usize)
}

/// A place in the program to which others jump.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    NextFile,
    TableEnds,
    TaskHasGone,
    Incomplete,
    End,
}

/// A part of the program.
#[derive(Clone, Copy)]
enum Step {
    Do(Instruction),
    Jump(Instruction, Place),
    Here(Place),
}

/// What the program keeps on its stack, and where.
mod stack {
    /// The task.
    pub(crate) const TASK: i16 = -8;
    /// Its files, and their table as it was when the task was begun.
    pub(crate) const FILES: i16 = -16;
    pub(crate) const TABLE: i16 = -24;
    /// How many entries there were before this task.
    pub(crate) const BEFORE: i16 = -32;
    /// The inode of the file that is being looked at.
    pub(crate) const INODE: i16 = -40;
}

/// The program, which the kernel runs for each task. A thread that shares the table of its process is passed over.
///
/// It holds no reference, so that what it reads may change hands meanwhile. An entry counts only if the same file still stands
/// in its place after its inode has been read; what was written of a task that ends meanwhile is taken back, and where a task's
/// table is replaced meanwhile the whole answer is called incomplete, so that the iterator over files serves.
///
/// Its context is `struct bpf_iter__task`: `meta` and `task`, 8 bytes each. Every pointer is read directly, as of a type that
/// the kernel has been told and that it does not trust: reading through one that leads nowhere gives 0. So the processor fetches
/// the files of many descriptors at a time, where a helper that reads them one by one takes five times as long; and the kernel
/// need not search all its types by name when it loads the program, as it does for pointers that it trusts.
fn program(layout: &TaskFileLayout, cast: u32, memory: i32, capacity: i32) -> Vec<Instruction> {
    use Instruction as I;
    use Place::{End, Incomplete, NextFile, TableEnds, TaskHasGone};
    use Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
    use Step::{Do, Here, Jump};
    use Width::{Double, Half, Word};
    // R0 = R1, as a pointer to a structure of this type. The kernel turns the call into a copy.
    let cast = |to: u32| [Do(I::set(R2, to as i32)), Do(I::call_function(cast))];
    // R0 = what stands at the address in R1. It is read as if it were the pointer in a table of files.
    let slot = i32::from(layout.table_files);
    let pointer_at_r1 = [&[Do(I::add(R1, -slot))][..], &cast(layout.table), &[Do(I::load(R0, Double, R0, layout.table_files))]];
    let pointer_at_r1 = pointer_at_r1.concat();
    let memory = I::map_value(R9, memory).map(Do);
    let steps = [
        &[Do(I::load(R1, Double, R1, 8)), Jump(I::skip_if_equal(R1, 0, 0), End)][..], // at the very end there is no task
        &cast(layout.task),
        &[
            Do(I::copy(R6, R0)),
            Do(I::store(R10, stack::TASK, R6)),
            Do(I::load(R7, Double, R6, layout.task_files)),
            // A thread of the kernel's has none, nor has one that exits.
            Jump(I::skip_if_equal(R7, 0, 0), End),
            Do(I::store(R10, stack::FILES, R7)),
            // A thread is visited for a table of its own.
            Do(I::load(R8, Double, R6, layout.task_leader)),
            Do(I::load(R9, Double, R8, layout.task_files)),
            Do(I::skip_if_same(R8, R6, 1)),
            Jump(I::skip_if_same(R9, R7, 0), End),
        ],
        &memory,
        &[
            Do(I::load(R1, Double, R9, COUNT)),
            Do(I::store(R10, stack::BEFORE, R1)),
            Do(I::load(R9, Double, R7, layout.files_table)),
            Do(I::store(R10, stack::TABLE, R9)),
            Do(I::load(R8, Word, R9, layout.table_size)),
            Do(I::load(R7, Double, R9, layout.table_files)), // the place of the next pointer to a file
            Do(I::shift_left(R8, 3)),
            Do(I::add_register(R8, R7)), // the end of the table
            Do(I::load(R6, Word, R6, layout.task_tgid)),
            Here(NextFile),
            Jump(I::skip_if_exhausted(0), Incomplete),
            Jump(I::skip_if_at_least(R7, R8, 0), TableEnds),
            Do(I::copy(R1, R7)),
            Do(I::add(R7, 8)),
        ],
        &pointer_at_r1,
        &[Do(I::copy(R9, R0)), Jump(I::skip_if_equal(R9, 0, 0), NextFile), Do(I::copy(R1, R9))],
        &cast(layout.file),
        &[
            Do(I::load(R1, Double, R0, layout.file_inode)),
            Do(I::load(R2, Half, R1, layout.inode_mode)),
            Do(I::mask(R2, FILE_TYPE)),
            Jump(I::skip_unless_equal(R2, SOCKET, 0), NextFile),
            Do(I::load(R1, Double, R1, layout.inode_number)),
            Do(I::store(R10, stack::INODE, R1)),
            // Nothing is added, but no processor can look at the file's place before it has the inode.
            Do(I::mask(R1, 0)),
            Do(I::add_register(R1, R7)),
            Do(I::add(R1, -8)),
        ],
        &pointer_at_r1,
        &[
            Do(I::skip_if_same(R0, R9, 1)),
            Jump(I::skip(0), NextFile),
            Do(I::load(R1, Double, R10, stack::INODE)),
            Do(I::shift_left(R1, 32)),
            Do(I::merge(R1, R6)),
        ],
        &memory,
        &[
            Do(I::load(R2, Double, R9, COUNT)),
            Do(I::copy(R3, R2)),
            Do(I::add(R3, 1)),
            Do(I::store(R9, COUNT, R3)),
            Jump(I::skip_from(R2, capacity, 0), NextFile),
            Do(I::shift_left(R2, 3)),
            Do(I::add_register(R2, R9)),
            Do(I::store(R2, HEADER, R1)),
            Jump(I::skip(0), NextFile),
            Here(TableEnds),
        ],
        &memory,
        &[
            // Nothing is added, but everything above has been read before anything below.
            Do(I::set(R1, 0)),
            Do(I::fetch_add(R9, COUNT, R1)),
            Do(I::load(R7, Double, R10, stack::FILES)),
            Do(I::load(R8, Double, R7, layout.files_table)),
            Do(I::load(R6, Double, R10, stack::TASK)),
            Do(I::load(R1, Double, R6, layout.task_files)),
            Jump(I::skip_if_equal(R1, 0, 0), TaskHasGone),
            Do(I::skip_if_same(R1, R7, 1)),
            Jump(I::skip(0), Incomplete),
            Do(I::load(R1, Double, R10, stack::TABLE)),
            Jump(I::skip_if_same(R1, R8, 0), End),
            Here(Incomplete),
        ],
        &memory,
        &[Do(I::set(R1, 1)), Do(I::store(R9, INCOMPLETE, R1)), Jump(I::skip(0), End), Here(TaskHasGone)],
        &memory,
        &[Do(I::load(R1, Double, R10, stack::BEFORE)), Do(I::store(R9, COUNT, R1))],
        &[Here(End), Do(I::set(R0, 0)), Do(I::exit())],
    ]
    .concat();
    assemble(&steps)
}

/// Turns jumps to places into jumps over instructions.
fn assemble(steps: &[Step]) -> Vec<Instruction> {
    let mut places = Vec::new();
    let mut count = 0i16;
    for step in steps {
        match *step {
            Step::Here(place) => places.push((place, count)),
            Step::Do(_) | Step::Jump(..) => count += 1,
        }
    }
    let position = |wanted| places.iter().find(|(place, _)| *place == wanted).map_or(count, |&(_, position)| position);
    let mut program = Vec::with_capacity(steps.len());
    for step in steps {
        match *step {
            Step::Here(_) => {}
            Step::Do(instruction) => program.push(instruction),
            Step::Jump(jump, place) => program.push(jump.over(position(place) - program.len() as i16 - 1)),
        }
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::InodeOwners;
    use crate::platform::linux::bpf::task_file_iter;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_sockets_of_this_process_are_among_what_it_says_and_too_many_are_counted() {
        let Ok(layout) = task_file_iter::layout() else { return eprintln!("SKIPPED: this kernel does not tell its types") };
        let tables = match TaskTables::open(&layout, 1 << 20) {
            Ok(tables) => tables,
            Err(error) => return eprintln!("SKIPPED: no iterator here: {error}"),
        };
        let sockets = [(); 3].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let Answer::Whole(entries) = tables.read().unwrap() else { panic!("a million entries are not enough") };
        for socket in &sockets {
            let path = format!("/proc/thread-self/fd/{}", socket.as_raw_fd());
            let inode = std::fs::metadata(path).unwrap().ino() as u32;
            assert!(entries.contains(&InodeOwners::entry(inode, std::process::id())));
        }
        let Answer::TooLong(count) = TaskTables::open(&layout, 2).unwrap().read().unwrap() else { panic!("there are three") };
        assert!(count >= 3);
    }
}
