//! Plain data: what was read of the system. Nothing here reads it.

pub mod action;
pub mod answer;
pub mod bind;
pub mod cgroup;
pub mod closed;
pub mod details;
pub mod exposure;
pub mod interface;
pub mod namespace;
pub mod owners;
pub mod port_policy;
pub mod pressure;
pub mod problem;
pub mod process;
pub mod rdma;
pub mod route;
pub mod snapshot;
pub mod socket;
pub mod statistics;
pub mod system;
pub mod tcp_info;
pub mod time;
