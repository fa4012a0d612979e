//! Dispositions of signals.
#![allow(unsafe_code, reason = "the disposition of a signal is set by a system call")]

/// Lets children end at SIGINT, also if the tests were started with the signal ignored, as shells start what they put in the
/// background. rnetstat leaves a SIGINT ignored that its parent ignores.
pub fn end_children_at_interrupt() {
    // SAFETY: SIG_DFL is a valid disposition, and no handler is replaced: the tests install none.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
}
