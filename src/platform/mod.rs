//! The operating system: every room behind this door exports the same few functions, and this file alone knows which one is open.
//!
//! What a kernel says is parsed by pure functions that are compiled on every system, so that the Windows parsers are
//! tested on Linux and the other way round. The files that make system calls are compiled where those calls are.

use crate::model::cgroup::Membership;
use crate::model::interface::InterfaceTotals;
use crate::model::owners::OwnerSearch;
use crate::model::port_policy::PortRules;
use crate::model::problem::Problem;
use crate::model::process::User;
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::snapshot::Snapshot;
use crate::model::socket::Pid;
use crate::model::statistics::{Section, Statistics};
use crate::output::escape::LineEnd;
use crate::request::Query;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub mod linux {
    //! Linux: `sock_diag`, `rtnetlink`, eBPF iterators, `/proc`.

    pub mod bpf {
        //! Owners by eBPF: an assembler, the kernel's type information, and the programs.

        pub mod btf;
        pub mod insn;
        pub mod task_layout;

        #[cfg(target_os = "linux")]
        pub(crate) mod syscall;
        #[cfg(target_os = "linux")]
        pub(crate) mod task_file_iter;
        #[cfg(target_os = "linux")]
        pub(crate) mod task_iter;
    }

    pub mod netlink {
        //! Netlink: messages, the socket, and the tables that are dumped over it.

        pub mod message;
        pub mod rdma;
        pub mod route;

        #[cfg(target_os = "linux")]
        pub(crate) mod rdma_dump;
        #[cfg(all(test, target_os = "linux"))]
        pub(crate) mod replay;
        #[cfg(target_os = "linux")]
        pub(crate) mod route_dump;
        #[cfg(target_os = "linux")]
        pub(crate) mod socket;
    }

    pub mod owners {
        //! Which processes hold a socket.

        pub mod fd_link;

        #[cfg(target_os = "linux")]
        pub(crate) mod kcmp;
        #[cfg(target_os = "linux")]
        pub(crate) mod proc_fd;
        #[cfg(target_os = "linux")]
        pub(crate) mod search;
    }

    pub mod procfs {
        //! Files under `/proc`.

        pub mod cgroup;
        pub mod net;
        pub mod port_policy;
        pub mod snmp;
        pub mod sockstat;

        #[cfg(target_os = "linux")]
        pub(crate) mod statistics;
    }

    pub mod sockets {
        //! The tables of sockets.

        pub mod inet_diag_filter;
        pub mod partition;
        pub mod sock_diag;

        #[cfg(target_os = "linux")]
        pub(crate) mod bound;
        #[cfg(target_os = "linux")]
        pub(crate) mod reader;
        #[cfg(target_os = "linux")]
        pub(crate) mod snapshot;
    }

    pub mod route_tables;

    #[cfg(target_os = "linux")]
    pub(crate) mod at_secure;
    #[cfg(target_os = "linux")]
    pub(crate) mod interfaces;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    pub(crate) mod malloc;
    #[cfg(target_os = "linux")]
    pub(crate) mod routes;
    #[cfg(target_os = "linux")]
    pub(crate) mod wait;
}

pub mod windows {
    //! Windows: IP Helper.

    pub mod file_time;
    pub mod growing;
    pub mod module_name;
    pub mod persistent;
    pub mod routing;
    pub mod tables;

    #[cfg(windows)]
    pub(crate) mod adapters;
    #[cfg(windows)]
    pub(crate) mod elevation;
    #[cfg(windows)]
    pub(crate) mod interface_names;
    #[cfg(windows)]
    pub(crate) mod interfaces;
    #[cfg(windows)]
    pub(crate) mod ip_helper;
    #[cfg(windows)]
    pub(crate) mod manners;
    #[cfg(windows)]
    pub(crate) mod mib;
    #[cfg(windows)]
    pub(crate) mod optional;
    #[cfg(windows)]
    pub(crate) mod owner_module;
    #[cfg(windows)]
    pub(crate) mod registry;
    #[cfg(windows)]
    pub(crate) mod routes;
    #[cfg(windows)]
    pub(crate) mod sockets;
    #[cfg(windows)]
    pub(crate) mod statistics;
    #[cfg(windows)]
    pub(crate) mod users;
}

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod none;
#[cfg(any(target_os = "macos", all(test, target_os = "linux")))]
mod portable;
#[cfg(unix)]
mod unix_interfaces;
#[cfg(unix)]
mod unix_manners;
#[cfg(unix)]
mod unix_users;
#[cfg(not(any(target_os = "linux", windows)))]
mod untold;

