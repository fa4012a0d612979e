//! What a system answers that does not give a fact, or that no backend reads: nothing, and the reason.
//!
//! Each function has the name and the type of the one in [`crate::platform`] that it stands in for.

use crate::model::action::{Ending, Outcome, ProcessTarget, Report, SocketIdentity, SocketTarget, UnitPolicy};
use crate::model::cgroup::Cgroup;
use crate::model::closed::ClosedFeed;
use crate::model::interface::InterfaceTotals;
use crate::model::owners::OwnerSearch;
use crate::model::port_policy::PortPolicy;
use crate::model::pressure::{Limits, Usage};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Pid, Socket};
use crate::model::statistics::{Section, Statistics};
use crate::model::system::System;
#[cfg(feature = "watch")]
use crate::platform::TerminalSignal;
use crate::platform::Wait;
use crate::request::Query;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// A system without a backend of its own.
pub(crate) const SYSTEM: System = System::Other;

/// Nothing has to be prepared.
pub(crate) const fn begin() {}

/// There are no file capabilities; a set-user-ID bit is not made use of.
pub(crate) const fn has_more_rights_than_its_caller() -> bool {
    false
}

/// There are no capabilities to give up.
pub(crate) const fn drop_capabilities() -> bool {
    true
}

/// It cannot be known: the standard library has put /dev/null in its place.
pub(crate) const fn is_stdout_closed() -> bool {
    false
}

/// Standard output blocks by itself.
pub(crate) fn wait_for_stdout() -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// There are no such signals: the terminal is given back in the ordinary way.
#[cfg(feature = "watch")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
pub(crate) fn watch_terminal_signals(_take: impl Fn(TerminalSignal) + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// There are no jobs.
#[cfg(feature = "watch")]
pub(crate) const fn ask_job_to_stop() {}

/// Programs are not stopped.
#[cfg(feature = "watch")]
pub(crate) const fn stop() {}

/// CTRL+C is not ignored.
pub(crate) const fn is_interrupt_ignored() -> bool {
    false
}

/// No sockets.
pub(crate) fn snapshot(_request: &Query, _search: OwnerSearch) -> Snapshot {
    Snapshot { problems: vec![unread("the sockets", "Linux, Windows and macOS")], ..Snapshot::default() }
}

/// Nothing is said of connections that are closed.
pub(crate) fn closed_connections() -> Result<ClosedFeed, String> {
    Err("this system does not say which connections are closed".to_owned())
}

/// Waits. Whether the output is still read shows when the next display is written.
pub(crate) fn wait(duration: Duration) -> Wait {
    std::thread::sleep(duration);
    Wait::Elapsed
}

/// No counters of protocols.
pub(crate) fn statistics(_sections: &[Section]) -> (Statistics, Vec<Problem>) {
    (Statistics::default(), vec![unread("the counters of the protocols", "Linux and Windows")])
}

/// No counters of interfaces.
pub(crate) fn interface_totals() -> (InterfaceTotals, Vec<Problem>) {
    (InterfaceTotals::default(), vec![unread("the counters of the interfaces", "Linux, Windows and macOS")])
}

/// No interfaces and no routes.
pub(crate) fn routing() -> (Routing, Vec<Problem>) {
    (Routing::default(), vec![unread("the interfaces and the routes", "Linux, Windows and macOS")])
}

/// No RDMA connections.
pub(crate) fn rdma() -> (Vec<RdmaEndpoint>, Vec<Problem>) {
    let message = "RDMA connections cannot be read on this system: it has no documented way to list them";
    (Vec::new(), vec![Problem::new(ProblemKind::FactUnavailable, message)])
}

/// No settings about ports.
pub(crate) fn port_policy() -> PortPolicy {
    PortPolicy::default()
}

/// No limits.
pub(crate) fn limits() -> Limits {
    Limits::default()
}

/// Neither descriptors nor their limit.
pub(crate) fn descriptors(_pid: Pid) -> Option<Usage> {
    None
}

/// Neither a unit nor a container.
pub(crate) const fn namespace_addresses(_pid: Pid) -> Vec<IpAddr> {
    Vec::new()
}

pub(crate) fn membership(_pid: Pid) -> Cgroup {
    Cgroup::default()
}

/// Nothing identifies a process, so that none is ended.
pub(crate) const fn process_start(_pid: Pid) -> Option<u64> {
    None
}

/// No process is known to be the kernel's.
pub(crate) const fn is_kernel_process(_pid: Pid) -> bool {
    false
}

/// There are no units.
pub(crate) fn unit_policy(_unit: &str, _manager_of: Option<u32>) -> UnitPolicy {
    UnitPolicy::default()
}

/// There are no units.
pub(crate) const fn socket_units(_socket: &Socket) -> Vec<String> {
    Vec::new()
}

/// There are no containers.
pub(crate) const fn container_name(_pid: Pid) -> Option<String> {
    None
}

/// There are no containers.
pub(crate) const fn container_at(_address: &str) -> Option<String> {
    None
}

/// No process is ended.
pub(crate) fn end_processes(targets: &[ProcessTarget], _ending: Ending) -> Vec<Report> {
    vec![Report::because(Outcome::Refused, "processes are not ended on this operating system yet"); targets.len()]
}

/// No socket is closed.
pub(crate) fn identify_sockets(targets: &[SocketTarget]) -> Vec<Result<SocketIdentity, Report>> {
    let reason = "this system has no call that closes another process' socket: --end ends the process";
    vec![Err(Report::because(Outcome::Refused, reason)); targets.len()]
}

/// No socket is closed.
pub(crate) fn close_sockets(targets: &[(SocketTarget, SocketIdentity)]) -> Vec<Report> {
    vec![Report::because(Outcome::Refused, "no socket is closed on this operating system"); targets.len()]
}

fn unread(what: &str, systems: &str) -> Problem {
    let message = format!("{what} cannot be read on this operating system yet: rnetstat reads them on {systems}");
    Problem::new(ProblemKind::TableUnreadable, message)
}
