//! What Android provides of the contract in [`crate::platform`].

pub(crate) use super::sockets::snapshot;
pub(crate) use crate::platform::unix::conventions::{
    LINE_END, executable, fixed_name, host_name, image_name, is_closed_pipe, services_file,
};
pub(crate) use crate::platform::unix::interface_names::{interface_index, interface_name};
pub(crate) use crate::platform::unix::users::{user_id, user_name, user_of_process};
pub(crate) use crate::platform::unsupported::{
    SYSTEM, begin, interface_totals, membership, port_policy, rdma, routing, statistics, wait,
};
