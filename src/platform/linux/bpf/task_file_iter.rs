//! Owners by the kernel's own iterator over the open files of all tasks (`iter/task_file`, 5.8).
//!
//! It takes a third of a microsecond for a descriptor, where a system call for each takes two to five.
#![allow(unsafe_code)] // the kernel's type information is mapped

use crate::platform::linux::bpf::btf;
use crate::platform::linux::bpf::insn::{Instruction, Register, Width};
use crate::platform::linux::bpf::syscall;
use crate::platform::linux::bpf::task_layout::TaskFileLayout;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::ops::ControlFlow;

/// Writing into the iterator's output (`BPF_FUNC_seq_write`) is reserved to programs with a license that the GPL admits.
pub(crate) const LICENSE: &std::ffi::CStr = c"Dual MIT/GPL";
/// `BPF_FUNC_seq_write`
const SEQ_WRITE: i32 = 127;
/// `S_IFMT` and `S_IFSOCK`
pub(crate) const FILE_TYPE: i32 = 0o170000;
pub(crate) const SOCKET: i32 = 0o140000;
/// The iterator gives at most this much at once.
const BUFFER: usize = 32 * 1024;

/// The program, loaded and attached.
pub(crate) struct TaskFiles(syscall::Iterator);

impl TaskFiles {
    /// Loads the program. Every error means that this kernel or this user's rights do not allow it.
    pub(crate) fn open(layout: &TaskFileLayout) -> io::Result<Self> {
        syscall::Iterator::attach(&program(layout), layout.file_hook, LICENSE).map(Self)
    }

    /// Hands every descriptor of every process that is a socket to `each`, packed by [`crate::model::owners::InodeOwners::entry`],
    /// until that has enough. Processes come by ascending PID. One that has a socket twice comes twice.
    pub(crate) fn each(&self, mut each: impl FnMut(u64) -> ControlFlow<()>) -> io::Result<()> {
        const ENTRY: usize = size_of::<u64>();
        let run = self.0.run()?;
        let mut buffer = vec![0; BUFFER];
        let mut kept = 0;
        loop {
            let length = match rustix::io::read(&run, &mut buffer[kept..]) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                // The kernel takes a break after a million descriptors of which none is a socket.
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => return Err(error.into()),
            };
            let (entries, rest) = buffer[..kept + length].as_chunks::<ENTRY>();
            if entries.iter().try_for_each(|entry| each(u64::from_ne_bytes(*entry))).is_break() {
                return Ok(());
            }
            kept = rest.len();
            let whole = entries.len() * ENTRY;
            buffer.copy_within(whole..whole + kept, 0);
        }
    }
}

/// The program, which the kernel runs for each descriptor: where it is a socket, its inode and the process that has it
/// are written as the number that [`crate::model::owners::InodeOwners::entry`] makes of them.
///
/// Its context is `struct bpf_iter__task_file`: `meta`, `task`, `fd`, `file`, 8 bytes each. Fields are read through
/// pointers that the kernel knows the types of: reading through one that leads nowhere gives 0.
fn program(layout: &TaskFileLayout) -> [Instruction; 22] {
    use Instruction as I;
    use Register::{R0, R1, R2, R3, R4, R6, R10};
    use Width::{Double, Half, Word};
    [
        I::copy(R6, R1),
        I::load(R2, Double, R6, 8),  // the task
        I::skip_if_equal(R2, 0, 17), // at the very end there is none
        I::load(R3, Double, R6, 24), // the file
        I::skip_if_equal(R3, 0, 15),
        I::load(R3, Double, R3, layout.file_inode),
        I::load(R4, Half, R3, layout.inode_mode),
        I::mask(R4, FILE_TYPE),
        I::skip_unless_equal(R4, SOCKET, 11),
        I::load(R4, Double, R3, layout.inode_number),
        I::shift_left(R4, 32),
        I::load(R2, Word, R2, layout.task_tgid),
        I::merge(R4, R2),
        I::store(R10, -8, R4),
        I::load(R1, Double, R6, 0), // meta, and in it first of all the output
        I::load(R1, Double, R1, 0),
        I::copy(R2, R10),
        I::add(R2, -8),
        I::set(R3, size_of::<u64>() as i32),
        I::call(SEQ_WRITE),
        I::set(R0, 0),
        I::exit(),
    ]
}

/// What the running kernel says of its types. Since 6.16 they can be mapped, which spares 5 MB of copying.
pub(crate) fn layout() -> io::Result<TaskFileLayout> {
    let file = rustix::fs::open(btf::PATH, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let found = match Mapping::of(&file) {
        Ok(mapping) => TaskFileLayout::find(mapping.bytes()),
        // Where there is no room to map them there is none to copy them.
        Err(Errno::NOMEM) => return Err(Errno::NOMEM.into()),
        Err(_) => {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut std::fs::File::from(file), &mut bytes)?;
            TaskFileLayout::find(&bytes)
        }
    };
    found.map_err(io::Error::other)
}

/// A whole file in memory, until it is dropped.
pub(crate) struct Mapping {
    address: *mut std::ffi::c_void,
    length: usize,
}

impl Mapping {
    fn of(file: &OwnedFd) -> rustix::io::Result<Self> {
        Self::new(file, usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0), MapFlags::PRIVATE)
    }

    /// So many bytes of a file.
    pub(crate) fn new(file: &OwnedFd, length: usize, flags: MapFlags) -> rustix::io::Result<Self> {
        // SAFETY: a new mapping at a place that the kernel chooses touches no memory of this process.
        let address = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, flags, file, 0) }?;
        Ok(Self { address, length })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is readable, `length` bytes long, and stays until `self` is dropped. What the kernel shows
        // here is a part of its own image that nobody writes to, or shared memory that is written to in `read` alone.
        unsafe { std::slice::from_raw_parts(self.address.cast(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this structure's own, and no slice of it outlives it.
        let _ = unsafe { rustix::mm::munmap(self.address, self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::InodeOwners;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_sockets_of_this_process_are_among_what_it_says() {
        let tasks = match layout().and_then(|layout| TaskFiles::open(&layout)) {
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
