//! Whether two threads share their descriptors, as threads of one process nearly always do (`kcmp`).
#![allow(unsafe_code)] // rustix knows nothing of kcmp

use crate::model::socket::Pid;
use std::ffi::c_long;

/// `KCMP_FILES`
const FILES: c_long = 2;

/// Whether the tables of two threads are one; `None` where the kernel cannot or will not tell, or a thread has ended.
pub(crate) fn are_one(first: Pid, second: Pid) -> Option<bool> {
    let [none, first, second] = [0, first, second].map(|number| number as c_long);
    // SAFETY: the call takes numbers alone and touches no memory of this process.
    match unsafe { libc::syscall(libc::SYS_kcmp, first, second, FILES, none, none) } {
        0 => Some(true),
        1.. => Some(false),
        _ => None,
    }
}
