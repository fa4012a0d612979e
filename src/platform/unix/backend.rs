//! What a Unix system provides of the contract in [`crate::platform`] for which no backend exists.

pub(crate) use super::caller::port_policy;
pub(crate) use super::conventions::{LINE_END, MORE_RIGHTS, host_name, is_closed_pipe, services_file};
pub(crate) use super::interface_names::{interface_index, interface_name};
pub(crate) use super::signals::{ignore_file_size_signal as begin, is_interrupt_ignored};
pub(crate) use super::stdout::wait_for_stdout;
#[cfg(feature = "watch")]
pub(crate) use super::terminal_signals::{ask_job_to_stop, stop, watch_terminal_signals};
pub(crate) use super::users::{local_user_id, process_user_name, user_id};
pub(crate) use crate::platform::sysinfo_processes::{process_clock, process_facts};
pub(crate) use crate::platform::unsupported::{
    SYSTEM, closed_connections, descriptors, drop_capabilities, has_more_rights_than_its_caller, interface_totals,
    is_stdout_closed, limits, membership, namespace_addresses, rdma, routing, snapshot, statistics, wait,
};
pub(crate) use crate::platform::unsupported::{
    close_sockets, container_at, container_name, end_processes, identify_sockets, is_kernel_process, process_start, socket_units,
    unit_policy,
};
