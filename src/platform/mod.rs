//! The operating system: every room behind this door exports the same few functions, and this file alone knows which one is open.
//!
//! What a kernel says is parsed by pure functions that are compiled on every system, so that the Windows parsers are
//! tested on Linux and the other way round. The files that make system calls are compiled where those calls are.

use crate::request::{OwnerSearch, SocketRequest};
use crate::snapshot::Snapshot;

pub mod linux {
    //! Linux: `sock_diag`, `/proc`.

    pub mod descriptor_link;
    pub mod nlmsg;
    pub mod proc_net;
    pub mod sock_diag;

    #[cfg(target_os = "linux")]
    pub(crate) mod fd_walk;
    #[cfg(target_os = "linux")]
    pub(crate) mod netlink;
    #[cfg(target_os = "linux")]
    pub(crate) mod owners;
    #[cfg(target_os = "linux")]
    pub(crate) mod sockets;
}

pub mod windows {
    //! Windows: IP Helper.

    pub mod tables;
}

#[cfg(target_os = "linux")]
use linux::sockets as room;

/// Reads the sockets that are wanted, then their owners as far as they are wanted.
pub fn snapshot(request: &SocketRequest, owners: OwnerSearch) -> Snapshot {
    room::snapshot(request, owners)
}

/// Where this system keeps the names of the well-known ports.
pub fn services_file() -> &'static str {
    room::SERVICES_FILE
}
