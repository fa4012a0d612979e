//! The operating system: what the rest of the program may ask of it.
//!
//! # The contract
//! The functions and constants of this module are the contract of every backend; the documentation of each says what an answer
//! means. A backend is a module `backend` that exports an item of the same name and type for each of them: its own where it
//! has one, that of `unix` for what all Unix systems share, and that of `unsupported` for what the system does not give.
//! Nothing outside of this module knows which backend is in use; what differs for users depends on [`SYSTEM`] alone.
//!
//! A backend never fails as a whole. What could not be read is a [`Problem`] beside what was read, each problem once.
//!
//! # Adding a system
//! Declare its modules below, and add one line to the list of backends.
//!
//! # Where code goes
//! What a kernel answers is parsed by pure functions of bytes or text, which compile on every system, so that the parsers of
//! all systems are tested and fuzzed on each. Files that make system calls compile only on their system. `cfg(target_os)`
//! stands in this file alone. `README.md` beside it says what each backend reads, by which calls and with which rights.

use crate::model::action::{Ending, ProcessTarget, Report, SocketIdentity, SocketTarget, UnitPolicy};
#[cfg(feature = "cli")]
use crate::model::bind::BindAttempt;
use crate::model::cgroup::Cgroup;
use crate::model::closed::ClosedFeed;
use crate::model::interface::InterfaceTotals;
use crate::model::owners::OwnerSearch;
use crate::model::port_policy::PortPolicy;
use crate::model::pressure::{Limits, Usage};
use crate::model::problem::Problem;
use crate::model::process::{Facts, ProcessRead};
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::snapshot::Snapshot;
#[cfg(feature = "cli")]
use crate::model::socket::Protocol;
use crate::model::socket::{Pid, Socket};
use crate::model::statistics::{Section, Statistics};
use crate::model::system::System;
use crate::request::{LineEnding, Query};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

// The backends. The first condition that holds chooses one.
cfg_select! {
    target_os = "linux" => { use linux::backend; }
    windows => { use windows::backend; }
    target_os = "macos" => { use macos::backend; }
    target_os = "android" => { use portable::backend; }
    _ => { use unix::backend; }
}

pub mod linux {
    //! Linux: `sock_diag`, `rtnetlink`, eBPF iterators, `/proc`.

    pub mod bpf {
        //! Owners by eBPF: an assembler, the kernel's type information, and the programs.

        pub mod assembler;
        pub mod btf;
        pub mod file_filter;
        pub mod insn;
        pub mod pass_clock;
        pub mod pass_layout;
        pub mod pass_program;
        pub mod pass_rows;
        pub mod task_layout;

        #[cfg(target_os = "linux")]
        pub(crate) mod io_uring_iter;
        #[cfg(target_os = "linux")]
        pub(crate) mod kernel_btf;
        #[cfg(target_os = "linux")]
        pub(crate) mod mapping;
        #[cfg(target_os = "linux")]
        pub(crate) mod namespace_iter;
        #[cfg(target_os = "linux")]
        pub(crate) mod pass;
        #[cfg(target_os = "linux")]
        pub(crate) mod pass_reader;
        #[cfg(target_os = "linux")]
        pub(crate) mod seq_file;
        #[cfg(target_os = "linux")]
        pub(crate) mod socket_file;
        #[cfg(target_os = "linux")]
        pub(crate) mod syscall;
        #[cfg(target_os = "linux")]
        pub(crate) mod task_file_iter;
        #[cfg(target_os = "linux")]
        pub(crate) mod task_iter;
    }

    #[cfg(target_os = "linux")]
    pub(crate) mod namespaces {
        //! The sockets of every network namespace.

        pub(crate) mod enter;
        pub(crate) mod list;
        pub(crate) mod names;
        pub(crate) mod read;
        pub(crate) mod text;
        pub(crate) mod uts;
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
        mod descriptor;
        #[cfg(target_os = "linux")]
        pub(crate) mod inode_set;
        #[cfg(target_os = "linux")]
        pub(crate) mod kcmp;
        #[cfg(target_os = "linux")]
        pub(crate) mod proc_fd;
        #[cfg(target_os = "linux")]
        pub(crate) mod search;
    }

    pub mod procfs {
        //! Files under `/proc`.

        pub mod addresses;
        pub mod cgroup;
        pub mod limits;
        pub mod net;
        pub mod pid;
        pub mod port_policy;
        pub mod small_file;
        pub mod snmp;
        pub mod sockstat;

        #[cfg(target_os = "linux")]
        pub(crate) mod statistics;
    }

    pub mod sockets {
        //! The tables of sockets.

