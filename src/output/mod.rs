//! How what is known becomes text.

pub mod cells;
pub mod text;
