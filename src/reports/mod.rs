//! What a moment looks like: each report writes bytes and knows nothing of the system that they came from.

mod cells;
pub mod connections;
pub mod consumers;
mod counters_json;
pub mod csv;
pub mod explain;
mod i18n;
pub mod interfaces;
pub mod json;
mod json_records;
pub mod ndjson;
pub mod rdma;
pub mod routes;
mod routes_json;
pub mod rows;
pub mod statistics;
pub mod summary;
pub mod table_style;
pub mod wide;

#[cfg(test)]
pub(crate) mod tests;
