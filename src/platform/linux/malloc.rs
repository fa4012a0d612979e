//! Settings of the C library's allocator.
#![allow(unsafe_code)] // mallopt has no safe wrapper

/// Lets all threads allocate from one arena. glibc reserves 64 MiB of address space for the arena of each thread, of which
/// these threads use little; under `RLIMIT_AS` nothing would be left for the rest.
pub(crate) fn use_one_arena() {
    // SAFETY: the call takes two numbers and only changes what the allocator does from now on.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}
