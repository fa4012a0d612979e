//! What Windows provides of the contract in [`crate::platform`].

pub(crate) use super::close::{close_sockets, identify_sockets};
pub(crate) use super::conventions::{LINE_END, MORE_RIGHTS, is_closed_pipe, services_file};
pub(crate) use super::end::{end_processes, is_kernel_process, process_start};
pub(crate) use super::host_name::host_name;
pub(crate) use super::interface_names::{interface_index, interface_name};
pub(crate) use super::interfaces::totals as interface_totals;
pub(crate) use super::process_image::process_facts;
pub(crate) use super::routes::read as routing;
pub(crate) use super::sockets::snapshot;
pub(crate) use super::statistics::read as statistics;
pub(crate) use super::users::{local_user_id, process_user_name, user_id};
pub(crate) use crate::platform::sysinfo_processes::process_clock;
pub(crate) use crate::platform::unsupported::{
    begin, closed_connections, descriptors, drop_capabilities, has_more_rights_than_its_caller, is_interrupt_ignored,
    is_stdout_closed, limits, membership, namespace_addresses, port_policy, rdma, wait, wait_for_stdout,
};
pub(crate) use crate::platform::unsupported::{container_at, container_name, socket_units, unit_policy};

#[cfg(feature = "watch")]
pub(crate) use crate::platform::unsupported::{ask_job_to_stop, stop, watch_terminal_signals};

use crate::model::system::System;

pub(crate) const SYSTEM: System = System::Windows;
