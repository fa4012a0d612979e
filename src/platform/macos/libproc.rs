//! The calls of libproc: which processes there are, which descriptors they have, and what a descriptor is.
#![allow(unsafe_code)] // libproc writes into the caller's memory

use super::read_whole::read_whole;
use crate::model::socket::Pid;
use std::io;

/// A number that libproc gives for a failure, or a count of bytes.
type Answer = libc::c_int;

/// `PROC_PIDLISTFILEPORTS`
const LIST_FILE_PORTS: libc::c_int = 14;
/// `PROC_PIDFDSOCKETINFO`, which is also `PROC_PIDFILEPORTSOCKETINFO`
const SOCKET_INFO: libc::c_int = 3;
/// More than `struct socket_fdinfo` has (792 bytes): the kernel refuses a buffer that is too small.
const SOCKET_INFO_SIZE: usize = 1024;

/// The two tables of a process that hold sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descriptors {
    /// File descriptors.
    Files,
    /// File descriptors that were turned into Mach ports, which keep a socket open without a descriptor.
    FilePorts,
}

/// The memory for the answers, used again for each call.
#[derive(Debug, Default)]
pub(super) struct Libproc {
    list: Vec<u8>,
}

impl Libproc {
    /// Every process there is, the kernel's own (0) left out.
    pub(super) fn processes(&mut self) -> io::Result<Vec<Pid>> {
        let list = read_whole(
            &mut self.list,
            |_| false,
            |buffer| {
                let (start, size) = parts(buffer);
                // SAFETY: the buffer is `size` bytes large, or null, for which the call returns the size that it needs.
                let count = bytes(unsafe {
                    clear_errno();
                    libc::proc_listallpids(start, size)
                })?;
                // The call counts processes, of 32 bits each.
                Ok(count * size_of::<libc::pid_t>())
            },
        )?;
        let (pids, _) = list.as_chunks();
        Ok(pids.iter().map(|&pid| Pid::from_ne_bytes(pid)).filter(|&pid| pid != 0).collect())
    }

    /// The table of descriptors of a process, as [`super::socket_fdinfo::socket_descriptors`] reads it.
    pub(super) fn descriptors(&mut self, pid: Pid, which: Descriptors) -> io::Result<&[u8]> {
        let flavor = match which {
            Descriptors::Files => libc::PROC_PIDLISTFDS,
            Descriptors::FilePorts => LIST_FILE_PORTS,
        };
        read_whole(
            &mut self.list,
            |_| false,
            |buffer| {
                let (start, size) = parts(buffer);
                // SAFETY: the buffer is `size` bytes large, or null, for which the call returns the size that it needs.
                bytes(unsafe {
                    clear_errno();
                    libc::proc_pidinfo(pid.cast_signed(), flavor, 0, start, size)
                })
            },
        )
    }
}

/// What a descriptor is, as [`super::socket_fdinfo::parse`] reads it: the bytes that the kernel has filled in.
pub(super) fn socket_info(
    pid: Pid,
    descriptor: u32,
    which: Descriptors,
    answer: &mut [u8; SOCKET_INFO_SIZE],
) -> io::Result<&[u8]> {
    let pid = pid.cast_signed();
    let size = SOCKET_INFO_SIZE as libc::c_int;
    let start = answer.as_mut_ptr().cast();
    // SAFETY: the buffer is `size` bytes large.
    let filled = bytes(unsafe {
        clear_errno();
        match which {
            Descriptors::Files => libc::proc_pidfdinfo(pid, descriptor.cast_signed(), SOCKET_INFO, start, size),
            Descriptors::FilePorts => libc::proc_pidfileportinfo(pid, descriptor, SOCKET_INFO, start, size),
        }
    })?;
    Ok(answer.get(..filled).unwrap_or_default())
}

/// A buffer for [`socket_info`].
pub(super) const fn socket_info_buffer() -> [u8; SOCKET_INFO_SIZE] {
    [0; SOCKET_INFO_SIZE]
}

fn parts(buffer: Option<&mut [u8]>) -> (*mut libc::c_void, libc::c_int) {
    buffer.map_or((std::ptr::null_mut(), 0), |buffer| {
        let size = libc::c_int::try_from(buffer.len()).unwrap_or(libc::c_int::MAX);
        (buffer.as_mut_ptr().cast(), size)
    })
}

/// libproc returns 0 for a failure as for an empty answer, and tells them apart by `errno` alone.
///
/// # Safety
/// None of its own: it writes to this thread's `errno`.
unsafe fn clear_errno() {
    // SAFETY: the pointer is to this thread's own variable.
    unsafe { *libc::__error() = 0 };
}

/// How many bytes an answer has.
fn bytes(answer: Answer) -> io::Result<usize> {
    let error = io::Error::last_os_error();
    match usize::try_from(answer) {
        Ok(0) if error.raw_os_error() == Some(0) => Ok(0),
        Ok(0) | Err(_) => Err(error),
        Ok(count) => Ok(count),
    }
}
