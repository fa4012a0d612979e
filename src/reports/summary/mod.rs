//! The sockets in a few numbers (`--summary`). What they add up to is computed by [`crate::moment::summary`].

pub(super) mod json;
pub mod text;
