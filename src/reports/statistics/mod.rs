//! The counters of the protocols (`-s`).

pub(super) mod json;
pub mod text;
