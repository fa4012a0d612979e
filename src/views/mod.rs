//! What a snapshot looks like: each view writes bytes and knows nothing of the system that they came from.

mod cells;
pub mod connections;
pub mod consumers;
mod counters_json;
pub mod csv;
pub mod explain;
pub mod interfaces;
pub mod json;
pub mod look;
pub mod ndjson;
pub mod rdma;
mod records;
pub mod routes;
mod routes_json;
pub mod statistics;
pub mod summary;
pub mod wide;
mod words;

#[cfg(test)]
pub(crate) mod tests;
