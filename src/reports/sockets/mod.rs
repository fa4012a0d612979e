//! The sockets: the classic table, the wide table, CSV and JSON.

pub(super) mod cells;
pub mod csv;
mod fit;
pub(crate) mod grid;
pub(super) mod json;
pub mod table;
pub mod wide;

#[cfg(test)]
mod internals_tests;
