//! What macOS provides of the contract in [`crate::platform`].

pub(crate) use super::end::{end_processes, is_kernel_process, process_start};
pub(crate) use super::interfaces::totals as interface_totals;
pub(crate) use super::routes::read as routing;
pub(crate) use super::sockets::snapshot;
pub(crate) use crate::platform::sysinfo_processes::{process_clock, process_facts};
pub(crate) use crate::platform::unix::caller::port_policy;
pub(crate) use crate::platform::unix::conventions::{LINE_END, MORE_RIGHTS, host_name, is_closed_pipe, services_file};
pub(crate) use crate::platform::unix::interface_names::{interface_index, interface_name};
pub(crate) use crate::platform::unix::set_user_id::has_more_rights_than_its_caller;
pub(crate) use crate::platform::unix::signals::{ignore_file_size_signal as begin, is_interrupt_ignored};
pub(crate) use crate::platform::unix::stdout::wait_for_stdout;
#[cfg(feature = "watch")]
pub(crate) use crate::platform::unix::terminal_signals::{ask_job_to_stop, stop, watch_terminal_signals};
pub(crate) use crate::platform::unix::users::{local_user_id, process_user_name, user_id};
pub(crate) use crate::platform::unsupported::{
    close_sockets, closed_connections, container_at, container_name, identify_sockets, socket_units, unit_policy,
};
pub(crate) use crate::platform::unsupported::{
    descriptors, drop_capabilities, is_stdout_closed, limits, membership, namespace_addresses, rdma, wait,
};

use crate::model::problem::{Problem, ProblemKind};
use crate::model::statistics::{Section, Statistics};
use crate::model::system::System;

pub(crate) const SYSTEM: System = System::MacOs;

/// No counters: macOS 26 answers programs with zeros, which cannot be told from what was counted.
pub(crate) fn statistics(_sections: &[Section]) -> (Statistics, Vec<Problem>) {
    let message = "the counters of the protocols cannot be read: macOS gives zeros for them; use Apple's own netstat -s";
    (Statistics::default(), vec![Problem::new(ProblemKind::TableUnreadable, message)])
}
