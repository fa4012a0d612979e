//! What is to be done with rows, and what became of it.

pub mod json;
pub mod text;
