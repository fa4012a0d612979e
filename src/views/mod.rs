//! What a snapshot looks like: each view writes bytes and knows nothing of the system that they came from.

pub mod connections;
pub mod consumers;
pub mod interfaces;
pub mod rdma;
pub mod routes;
pub mod statistics;
