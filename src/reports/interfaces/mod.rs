//! The counters of the interfaces (`-e`).

pub(super) mod json;
pub mod text;
