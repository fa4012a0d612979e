//! Owners by reading the table of open files of each task (`iter/task` and `may_goto`, which takes 6.9).
//!
//! `iter/task_file` takes and drops a reference to each file and calls the program anew for each. This program reads the tables
//! as they are in memory: a fifth of the time for each descriptor.

use super::assembler::Register::{R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};
use super::assembler::{AssembleError, Assembler, Atomic, Program, Size};
use super::file_filter::{self, FileFilter};
use super::mapping::Mapping;
use super::socket_file;
use super::syscall::{self, IteratorLink, ProgramType};
use super::task_layout::TaskFileLayout;
use crate::model::owners::inodes::GROUP;
use crate::model::owners::{InodeOwners, OwnerEntries};
use crate::model::socket::Pid;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use std::io;

/// The header of the array, 8 bytes each: the number of entries, also of those that did not fit; whether entries are missing;
/// whether processes share tables, of which nothing is written without the map for them; whether a process has used an io_uring;
/// the number of groups; the file operations of the last socket, and of all sockets once they are known.
const COUNT: i16 = 0;
const INCOMPLETE: i16 = 8;
const SHARED: i16 = 16;
const IO_URING: i16 = 24;
const GROUPS: i16 = 32;
const LAST_OPS: i16 = 40;
const SOCKET_OPS: i16 = 48;
const HEADER: i16 = 56;
const ENTRY: usize = size_of::<u64>();

/// A table of this size, the smallest that there is, is read for each process that shares it: kernel threads share one.
const SMALL_TABLE: i32 = 64;

/// How many tables of files that are in use several times are remembered. Beyond, each user of a table is taken for its only one.
const SHARED_TABLES: u32 = 4096;

/// The program, loaded and attached, and the array that it writes to.
pub(crate) struct TaskIter {
    iterator: IteratorLink,
    array: OwnedFd,
    capacity: usize,
    groups: bool,
    /// The array with the files that are looked for, if not all are.
    filter: Option<OwnedFd>,
}

/// How the program ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Everything.
    Whole(Found),
    /// This many entries, which did not fit.
    TooLong(usize),
    /// Processes share tables: to be opened with groups.
    Shared,
}

/// What the program found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every descriptor of every process that is a socket.
    pub(crate) entries: OwnerEntries,
    /// Whether some process has used an io_uring.
    pub(crate) uses_io_uring: bool,
}

impl TaskIter {
    /// Loads the program, for this many descriptors of sockets; with groups if processes may share tables, which makes it twice as
    /// long. Every error means that this kernel or this user's rights do not allow it.
    pub(crate) fn open(layout: &TaskFileLayout, capacity: usize, groups: bool) -> io::Result<Self> {
        Self::with_filter(layout, capacity, groups, None)
    }

    /// The same, for some files only: those of [`TaskIter::read_filtered`].
    pub(crate) fn open_filtered(layout: &TaskFileLayout, capacity: usize) -> io::Result<Self> {
        let filter = syscall::create_mappable_array(file_filter::SIZE as u32)?;
        Self::with_filter(layout, capacity, false, Some(filter))
    }

    fn with_filter(layout: &TaskFileLayout, capacity: usize, groups: bool, filter: Option<OwnedFd>) -> io::Result<Self> {
        let cast = layout.cast.ok_or(io::ErrorKind::Unsupported)?;
        let size = u32::try_from(size_of_entries(capacity)).map_err(io::Error::other)?;
        let limit = i32::try_from(capacity).map_err(io::Error::other)?;
        let array = syscall::create_mappable_array(size)?;
        let create_shared = || syscall::create_hash(size_of::<u64>() as u32, stack::VALUE_SIZE as u32, SHARED_TABLES);
        let shared = groups.then(create_shared).transpose()?;
        let number = |map: &OwnedFd| map.as_raw_fd();
        let maps = Maps { array: number(&array), shared: shared.as_ref().map(number), filter: filter.as_ref().map(number) };
        let program = program(layout, cast, &maps, limit).map_err(io::Error::other)?;
        let program = syscall::Program::load("socket_owners", ProgramType::Iterator(layout.task_hook), &program)?;
        Ok(Self { iterator: IteratorLink::attach(&program)?, array, capacity, groups, filter })
    }

