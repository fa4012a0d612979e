//! What a snapshot looks like: each view writes bytes and knows nothing of the system that they came from.

mod cells;
pub mod connections;
pub mod csv;
pub mod json;
pub mod ndjson;
pub mod wide;

#[cfg(test)]
mod tests;
