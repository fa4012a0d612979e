//! How what is known becomes text.

pub mod addresses;
pub mod cells;
pub mod pieces;
pub mod text;
