//! What Linux provides of the contract in [`crate::platform`].

pub(crate) use super::capabilities::{drop_capabilities, has_more_rights_than_its_caller};
pub(crate) use super::close::{close_sockets, identify_sockets};
pub(crate) use super::closed_stdout::is_stdout_closed;
pub(crate) use super::end::{end_processes, is_kernel_process, process_start};
pub(crate) use super::interfaces::totals as interface_totals;
pub(crate) use super::namespaces::names::{container_at, container_name};
pub(crate) use super::netlink::rdma_dump::read as rdma;
pub(crate) use super::process_facts::{process_clock, process_facts};
pub(crate) use super::procfs::addresses::of_namespace as namespace_addresses;
pub(crate) use super::procfs::cgroup::membership;
pub(crate) use super::procfs::limits::{descriptors, read as limits};
pub(crate) use super::procfs::statistics::read as statistics;
pub(crate) use super::routes::read as routing;
pub(crate) use super::sockets::destroy_group::closed_connections;
pub(crate) use super::sockets::snapshot::snapshot;
pub(crate) use super::systemd::{socket_units, unit_policy};
pub(crate) use super::wait::wait;
pub(crate) use crate::platform::unix::conventions::{LINE_END, MORE_RIGHTS, host_name, is_closed_pipe, services_file};
pub(crate) use crate::platform::unix::interface_names::{interface_index, interface_name};
pub(crate) use crate::platform::unix::signals::is_interrupt_ignored;
pub(crate) use crate::platform::unix::stdout::wait_for_stdout;
#[cfg(feature = "watch")]
pub(crate) use crate::platform::unix::terminal_signals::{ask_job_to_stop, stop, watch_terminal_signals};
pub(crate) use crate::platform::unix::users::{local_user_id, process_user_name, user_id};

use super::procfs;
use crate::model::port_policy::PortPolicy;
use crate::model::system::System;

pub(crate) const SYSTEM: System = System::Linux;

/// The settings of ports, and whether this caller is bound by them.
pub(crate) fn port_policy() -> PortPolicy {
    let caller = crate::platform::unix::caller::port_policy();
    PortPolicy { caller_is_root: caller.caller_is_root, caller_uid: caller.caller_uid, ..procfs::port_policy::read() }
}

/// Sets up signals, and lets all threads share one memory arena of the GNU C library.
pub(crate) fn begin() {
    crate::platform::unix::signals::ignore_file_size_signal();
    #[cfg(target_env = "gnu")]
    super::malloc::use_one_arena();
}
