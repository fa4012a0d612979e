//! Signals.
#![allow(unsafe_code)] // Dispositions of signals are read and set by libc alone.

/// Lets a write beyond the limit of file sizes (RLIMIT_FSIZE) fail with an error that can be reported; by default SIGXFSZ ends
/// the process.
pub(crate) fn ignore_file_size_signal() {
    // SAFETY: the call takes numbers; ignoring a signal runs no code of this program.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Whether the caller has made this process ignore CTRL+C (`nohup`, a shell's background job).
pub(crate) fn is_interrupt_ignored() -> bool {
    is_ignored(libc::SIGINT)
}

/// Whether a signal does nothing.
pub(super) fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: a `sigaction` of zeros is a valid value; the kernel fills it in.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action nothing is changed; `action` outlives the call.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}
