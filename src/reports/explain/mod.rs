//! Why a port is taken, or whether it can be bound (`--explain`).

mod advice;
pub mod commands;
pub mod compute;
mod ends;
pub(super) mod json;
pub mod namespaces;
pub mod text;
pub mod wait;
