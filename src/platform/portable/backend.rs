//! What Android provides of the contract in [`crate::platform`].

pub(crate) use super::sockets::snapshot;
pub(crate) use crate::platform::sysinfo_processes::{process_clock, process_facts};
pub(crate) use crate::platform::unix::conventions::{LINE_END, host_name, is_closed_pipe, services_file};
pub(crate) use crate::platform::unix::interface_names::{interface_index, interface_name};
pub(crate) use crate::platform::unix::users::{process_user_name, user_id, user_name};
pub(crate) use crate::platform::unsupported::{
    SYSTEM, begin, interface_totals, membership, port_policy, rdma, routing, statistics, wait,
};
