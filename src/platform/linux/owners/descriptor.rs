//! Descriptors of sockets, and whether they hold their sockets open.

use crate::model::socket::Pid;
use rustix::fd::OwnedFd;
use rustix::fs::AtFlags;

/// A descriptor that is a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    /// As [`crate::model::owners::InodeOwners::entry`] packs it.
    pub(super) entry: u64,
    /// A task that has it.
    pub(super) task: Pid,
    /// Its number, or [`CHECKED`].
    pub(super) number: u32,
}

/// In place of the number of a descriptor that is known to hold its socket open.
pub(super) const CHECKED: u32 = u32::MAX;

impl Descriptor {
    /// Whether the descriptor was opened by `O_PATH`, so that it does not hold the socket open: the permissions of its link say
    /// for what it is open.
    pub(super) fn is_path(&self, proc: &OwnedFd) -> bool {
        if self.number == CHECKED {
            return false;
        }
        let path = format!("{}/fd/{}", self.task, self.number);
        rustix::fs::statat(proc, path, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|link| is_path_link(link.st_mode))
    }
}

/// Whether the link of a descriptor is that of one that is open for neither reading nor writing. Sockets are open for both.
pub(super) const fn is_path_link(mode: u32) -> bool {
    mode & 0o600 == 0
}