#[cfg(target_os = "linux")]
use linux::{
    interfaces, netlink::rdma_dump, procfs::cgroup as memberships, procfs::port_policy as port_rules, procfs::statistics, routes,
    sockets::snapshot as room, wait as pause,
};
#[cfg(windows)]
use windows::{interfaces, routes, sockets as room, statistics};

#[cfg(not(target_os = "linux"))]
use elsewhere::{memberships, pause, port_rules, rdma_dump};

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
use none as room;
#[cfg(target_os = "macos")]
use portable as room;
#[cfg(not(any(target_os = "linux", windows)))]
use untold::{interfaces, routes, statistics};

#[cfg(windows)]
use windows::{interface_names, manners, users};
#[cfg(unix)]
use {unix_interfaces as interface_names, unix_manners as manners, unix_users as users};

/// How a line of the output ends on this system, unless something else is asked for.
pub const LINE_END: LineEnd = manners::LINE_END;

/// Whether a socket tells its user; where it does not, the process that holds it does.
pub const SOCKETS_HAVE_USERS: bool = cfg!(target_os = "linux");

/// What has to be settled before anything else is done, if anything.
pub(crate) fn begin() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    linux::malloc::use_one_arena();
}

/// Reads the sockets that are wanted, then their owners as far as they are wanted.
pub fn snapshot(request: &Query, owners: OwnerSearch) -> Snapshot {
    room::snapshot(request, owners)
}

/// How a pause between two displays ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The time is up.
    Over,
    /// Nobody reads the output any more.
    ReaderGone,
}

/// Waits between two displays, on Linux no longer than somebody reads the output.
pub fn pause(duration: Duration) -> Pause {
    pause::pause(duration)
}

/// Reads the counters of the protocols, as far as these sections need them.
pub fn statistics(sections: &[Section]) -> (Statistics, Vec<Problem>) {
    statistics::read(sections)
}

/// Reads the counters of the network interfaces and adds them up.
pub fn interface_totals() -> (InterfaceTotals, Vec<Problem>) {
    interfaces::totals()
}

/// Reads the interfaces and the routes.
pub fn routing() -> (Routing, Vec<Problem>) {
    routes::read()
}

/// Reads the RDMA connections; there are none where the system has no such table.
pub fn rdma() -> (Vec<RdmaEndpoint>, Vec<Problem>) {
    rdma_dump::read()
}

/// Whether a write failed because nobody reads any more.
pub fn is_closed_pipe(error: &io::Error) -> bool {
    manners::is_closed_pipe(error)
}

/// Where this system keeps the names of the well-known ports.
pub fn services_file() -> PathBuf {
    manners::services_file()
}

/// The name of a process that the system itself stands behind, where it has a PID of its own.
pub(crate) fn fixed_name(pid: Pid) -> Option<&'static str> {
    manners::fixed_name(pid)
}

/// What this host's settings say about ports, as far as the system tells.
pub fn port_rules() -> PortRules {
    port_rules::read()
}

/// The name of the interface that has this index now.
pub fn interface_name(index: u32) -> Option<String> {
    interface_names::interface_name(index)
}

/// The parts of the system that a process belongs to: on Linux its systemd unit and its container.
pub fn membership(pid: Pid) -> Membership {
    memberships::membership(pid)
}

/// The name of a user id; `None` where it has none, or where sockets have no user ids.
pub fn user_name(uid: u32) -> Option<String> {
    users::user_name(uid)
}

/// The id of a user name.
pub fn user_id(name: &str) -> Option<u32> {
    users::user_id(name)
}

/// The index of the interface of this name, which is the scope id of its link-local addresses.
pub fn interface_index(name: &str) -> Option<u32> {
    interface_names::interface_index(name)
}

/// The user that a process runs as.
pub(crate) fn user_of_process(id: &sysinfo::Uid) -> User {
    users::user_of_process(id)
}

/// A name that is no text, as this system may have them.
#[cfg(all(test, unix))]
pub(crate) fn name_that_is_no_text() -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(b"bad\xff\x1b".to_vec())
}

/// A name that is no text, as this system may have them.
#[cfg(all(test, windows))]
pub(crate) fn name_that_is_no_text() -> std::ffi::OsString {
    std::os::windows::ffi::OsStringExt::from_wide(&[0x62, 0xd800, 0x1b])
}