        pub mod destroyed;
        pub mod inet_diag_filter;
        pub mod partition;
        pub mod sock_diag;
        pub mod tcp_info;

        #[cfg(target_os = "linux")]
        pub(crate) mod bound;
        #[cfg(target_os = "linux")]
        pub(crate) mod destroy_group;
        #[cfg(target_os = "linux")]
        pub(crate) mod pressure;
        #[cfg(target_os = "linux")]
        pub(crate) mod reader;
        #[cfg(target_os = "linux")]
        pub(crate) mod snapshot;
    }

    pub mod route_tables;
    pub mod unit_file;

    #[cfg(target_os = "linux")]
    pub(super) mod backend;
    #[cfg(target_os = "linux")]
    pub(crate) mod capabilities;
    #[cfg(target_os = "linux")]
    pub(crate) mod close;
    #[cfg(target_os = "linux")]
    pub(crate) mod closed_stdout;
    #[cfg(target_os = "linux")]
    pub(crate) mod end;
    #[cfg(target_os = "linux")]
    pub(crate) mod interfaces;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    pub(crate) mod malloc;
    #[cfg(target_os = "linux")]
    pub(crate) mod process_facts;
    #[cfg(target_os = "linux")]
    pub(crate) mod routes;
    #[cfg(target_os = "linux")]
    pub(crate) mod systemd;
    #[cfg(target_os = "linux")]
    pub(crate) mod wait;
}

pub mod windows {
    //! Windows: IP Helper.

    pub mod call_with_buffer;
    pub mod file_time;
    pub mod module_info;
    pub mod persistent;
    pub mod routing;
    pub mod tables;

    #[cfg(windows)]
    mod adapters;
    #[cfg(windows)]
    pub(super) mod backend;
    #[cfg(windows)]
    mod close;
    #[cfg(windows)]
    mod conventions;
    #[cfg(windows)]
    mod dynamic_imports;
    #[cfg(windows)]
    mod end;
    #[cfg(windows)]
    mod host_name;
    #[cfg(windows)]
    mod interface_names;
    #[cfg(windows)]
    mod interfaces;
    #[cfg(windows)]
    mod ip_helper;
    #[cfg(windows)]
    mod mib;
    #[cfg(windows)]
    mod owner_module;
    #[cfg(windows)]
    mod process_image;
    #[cfg(windows)]
    mod registry;
    #[cfg(windows)]
    mod routes;
    #[cfg(windows)]
    mod sockets;
    #[cfg(windows)]
    mod statistics;
    #[cfg(windows)]
    mod users;
}

pub mod macos {
    //! macOS: libproc and the routing socket's `sysctl`.

    pub mod interface_data;
    pub mod read_whole;
    pub mod route_messages;
    pub mod socket_fdinfo;
    pub mod socket_rows;

    #[cfg(target_os = "macos")]
    pub(super) mod backend;
    #[cfg(target_os = "macos")]
    mod end;
    #[cfg(target_os = "macos")]
    mod interfaces;
    #[cfg(target_os = "macos")]
    mod libproc;
    #[cfg(target_os = "macos")]
    mod routes;
    #[cfg(target_os = "macos")]
    mod sockets;
    #[cfg(target_os = "macos")]
    mod sysctl;
}

#[cfg(unix)]
mod unix {
    //! What all Unix systems share, and the backend of those that have no other.

    #[allow(unused_imports, reason = "chosen on systems that have no other backend")]
    pub(super) mod backend;
    pub(super) mod caller;
    pub(super) mod conventions;
    pub(super) mod interface_names;
    #[cfg(target_os = "macos")]
    pub(super) mod set_user_id;
    pub(super) mod signals;
    pub(super) mod stdout;
    #[cfg(feature = "watch")]
    pub(super) mod terminal_signals;
    pub(super) mod users;
}

#[cfg(any(target_os = "android", all(test, target_os = "linux")))]
mod portable {
    //! The crate netstat2: the backend of Android, and an oracle for tests on Linux.

    #[cfg(target_os = "android")]
    pub(super) mod backend;
    mod sockets;
}

mod little_endian;

#[cfg(feature = "cli")]
mod try_bind;

#[allow(dead_code, reason = "Linux looks at the descriptors of the process")]
mod owned_still;

// For systems that do not name the source address of a route.
pub mod own_addresses;

#[cfg(unix)]
pub mod passwd;

#[allow(dead_code, reason = "Linux reads the facts about processes itself, and has this as an oracle for tests")]
mod sysinfo_processes;

#[allow(dead_code, reason = "each system leaves those answers unused for which it has its own")]
mod unsupported;

/// The operating system that this program was built for.
pub const SYSTEM: System = backend::SYSTEM;

