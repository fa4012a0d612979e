//! The RDMA connections (`-x`).

pub(super) mod json;
pub mod text;
