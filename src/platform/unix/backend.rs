//! What a Unix system provides of the contract in [`crate::platform`] for which no backend exists.

pub(crate) use super::conventions::{LINE_END, executable, fixed_name, host_name, image_name, is_closed_pipe, services_file};
pub(crate) use super::interface_names::{interface_index, interface_name};
pub(crate) use super::users::{user_id, user_name, user_of_process};
pub(crate) use crate::platform::unsupported::{
    SYSTEM, begin, interface_totals, membership, port_policy, rdma, routing, snapshot, statistics, wait,
};