/// What to do to see more, for the end of a message.
pub const MORE_RIGHTS: &str = backend::MORE_RIGHTS;

/// How a line of the output ends on this system, unless something else is asked for.
pub const LINE_END: LineEnding = backend::LINE_END;

/// Whether a socket has a user; if not, the user is that of the process that holds it.
pub const SOCKETS_HAVE_USERS: bool = matches!(SYSTEM, System::Linux);

/// Prepares the process, before anything else is done.
pub(crate) fn begin() {
    backend::begin();
}

/// Reads the sockets that the query wants, then their owners as far as the search goes.
///
/// Rows that the query does not match may be left out already here. The position of a row is its identity: owners, details
/// and services refer to it.
pub fn snapshot(query: &Query, owners: OwnerSearch) -> Snapshot {
    backend::snapshot(query, owners)
}

/// Begins to take note of the TCP connections that are closed from now on, or says why this system does not tell.
pub(crate) fn closed_connections() -> Result<ClosedFeed, String> {
    backend::closed_connections()
}

/// How the pause between two displays ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The time is up.
    Elapsed,
    /// The reader of stdout has closed it.
    OutputClosed,
}

/// Waits between two displays. Where the system can tell, it returns as soon as the reader of stdout has closed it; elsewhere
/// the next write shows it.
pub fn wait(duration: Duration) -> Wait {
    backend::wait(duration)
}

/// Reads the counters of the protocols, as far as these sections need them.
pub fn statistics(sections: &[Section]) -> (Statistics, Vec<Problem>) {
    backend::statistics(sections)
}

/// Reads the counters of the network interfaces and adds them up, without loopbacks.
pub fn interface_totals() -> (InterfaceTotals, Vec<Problem>) {
    backend::interface_totals()
}

/// Reads the interfaces and the routes.
pub fn routing() -> (Routing, Vec<Problem>) {
    backend::routing()
}

/// Reads the RDMA connections.
pub fn rdma() -> (Vec<RdmaEndpoint>, Vec<Problem>) {
    backend::rdma()
}

/// Whether this program was given rights that its caller does not have, by file capabilities or the set-user-ID bit.
pub(crate) fn has_more_rights_than_its_caller() -> bool {
    backend::has_more_rights_than_its_caller()
}

/// Gives up the capabilities of this process, and says whether names may be looked up now: not if it keeps rights that its
/// caller does not have.
pub(crate) fn drop_capabilities() -> bool {
    backend::drop_capabilities()
}

/// Whether the caller has closed standard output, as far as the system lets that be known.
pub(crate) fn is_stdout_closed() -> bool {
    backend::is_stdout_closed()
}

/// Waits until standard output takes bytes again, after a write that would have blocked.
pub(crate) fn wait_for_stdout() -> io::Result<()> {
    backend::wait_for_stdout()
}

/// Whether the caller has made this process ignore CTRL+C.
pub(crate) fn is_interrupt_ignored() -> bool {
    backend::is_interrupt_ignored()
}

/// Watches for the signals that concern a program with a screen. `take` is called on a thread of its own; it has given the
/// terminal back when it returns from [`TerminalSignal::End`], at which this process then ends.
#[cfg(feature = "watch")]
pub(crate) fn watch_terminal_signals(take: impl Fn(TerminalSignal) + Send + 'static) -> io::Result<()> {
    backend::watch_terminal_signals(take)
}

/// A signal that concerns a program with a screen.
#[cfg(feature = "watch")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "some systems have no such signals")]
pub(crate) enum TerminalSignal {
    /// It is to end.
    End,
    /// It is to stop until it is continued.
    Stop,
    /// It was continued.
    Continue,
}

/// Asks this process and the others of its job to stop, as the terminal does at CTRL+Z.
#[cfg(feature = "watch")]
pub(crate) fn ask_job_to_stop() {
    backend::ask_job_to_stop();
}

/// Stops this process until it is continued.
#[cfg(feature = "watch")]
pub(crate) fn stop() {
    backend::stop();
}

/// Whether a write failed because the reader has closed its end.
pub fn is_closed_pipe(error: &io::Error) -> bool {
    backend::is_closed_pipe(error)
}

/// The file with the names of the well-known ports.
pub fn services_file() -> PathBuf {
    backend::services_file()
}

/// Reads these facts of processes, one answer for each, in their order. It ends within some seconds even if a process hangs
/// in the kernel. Users have no names yet: those are looked up by [`process_user_name`].
pub(crate) fn process_facts(pids: &[Pid], facts: Facts) -> (Vec<ProcessRead>, Vec<Problem>) {
    backend::process_facts(pids, facts)
}

