//! The type information of the running kernel.

use super::btf::{self, BtfError};
use super::mapping::Mapping;
use super::task_layout::TaskFileLayout;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::sync::OnceLock;

/// The type information, mapped once, or why it cannot be mapped: mapping it takes half a millisecond, and it does not change.
static MAPPED: OnceLock<Result<Mapping, Errno>> = OnceLock::new();

/// Looks something up in the type information of the running kernel. It is mapped if the kernel allows it (6.16), which saves
/// 5 MB of copying.
pub(crate) fn find<T>(find: impl FnOnce(&[u8]) -> Result<T, BtfError>) -> io::Result<T> {
    let found = match MAPPED.get_or_init(|| Mapping::of_file(&open()?)) {
        Ok(mapping) => find(mapping.bytes()),
        // If there is no memory to map it there is none to copy it.
        Err(Errno::NOMEM) => return Err(Errno::NOMEM.into()),
        Err(_) => {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut std::fs::File::from(open()?), &mut bytes)?;
            find(&bytes)
        }
    };
    found.map_err(io::Error::other)
}

fn open() -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(btf::PATH, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

impl TaskFileLayout {
    /// The layout in the running kernel.
    pub(crate) fn of_running_kernel() -> io::Result<Self> {
        find(Self::find)
    }
}
