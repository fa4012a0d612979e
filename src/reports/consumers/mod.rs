//! The processes that own the most ports (`-c`). They are counted by [`crate::moment::consumers`].

pub(super) mod json;
pub mod text;
