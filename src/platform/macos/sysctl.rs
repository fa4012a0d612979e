//! `sysctl`.
#![allow(unsafe_code)] // sysctl writes into the caller's memory

use super::read_whole::read_whole;
use std::io;

/// The value of a name, whatever its size.
pub(super) fn read<'a>(name: &[libc::c_int], buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    let mut name = name.to_vec();
    let is_too_small = |error: &io::Error| error.raw_os_error() == Some(libc::ENOMEM);
    read_whole(buffer, is_too_small, |buffer| {
        let (start, mut size) = buffer.map_or((std::ptr::null_mut(), 0), |buffer| (buffer.as_mut_ptr(), buffer.len()));
        let length = libc::c_uint::try_from(name.len()).unwrap_or(0);
        // SAFETY: the name is `length` numbers long, the buffer `size` bytes, or null, for which the call stores the size that
        // it needs; nothing is written to the system.
        let failed = unsafe { libc::sysctl(name.as_mut_ptr(), length, start.cast(), &raw mut size, std::ptr::null_mut(), 0) };
        if failed == 0 { Ok(size) } else { Err(io::Error::last_os_error()) }
    })
}
