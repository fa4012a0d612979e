//! The C library's reserves of memory.
#![allow(unsafe_code)] // mallopt has no safe wrapper

/// Lets all threads take their memory from one place. Each would reserve 64 MiB of addresses for itself, of which it needs
/// little, and where addresses are limited nothing is left for the rest.
pub(crate) fn share() {
    // SAFETY: the call takes two numbers and only changes what the allocator does from now on.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}
