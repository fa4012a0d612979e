//! The capabilities of this process (capabilities(7)): whether they come from the program's file, and giving them up.
#![allow(unsafe_code)] // rustix gives AT_SECURE to runtimes alone.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::fs;

/// Whether the kernel gave this program rights that its caller does not have, by file capabilities or the set-user-ID bit.
pub(crate) fn has_more_rights_than_its_caller() -> bool {
    // SAFETY: the call takes a number and reads what the kernel gave this process at its start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Gives up every capability, and says whether names may be looked up now. Capabilities are of threads: what is started from
/// now on has none, but a thread that hangs in the kernel cannot be made to give them up. That matters if they come from the
/// program's file; to root the user id itself gives most of what the capabilities do.
pub(crate) fn drop_capabilities() -> bool {
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    let has_none = capabilities(None).is_ok_and(|sets| sets == none) || set_capabilities(None, none).is_ok();
    !has_more_rights_than_its_caller() || has_none && other_threads_have_none()
}

fn other_threads_have_none() -> bool {
    // Without /proc there was nothing to hang at.
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return true };
    threads.flatten().all(|thread| {
        fs::read(thread.path().join("status")).is_ok_and(|status| permits_nothing(&status)) || !thread.path().exists()
    })
}

/// Whether the set of permitted capabilities, which the others are a part of, is empty.
fn permits_nothing(status: &[u8]) -> bool {
    let mut lines = status.split(|&byte| byte == b'\n');
    let permitted = lines.find_map(|line| line.strip_prefix(b"CapPrm:"));
    permitted.is_some_and(|set| set.iter().all(|byte| matches!(byte, b'0' | b'\t' | b' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_without_permitted_capabilities_has_none() {
        assert!(permits_nothing(b"Name:\tx\nCapInh:\t0000000000000800\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"));
        assert!(!permits_nothing(b"CapPrm:\t0000000000000400\n"));
        assert!(!permits_nothing(b"Name:\tCapPrm:\n"));
    }

    #[test]
    fn a_thread_that_keeps_its_capabilities_is_noticed() {
        let had = capabilities(None).unwrap().permitted;
        // The other threads of the tests keep what they have, so that this concerns this thread alone.
        let drop = || (drop_capabilities(), other_threads_have_none(), capabilities(None).unwrap());
        let (dropped, others_have_none, left) = std::thread::spawn(drop).join().unwrap();
        assert_eq!(left.permitted | left.effective | left.inheritable, CapabilitySet::empty());
        assert_eq!((dropped, others_have_none), (true, had.is_empty()));
    }
}