    /// Runs the program for these files and perhaps some others.
    pub(crate) fn read_filtered(&self, files: &FileFilter) -> io::Result<Answer> {
        let filter = self.filter.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        Mapping::write_array(filter, files.bytes())?;
        self.read()
    }

    /// Whether it knows tables that processes share.
    pub(crate) const fn has_groups(&self) -> bool {
        self.groups
    }

    /// Makes the program ready for another run; `None` with groups, of which it remembers the tables.
    pub(crate) fn again(self) -> Option<Self> {
        (!self.groups && Mapping::clear_array(&self.array, HEADER as usize).is_ok()).then_some(self)
    }

    /// Runs the program, once. It fails if a table was replaced meanwhile.
    pub(crate) fn read(&self) -> io::Result<Answer> {
        let run = self.iterator.open()?;
        loop {
            match rustix::io::read(&run, &mut [0; ENTRY]) {
                Ok(_) => break,
                // The kernel pauses after a million tasks.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (count, io_uring) = match self.written(0)?.first_chunk() {
            Some(&[_, 0, shared, _]) if shared != 0 => return Ok(Answer::Shared),
            Some(&[count, 0, 0, io_uring]) => (count, io_uring),
            Some(_) | None => return Err(io::Error::other("a table of files was replaced while it was read")),
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > self.capacity {
            return Ok(Answer::TooLong(count));
        }
        let mut entries = self.written(count)?;
        entries.drain(..HEADER as usize / ENTRY);
        Ok(Answer::Whole(Found { entries: decode(entries), uses_io_uring: io_uring != 0 }))
    }

    /// The header and this many entries. No more is mapped, because mapped pages count as this process' memory.
    fn written(&self, entries: usize) -> io::Result<Vec<u64>> {
        let mapping = Mapping::of_array(&self.array, size_of_entries(entries))?;
        Ok(mapping.bytes().as_chunks::<ENTRY>().0.iter().map(|number| u64::from_ne_bytes(*number)).collect())
    }
}

/// Separates the entries of sockets from those of the members of groups: an entry without an inode is a process, and the group
/// that it belongs to follows.
fn decode(mut entries: Vec<u64>) -> OwnerEntries {
    let mut groups: Vec<Vec<Pid>> = Vec::new();
    let mut member = None;
    entries.retain(|&entry| {
        if InodeOwners::inode(entry) != 0 {
            return true;
        }
        let Some(process) = member.take() else {
            member = Some(entry as u32);
            return false;
        };
        let group = (entry as u32 & !GROUP) as usize;
        if groups.len() <= group {
            groups.resize(group + 1, Vec::new());
        }
        groups.iter_mut().skip(group).take(1).for_each(|group| group.push(process));
        false
    });
    OwnerEntries::new(entries, groups)
}

/// The size of the header and this many entries, in bytes.
const fn size_of_entries(count: usize) -> usize {
    count.saturating_mul(ENTRY).saturating_add(HEADER as usize)
}

/// The program's stack.
mod stack {
    /// The task.
    pub(super) const TASK: i16 = -8;
    /// Its files, and their table when the task was begun.
    pub(super) const FILES: i16 = -16;
    pub(super) const TABLE: i16 = -24;
    /// How many entries there were before this task.
    pub(super) const BEFORE: i16 = -32;
    /// The inode of the current file.
    pub(super) const INODE: i16 = -40;
    /// The entry that was written last.
    pub(super) const LAST: i16 = -48;
    /// The file operations of sockets, 0 if they are not known yet, and those of the current file.
    pub(super) const SOCKET_OPS: i16 = -88;
    pub(super) const OPS: i16 = -96;
    /// The key of the shared tables: the address of the files, in a slot of its own, because kernels (6.12) forget what a slot holds
    /// that was passed to a helper.
    pub(super) const KEY: i16 = -104;
    /// The lower half of the entries of this task: its process or the group of its table.
    pub(super) const HOLDER: i16 = -56;
    /// The value of a shared table: the group, and the task and process that the table was first seen with.
    pub(super) const VALUE: i16 = -80;
    pub(super) const VALUE_GROUP: i16 = VALUE;
    pub(super) const VALUE_TASK: i16 = VALUE + 8;
    pub(super) const VALUE_TGID: i16 = VALUE + 16;
    pub(super) const VALUE_SIZE: i16 = 24;
}

/// `BPF_FUNC_map_lookup_elem`, `BPF_FUNC_map_update_elem` and `BPF_FUNC_map_delete_elem`
const MAP_LOOKUP_ELEM: i32 = 1;
const MAP_UPDATE_ELEM: i32 = 2;
const MAP_DELETE_ELEM: i32 = 3;
/// Adds or replaces (`BPF_ANY`).
const BPF_ANY: i32 = 0;

/// The maps of the program, by their descriptors: the array that it writes to, and the tables of files that are in use several
/// times, by the address of the `struct files_struct`.
struct Maps {
    array: i32,
    shared: Option<i32>,
    /// The files that are looked for, if not all are: [`super::file_filter`].
    filter: Option<i32>,
}

/// The program, which the kernel runs for each task. A thread that shares the table of its process is skipped.
///
/// It holds no reference: what it reads may be reused meanwhile. An entry counts only if the same file is still in its slot
/// after its inode has been read. The entries of a task that exits meanwhile are dropped, and if a task's table is replaced
/// meanwhile the whole answer is marked incomplete, so that the iterator over files is used instead.
///
/// A large table with more users than its process has threads is shared by several processes (`CLONE_FILES`). It is read once: its
/// sockets are entries of a group, and each process is a member of the group. A table counts as known only if the task that it was
/// first seen with still uses it: its address may have been reused. Such processes are rare: without the map for their tables the
/// program only reports that there are some.
///
/// All sockets have the same file operations, and nothing else has them, descriptors opened with `O_PATH` neither. When two sockets
/// in succession have shown which these are, they alone decide: so the inodes of other files need not be fetched.
///
/// Its context is `struct bpf_iter__task`: `meta` and `task`, 8 bytes each. Every pointer is cast by `bpf_rdonly_cast` to a
/// type that the verifier does not trust and is read directly; reading through an invalid one gives 0. The processor then
/// fetches the files of many descriptors at a time, where the helper that reads them one by one takes five times as long; and
/// the kernel need not search all its types by name when it loads the program, as it does for trusted pointers.
fn program(layout: &TaskFileLayout, cast: u32, maps: &Maps, capacity: i32) -> Result<Program, AssembleError> {
    let mut a = Assembler::new();
    let [next_file, table_ends, task_exited, incomplete, end] = std::array::from_fn(|_| a.label());
    // R0 = R1, as a pointer to a structure of this type. The verifier turns the call into a mov.
    let cast_r1 = |a: &mut Assembler, to: u32| {
        a.mov(R2, to as i32);
        a.call_kfunc(cast);
    };
    // R0 = the pointer at the address in R1, which is read as if it were `fd` of a `struct fdtable`.
    let load_pointer = |a: &mut Assembler| {
        a.add(R1, -i32::from(layout.table_files));
        cast_r1(a, layout.table);
        a.ldx(Size::Dw, R0, R0, layout.table_files);
    };
    // Appends the entry in R1 and uses R2, R3 and R9. Those that do not fit are counted.
    let append = |a: &mut Assembler| {
        let full = a.label();
        a.lddw_map_value(R9, maps.array, 0);
        a.ldx(Size::Dw, R2, R9, COUNT);
        a.mov(R3, R2);
        a.add(R3, 1);
        a.stx(Size::Dw, R9, COUNT, R3);
        a.jge(R2, capacity, full);
        a.lsh(R2, 3);
        a.add(R2, R9);
        a.stx(Size::Dw, R2, HEADER, R1);
        a.bind(full);
    };
    // Calls a helper on the entry of the shared tables for this task's files.
    let call_with_files = |a: &mut Assembler, shared: i32, helper: i32| {
        a.lddw_map(R1, shared);
        a.mov(R2, R10);
        a.add(R2, i32::from(stack::KEY));
        a.call(helper);
    };

    a.ldx(Size::Dw, R1, R1, 8); // task, NULL at the very end
    a.jeq(R1, 0, end);
    cast_r1(&mut a, layout.task);
    a.mov(R6, R0);
    a.stx(Size::Dw, R10, stack::TASK, R6);
    if let Some(io_uring) = layout.task_io_uring {
        let unused = a.label();
        a.ldx(Size::Dw, R1, R6, io_uring);
        a.jeq(R1, 0, unused);
        a.lddw_map_value(R9, maps.array, 0);
        a.st(Size::Dw, R9, IO_URING, 1);
        a.bind(unused);
    }
    a.ldx(Size::Dw, R7, R6, layout.task_files);
    a.jeq(R7, 0, end); // a kernel thread or one that exits
    a.stx(Size::Dw, R10, stack::FILES, R7);
    // A thread is visited if it has a table of its own.
    let has_own_table = a.label();
    a.ldx(Size::Dw, R8, R6, layout.task_leader);
    a.ldx(Size::Dw, R9, R8, layout.task_files);
    a.jeq(R8, R6, has_own_table);
    a.jeq(R9, R7, end);
    a.bind(has_own_table);
    a.lddw_map_value(R9, maps.array, 0);
    a.ldx(Size::Dw, R1, R9, COUNT);
    a.stx(Size::Dw, R10, stack::BEFORE, R1);
    a.ldx(Size::Dw, R1, R9, SOCKET_OPS);
    a.stx(Size::Dw, R10, stack::SOCKET_OPS, R1);
    a.st(Size::Dw, R10, stack::LAST, 0);
    a.ldx(Size::W, R8, R6, layout.task_tgid);
    a.stx(Size::Dw, R10, stack::HOLDER, R8);
    let private = a.label();
    a.stx(Size::Dw, R10, stack::KEY, R7);
    a.ldx(Size::Dw, R1, R7, layout.files_table);
    a.ldx(Size::W, R1, R1, layout.table_size);
    a.jle(R1, SMALL_TABLE, private);
    a.ldx(Size::W, R1, R7, layout.files_count);
    a.ldx(Size::Dw, R2, R6, layout.task_signal);
    a.ldx(Size::W, R2, R2, layout.signal_threads);
    a.jle(R1, R2, private);
    match maps.shared {
        None => {
            a.lddw_map_value(R9, maps.array, 0);
            a.st(Size::Dw, R9, SHARED, 1);
            a.ja(end);
        }
        Some(shared) => {
            let group = a.label();
            call_with_files(&mut a, shared, MAP_LOOKUP_ELEM);
            a.jeq(R0, 0, group);
            a.mov(R9, R0);
            let of_value = |field: i16| field - stack::VALUE;
            a.ldx(Size::Dw, R1, R9, of_value(stack::VALUE_TASK));
            cast_r1(&mut a, layout.task);
            a.ldx(Size::Dw, R1, R0, layout.task_files);
            a.jne(R1, R7, group);
            a.ldx(Size::W, R1, R0, layout.task_tgid);
            a.ldx(Size::Dw, R2, R9, of_value(stack::VALUE_TGID));
            a.jne(R1, R2, group);
            a.ldx(Size::Dw, R4, R9, of_value(stack::VALUE_GROUP));
            // Process, then group.
            a.mov(R1, R8);
            append(&mut a);
            a.mov(R1, R4);
            append(&mut a);
            a.ja(end);

            // The first that is seen with a table begins a group.
            a.bind(group);
            a.lddw_map_value(R9, maps.array, 0);
            a.ldx(Size::Dw, R1, R9, GROUPS);
            a.mov(R2, R1);
            a.add(R2, 1);
            a.stx(Size::Dw, R9, GROUPS, R2);
            a.lddw(R2, u64::from(GROUP));
            a.or(R1, R2);
            a.stx(Size::Dw, R10, stack::VALUE_GROUP, R1);
            a.stx(Size::Dw, R10, stack::VALUE_TASK, R6);
            a.stx(Size::Dw, R10, stack::VALUE_TGID, R8);
            a.mov(R3, R10);
            a.add(R3, i32::from(stack::VALUE));
            a.mov(R4, BPF_ANY);
            call_with_files(&mut a, shared, MAP_UPDATE_ELEM);
            a.jne(R0, 0, private);
            a.mov(R1, R8);
            append(&mut a);
            a.ldx(Size::Dw, R1, R10, stack::VALUE_GROUP);
            a.stx(Size::Dw, R10, stack::HOLDER, R1);
            append(&mut a);
        }
    }

    a.bind(private);
    a.ldx(Size::Dw, R9, R7, layout.files_table);
    a.stx(Size::Dw, R10, stack::TABLE, R9);
    a.ldx(Size::W, R8, R9, layout.table_size);
    a.ldx(Size::Dw, R7, R9, layout.table_files); // the next slot
    a.lsh(R8, 3);
    a.add(R8, R7); // the end of the table
    a.ldx(Size::Dw, R6, R10, stack::HOLDER);

    a.bind(next_file);
    a.may_goto(incomplete);
    a.jge(R7, R8, table_ends);
    a.mov(R1, R7);
    a.add(R7, 8);
    load_pointer(&mut a);
    a.mov(R9, R0);
    a.jeq(R9, 0, next_file);
    a.mov(R1, R9);
    if let Some(filter) = maps.filter {
        file_filter::emit_test(&mut a, filter, [R1, R2, R3], next_file);
        a.mov(R1, R9);
    }
    cast_r1(&mut a, layout.file);
    let [unknown_ops, is_socket] = std::array::from_fn(|_| a.label());
    a.ldx(Size::Dw, R2, R0, layout.file_ops);
    a.stx(Size::Dw, R10, stack::OPS, R2);
    a.ldx(Size::Dw, R3, R10, stack::SOCKET_OPS);
    a.jeq(R3, 0, unknown_ops);
    a.jne(R2, R3, next_file);
    a.bind(is_socket);
    a.ldx(Size::Dw, R1, R0, layout.file_inode);
    a.ldx(Size::Dw, R1, R1, layout.inode_number);
    a.stx(Size::Dw, R10, stack::INODE, R1);
    // Adds nothing, but no processor can read the slot again before it has the inode.
    a.and(R1, 0);
    a.add(R1, R7);
    a.add(R1, -8);
    load_pointer(&mut a);
    a.jne(R0, R9, next_file);
    // The file may have been freed and opened as another one at the same place.
    a.mov(R1, R9);
    cast_r1(&mut a, layout.file);
    a.ldx(Size::Dw, R2, R0, layout.file_ops);
    a.ldx(Size::Dw, R3, R10, stack::OPS);
    a.jne(R2, R3, next_file);
    a.ldx(Size::Dw, R1, R10, stack::INODE);
    a.lsh(R1, 32); // sockfs numbers its inodes with 32 bits
    a.or(R1, R6);
    // A socket that was duplicated many times counts once.
    a.ldx(Size::Dw, R2, R10, stack::LAST);
    a.jeq(R1, R2, next_file);
    a.stx(Size::Dw, R10, stack::LAST, R1);
    append(&mut a);
    a.ja(next_file);

    a.bind(unknown_ops);
    socket_file::emit_test(&mut a, layout, R0, [R1, R2], next_file);
    a.lddw_map_value(R4, maps.array, 0);
    a.ldx(Size::Dw, R2, R10, stack::OPS);
    a.ldx(Size::Dw, R3, R4, LAST_OPS);
    a.stx(Size::Dw, R4, LAST_OPS, R2);
    a.jne(R2, R3, is_socket);
    a.stx(Size::Dw, R4, SOCKET_OPS, R2);
    a.ldx(Size::Dw, R2, R4, SOCKET_OPS);
    a.stx(Size::Dw, R10, stack::SOCKET_OPS, R2);
    a.ja(is_socket);

    a.bind(table_ends);
    a.lddw_map_value(R9, maps.array, 0);
    // Adds nothing, but is a barrier: everything above has been read before anything below.
    a.mov(R1, 0);
    a.atomic(Atomic::FetchAdd, Size::Dw, R9, COUNT, R1);
    a.ldx(Size::Dw, R7, R10, stack::FILES);
    a.ldx(Size::Dw, R8, R7, layout.files_table);
    a.ldx(Size::Dw, R6, R10, stack::TASK);
    a.ldx(Size::Dw, R1, R6, layout.task_files);
    a.jeq(R1, 0, task_exited);
    a.jne(R1, R7, incomplete);
    a.ldx(Size::Dw, R1, R10, stack::TABLE);
    a.jeq(R1, R8, end);

    a.bind(incomplete);
    a.lddw_map_value(R9, maps.array, 0);
    a.mov(R1, 1);
    a.stx(Size::Dw, R9, INCOMPLETE, R1);
    a.ja(end);

    a.bind(task_exited);
    a.lddw_map_value(R9, maps.array, 0);
    a.ldx(Size::Dw, R1, R10, stack::BEFORE);
    a.stx(Size::Dw, R9, COUNT, R1);
    if let Some(shared) = maps.shared {
        call_with_files(&mut a, shared, MAP_DELETE_ELEM);
    }

    a.bind(end);
    a.mov(R0, 0);
    a.exit();
    a.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::OwnerStatus;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn members_of_groups_are_separated_from_sockets() {
        let entry = InodeOwners::entry;
        let written = vec![entry(5, 9), entry(0, 3), entry(0, GROUP | 1), entry(7, GROUP | 1), entry(0, 4), entry(0, GROUP | 1)];
        let owners = InodeOwners::from_entries(decode(written), OwnerStatus::Gone);
        assert_eq!(owners.of(5).pids().collect::<Vec<_>>(), [9]);
        assert_eq!(owners.of(7).pids().collect::<Vec<_>>(), [3, 4]);
        let cut = InodeOwners::from_entries(decode(vec![entry(5, 9), entry(0, 3)]), OwnerStatus::Gone);
        assert_eq!(cut.of(5).pids().collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn the_sockets_of_this_process_are_found_and_too_many_are_counted() {
        let Ok(layout) = TaskFileLayout::of_running_kernel() else { return eprintln!("SKIPPED: this kernel has no BTF") };
        let tables = match TaskIter::open(&layout, 1 << 20, true) {
            Ok(tables) => tables,
            Err(error) => return eprintln!("SKIPPED: no iterator here: {error}"),
        };
        let sockets = [(); 3].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let Answer::Whole(found) = tables.read().unwrap() else { panic!("a million entries are not enough") };
        let owners = InodeOwners::from_entries(found.entries, OwnerStatus::Gone);
        for socket in &sockets {
            let path = format!("/proc/thread-self/fd/{}", socket.as_raw_fd());
            let inode = std::fs::metadata(path).unwrap().ino() as u32;
            assert!(owners.of(inode).pids().any(|pid| pid == std::process::id()));
        }
        let Answer::TooLong(count) = TaskIter::open(&layout, 2, true).unwrap().read().unwrap() else { panic!("there are three") };
        assert!(count >= 3);
        let nothing = TaskIter::open_filtered(&layout, 1 << 16).unwrap().read_filtered(&FileFilter::default()).unwrap();
        let Answer::Whole(found) = nothing else { panic!("no file is looked for") };
        assert_eq!(InodeOwners::from_entries(found.entries, OwnerStatus::Gone).of(1).pids().count(), 0);
        // The shorter program is accepted too.
        TaskIter::open(&layout, 1 << 20, false).unwrap().read().unwrap();
    }
}
