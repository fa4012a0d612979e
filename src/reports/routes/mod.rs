//! The interfaces and the routes (`-r`).

pub(super) mod json;
pub mod text;
