//! Whether this program was given rights that its caller has not (`AT_SECURE`).
#![allow(unsafe_code)] // rustix tells it to runtimes alone

/// Whether it was: by file capabilities or the set-user-ID bit. What the caller left in the environment is not to be trusted then.
pub(crate) fn has_more_rights_than_its_caller() -> bool {
    // SAFETY: the call takes a number alone and reads what the kernel gave this process at its start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