/// Now, in the unit of [`Process::start_order`](crate::model::process::Process::start_order).
pub(crate) fn process_clock() -> u64 {
    backend::process_clock()
}

/// The name of a user that a process runs as, by the id that [`process_facts`] gave.
pub(crate) fn process_user_name(id: &str) -> Option<String> {
    backend::process_user_name(id)
}

/// The name of this host, with its domain if the system gives it.
pub fn host_name() -> Option<String> {
    backend::host_name()
}

/// What this host's settings say about ports: empty if the system does not give them.
pub fn port_policy() -> PortPolicy {
    backend::port_policy()
}

/// The limits that this host sets for all its sockets together: empty if the system does not give them.
pub(crate) fn limits() -> Limits {
    backend::limits()
}

/// How many descriptors a process has open, 0 if that is unknown, and how many it may have; `None` if the system does not say.
pub(crate) fn descriptors(pid: Pid) -> Option<Usage> {
    backend::descriptors(pid)
}

/// Tries to bind a port on every address of each family, and closes it again.
#[cfg(feature = "cli")]
pub(crate) fn try_bind(protocol: Protocol, port: u16) -> Vec<BindAttempt> {
    try_bind::EVERY_ADDRESS.map(|address| try_bind::try_bind(protocol, address, port)).into()
}

/// The systemd unit and the container of a process: empty if the system has no such thing.
pub fn membership(pid: Pid) -> Cgroup {
    backend::membership(pid)
}

/// The addresses of the network namespace that a process is in: empty if the system has no namespaces.
pub fn namespace_addresses(pid: Pid) -> Vec<IpAddr> {
    backend::namespace_addresses(pid)
}

/// When a process was started, as exactly as the system knows it, on a clock of its own; `None` if there is no such process.
pub(crate) fn process_start(pid: Pid) -> Option<u64> {
    backend::process_start(pid)
}

/// Whether a process is the kernel's own.
pub(crate) fn is_kernel_process(pid: Pid) -> bool {
    backend::is_kernel_process(pid)
}

/// What the service manager does if a process of a unit ends, a user's own or that of the system: empty if the system has no
/// units.
pub(crate) fn unit_policy(unit: &str, manager_of: Option<u32>) -> UnitPolicy {
    backend::unit_policy(unit, manager_of)
}

/// The units that hold the port of a socket for services.
pub(crate) fn socket_units(socket: &Socket) -> Vec<String> {
    backend::socket_units(socket)
}

/// The name of the container that a process runs in, as its engine knows it.
pub(crate) fn container_name(pid: Pid) -> Option<String> {
    backend::container_name(pid)
}

/// The name of the container with an address.
pub(crate) fn container_at(address: &str) -> Option<String> {
    backend::container_at(address)
}

/// Ends processes, each only if it is still the one that was chosen, and waits until they have ended. One report for each, in
/// their order.
pub(crate) fn end_processes(targets: &[ProcessTarget], ending: Ending) -> Vec<Report> {
    backend::end_processes(targets, ending)
}

/// What tells each socket from those before and after it; or why it cannot be closed. One answer for each, in their order.
pub(crate) fn identify_sockets(targets: &[SocketTarget]) -> Vec<Result<SocketIdentity, Report>> {
    backend::identify_sockets(targets)
}

/// Closes sockets, each only if it is still the one that was identified. One report for each, in their order.
pub(crate) fn close_sockets(targets: &[(SocketTarget, SocketIdentity)]) -> Vec<Report> {
    backend::close_sockets(targets)
}

/// The name of the interface that has this index now.
pub fn interface_name(index: u32) -> Option<String> {
    backend::interface_name(index)
}

/// The index of the interface of this name, which is the scope id of its link-local addresses.
pub fn interface_index(name: &str) -> Option<u32> {
    backend::interface_index(name)
}

/// The id of a user name. The system's user database may take as long as it likes.
pub(crate) fn user_id(name: &str) -> Option<u32> {
    backend::user_id(name)
}

/// The id of a user name, if it can be told without the system's user database, which may load code and ask servers.
pub(crate) fn local_user_id(name: &str) -> Option<u32> {
    backend::local_user_id(name)
}

/// A file name that is not valid Unicode, as this system allows them.
#[cfg(all(test, unix))]
pub(crate) fn name_that_is_no_text() -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(b"bad\xff\x1b".to_vec())
}

/// A file name that is not valid Unicode, as this system allows them.
#[cfg(all(test, windows))]
pub(crate) fn name_that_is_no_text() -> std::ffi::OsString {
    std::os::windows::ffi::OsStringExt::from_wide(&[0x62, 0xd800, 0x1b])
}
