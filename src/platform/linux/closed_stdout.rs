//! Whether the caller has closed standard output (`>&-`).
//!
//! Before `main`, the standard library opens /dev/null in the place of a standard stream that is closed, after which it cannot
//! be told from one that the caller has sent there. Therefore this looks before the standard library does.
#![allow(unsafe_code)] // What runs before the standard library calls libc alone.

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The loader calls what is listed in this section before `main`.
// SAFETY: the section holds pointers to functions of this type; the function needs nothing of the standard library's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: the call takes numbers and reads the table of descriptors.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    WAS_CLOSED.store(flags == -1, Ordering::Relaxed);
}

/// Whether standard output was closed when the program was started.
pub(crate) fn is_stdout_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}
