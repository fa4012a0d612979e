//! What a snapshot looks like: each view writes bytes and knows nothing of the system that they came from.

mod cells;
pub mod connections;
pub mod csv;
pub mod interfaces;
pub mod json;
pub mod ndjson;
pub mod routes;
pub mod statistics;
pub mod wide;

#[cfg(test)]
mod tests;
