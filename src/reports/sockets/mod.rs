//! The sockets: the classic table, the wide table, CSV and JSON.

pub(crate) mod cells;
pub mod csv;
pub(crate) mod fit;
pub(crate) mod grid;
pub(crate) mod json;
pub mod table;
pub mod wide;

#[cfg(test)]
mod internals_tests;
