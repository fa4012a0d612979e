//! Whether this program was started with the rights of its file's owner.
#![allow(unsafe_code)] // The call has no safe wrapper.

/// Whether the set-user-ID or the set-group-ID bit has given this program rights that its caller does not have.
pub(crate) fn has_more_rights_than_its_caller() -> bool {
    // SAFETY: the call takes nothing, and never fails.
    unsafe { libc::issetugid() != 0 }
}
